"""Small books: what mongod examines for a page, whatever kind of book was asked for before."""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import pytest

from catalogue.filters import And, Compare, Filter, Not, all_of
from catalogue.kinds import Operator
from repositories.access import AuthorisedPlan
from repositories.mongo import Store
from repositories.plan import ID, Order, Page, ReadPlan
from repositories.repositories import Repositories
from repositories.small_books import SMALL_BOOK, SmallBooks
from tests.books import AT, SMALL, record
from tests.conftest import CommandLog

CLIENTS = 20_000
SMALL_CLIENTS = 40
NEAR = 200
"""Documents that a page of a small book may examine."""
NAME = "profile.name"
WHERES: tuple[Filter | None, ...] = (
    None,
    Compare("attitude.satisfaction", Operator.GTE, 2.0),
    # about one client in ten: on the order's index a long walk, even for who has half of the clients
    Compare("profile.location.city", Operator.CONTAINS, "9"),
)


def managed(manager: str) -> Compare:
    return Compare("managerId", Operator.EQ, manager)


def led(team: str) -> Compare:
    return Compare("team", Operator.EQ, team)


def page_of(rows: Filter | None, where: Filter | None = None, is_descending: bool = False) -> AuthorisedPlan:
    """What repositories.access makes of a question, where the policy's decision has these rows."""
    plan = ReadPlan("clients", frozenset({NAME}), where, (Order(NAME, is_descending),), Page(50))
    return AuthorisedPlan(plan, all_of(rows, where), "M001", rows)


