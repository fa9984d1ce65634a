"""An attribute of every kind, defined at run time; then set, changed, filtered and sorted by, and read."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest

from catalogue.kinds import KINDS, Kind
from tests.servers import ask, attempt, do

# kind: (what is given first, what is given later), the later one greater
VALUES: dict[Kind, tuple[Any, Any]] = {
    Kind.STRING: ("$attitude.satisfaction", "Zürich 蘇黎世"),
    Kind.TEXT: ("First line\nsecond", "Second version"),
    Kind.LONG: (-(2**62), 2**62),
    Kind.NUMBER: (0.125, 1e12),
    Kind.DECIMAL: ("0.10", "12345678901234567890.123"),
    Kind.BOOLEAN: (False, True),
    Kind.DATE: ("1886-05-08", "2026-11-23"),
    Kind.DATETIME: ("2026-01-02T03:04:05.678Z", "2026-11-23T18:00:00Z"),
    Kind.CODE: ("A1", "B2"),
    Kind.EMAIL: ("li@example.com", "wang@example.com"),
    Kind.PHONE: ("+41 61 123 45 67", "+86 10 6655 4433"),
    Kind.URL: ("https://a.example/x?y=1", "https://b.example/"),
}
WRONG: dict[Kind, Any] = {
    Kind.STRING: "x" * 1_001,
    Kind.TEXT: "x" * 20_001,
    Kind.CODE: "C3",
    Kind.EMAIL: "nobody",
    Kind.PHONE: "call me",
    Kind.URL: "ftp://a.example",
}
PLAIN = list(VALUES)
NAMED = {"name": "Li"}


def key_of(kind: Kind, suffix: str = "") -> str:
    return f"kind{kind.capitalize()}{suffix}"


async def define(api: httpx2.AsyncClient, key: str, kind: Kind, **more: object) -> None:
    words = {"label": key, "description": f"Tries {kind}."}
    if kind is Kind.CODE:
        more |= {"options": [{"code": "A1", "label": "First"}, {"code": "B2", "label": "Second"}]}
    await do(api, "attributeDefine", "attribute { path }", facet="PROFILE", key=key, kind=str(kind), **words, **more)


@pytest.fixture(scope="module")
async def defined(
    api: httpx2.AsyncClient, nobody_waits: Callable[[], AbstractContextManager[object]]
) -> httpx2.AsyncClient:
    """Attributes of every kind, alone and as a list, at the top, inside a group and inside a list of groups."""
    before = await ask(api, "{ clients(first: 1) { totalCount } }")
    with nobody_waits():
        await define(api, "kindGroup", Kind.GROUP)
        await define(api, "kindGroup.kindInner", Kind.GROUP)
        await define(api, "kindGroups", Kind.GROUP, isList=True)
        for kind in (*PLAIN, Kind.CLIENT):
            rules = {"isSortable": KINDS[kind].is_orderable, "isSearchable": KINDS[kind].is_text}
            await define(api, key_of(kind), kind, **rules)
            await define(api, key_of(kind, "List"), kind, isList=True)
            for holder in ("kindGroup.kindInner", "kindGroups"):
                await define(api, f"{holder}.{key_of(kind)}", kind)
    await define(api, "kindLast", Kind.STRING)
    assert await ask(api, "{ clients(first: 1) { totalCount } }") == before
    return api


def facet_of(number: int, client: str | None) -> dict[str, Any]:
    """Everything that was defined, with the first values or the later ones."""
    one: dict[str, Any] = {key_of(kind): VALUES[kind][number] for kind in PLAIN}
    lists: dict[str, Any] = {key_of(kind, "List"): list(VALUES[kind][: number + 1]) for kind in PLAIN}
    if client is not None:
        one[key_of(Kind.CLIENT)] = client
        lists[key_of(Kind.CLIENT, "List")] = [client] * (number + 1)
    nested = {"kindGroup": {"kindInner": copy.deepcopy(one)}, "kindGroups": [copy.deepcopy(one), {}]}
    return one | lists | nested


def selection() -> str:
    one = " ".join([*(key_of(kind) for kind in PLAIN), f"{key_of(Kind.CLIENT)} {{ id }}"])
    lists = " ".join([*(key_of(kind, "List") for kind in PLAIN), f"{key_of(Kind.CLIENT, 'List')} {{ id }}"])
    return f"{one} {lists} kindGroup {{ kindInner {{ {one} }} }} kindGroups {{ {one} }}"


def answer_of(facet: dict[str, Any]) -> dict[str, Any]:
    """The facet as it is read: a reference is the client, an item says null for what it has not."""
    found = copy.deepcopy(facet)
    for holder in (found, found["kindGroup"]["kindInner"], found["kindGroups"][0]):
        holder[key_of(Kind.CLIENT)] = {"id": holder[key_of(Kind.CLIENT)]}
    found[key_of(Kind.CLIENT, "List")] = [{"id": each} for each in found[key_of(Kind.CLIENT, "List")]]
    found["kindGroups"][1] = dict.fromkeys(found["kindGroups"][0])
    return found


@pytest.fixture(scope="module")
async def clients(defined: httpx2.AsyncClient) -> tuple[str, str]:
    """A client with the first values of everything, changed from the later ones, and one with the later values."""
    made: list[str] = []
    target = await do(defined, "clientCreate", "client { id }", number="T", kind="PERSON", profile=NAMED)
    for number in (0, 1):
        facet = facet_of(1, target["client"]["id"])
        given = {"number": f"K{number}", "kind": "PERSON", "profile": facet | NAMED}
        done = await do(defined, "clientCreate", f"client {{ id profile {{ {selection()} }} }}", **given)
        assert done["client"]["profile"] == answer_of(facet)
        made.append(done["client"]["id"])
    facet = facet_of(0, target["client"]["id"])
    changed = await do(
        defined,
        "clientChange",
        f"client {{ version profile {{ {selection()} }} }}",
        id=made[0],
        changes={"profile": facet},
        expectedVersion=1,
    )
    assert changed["client"] == {"version": 2, "profile": answer_of(facet)}
    return made[0], made[1]


async def numbers(api: httpx2.AsyncClient, where: dict[str, Any], order: str = "NUMBER") -> list[str]:
    query = f"""query($where: ClientWhere) {{
        clients(where: $where, orderBy: [{{field: {order}}}], first: 10) {{ nodes {{ number }} }} }}"""
    nodes = (await ask(api, query, where=where))["clients"]["nodes"]
    return [each["number"] for each in nodes if each["number"] != "T"]


class TestEveryKind:
    async def test_is_read_as_it_was_given(self, defined: httpx2.AsyncClient, clients: tuple[str, str]) -> None:
        query = f"query($id: ID!) {{ client(id: $id) {{ profile {{ {selection()} }} }} }}"
        for number, client in enumerate(clients):
            found = (await ask(defined, query, id=client))["client"]["profile"]
            target = found[key_of(Kind.CLIENT)]["id"]
            assert found == answer_of(facet_of(number, target))

    @pytest.mark.parametrize("kind", PLAIN, ids=str)
    async def test_is_filtered_by(self, defined: httpx2.AsyncClient, clients: tuple[str, str], kind: Kind) -> None:
        first, later = VALUES[kind]
        offered = {
            "eq": (first, ["K0"]),
            "ne": (first, ["K1"]),
            "in": ([later], ["K1"]),
            "notIn": ([later], ["K0"]),
            "gt": (first, ["K1"]),
            "gte": (first, ["K0", "K1"]),
            "lt": (later, ["K0"]),
            "lte": (later, ["K0", "K1"]),
            "startsWith": (str(first)[:9], ["K0"]),
            "contains": (str(first)[1:12].upper(), ["K0"]),
            "isNull": (False, ["K0", "K1"]),
        }
        for operator in KINDS[kind].operators:
            value, expected = offered[str(operator)]
            where = {"profile": {key_of(kind): {str(operator): value}}}
            assert (operator, await numbers(defined, where)) == (operator, expected)
        some = {"profile": {key_of(kind, "List"): {"containsAny": [later]}}}
        every = {"profile": {key_of(kind, "List"): {"containsAll": [first, later]}}}
        assert await numbers(defined, some) == await numbers(defined, every) == ["K1"]
        if "eq" in {str(each) for each in KINDS[kind].operators}:
            item = {"profile": {"kindGroups": {"any": {key_of(kind): {"eq": first}}}}}
            inner = {"profile": {"kindGroup": {"kindInner": {key_of(kind): {"eq": first}}}}}
            assert await numbers(defined, item) == await numbers(defined, inner) == ["K0"]

    @pytest.mark.parametrize("kind", [kind for kind in PLAIN if KINDS[kind].is_orderable], ids=str)
    async def test_is_sorted_by(self, defined: httpx2.AsyncClient, clients: tuple[str, str], kind: Kind) -> None:
        order = f"PROFILE_KIND_{kind}"
        where = {"profile": {key_of(kind): {"isNull": False}}}
        assert await numbers(defined, where, order) == ["K0", "K1"]
        assert await numbers(defined, where, f"{order}, direction: DESC") == ["K1", "K0"]

    @pytest.mark.parametrize("kind", list(WRONG), ids=str)
    async def test_a_wrong_value_is_refused_wherever_it_stands(
        self, defined: httpx2.AsyncClient, clients: tuple[str, str], kind: Kind
    ) -> None:
        wrong, key = WRONG[kind], key_of(kind)
        profile = {
            key: wrong,
            f"{key}List": [VALUES[kind][0], wrong],
            "kindGroup": {"kindInner": {key: wrong}},
            "kindGroups": [{}, {key: wrong}],
        }
        before = await ask(defined, "query($id: ID!) { client(id: $id) { version updatedAt } }", id=clients[0])
        refused = await attempt(defined, "clientChange", "client { id }", id=clients[0], changes={"profile": profile})
        assert sorted(".".join(each["path"][1:]) for each in refused["errors"]) == sorted(
            [key, f"{key}List.1", f"kindGroup.kindInner.{key}", f"kindGroups.1.{key}"]
        )
        assert await ask(defined, "query($id: ID!) { client(id: $id) { version updatedAt } }", id=clients[0]) == before

    async def test_a_reference_is_filtered_by_and_followed(
        self, defined: httpx2.AsyncClient, clients: tuple[str, str]
    ) -> None:
        query = "query($id: ID!) { client(id: $id) { profile { kindClient { id number } kindClientList { number } } } }"
        found = (await ask(defined, query, id=clients[1]))["client"]["profile"]
        assert (found["kindClient"]["number"], found["kindClientList"]) == ("T", [{"number": "T"}] * 2)
        where = {"profile": {"kindClient": {"eq": found["kindClient"]["id"]}}}
        assert await numbers(defined, where) == ["K0", "K1"]
        refused = await attempt(
            defined, "clientChange", "client { id }", id=clients[0], changes={"profile": {"kindClient": "cl_missing"}}
        )
        assert [each["code"] for each in refused["errors"]] == ["INVALID_VALUE"]

    async def test_null_clears_each(self, defined: httpx2.AsyncClient, clients: tuple[str, str]) -> None:
        facet = facet_of(0, clients[0])
        made = await do(defined, "clientCreate", "client { id }", number="N", kind="PERSON", profile=facet | NAMED)
        cleared: dict[str, Any] = dict.fromkeys(facet)
        done = await do(
            defined,
            "clientChange",
            f"client {{ profile {{ {selection()} }} history(first: 1) {{ nodes {{ values {{ path new }} }} }} }}",
            id=made["client"]["id"],
            changes={"profile": cleared},
        )
        found = done["client"]["profile"]
        group = found.pop("kindGroup")
        assert group is None or set((group["kindInner"] or {"": None}).values()) == {None}
        assert set(found.values()) == {None}
        rows = done["client"]["history"]["nodes"][0]["values"]
        assert len(rows) == 3 * (len(PLAIN) + 1) + 1
        assert {row["new"] for row in rows} == {None}
