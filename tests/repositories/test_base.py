"""Reading pages, and writing one change as one command, on the three stores."""

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Operator
from repositories.access import Touched
from repositories.changes import TAIL_LIMIT
from repositories.errors import AlreadyExists, BadCursor, KeyReused, NotFound, StaleVersion, Unavailable
from repositories.mongo import Store
from repositories.plan import ID, Order, Page
from repositories.repositories import Repositories
from tests.books import AT, OTHER, change, everything, insert, nearly_full, plan, record, seen, stored
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


class TestInsert:
    async def test_is_version_1_with_its_change_in_the_tail(self, book: Repositories) -> None:
        values = {"stage": "PROSPECT", "profile.location.city": "Basel", "profile.name": None}
        made = record("A")
        await book.clients.insert(made, change(values, key="k", request_hash="h"))
        document = await stored(book, str(made[ID]))
        assert document == made | {
            "numbers": ["A"],
            "stage": "PROSPECT",
            "profile": {"location": {"city": "Basel"}},
            "version": 1,
            "createdAt": AT,
            "updatedAt": AT,
            "proof": {"first": {"v": 1, "o": AT}},
            "tail": [
                {
                    "version": 1,
                    "at": AT,
                    "by": "M001",
                    "key": "k",
                    "hash": "h",
                    "values": [
                        {"path": "stage", "new": "PROSPECT"},
                        {"path": "profile.location.city", "new": "Basel"},
                    ],
                }
            ],
        }

    async def test_a_taken_number(self, book: Repositories) -> None:
        await insert(book, "A", {"profile.name": "first"})
        before = await everything(book)
        with pytest.raises(AlreadyExists, match='number "A" is taken'):
            await insert(book, "A", {"profile.name": "second"})
        assert await everything(book) == before

    async def test_many_say_which_were_taken_and_keep_the_others(self, book: Repositories) -> None:
        await insert(book, "B", {})
        rows = [(record(number), change({"stage": "ACTIVE"})) for number in ("A", "B", "C", "A")]
        assert await book.clients.insert_many(rows) == {1, 3}
        assert await book.clients.collection.count({}) == 3

    async def test_many_are_in_though_their_first_changes_could_not_move(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse(_documents: object) -> None:
            raise Unavailable

        monkeypatch.setattr(book.clients.history, "move_created", refuse)
        made = record("A")
        assert await book.clients.insert_many([(made, change({"stage": "ACTIVE"}))]) == frozenset()
        document = await stored(book, str(made[ID]))
        assert [each["version"] for each in document["tail"]] == [1]


class TestReplay:
    async def test_of_a_new_key(self, book: Repositories) -> None:
        one = await insert(book, "A", {}, key="k", request_hash="h")
        assert await book.clients.replay(one, change({}, key="other", request_hash="h"), seen("number")) is None
        assert await book.clients.replay(one, change({}), seen("number")) is None
        again = await book.clients.replay(one, change({}, key="k", request_hash="h"), seen("number"))
        assert again is not None
        assert again.is_replay
        with pytest.raises(KeyReused):
            await book.clients.replay(one, change({}, key="k", request_hash="another"), seen("number"))


class TestWriteMany:
    async def test_says_which_were_stale(self, book: Repositories) -> None:
        one, two = await insert(book, "A", {}), await insert(book, "B", {})
        await book.clients.write(two, change({EMPLOYEES: 1}), seen())
        batch = [(each, change({EMPLOYEES: 5}, key="batch", expected_version=1)) for each in (one, two)]
        assert await book.clients.write_many(batch) == {1}
        assert (await stored(book, one))["profile"] == {"employees": 5}
        assert (await stored(book, two))["profile"] == {"employees": 1}

    @pytest.mark.real_drivers
    async def test_a_record_that_would_be_too_large_takes_no_other_with_it(self, book: Repositories) -> None:
        one, two = await insert(book, "A", {}), await insert(book, "B", {})
        await nearly_full(book, one)
        touched = Touched()
        batch = [(each, change({EMPLOYEES: 5}, key="batch", expected_version=1)) for each in (one, two)]
        assert await book.clients.write_many(batch, touched) == {0}
        assert (await stored(book, two))["profile"] == {"employees": 5}
        assert touched.changes == {f"{two}:2"}

    async def test_moves_full_tails(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        for number in range(TAIL_LIMIT):
            await book.clients.write_many([(one, change({EMPLOYEES: number}, key=f"batch {number}"))])
        assert len((await stored(book, one))["tail"]) < TAIL_LIMIT
        assert await book.store.collection("changes").count({"recordId": one}) > 0


class TestWrite:
    async def test_a_write_to_nothing(self, book: Repositories) -> None:
        before = await everything(book)
        with pytest.raises(NotFound):
            await book.clients.write("cl_missing", change({EMPLOYEES: 1}, key="k"), seen())
        assert await everything(book) == before

    async def test_a_condition_that_does_not_hold_hides_the_record(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        before = await everything(book)
        where = Compare("kind", Operator.EQ, "PERSON")
        with pytest.raises(NotFound):
            await book.clients.write(one, change({EMPLOYEES: 1}, where=where), seen())
        assert await everything(book) == before

    async def test_a_stale_version_says_the_present_one(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        await book.clients.write(one, change({EMPLOYEES: 1}, expected_version=1), seen())
        before = await everything(book)
        with pytest.raises(StaleVersion) as refused:
            await book.clients.write(one, change({EMPLOYEES: 2}, expected_version=1), seen())
        assert (refused.value.expected_version, refused.value.found_version) == (1, 2)
        assert await everything(book) == before


async def test_many_writers_at_once_lose_nothing(book: Repositories, store: Store) -> None:
    one = await insert(book, "A", {EMPLOYEES: 0})

    async def add() -> None:
        for _ in range(200):
            found = await book.clients.find_one(plan({EMPLOYEES, "version"}, where=Compare(ID, Operator.EQ, one)))
            assert found is not None
            wanted = change({EMPLOYEES: found["profile"]["employees"] + 1}, expected_version=found["version"])
            try:
                await book.clients.write(one, wanted, seen())
                return
            except StaleVersion:
                await anyio.lowlevel.checkpoint()
        raise AssertionError("never got through")

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(add)
    document = await stored(book, one)
    assert (document["profile"], document["version"]) == ({"employees": 10}, 11)
