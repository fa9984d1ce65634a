"""The past over the whole path: one client and lists of them, compiled and by ordinary execution."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import parse
from strawberry import Schema

from acts.checks import UNGUARDED
from acts.interactions import NewInteraction, record_interaction
from acts.managers import create_manager
from catalogue.builtin import builtin_catalogue
from catalogue.builtin.computed import uncomputed
from catalogue.errors import KehuError
from repositories.changes import TAIL_LIMIT
from repositories.mongo import Store
from repositories.plan import ID, Proof
from repositories.repositories import Repositories
from schema.build import build_schema
from schema.context import Context
from schema.planning.operation import OperationCompiler
from tests.books import VIEWER, change, open_book, seen

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OBSERVED = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def schema() -> Schema:
    return build_schema(builtin_catalogue())


@pytest.fixture
async def book(store: Store, monkeypatch: pytest.MonkeyPatch) -> Repositories:
    """K1 is made on day 0 and changed on days 2 and 4; its parent P1 is made on day 1 and renamed on day 3."""
    # What is computed of contacts is entered at the true present, and these changes are of the past.
    book = await open_book(store, uncomputed(builtin_catalogue()))
    old, new = [
        str((await create_manager(VIEWER, book, person, {"name": name}, UNGUARDED)).document["_id"])
        for person, name in (("M001", "Li"), ("M002", "Wu"))
    ]
    visit = Proof("a visit", "Li", OBSERVED, 0.5)
    client = await _made(book, "K1", 0, {"profile.name": "Tea", "attitude.satisfaction": 40, "managerId": old})
    parent = await _made(book, "P1", 1, {"profile.name": "Holding"})
    for holder, day, values, proof in (
        (client, 2, {"profile.parent": parent, "attitude.satisfaction": 60}, visit),
        (parent, 3, {"profile.name": "Renamed"}, Proof()),
        (client, 4, {"profile.name": "Coffee", "managerId": new, "attitude.satisfaction": 80}, Proof("a call")),
    ):
        await book.clients.write(holder, replace(change(values), at=AT + day * DAY, proof=proof), seen(ID))
    for day in (1, 3):
        monkeypatch.setattr("acts.interactions.now", lambda at=AT + day * DAY: at)
        contact = NewInteraction(client, None, {"at": AT, "channel": "TELEPHONE", "summary": f"day {day}"})
        await record_interaction(VIEWER, book, contact, UNGUARDED)
    return book


async def _made(book: Repositories, number: str, day: int, values: dict[str, Any]) -> str:
    made = {"stage": "PROSPECT", **values}
    at = AT + day * DAY
    record: dict[str, object] = {ID: f"cl_{number}", "number": number, "kind": "ORGANISATION"}
    facets: dict[str, object] = {facet: {} for facet in ("profile", "behaviour", "attitude", "derived")}
    await book.clients.insert(record | facets, replace(change(made), at=at))
    return str(record[ID])


async def answered(schema: Schema, book: Repositories, query: str) -> Any:
    """The data, the same both ways."""
    document: Any = parse(query)
    compiler = OperationCompiler(schema, document, document.definitions[0])
    given = compiler.coerce({})
    answer: Any = await schema.execute(query, {}, Context(VIEWER, book))
    assert answer.errors is None
    found = await compiler.compiled(given).run(Context(VIEWER, book), given)
    assert answer.data == found
    return found


async def refusal(schema: Schema, book: Repositories, query: str) -> KehuError:
    answer: Any = await schema.execute(query, {}, Context(VIEWER, book))
    found = answer.errors[0].original_error
    assert isinstance(found, KehuError)
    return found


def day(number: float) -> str:
    return (AT + number * DAY).isoformat()


class TestClient:
    async def test_everything_in_it_is_as_of_then(self, schema: Schema, book: Repositories) -> None:
        fields = """ version updatedAt viewerCanChange manager { name }
          profile { name parent { number profile { name } } }
          attribute(path: "attitude.satisfaction") { value source observer observedAt enteredAt confidence }
          interactions(first: 5) { totalCount nodes { summary } } history(first: 9) { nodes { version } } """
        query = " ".join(f'd{n}: client(number: "K1", asOf: "{day(n)}") {{ {fields} }}' for n in (0, 2, 4))
        found = await answered(schema, book, f"{{ {query} }}")
        first, second, third = found["d0"], found["d2"], found["d4"]
        assert [each["version"] for each in found.values()] == [1, 2, 3]
        assert first["profile"] == {"name": "Tea", "parent": None}
        assert second["profile"] == {"name": "Tea", "parent": {"number": "P1", "profile": {"name": "Holding"}}}
        assert third["profile"] == {"name": "Coffee", "parent": {"number": "P1", "profile": {"name": "Renamed"}}}
        assert [each["manager"]["name"] for each in found.values()] == ["Li", "Li", "Wu"]
        assert [each["updatedAt"] for each in found.values()] == [f"2026-11-0{n}T10:00:00Z" for n in (2, 4, 6)]
        assert [each["attribute"]["value"] for each in found.values()] == [40, 60, 80]
        assert second["attribute"] | {"value": None} == {
            "value": None, "source": "a visit", "observer": "Li", "observedAt": "2026-10-01T00:00:00Z",
            "enteredAt": "2026-11-04T10:00:00Z", "confidence": 0.5,
        }  # fmt: skip
        assert [[each["summary"] for each in answer["interactions"]["nodes"]] for answer in found.values()] == [
            [], ["day 1"], ["day 3", "day 1"],
        ]  # fmt: skip
        assert [each["interactions"]["totalCount"] for each in found.values()] == [0, 1, 2]
        assert [[each["version"] for each in answer["history"]["nodes"]] for answer in found.values()] == [
            [1], [2, 1], [3, 2, 1],
        ]  # fmt: skip
        assert not any(each["viewerCanChange"] for each in found.values())

    async def test_moments_that_share_a_fragment(self, schema: Schema, book: Repositories) -> None:
        query = f"""{{ a: client(id: "cl_K1", asOf: "{day(2)}") {{ ...F }}
          b: client(id: "cl_K1", asOf: "{day(4)}") {{ ...F }} c: client(id: "cl_K1") {{ ...F }} }}
          fragment F on Client {{
            profile {{ parent {{ profile {{ name }} }} }} interactions(first: 3) {{ totalCount }} }}"""
        found = await answered(schema, book, query)
        assert [each["profile"]["parent"]["profile"]["name"] for each in found.values()] == [
            "Holding", "Renamed", "Renamed",
        ]  # fmt: skip
        assert [each["interactions"]["totalCount"] for each in found.values()] == [1, 2, 2]

    async def test_a_proof_that_has_left_the_tail(self, schema: Schema, book: Repositories) -> None:
        for number in range(TAIL_LIMIT):
            later = replace(change({"attitude.satisfaction": number}), at=AT + (5 + number) * DAY / 1.5)
            await book.clients.write("cl_K1", later, seen(ID))
        query = f"""{{ client(id: "cl_K1", asOf: "{day(2)}") {{ version
          attribute(path: "attitude.satisfaction") {{ value source observedAt }}
          attributes(paths: ["profile.name", "profile.parent"]) {{ path source enteredAt }} }} }}"""
        found = (await answered(schema, book, query))["client"]
        assert found["version"] == 2
        assert found["attribute"] == {"value": 60, "source": "a visit", "observedAt": "2026-10-01T00:00:00Z"}
        entered = {each["path"]: (each["source"], each["enteredAt"]) for each in found["attributes"]}
        assert entered == {
            "profile.name": (None, "2026-11-02T10:00:00Z"),
            "profile.parent": ("a visit", "2026-11-04T10:00:00Z"),
        }

    async def test_stale_is_what_was_stale_then(self, schema: Schema, book: Repositories) -> None:
        hours = builtin_catalogue().get_live("attitude.satisfaction").max_age_hours
        assert hours is not None
        entered = AT - timedelta(days=3_000)
        await _made(book, "K9", -3_000, {"attitude.satisfaction": 40})
        await book.clients.write("cl_K9", replace(change({"attitude.satisfaction": 41}), at=AT), seen(ID))
        moments = (entered + timedelta(hours=hours - 1), entered + timedelta(hours=hours + 1), AT)
        asked = 'attribute(path: "attitude.satisfaction") { isStale }'
        then = (f'd{n}: client(id: "cl_K9", asOf: "{at.isoformat()}") {{ {asked} }}' for n, at in enumerate(moments))
        found = await answered(schema, book, f"{{ {' '.join(then)} }}")
        assert [each["attribute"]["isStale"] for each in found.values()] == [False, True, False]

    @pytest.mark.parametrize("which", ['id: "cl_P1"', 'number: "P1"'])
    async def test_who_was_not_there_yet(self, schema: Schema, book: Repositories, which: str) -> None:
        found = await answered(schema, book, f'{{ client({which}, asOf: "{day(0.5)}") {{ id }} }}')
        assert found == {"client": None}

    async def test_a_moment_to_come(self, schema: Schema, book: Repositories) -> None:
        problem = await refusal(schema, book, '{ client(id: "cl_K1", asOf: "2999-01-01T00:00:00Z") { id } }')
        assert (problem.code, problem.path) == ("INVALID_VALUE", ("asOf",))
        assert "to come" in problem.message


class TestClients:
    async def test_filter_order_and_total(self, schema: Schema, book: Repositories) -> None:
        asked = """where: { profile: { name: { in: ["Tea", "Holding"] } } }, orderBy: [{ field: PROFILE_NAME }]"""
        pages = " ".join(
            f'd{n + 1}: clients(first: 5, {asked}, asOf: "{day(n)}") {{ totalCount nodes {{ profile {{ name }} }} }}'
            for n in (-1, 0, 2, 3, 4)
        )
        found = await answered(schema, book, f"{{ {pages} }}")
        names = [[each["profile"]["name"] for each in page["nodes"]] for page in found.values()]
        assert names == [[], ["Tea"], ["Holding", "Tea"], ["Tea"], []]
        assert [each["totalCount"] for each in found.values()] == [0, 1, 2, 1, 0]

    async def test_with_a_search(self, schema: Schema, book: Repositories) -> None:
        query = f'{{ clients(first: 5, search: "tea", asOf: "{day(2)}") {{ nodes {{ id }} }} }}'
        assert "search looks into words" in (await refusal(schema, book, query)).message


class TestChangesBetween:
    async def test_values_at_both_moments_and_the_changes(self, schema: Schema, book: Repositories) -> None:
        given = f'after: "{day(0)}", until: "{day(4)}", paths: ["attitude", "profile.name", "behaviour"]'
        rows = "path old new isDifferent changes { version source values { path old new } }"
        found = await answered(schema, book, f'{{ client(id: "cl_K1") {{ changesBetween({given}) {{ {rows} }} }} }}')
        satisfaction, name = found["client"]["changesBetween"]
        values = [{"path": "attitude.satisfaction", "old": 40, "new": 60}]
        assert satisfaction == {
            "path": "attitude.satisfaction",
            "old": 40,
            "new": 80,
            "isDifferent": True,
            "changes": [
                {"version": 2, "source": "a visit", "values": values},
                {"version": 3, "source": "a call", "values": [values[0] | {"old": 60, "new": 80}]},
            ],
        }
        assert (name["path"], name["old"], name["new"], len(name["changes"])) == ("profile.name", "Tea", "Coffee", 1)

    async def test_ends_where_the_client_was_read(self, schema: Schema, book: Repositories) -> None:
        given = f'after: "{day(-1)}", until: "{day(4)}"'
        query = f'{{ client(id: "cl_K1", asOf: "{day(2)}") {{ changesBetween({given}) {{ path new }} }} }}'
        found = (await answered(schema, book, query))["client"]["changesBetween"]
        assert {each["path"]: each["new"] for each in found} == {
            "attitude.satisfaction": 60,
            "managerId": (await book.clients.collection.find_one({ID: "cl_K1"}) or {})["tail"][0]["values"][3]["new"],
            "profile.name": "Tea",
            "profile.parent": "cl_P1",
            "stage": "PROSPECT",
        }

    async def test_back_to_what_it_was(self, schema: Schema, book: Repositories) -> None:
        for number, name in enumerate(("A", "Coffee")):
            await book.clients.write(
                "cl_K1", replace(change({"profile.name": name}), at=AT + (5 + number) * DAY), seen(ID)
            )
        given = f'after: "{day(4)}", until: "{day(6)}"'
        query = f'{{ client(id: "cl_K1") {{ changesBetween({given}) {{ path old new isDifferent }} }} }}'
        found = (await answered(schema, book, query))["client"]["changesBetween"]
        assert found == [{"path": "profile.name", "old": "Coffee", "new": "Coffee", "isDifferent": False}]

    async def test_changes_that_have_left_the_tail(self, schema: Schema, book: Repositories) -> None:
        for number in range(TAIL_LIMIT):
            later = replace(change({"attitude.satisfaction": number}), at=AT + 5 * DAY + number * DAY / 4)
            await book.clients.write("cl_K1", later, seen(ID))
        given = f'after: "{day(0)}", until: "{day(20)}", paths: ["attitude.satisfaction"]'
        query = f'{{ client(id: "cl_K1") {{ changesBetween({given}) {{ old new changes {{ version }} }} }} }}'
        (found,) = (await answered(schema, book, query))["client"]["changesBetween"]
        assert [each["version"] for each in found["changes"]] == list(range(2, 4 + TAIL_LIMIT))
        assert (found["old"], found["new"]) == (40, TAIL_LIMIT - 1)

    @pytest.mark.parametrize("until", [day(0), day(-3), "2999-01-01T00:00:00Z"])
    async def test_moments_that_are_none(self, schema: Schema, book: Repositories, until: str) -> None:
        query = f'{{ client(id: "cl_K1") {{ changesBetween(after: "{day(0)}", until: "{until}") {{ path }} }} }}'
        problem = await refusal(schema, book, query)
        assert (problem.code, problem.path) == ("INVALID_VALUE", ("until",))

    async def test_too_many(self, schema: Schema, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("schema.clients.differences.MOST_CHANGES", 1)
        query = f'{{ client(id: "cl_K1") {{ changesBetween(after: "{day(0)}", until: "{day(9)}") {{ path }} }} }}'
        assert (await refusal(schema, book, query)).code == "TOO_EXPENSIVE"


class TestCorrection:
    async def test_adds_and_hides_nothing(self, schema: Schema, book: Repositories) -> None:
        """What was observed before the present value, and is entered after it, is a change as any other."""
        wrong = replace(
            change({"attitude.satisfaction": 70}, proof=Proof("a letter", observed_at=OBSERVED - DAY)),
            at=AT + 5 * DAY,
        )
        await book.clients.write("cl_K1", wrong, seen(ID))
        query = f"""{{ client(id: "cl_K1") {{
          attribute(path: "attitude.satisfaction") {{ value observedAt enteredAt source }}
          history(first: 9, paths: ["attitude.satisfaction"]) {{
            nodes {{ version source observedAt values {{ old new }} }} }} }}
          before: client(id: "cl_K1", asOf: "{day(4.5)}") {{ attitude {{ satisfaction }} }}
          since: client(id: "cl_K1", asOf: "{day(5)}") {{ attitude {{ satisfaction }} }} }}"""
        found = await answered(schema, book, query)
        assert found["client"]["attribute"] == {
            "value": 70,
            "observedAt": "2026-09-30T00:00:00Z",
            "enteredAt": "2026-11-07T10:00:00Z",
            "source": "a letter",
        }
        entries = found["client"]["history"]["nodes"]
        assert [(each["version"], each["source"], each["values"][0]["new"]) for each in entries] == [
            (4, "a letter", 70),
            (3, "a call", 80),
            (2, "a visit", 60),
            (1, None, 40),
        ]
        assert found["before"] == {"attitude": {"satisfaction": 80}}
        assert found["since"] == {"attitude": {"satisfaction": 70}}
