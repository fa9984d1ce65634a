"""Stale values and completeness over GraphQL, compiled and by ordinary execution, and what others do not see."""

from datetime import timedelta
from typing import Any

import pytest
from graphql import parse
from strawberry import Schema

from acts.checks import now
from catalogue.attribute import ClientKind, Sensitivity
from catalogue.errors import ErrorCode
from policy.rules import BUILT_IN, Policy, Unreadable
from policy.viewer import Viewer
from repositories.mongo import Store
from repositories.plan import ID, Change, Proof
from repositories.repositories import Repositories
from schema.build import build_schema
from schema.context import Context
from schema.planning.operation import OperationCompiler
from tests.books import SMALL, attribute, open_book, record

AGED = SMALL.with_attributes(
    (
        attribute("profile.name", max_age_hours=100, is_sortable=True),
        attribute("attitude.remarks", max_age_hours=50),
        attribute("attitude.secret", max_age_hours=10, sensitivity=Sensitivity.RESTRICTED),
        attribute("behaviour.code", max_age_hours=10, sensitivity=Sensitivity.INTERNAL),
        attribute("behaviour.optional", is_expected=False),
    )
)
ROOT = Viewer("root", frozenset(("administrator",)))
ANA = Viewer("ana", frozenset(("relationship_manager",)), manager_id="mg_1")
STEWARD = Viewer("sam", frozenset(("data_steward",)))
STALE = """query Stale($manager: ID, $paths: [String!], $facet: Facet) {
  staleValues(first: 9, manager: $manager, paths: $paths, facet: $facet) {
    totalCount pageInfo { hasNextPage }
    nodes { client { number } path definition { maxAgeHours } ageHours overdueHours }
  } }"""
COUNTS = """query Counts($by: StaleValueGrouping!) {
  staleValueCounts(by: $by, first: 9) { totalCount nodes { manager { id } definition { path } values clients } } }"""
