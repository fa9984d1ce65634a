"""Entry windows over GraphQL: defined, changed and retired, and what was entered within them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import parse
from strawberry import Schema

from catalogue.errors import ErrorCode
from policy.viewer import Viewer
from repositories.mongo import Store
from repositories.plan import ID, Change, ReadPlan
from repositories.repositories import Repositories
from schema.build import build_schema
from schema.context import Context
from schema.entry_windows import fields
from schema.planning.operation import OperationCompiler
from tests.books import SMALL, open_book, record

ROOT = Viewer("root", frozenset(("administrator",)))
ANA = Viewer("ana", frozenset(("relationship_manager",)), manager_id="mg_1")
STEWARD = Viewer("sam", frozenset(("data_steward",)))
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
"""A Thursday, 17:00 in Shanghai."""
MOOD = "attitude.satisfaction"
SHOWN = "code label facet paths weekday opens closes timeZone status version attributes { path }"
DEFINE = f"""mutation Define($input: EntryWindowDefineInput!) {{ entryWindowDefine(input: $input) {{
  entryWindow {{ {SHOWN} }} errors {{ code path }} }} }}"""
CHANGE = f"""mutation Change($input: EntryWindowChangeInput!) {{ entryWindowChange(input: $input) {{
  entryWindow {{ {SHOWN} }} errors {{ code path }} }} }}"""
RETIRE = f"""mutation Retire($input: EntryWindowRetireInput!) {{ entryWindowRetire(input: $input) {{
  entryWindow {{ {SHOWN} }} errors {{ code path }} }} }}"""
GIVEN = {
    "code": "VIEWS", "label": "Weekly views", "paths": [MOOD], "weekday": "THURSDAY",
    "opens": "14:00", "closes": "18:00", "timeZone": "Asia/Shanghai",
}  # fmt: skip
WEEKS = """query Weeks($manager: ID, $weeks: Int = 2) {
  entryWindow(code: "VIEWS") { onTime(weeks: $weeks, manager: $manager) {
  weekOf opensAt closesAt isOver clients entered onTime late early missing rate } } }"""
BY_MANAGER = """query ByManager($weekOf: Date) {
  entryWindow(code: "VIEWS") { onTimeByManager(first: 9, weekOf: $weekOf) {
  totalCount nodes { manager { id } weekOf isOver clients onTime rate } } } }"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema(SMALL)


@pytest.fixture
async def book(store: Store, monkeypatch: pytest.MonkeyPatch) -> Repositories:
    """Three clients: entered in time this week; late last week; and of another manager, never."""
    monkeypatch.setattr(fields, "now", lambda: NOW)
    book = await open_book(store)
    for manager in ("mg_1", "mg_2"):
        await book.managers.insert({ID: manager, "person": manager}, Change({"name": manager}, "root", NOW))
    for number, manager, path, at in (
        ("C1", "mg_1", MOOD, NOW - timedelta(hours=1)),
        ("C2", "mg_1", MOOD, NOW - timedelta(days=6)),
        ("C3", "mg_2", "profile.name", NOW - timedelta(hours=1)),
    ):
        made = record(number) | {"stage": "ACTIVE", "managerId": manager}
        await book.clients.insert(made, Change({"profile.tags": ["a"]}, "root", NOW - timedelta(days=30)))
        answer = book.access.authorise(ReadPlan("clients", frozenset()), ROOT)
        await book.clients.write(str(made[ID]), Change({path: 5}, "root", at), answer)
    return book


class Asking:
    """Asks as one viewer, both ways."""

    def __init__(self, schema: Schema, book: Repositories, viewer: Viewer = ROOT) -> None:
        self._schema = schema
        self._viewer, self._book = viewer, book

    def _context(self) -> Context:
        return Context(self._viewer, self._book)

    async def one(self, query: str, **variables: Any) -> Any:
        answer: Any = await self._schema.execute(query, variables, self._context())
        assert answer.errors is None, answer.errors
        return answer.data

    async def both(self, query: str, **variables: Any) -> Any:
        document: Any = parse(query)
        compiler = OperationCompiler(self._schema, document, document.definitions[0])
        given = compiler.coerce(variables)
        compiled = await compiler.compiled(given).run(self._context(), given)
        assert compiled == await self.one(query, **variables)
        return compiled

    async def code(self, query: str, **variables: Any) -> str:
        answer: Any = await self._schema.execute(query, variables, self._context())
        return str(answer.errors[0].original_error.code)


