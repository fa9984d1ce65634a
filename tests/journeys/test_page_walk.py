"""Walking a long list page by page over HTTP, and what a page of clients with their managers costs."""

from typing import Any

import httpx2
import pytest

from repositories.mongo import Collection
from tests.figures import Figure
from tests.servers import ask, do

EMPLOYEES = (None, 1, 2, 3)


async def load(api: httpx2.AsyncClient, count: int) -> dict[str, int | None]:
    """Clients, three in four of them with one of three values; what each has, by number."""
    values = {f"W{count}-{place:05}": EMPLOYEES[place * 7 % 4] for place in range(count)}
    rows = [
        {"number": number, "kind": "ORGANISATION", "profile": {"name": f"W{count}", "employees": value}}
        for number, value in values.items()
    ]
    for start in range(0, count, 1_000):
        done = await do(api, "clientsUpsert", "report { created }", clients=rows[start : start + 1_000])
        assert done["report"]["created"] == 1_000
    return values


async def walk(api: httpx2.AsyncClient, name: str, direction: str, selection: str, backward: bool) -> list[Any]:
    """The items of all pages, in the order of the whole list."""
    window = "last: 200, before: $cursor" if backward else "first: 200, after: $cursor"
    query = f"""query($cursor: String, $name: String!) {{
        clients(where: {{profile: {{name: {{eq: $name}}}}}},
                orderBy: [{{field: PROFILE_EMPLOYEES, direction: {direction}}}], {window}) {{
            nodes {{ {selection} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
    pages: list[list[Any]] = []
    cursor: str | None = None
    while True:
        page = (await ask(api, query, name=name, cursor=cursor))["clients"]
        pages.append(page["nodes"])
        info = page["pageInfo"]
        assert info["hasNextPage" if backward else "hasPreviousPage"] == (len(pages) > 1)
        cursor = info["startCursor" if backward else "endCursor"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return [each for nodes in (reversed(pages) if backward else pages) for each in nodes]


class TestWalk:
    @pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
    async def test_meets_each_client_once_in_both_directions(
        self, api: httpx2.AsyncClient, count: int, figure: Figure
    ) -> None:
        values = await load(api, count)
        name = f"W{count}"
        for direction in ("ASC", "DESC"):
            whole = await walk(api, name, direction, "number profile { employees }", backward=False)
            numbers = [each["number"] for each in whole]
            assert sorted(numbers) == sorted(values)
            found = [each["profile"]["employees"] for each in whole]
            assert found == [values[number] for number in numbers]
            keys = [value or 0 for value in found]
            assert keys == sorted(keys, reverse=direction == "DESC")
            assert await walk(api, name, direction, "number profile { employees }", backward=True) == whole
            for backward in (False, True):
                bare = await walk(api, name, direction, "number", backward=backward)
                assert [each["number"] for each in bare] == numbers
        figure(f"{count} clients, each met once, 8 walks")

    async def test_a_cursor_is_of_one_question(self, api: httpx2.AsyncClient) -> None:
        await do(
            api,
            "clientsUpsert",
            "report { created }",
            clients=[{"number": f"Q{n}", "kind": "PERSON", "profile": {"name": "Q"}} for n in range(3)],
        )
        query = "{ clients(first: 1, orderBy: [{field: %s}]%s) { pageInfo { endCursor } } }"
        cursor = (await ask(api, query % ("PROFILE_NAME", "")))["clients"]["pageInfo"]["endCursor"]
        for other in (query % ("NUMBER", f', after: "{cursor}"'), query % ("PROFILE_NAME", ', after: "x"')):
            refused = (await api.post("/graphql", json={"query": other})).json()
            assert refused["errors"][0]["extensions"]["code"] == "BAD_CURSOR"


class TestManagers:
    async def test_are_one_read_a_page(self, api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
        ids = []
        for number in range(5):
            given = {"person": f"PW{number}", "name": f"Manager {number}", "team": "north"}
            ids.append((await do(api, "managerCreate", "manager { id }", **given))["manager"]["id"])
        rows = [
            {"number": f"M{n:03}", "kind": "PERSON", "profile": {"name": "Of a manager"}, "managerId": ids[n % 5]}
            for n in range(100)
        ]
        await do(api, "clientsUpsert", "report { created }", clients=rows)
        reads: list[str] = []

        def counted(name: str) -> None:
            original = getattr(Collection, name)

            async def read(self: Collection, *given: Any, **named: Any) -> Any:
                # What the catalogue's feed looks at meanwhile is none of the page's.
                if self.name in ("clients", "managers", "changes"):
                    reads.append(self.name)
                return await original(self, *given, **named)

            monkeypatch.setattr(Collection, name, read)

        for name in ("find", "find_one", "aggregate"):
            counted(name)
        query = """{ clients(where: {profile: {name: {eq: "Of a manager"}}}, orderBy: [{field: NUMBER}], first: 100) {
            nodes { number manager { id name team } } } }"""
        nodes = (await ask(api, query))["clients"]["nodes"]
        assert len(nodes) == 100
        expected = [{"id": ids[n % 5], "name": f"Manager {n % 5}", "team": "north"} for n in range(100)]
        assert [each["manager"] for each in nodes] == expected
        # Before it the directory may be looked at, for who asks.
        assert reads[reads.index("clients") :] == ["clients", "managers"]
        where = f'{{manager: {{eq: "{ids[0]}"}}}}'
        found = await ask(api, f"{{ clients(where: {where}, first: 1) {{ totalCount }} }}")
        assert found == {"clients": {"totalCount": 20}}