def clients() -> Iterator[dict[str, Any]]:
    """One manager and team with forty clients, one with half of them, and a hundred others."""
    for number in range(CLIENTS):
        who = "small" if number % (CLIENTS // SMALL_CLIENTS) == 6 else "large" if number % 2 else f"m{number % 100}"
        facets = {
            # scattered, so that neither book lies together in the index
            "profile": {"name": f"{number * 7919 % CLIENTS:05d}", "location": {"city": f"{number * 31 % 997 % 100}"}},
            "attitude": {"satisfaction": float(number % 11)},
        }
        place = {"managerId": f"mg_{who}", "team": f"team {who}", "stage": "ACTIVE", "createdAt": AT, "updatedAt": AT}
        yield record(f"K{number}") | place | facets | {"version": 1, "tail": []}


@pytest.fixture
async def full_book(book: Repositories) -> Repositories:
    rows = clients()
    while batch := list(islice(rows, 5_000)):
        await book.clients.collection.insert_many(batch)
    await book.attributes.sync_indexes(SMALL, ["clients"])
    return book


class Profile:
    """What mongod itself wrote down of the last read: unlike explain it says what the plan cache did."""

    def __init__(self, store: Store) -> None:
        self._database: Any = store._database

    async def begin(self) -> None:
        await self._database.command("profile", 2)

    async def last(self) -> dict[str, Any]:
        where = {"op": "query", "command.find": "clients"}
        found: dict[str, Any] = await self._database["system.profile"].find_one(where, sort=[("$natural", -1)])
        return found


async def examined(store: Store, command: dict[str, Any]) -> int:
    plan = await store.explain(command, "executionStats")
    return int(plan["executionStats"]["totalDocsExamined"])


@pytest.mark.real_drivers
class TestPages:
    @pytest.mark.parametrize(("small", "large"), [("mg_small", "mg_large"), ("team small", "team large")])
    async def test_the_access_rule_comes_first_where_it_leaves_few(
        self, full_book: Repositories, store: Store, command_log: CommandLog, small: str, large: str
    ) -> None:
        rows_of = managed if small.startswith("mg_") else led
        assert await full_book.clients.collection.count({"managerId": "mg_small"}) == SMALL_CLIENTS
        for where in WHERES[:2]:
            for is_descending in (False, True):
                for who, bound in ((small, SMALL_CLIENTS), (large, NEAR)):
                    found = await full_book.clients.read_page(page_of(rows_of(who), where, is_descending))
                    names = [value["profile"]["name"] for value in found.documents]  # type: ignore[index]
                    assert names == sorted(names, reverse=is_descending)
                    command = dict(command_log.commands[-1])
                    assert ("hint" in command) == (who == small)
                    assert await examined(store, command) <= bound

    async def test_whatever_the_plan_cache_holds(self, full_book: Repositories, store: Store) -> None:
        profile = Profile(store)
        await profile.begin()
        turns = ("mg_large", "mg_large", "mg_large", "mg_small", "mg_small", "mg_large", "mg_small")
        for where in WHERES:
            for is_descending in (False, True):
                for who in islice(cycle(turns), 2 * len(turns)):
                    await full_book.clients.read_page(page_of(managed(who), where, is_descending))
                    seen = await profile.last()
                    if who == "mg_small":
                        assert seen["docsExamined"] <= NEAR, (where, seen["planSummary"])
                        assert "replanned" not in seen
                    else:
                        assert NAME in seen["planSummary"]

    async def test_a_narrow_question_about_a_small_book(self, full_book: Repositories) -> None:
        where = Compare("profile.location.city", Operator.EQ, "6")
        expected = await full_book.clients.collection.count(
            {"managerId": "mg_small", "profile.location.city": {"$eq": "6"}}
        )
        found = await full_book.clients.read_page(page_of(managed("mg_small"), where))
        assert len(found.documents) == expected

    async def test_the_size_is_asked_once_a_minute_and_only_up_to_the_bound(
        self, full_book: Repositories, store: Store, command_log: CommandLog
    ) -> None:
        for who in ("mg_small", "mg_large"):
            command_log.clear()
            for _ in range(3):
                await full_book.clients.read_page(page_of(managed(who)))
            assert command_log.names == ["aggregate", "find", "find", "find"]
            plan = await store.explain(_explainable(command_log.commands[0]), "executionStats")
            stats = plan["stages"][0]["$cursor"]["executionStats"]
            assert stats["totalKeysExamined"] <= SMALL_BOOK + 1
            assert stats["totalDocsExamined"] == 0


def _explainable(command: dict[str, object]) -> dict[str, Any]:
    return {"aggregate": command["aggregate"], "pipeline": command["pipeline"], "cursor": {}}


class TestHintFor:
    async def test_by_size(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("repositories.small_books.SMALL_BOOK", 2)
        many = [record(f"K{number}") | _core("mg_1" if number < 2 else "mg_2") for number in range(5)]
        await book.clients.collection.insert_many(many)
        assert await book.clients.small_books.hint_for(managed("mg_1")) == "manager"
        assert await book.clients.small_books.hint_for(managed("mg_2")) is None
        assert await book.clients.small_books.hint_for(led("mg_1")) == "team"

    async def test_by_the_part_that_an_index_answers(self, book: Repositories) -> None:
        rows = And((Not(managed("mg_1")), Compare("team", Operator.IN, ("a", "b"))))
        assert await book.clients.small_books.hint_for(rows) == "team"

    @pytest.mark.parametrize(
        "rows", [None, Not(managed("mg_1")), Compare("managerId", Operator.NE, "mg_1"), Compare(ID, Operator.EQ, "x")]
    )
    async def test_none_without_an_index(self, book: Repositories, rows: Filter | None) -> None:
        assert await book.clients.small_books.hint_for(rows) is None

    @pytest.mark.real_drivers
    async def test_the_answer_is_kept_for_a_while(
        self, book: Repositories, command_log: CommandLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        books = SmallBooks(book.clients.collection, {"managerId": "manager"})
        command_log.clear()
        for _ in range(2):
            assert await books.hint_for(managed("mg_1")) == "manager"
        assert len(command_log.commands) == 1
        monkeypatch.setattr("repositories.small_books.KEPT_SECONDS", -1.0)
        for _ in range(2):
            await books.hint_for(managed("mg_2"))
        assert len(command_log.commands) == 3

    async def test_as_many_as_are_kept(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("repositories.small_books.KEPT_BOOKS", 2)
        books = SmallBooks(book.clients.collection, {"managerId": "manager"})
        for who in ("mg_1", "mg_2", "mg_1", "mg_3"):
            await books.hint_for(managed(who))
        assert list(books._kept) == [managed("mg_2"), managed("mg_3")]


def _core(who: str) -> dict[str, Any]:
    return {"managerId": who, "team": who, "stage": "ACTIVE", "version": 1, "createdAt": AT, "updatedAt": AT}