class TestMutations:
    async def test_a_life(self, schema: Schema, book: Repositories) -> None:
        root = Asking(schema, book)
        defined = (await root.one(DEFINE, input=GIVEN))["entryWindowDefine"]
        expected = {**GIVEN, "facet": None, "status": "ACTIVE", "version": 1, "attributes": [{"path": MOOD}]}
        assert defined == {"entryWindow": expected, "errors": []}
        change = {"code": "VIEWS", "expectedVersion": 1, "changes": {"facet": "ATTITUDE", "weekday": "FRIDAY"}}
        changed = (await root.one(CHANGE, input=change))["entryWindowChange"]["entryWindow"]
        assert (changed["facet"], changed["paths"], changed["weekday"]) == ("ATTITUDE", None, "FRIDAY")
        assert changed["attributes"] == [{"path": "attitude.remarks"}, {"path": MOOD}]
        retired = (await root.one(RETIRE, input={"code": "VIEWS"}))["entryWindowRetire"]["entryWindow"]
        assert (retired["status"], retired["version"]) == ("RETIRED", 3)
        listed = "entryWindows(first: 5, status: $status) { totalCount nodes { code } }"
        query = f"query Q($status: EntryWindowStatus) {{ {listed} }}"
        assert (await root.both(query))["entryWindows"] == {"totalCount": 1, "nodes": [{"code": "VIEWS"}]}
        assert (await root.both(query, status="ACTIVE"))["entryWindows"]["totalCount"] == 0

    async def test_refused(self, schema: Schema, book: Repositories) -> None:
        refused = (await Asking(schema, book).one(DEFINE, input=GIVEN | {"timeZone": "Moon"}))["entryWindowDefine"]
        assert refused == {"entryWindow": None, "errors": [{"code": "INVALID_VALUE", "path": ["timeZone"]}]}
        for query, noun, given in (
            (DEFINE, "entryWindowDefine", GIVEN),
            (RETIRE, "entryWindowRetire", {"code": "VIEWS"}),
        ):
            answer = (await Asking(schema, book, ANA).one(query, input=given))[noun]
            assert [each["code"] for each in answer["errors"]] == ["NOT_ALLOWED"]

    async def test_found_by_its_id(self, schema: Schema, book: Repositories) -> None:
        root = Asking(schema, book)
        await root.one(DEFINE, input=GIVEN)
        own = (await root.both('{ entryWindow(code: "VIEWS") { id } none: entryWindow(code: "x") { id } }'))[
            "entryWindow"
        ]
        query = "query Q($id: ID!) { node(id: $id) { __typename ... on EntryWindow { code timeZone } } }"
        found = (await Asking(schema, book, ANA).both(query, id=own["id"]))["node"]
        assert found == {"__typename": "EntryWindow", "code": "VIEWS", "timeZone": "Asia/Shanghai"}


class TestOnTime:
    async def test_week_by_week(self, schema: Schema, book: Repositories) -> None:
        root = Asking(schema, book)
        await root.one(DEFINE, input=GIVEN)
        weeks = (await root.both(WEEKS))["entryWindow"]["onTime"]
        third = 1 / 3
        assert weeks == [
            {
                "weekOf": "2026-11-23", "opensAt": "2026-11-26T06:00:00Z", "closesAt": "2026-11-26T10:00:00Z",
                "isOver": False, "clients": 3, "entered": 1, "onTime": 1, "late": 0, "early": 0, "missing": 2,
                "rate": third,
            },
            {
                "weekOf": "2026-11-16", "opensAt": "2026-11-19T06:00:00Z", "closesAt": "2026-11-19T10:00:00Z",
                "isOver": True, "clients": 3, "entered": 1, "onTime": 0, "late": 1, "early": 0, "missing": 2,
                "rate": 0.0,
            },
        ]  # fmt: skip
        found = (await root.both(WEEKS, manager="mg_2"))["entryWindow"]["onTime"]
        assert [(each["clients"], each["missing"]) for each in found] == [(1, 1), (1, 1)]
        for weeks_wanted in (0, 54):
            assert await root.code(WEEKS, weeks=weeks_wanted) == ErrorCode.PAGE_SIZE

    async def test_by_manager(self, schema: Schema, book: Repositories) -> None:
        root = Asking(schema, book)
        await root.one(DEFINE, input=GIVEN)
        found = (await root.both(BY_MANAGER))["entryWindow"]["onTimeByManager"]
        common = {"weekOf": "2026-11-23", "isOver": False}
        assert found == {
            "totalCount": 2,
            "nodes": [
                {"manager": {"id": "mg_2"}, **common, "clients": 1, "onTime": 0, "rate": 0.0},
                {"manager": {"id": "mg_1"}, **common, "clients": 2, "onTime": 1, "rate": 0.5},
            ],
        }
        found = (await root.both(BY_MANAGER, weekOf="2026-11-18"))["entryWindow"]["onTimeByManager"]
        assert {each["weekOf"] for each in found["nodes"]} == {"2026-11-16"}
        for day in ("0001-01-01", "9999-12-31"):
            assert await root.code(BY_MANAGER, weekOf=day) == ErrorCode.PAGE_SIZE

    async def test_of_the_own_book_and_of_what_may_be_read(self, schema: Schema, book: Repositories) -> None:
        await Asking(schema, book).one(DEFINE, input=GIVEN)
        ana, steward = Asking(schema, book, ANA), Asking(schema, book, STEWARD)
        weeks = (await ana.both(WEEKS))["entryWindow"]["onTime"]
        assert [(each["clients"], each["onTime"], each["late"]) for each in weeks] == [(2, 1, 0), (2, 0, 1)]
        managers = (await ana.both(BY_MANAGER))["entryWindow"]["onTimeByManager"]["nodes"]
        assert [each["manager"] for each in managers] == [{"id": "mg_1"}]
        assert (await ana.both(WEEKS, manager="mg_2"))["entryWindow"]["onTime"][0]["clients"] == 0
        # The attribute is above what a steward reads: nothing is told of it, though its name may be.
        assert (await steward.both(WEEKS))["entryWindow"]["onTime"] == []
        nothing = (await steward.both(BY_MANAGER))["entryWindow"]["onTimeByManager"]
        assert nothing == {"totalCount": 0, "nodes": []}
        shown = '{ entryWindow(code: "VIEWS") { paths attributes { path } } }'
        assert (await steward.both(shown))["entryWindow"] == {"paths": [MOOD], "attributes": []}
        auditor = Asking(schema, book, Viewer("aud", frozenset(("risk_officer",))))
        assert (await auditor.both(shown))["entryWindow"]["paths"] == [MOOD]
