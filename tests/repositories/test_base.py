"""Writing: one change as one command, on the three stores."""

import anyio
import anyio.lowlevel
import pytest

from catalogue.filters import Compare
from catalogue.kinds import Operator
from repositories.access import Touched
from repositories.changes import TAIL_LIMIT
from repositories.errors import AlreadyExists, KeyReused, NotFound, StaleVersion, Unavailable
from repositories.mongo import Store
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import AT, change, everything, insert, nearly_full, plan, record, seen, stored

EMPLOYEES = "profile.employees"
LONG = {"path": "attitude.remarks", "old": "x" * 1_600_000}


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
            "sequence": 1,
            "createdAt": AT,
            "updatedAt": AT,
            "storedAt": AT,
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

    @pytest.mark.real_drivers
    @pytest.mark.parametrize("many", [True, False])
    async def test_a_tail_that_fills_the_document_makes_room(self, book: Repositories, many: bool) -> None:
        one = await insert(book, "A", {})
        found = await stored(book, one)
        tail = [*found["tail"], *({**found["tail"][0], "version": at, "values": [LONG]} for at in range(2, 12))]
        await book.clients.collection.delete_one({ID: one})
        await book.clients.collection.insert_one({**found, "version": 11, "sequence": 11, "tail": tail})
        await nearly_full(book, one)
        asked = change({EMPLOYEES: 5}, key="k", request_hash="h", expected_version=11)
        if many:
            assert await book.clients.write_many([(one, asked)]) == frozenset()
        else:
            await book.clients.write(one, asked, seen())
            assert (await book.clients.write(one, asked, seen())).is_replay
        after = await stored(book, one)
        assert (after["profile"], after["version"], after["moved"]) == ({"employees": 5}, 12, 10)
        assert [each["version"] for each in after["tail"]] == [11, 12]
        moved = await book.store.collection("changes").find({"recordId": one}, {"version": 1}, [("version", 1)])
        assert [each["version"] for each in moved] == list(range(1, 11))

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
