"""Reading pages, counting and loading by id, on the three stores."""

from typing import Any

import pytest

from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Operator
from repositories.errors import BadCursor
from repositories.plan import ID, Order, Page
from repositories.repositories import Repositories
from tests.books import OTHER, change, insert, plan, record
from tests.conftest import CommandLog

EMPLOYEES = "profile.employees"
BY_EMPLOYEES = Order(EMPLOYEES)


async def fill(book: Repositories, count: int) -> dict[str, int | None]:
    """Clients whose number of employees is one of three, or unset; what each has, by number."""
    values = [(f"C{place:05}", (None, 10, 20, 30)[place * 7 % 4]) for place in range(count)]
    batch = [(record(number), change({"stage": "ACTIVE", EMPLOYEES: value})) for number, value in values]
    assert await book.clients.insert_many(batch) == frozenset()
    return dict(values)


async def walk(book: Repositories, order: tuple[Order, ...], size: int, paths: set[str], backward: bool) -> list[str]:
    """The numbers on all pages, in the order of the whole list."""
    found: list[list[str]] = []
    cursor: str | None = None
    is_more = True
    while is_more:
        page = Page(size, backward, **{"before" if backward else "after": cursor})
        authorised = plan(paths, *order, page=page)
        part = await book.clients.read_page(authorised)
        found.append([str(each["number"]) for each in part.documents])
        is_more = part.has_previous if backward else part.has_next
        cursors = book.clients.seal(authorised, part.documents)
        cursor = cursors[0 if backward else -1]
        assert (part.has_next if backward else part.has_previous) == (len(found) > 1)
    return [number for numbers in (reversed(found) if backward else found) for number in numbers]


class TestReadPage:
    @pytest.mark.parametrize(
        ("count", "size"), [(1_000, 200), pytest.param(10_000, 190, marks=pytest.mark.long)], ids=["1000", "10000"]
    )
    async def test_a_walk_over_equal_and_unset_values_meets_each_client_once(
        self, book: Repositories, count: int, size: int
    ) -> None:
        if book.store.driver == "memory":
            # it sorts all of them for every page
            count, size = count // 4, size // 4
        values = await fill(book, count)
        by_number = (Order("number", is_descending=True),)
        numbers = sorted(values, reverse=True)
        assert await walk(book, by_number, size, {"number", "stage"}, backward=False) == numbers
        assert await walk(book, by_number, size, {"number"}, backward=True) == numbers
        for is_descending in (False, True):
            order = (Order(EMPLOYEES, is_descending),)
            whole = await walk(book, order, size, {"number", EMPLOYEES}, backward=False)
            assert sorted(whole) == sorted(values)
            keys = [values[number] or 0 for number in whole]
            assert keys == sorted(keys, reverse=is_descending)
            assert await walk(book, order, size, {"number", EMPLOYEES}, backward=True) == whole
            assert await walk(book, order, size, {"number"}, backward=False) == whole
            assert await walk(book, order, size, {"number"}, backward=True) == whole

    async def test_without_an_order_is_by_id(self, book: Repositories) -> None:
        ids = [await insert(book, f"C{place}", {}) for place in range(3)]
        part = await book.clients.read_page(plan({"number"}, page=Page(10)))
        assert [each[ID] for each in part.documents] == sorted(ids)
        assert (part.has_next, part.has_previous) == (False, False)

    async def test_a_cursor_outlives_the_record_it_was_made_of(self, book: Repositories) -> None:
        await fill(book, 8)
        first = plan({"number"}, BY_EMPLOYEES, page=Page(3))
        part = await book.clients.read_page(first)
        cursor = book.clients.seal(first, part.documents)[-1]
        rest = plan({"number"}, BY_EMPLOYEES, page=Page(20, after=cursor))
        expected = (await book.clients.read_page(rest)).documents
        await book.clients.collection.delete_one({ID: part.documents[-1][ID]})
        assert (await book.clients.read_page(rest)).documents == expected

    async def test_between_two_cursors(self, book: Repositories) -> None:
        await fill(book, 12)
        whole = plan({"number"}, BY_EMPLOYEES, page=Page(12))
        documents = (await book.clients.read_page(whole)).documents
        cursors = book.clients.seal(whole, documents)
        part = plan({"number"}, BY_EMPLOYEES, page=Page(12, after=cursors[2], before=cursors[7]))
        assert (await book.clients.read_page(part)).documents == documents[3:7]

    @pytest.mark.parametrize(
        ("order", "where", "viewer"),
        [
            ((Order(EMPLOYEES, True),), None, None),
            ((Order("profile.name"),), None, None),
            ((BY_EMPLOYEES, Order("profile.name")), None, None),
            ((BY_EMPLOYEES,), Compare("number", Operator.NE, "C1"), None),
            ((BY_EMPLOYEES,), None, OTHER),
        ],
        ids=["direction", "attribute", "more keys", "filter", "person"],
    )
    async def test_a_cursor_of_another_question(
        self, book: Repositories, order: tuple[Order, ...], where: Filter | None, viewer: Any
    ) -> None:
        await fill(book, 4)
        mine = plan({"number"}, BY_EMPLOYEES, page=Page(2))
        cursor = book.clients.seal(mine, (await book.clients.read_page(mine)).documents)[-1]
        more = {} if viewer is None else {"viewer": viewer}
        with pytest.raises(BadCursor):
            await book.clients.read_page(plan({"number"}, *order, where=where, page=Page(2, after=cursor), **more))

    async def test_a_made_up_cursor(self, book: Repositories) -> None:
        await fill(book, 2)
        for cursor in ("x", "é", "====", "A" * 60, "A" * 5_000):
            with pytest.raises(BadCursor):
                await book.clients.read_page(plan({"number"}, page=Page(2, after=cursor)))
        # an empty text is no cursor at all: the page starts at the beginning
        assert len((await book.clients.read_page(plan({"number"}, page=Page(2, after="")))).documents) == 2

    async def test_a_cursor_with_one_letter_changed(self, book: Repositories) -> None:
        await fill(book, 3)
        mine = plan({"number"}, page=Page(1))
        cursor = book.clients.seal(mine, (await book.clients.read_page(mine)).documents)[0]
        other = ("A" if cursor[20] != "A" else "B").join((cursor[:20], cursor[21:]))
        with pytest.raises(BadCursor):
            await book.clients.read_page(plan({"number"}, page=Page(1, after=other)))

    @pytest.mark.real_drivers
    async def test_is_one_command_that_asks_for_the_paths_and_the_order_alone(
        self, book: Repositories, command_log: CommandLog
    ) -> None:
        await fill(book, 5)
        command_log.clear()
        part = await book.clients.read_page(plan({"number"}, BY_EMPLOYEES, page=Page(2)))
        assert command_log.names == ["find"]
        assert command_log.commands[0]["projection"] == {ID: 1, "number": 1, EMPLOYEES: 1}
        assert command_log.commands[0]["limit"] == 3
        assert all(set(each) <= {ID, "number", "profile"} for each in part.documents)