COMPLETE = """query Complete($facet: Facet) { clients(first: 9, orderBy: [{field: NUMBER}]) { nodes {
  number completeness(facet: $facet) { filled expected share facets { facet filled expected share }
    missing(first: 2) { path } } } } }"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema(AGED)


async def put(book: Repositories, number: str, manager: str | None, hours: int, values: dict[str, object]) -> str:
    """The id of a client whose values were observed so many hours ago."""
    proof = Proof(observed_at=now() - timedelta(hours=hours, minutes=1))
    made = record(number, ClientKind.PERSON) | {"stage": "ACTIVE"} | ({} if manager is None else {"managerId": manager})
    await book.clients.insert(made, Change(values, "root", now(), proof))
    return str(made[ID])


@pytest.fixture
async def book(store: Store) -> Repositories:
    """Two clients of Ana's and one of somebody else's."""
    book = await open_book(store, AGED)
    for manager in ("mg_1", "mg_2"):
        await book.managers.insert({ID: manager, "person": manager}, Change({"name": manager}, "root", now()))
    await put(book, "C1", "mg_1", 60, {"profile.name": "A", "attitude.remarks": "x", "attitude.secret": "s"})
    await put(book, "C2", "mg_1", 200, {"profile.name": "B", "behaviour.code": "c", "profile.tags": []})
    await put(book, "C3", "mg_2", 300, {"attitude.remarks": "y"})
    return book


class Asking:
    """Asks as one viewer, both ways."""

    def __init__(self, schema: Schema, book: Repositories, viewer: Viewer = ROOT, policy: Policy = BUILT_IN) -> None:
        self._schema = schema
        self._viewer, self._book = viewer, book.on(AGED, policy)

    def _context(self) -> Context:
        return Context(self._viewer, self._book)

    async def both(self, query: str, **variables: Any) -> Any:
        """The data, the same by both ways."""
        document: Any = parse(query)
        compiler = OperationCompiler(self._schema, document, document.definitions[0])
        given = compiler.coerce(variables)
        compiled = await compiler.compiled(given).run(self._context(), given)
        answer: Any = await self._schema.execute(query, variables, self._context())
        assert answer.errors is None, answer.errors
        assert compiled == answer.data
        return compiled

    async def code(self, query: str, **variables: Any) -> str:
        answer: Any = await self._schema.execute(query, variables, self._context())
        return str(answer.errors[0].original_error.code)

    async def stale(self, **variables: Any) -> list[tuple[str, str]]:
        found = (await self.both(STALE, **variables))["staleValues"]
        assert found["totalCount"] == len(found["nodes"])
        return [(each["client"]["number"], each["path"]) for each in found["nodes"]]


class TestStaleValues:
    async def test_the_oldest_first_with_their_age(self, schema: Schema, book: Repositories) -> None:
        found = (await Asking(schema, book).both(STALE))["staleValues"]
        assert found == {
            "totalCount": 4,
            "pageInfo": {"hasNextPage": False},
            "nodes": [
                {"client": {"number": number}, "path": path, "definition": {"maxAgeHours": limit}, "ageHours": age,
                 "overdueHours": age - limit}
                for number, path, limit, age in (
                    ("C3", "attitude.remarks", 50, 300), ("C2", "behaviour.code", 10, 200),
                    ("C2", "profile.name", 100, 200), ("C1", "attitude.remarks", 50, 60),
                )
            ],
        }  # fmt: skip

    async def test_by_manager_paths_and_facet(self, schema: Schema, book: Repositories) -> None:
        root = Asking(schema, book)
        assert await root.stale(manager="mg_2") == [("C3", "attitude.remarks")]
        assert await root.stale(paths=["profile.name", "profile.tags"]) == [("C2", "profile.name")]
        assert await root.stale(facet="ATTITUDE") == [("C3", "attitude.remarks"), ("C1", "attitude.remarks")]
        assert await root.stale(facet="DERIVED") == []

    async def test_of_the_own_book_alone(self, schema: Schema, book: Repositories) -> None:
        ana = Asking(schema, book, ANA)
        own = [("C2", "behaviour.code"), ("C2", "profile.name"), ("C1", "attitude.remarks")]
        assert await ana.stale() == own
        assert await ana.stale(manager="mg_2") == []

    async def test_hidden_attributes_are_as_if_they_were_not_there(self, schema: Schema, book: Repositories) -> None:
        steward = Asking(schema, book, STEWARD)
        assert await steward.stale() == [("C2", "behaviour.code")]
        for path in ("attitude.remarks", "attitude.secret", "attitude.nothing"):
            assert await steward.code(STALE, paths=[path]) == ErrorCode.UNKNOWN_ATTRIBUTE
        absent = Asking(schema, book, STEWARD, BUILT_IN.model_copy(update={"unreadable": Unreadable.ABSENT}))
        assert await absent.stale() == [("C2", "behaviour.code")]

    async def test_masked_attributes_serve_for_nothing(self, schema: Schema, book: Repositories) -> None:
        rules = tuple(
            each.model_copy(update={"mask": ("attitude.remarks",)}) if each.role == "data_steward" else each
            for each in BUILT_IN.rules
        )
        steward = Asking(schema, book, STEWARD, BUILT_IN.model_copy(update={"rules": rules}))
        assert await steward.stale() == [("C2", "behaviour.code")]
        assert await steward.code(STALE, paths=["attitude.remarks"]) == ErrorCode.UNKNOWN_ATTRIBUTE

    async def test_a_restricted_value_with_a_purpose(self, schema: Schema, book: Repositories) -> None:
        risk = Viewer("rita", frozenset(("risk_officer",)), purpose="CREDIT_REVIEW")
        assert ("C1", "attitude.secret") in await Asking(schema, book, risk).stale()


class TestStaleValueCounts:
    @pytest.mark.parametrize(
        ("by", "expected"),
        [
            ("MANAGER", [("mg_1", None, 3, 2), ("mg_2", None, 1, 1)]),
            ("ATTRIBUTE", [(None, "attitude.remarks", 2, 2), (None, "behaviour.code", 1, 1),
                           (None, "profile.name", 1, 1)]),
            ("MANAGER_AND_ATTRIBUTE", [("mg_1", "attitude.remarks", 1, 1), ("mg_1", "behaviour.code", 1, 1),
                                       ("mg_1", "profile.name", 1, 1), ("mg_2", "attitude.remarks", 1, 1)]),
        ],
    )  # fmt: skip
    async def test_the_most_first(self, schema: Schema, book: Repositories, by: str, expected: list[Any]) -> None:
        found = (await Asking(schema, book).both(COUNTS, by=by))["staleValueCounts"]
        rows = [
            (
                each["manager"] and each["manager"]["id"],
                each["definition"] and each["definition"]["path"],
                each["values"],
                each["clients"],
            )
            for each in found["nodes"]
        ]
        assert (rows, found["totalCount"]) == (expected, len(expected))


class TestCompleteness:
    async def test_of_a_page_of_clients(self, schema: Schema, book: Repositories) -> None:
        nodes = (await Asking(schema, book).both(COMPLETE))["clients"]["nodes"]
        # Expected of persons: 9 of the profile, 2 of behaviour, and of attitude two that an administrator reads.
        second = nodes[1]["completeness"]
        assert (second["filled"], second["expected"], second["share"]) == (3, 13, 3 / 13)
        assert second["facets"] == [
            {"facet": "ATTITUDE", "filled": 0, "expected": 2, "share": 0.0},
            {"facet": "BEHAVIOUR", "filled": 1, "expected": 2, "share": 0.5},
            {"facet": "PROFILE", "filled": 2, "expected": 9, "share": 2 / 9},
        ]
        assert second["missing"] == [{"path": "attitude.remarks"}, {"path": "attitude.satisfaction"}]

    async def test_of_a_facet(self, schema: Schema, book: Repositories) -> None:
        nodes = (await Asking(schema, book).both(COMPLETE, facet="BEHAVIOUR"))["clients"]["nodes"]
        assert [each["completeness"]["share"] for each in nodes] == [0.0, 0.5, 0.0]
        nodes = (await Asking(schema, book).both(COMPLETE, facet="DERIVED"))["clients"]["nodes"]
        assert [each["completeness"]["share"] for each in nodes] == [None] * 3

    async def test_by_what_the_viewer_may_read(self, schema: Schema, book: Repositories) -> None:
        nodes = (await Asking(schema, book, STEWARD).both(COMPLETE))["clients"]["nodes"]
        assert [(each["completeness"]["filled"], each["completeness"]["expected"]) for each in nodes] == [
            (0, 1),
            (1, 1),
            (0, 1),
        ]

    async def test_of_managers_and_by_manager(self, schema: Schema, book: Repositories) -> None:
        await put(book, "C4", None, 1, {"behaviour.code": "c", "behaviour.visits": 1})
        root, ana = Asking(schema, book), Asking(schema, book, ANA)
        query = "{ managers(first: 9) { nodes { id completeness { clients filled expected } } } }"
        found = (await root.both(query))["managers"]["nodes"]
        assert [(each["id"], *each["completeness"].values()) for each in found] == [
            ("mg_1", 2, 5, 26),
            ("mg_2", 1, 1, 13),
        ]
        found = (await ana.both(query))["managers"]["nodes"]
        assert [each["completeness"]["clients"] for each in found] == [2, 0]
        query = "{ completenessByManager(first: 9) { totalCount nodes { manager { id } clients share } } }"
        found = (await root.both(query))["completenessByManager"]
        assert found == {
            "totalCount": 3,
            "nodes": [
                {"manager": {"id": "mg_2"}, "clients": 1, "share": 1 / 13},
                {"manager": None, "clients": 1, "share": 2 / 13},
                {"manager": {"id": "mg_1"}, "clients": 2, "share": 5 / 26},
            ],
        }
        found = (await ana.both(query))["completenessByManager"]
        assert [each["manager"] for each in found["nodes"]] == [{"id": "mg_1"}]