SELECTED: tuple[tuple[Filter, str], ...] = (
    (Compare(EMPLOYEES, Operator.EQ, 10), "B"),
    (Compare(EMPLOYEES, Operator.NE, 10), "ACD"),
    (Compare(EMPLOYEES, Operator.IN, (10, 20)), "BC"),
    (Compare(EMPLOYEES, Operator.NOT_IN, (10, 20)), "AD"),
    (Compare(EMPLOYEES, Operator.GT, 10), "C"),
    (Compare(EMPLOYEES, Operator.LTE, 20), "BC"),
    (Compare(EMPLOYEES, Operator.IS_NULL, True), "AD"),
    (Compare(EMPLOYEES, Operator.IS_NULL, False), "BC"),
    (Compare("profile.name", Operator.STARTS_WITH, "a."), "A"),
    (Compare("profile.name", Operator.CONTAINS, ".*"), "D"),
    (Compare("profile.name", Operator.CONTAINS, "STEEL"), "BC"),
    (Compare("profile.tags", Operator.CONTAINS_ANY, ("x", "y")), "AB"),
    (Compare("profile.tags", Operator.CONTAINS_ALL, ("x", "y")), "B"),
    (Compare("profile.name", Operator.EQ, "$number"), ""),
    (Not(Compare(EMPLOYEES, Operator.EQ, 10)), "ACD"),
    (And((Compare(EMPLOYEES, Operator.GTE, 10), Compare("number", Operator.NE, "C"))), "B"),
    (Or((Compare(EMPLOYEES, Operator.LT, 15), Compare("number", Operator.EQ, "D"))), "BD"),
    (
        AnyItem(
            "profile.keyPeople",
            And((Compare("name", Operator.EQ, "Li"), Compare("position", Operator.EQ, "CEO"))),
        ),
        "C",
    ),
)
"""Predicates, and the numbers of the clients in test_each_operator that they select."""


class TestFilters:
    async def test_each_operator(self, book: Repositories) -> None:
        li, wang = {"name": "Li", "position": "CFO"}, {"name": "Wang", "position": "CEO"}
        await insert(book, "A", {"profile.name": "a.b", "profile.tags": ["x"]})
        await insert(book, "B", {"profile.name": "Bright Steel", EMPLOYEES: 10, "profile.tags": ["x", "y"]})
        boss = {"name": "Li", "position": "CEO"}
        await insert(book, "C", {"profile.name": "China steel", EMPLOYEES: 20, "profile.keyPeople": [li, boss]})
        await insert(book, "D", {"profile.name": "d.*", "profile.keyPeople": [li, wang]})
        for where, numbers in SELECTED:
            authorised = plan({"number"}, Order("number"), where=where, page=Page(10))
            part = await book.clients.read_page(authorised)
            assert (where, "".join(str(each["number"]) for each in part.documents)) == (where, numbers)
            assert await book.clients.count(authorised) == len(numbers)


class TestFindMany:
    async def test_leaves_out_what_is_not_there(self, book: Repositories) -> None:
        one, two = await insert(book, "A", {}), await insert(book, "B", {})
        found = await book.clients.load_many(plan({"number"}), {one, two, "cl_missing"})
        assert {key: each["number"] for key, each in found.items()} == {one: "A", two: "B"}
        assert await book.clients.existing({one, "cl_missing"}) == {one}

    async def test_nothing_asks_nothing(self, book: Repositories, command_log: CommandLog) -> None:
        command_log.clear()
        assert await book.clients.load_many(plan({"number"}), ()) == {}
        assert await book.clients.existing(()) == frozenset()
        assert command_log.commands == []
