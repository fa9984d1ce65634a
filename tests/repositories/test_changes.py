"""What a change leaves in a record and in its history, in the tail and after it has moved out."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import anyio
import pytest

from repositories.changes import TAIL_KEPT, TAIL_LIMIT, Place
from repositories.errors import KeyReused, StaleVersion
from repositories.plan import Proof
from repositories.repositories import Repositories
from tests.books import AT, change, everything, insert, record, seen, stored
from tests.conftest import CommandLog

EMPLOYEES = "profile.employees"
SEEN = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


async def change_often(book: Repositories, client: str, count: int) -> None:
    """Changes 2, 3, ... of a client, each with a key of its own."""
    for number in range(2, count + 2):
        moment = AT + timedelta(minutes=number)
        values = {EMPLOYEES: number} if number % 2 else {"profile.name": f"Name {number}"}
        one = change(values, key=f"key {number}", request_hash=f"hash {number}")
        await book.clients.write(client, type(one)(**{**_fields(one), "at": moment}), seen())


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def at_version(number: int) -> Place:
    """Behind one of the changes that `change_often` makes."""
    return Place(AT + timedelta(minutes=number), 1)


async def versions(book: Repositories, client: str, **more: Any) -> list[int]:
    document = await stored(book, client)
    asked = {"limit": 100, "before": None, "paths": (), "since": None} | more
    return [each["version"] for each in await book.clients.history.read(client, document["tail"], **asked)]


class TestOneChange:
    async def test_keeps_the_old_values_and_says_nothing_of_unset_ones(self, book: Repositories) -> None:
        one = await insert(book, "A", {"profile.name": "before", "profile.employees": 5, "profile.tags": ["x"]})
        values = {"profile.name": "after", EMPLOYEES: None, "profile.tags": ["y", "z"], "attitude.satisfaction": 7.5}
        proof = Proof("annual report", "M001", SEEN, 0.9)
        written = await book.clients.write(one, change(values, proof=proof, key="k", request_hash="h"), seen("profile"))
        assert not written.is_replay
        assert written.document["profile"] == {"name": "after", "tags": ["y", "z"]}
        document = await stored(book, one)
        assert document["attitude"] == {"satisfaction": 7.5}
        assert document["tail"][1] == {
            "version": 2,
            "shown": 2,
            "before": {"v": 1, "at": AT},
            "at": AT,
            "by": "M001",
            "key": "k",
            "hash": "h",
            "source": "annual report",
            "observer": "M001",
            "observedAt": SEEN,
            "confidence": 0.9,
            "values": [
                {"path": "profile.name", "old": "before", "new": "after"},
                {"path": EMPLOYEES, "old": 5},
                {"path": "profile.tags", "old": ["x"], "new": ["y", "z"]},
                {"path": "attitude.satisfaction", "new": 7.5},
            ],
        }

    async def test_notes_which_change_set_a_value(self, book: Repositories) -> None:
        one = await insert(book, "A", {"profile.name": "before", EMPLOYEES: 5})
        await book.clients.write(one, change({"profile.name": "after"}, proof=Proof(observed_at=SEEN)), seen())
        await book.clients.write(one, change({EMPLOYEES: 6}), seen())
        await book.clients.write(one, change({EMPLOYEES: None}), seen())
        proof = (await stored(book, one))["proof"]
        assert proof == {"first": {"v": 1, "o": AT}, "profile/name": {"v": 2, "o": SEEN}}

    async def test_a_value_that_looks_like_an_expression_is_kept_as_it_is(self, book: Repositories) -> None:
        values: tuple[object, ...] = (
            "$attitude.satisfaction",
            "$$ROOT",
            "$$REMOVE",
            {"$ne": 1},
            {"$add": ["$version", 1]},
            ["$profile.name", {"$literal": 1}],
            {"a.b": 1, "$set": {"version": 100}},
        )
        proof = Proof("$attitude.satisfaction", "$$NOW")
        for place, value in enumerate(values):
            one = await insert(book, f"C{place}", {"attitude.satisfaction": 9.9})
            await book.clients.write(one, change({"profile.name": value}, proof=proof, key="$number"), seen())
            document = await stored(book, one)
            assert (document["profile"]["name"], document["version"]) == (value, 2)
            entry = document["tail"][1]
            assert entry["values"] == [{"path": "profile.name", "new": value}]
            assert (entry["source"], entry["observer"], entry["key"]) == ("$attitude.satisfaction", "$$NOW", "$number")

    async def test_dates_moments_and_decimals_come_back_as_they_were(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        values = {"profile.foundedOn": date(1886, 5, 8), "derived.clientValue": Decimal("12.50"), EMPLOYEES: 2**62}
        await book.clients.write(one, change(values), seen())
        document = await stored(book, one)
        assert document["profile"]["foundedOn"] == datetime(1886, 5, 8, tzinfo=UTC)
        assert str(document["derived"]["clientValue"]) == "12.50"
        assert document["profile"]["employees"] == 2**62
        assert document["tail"][1]["values"][0]["new"] == datetime(1886, 5, 8, tzinfo=UTC)

    @pytest.mark.real_drivers
    async def test_is_one_command(self, book: Repositories, command_log: CommandLog) -> None:
        one = await insert(book, "A", {})
        command_log.clear()
        await book.clients.write(
            one, change({EMPLOYEES: 1}, key="k", request_hash="h", expected_version=1), seen("number")
        )
        assert command_log.names == ["findAndModify"]


class TestKeys:
    async def test_the_same_request_again_changes_nothing(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        wanted = change({EMPLOYEES: 1}, key="k", request_hash="h", expected_version=1)
        await book.clients.write(one, wanted, seen())
        await book.clients.write(one, change({EMPLOYEES: 2}), seen())
        before = await everything(book)
        again = await book.clients.write(one, wanted, seen(EMPLOYEES))
        assert again.is_replay
        assert again.document["profile"] == {"employees": 2}
        assert await everything(book) == before

    async def test_another_request_with_the_key_is_refused(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        await book.clients.write(one, change({EMPLOYEES: 1}, key="M001:k", request_hash="h"), seen())
        before = await everything(book)
        with pytest.raises(KeyReused, match='"k"'):
            await book.clients.write(one, change({EMPLOYEES: 2}, key="M001:k", request_hash="other"), seen())
        assert await everything(book) == before

    async def test_are_found_after_they_have_moved_out(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        await change_often(book, one, 3 * TAIL_LIMIT)
        before = await everything(book)
        for number in range(2, 3 * TAIL_LIMIT + 2):
            values = {EMPLOYEES: number} if number % 2 else {"profile.name": f"Name {number}"}
            again = change(values, key=f"key {number}", request_hash=f"hash {number}")
            assert (await book.clients.write(one, again, seen())).is_replay
        with pytest.raises(KeyReused):
            await book.clients.write(one, change({EMPLOYEES: 0}, key="key 2", request_hash="other"), seen())
        assert await everything(book) == before

    async def test_a_new_key_and_a_stale_version_after_the_move(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        await change_often(book, one, 2 * TAIL_LIMIT)
        version = 2 * TAIL_LIMIT + 1
        with pytest.raises(StaleVersion):
            await book.clients.write(one, change({EMPLOYEES: 7}, key="new", expected_version=3), seen())
        wanted = change({EMPLOYEES: 7}, key="new", request_hash="h", expected_version=version)
        assert not (await book.clients.write(one, wanted, seen())).is_replay
        assert (await book.clients.write(one, wanted, seen())).is_replay
        assert (await stored(book, one))["version"] == version + 1

    @pytest.mark.parametrize("earlier", [0, 2 * TAIL_LIMIT], ids=["before the move", "after the move"])
    async def test_three_at_once_are_applied_once(self, book: Repositories, earlier: int) -> None:
        one = await insert(book, "A", {})
        await change_often(book, one, earlier)
        replays: list[bool] = []

        async def send(number: int) -> None:
            wanted = change({EMPLOYEES: number}, key=f"send {number}", request_hash=f"h{number}")
            replays.append((await book.clients.write(one, wanted, seen())).is_replay)

        async with anyio.create_task_group() as group:
            for number in range(5):
                for _ in range(3):
                    group.start_soon(send, number)
        assert sorted(replays) == [False] * 5 + [True] * 10
        assert (await stored(book, one))["version"] == earlier + 6


class TestMoveWhenFull:
    async def test_history_is_whole_and_the_tail_short(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        await change_often(book, one, 50)
        document = await stored(book, one)
        assert TAIL_KEPT <= len(document["tail"]) <= TAIL_LIMIT
        moved = await book.store.collection("changes").find({"recordId": one}, sort=[("version", 1)])
        assert [each["version"] for each in moved] == list(range(1, document["tail"][0]["version"]))
        assert {each["area"] for each in moved} == {"clients"}
        assert document["moved"] == moved[-1]["version"]
        assert await versions(book, one) == list(range(51, 0, -1))

    async def test_twice_is_harmless(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        await change_often(book, one, TAIL_LIMIT - 1)
        full = await stored(book, one)
        assert len(full["tail"]) == TAIL_LIMIT
        full["tail"] = [*full["tail"], full["tail"][-1]]
        await book.clients.history.move_when_full(one, full)
        before = await everything(book)
        assert len(before["changes"]) == TAIL_LIMIT - TAIL_KEPT
        # as by a second writer who saw the same full tail
        await book.clients.history.move_when_full(one, full)
        assert await everything(book) == before

    async def test_one_that_was_stopped_half_way_is_done_by_the_next(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        await change_often(book, one, TAIL_LIMIT - 1)
        document = await stored(book, one)
        entry = document["tail"][0]
        row = {"_id": f"{one}:{entry['version']}", "recordId": one, "area": "clients", **entry}
        await book.store.collection("changes").insert_one(row)
        assert await versions(book, one) == list(range(TAIL_LIMIT, 0, -1))
        await change_often(book, one, 1)
        assert len((await stored(book, one))["tail"]) == TAIL_LIMIT
        await book.clients.write(one, change({EMPLOYEES: 0}), seen())
        assert len((await stored(book, one))["tail"]) == TAIL_KEPT
        assert await versions(book, one) == list(range(TAIL_LIMIT + 1, 0, -1))

    async def test_changes_made_at_once_are_each_in_the_history_once(self, book: Repositories) -> None:
        one = await insert(book, "A", {})

        async def write(number: int) -> None:
            await book.clients.write(one, change({EMPLOYEES: number}), seen())

        for _ in range(3):
            async with anyio.create_task_group() as group:
                for number in range(25):
                    group.start_soon(write, number)
        assert await versions(book, one) == list(range(76, 0, -1))
        entries = await book.clients.history.read(one, [], 100, before=None, paths=(), since=None)
        assert len({each["version"] for each in entries}) == len(entries)


class TestMoveCreated:
    @pytest.fixture
    async def one(self, book: Repositories) -> str:
        """A client who came in bulk."""
        made = record("A")
        one = change({"stage": "ACTIVE", EMPLOYEES: 5}, proof=Proof("register"))
        assert await book.clients.insert_many([(made, one)]) == frozenset()
        return str(made["_id"])

    async def test_the_change_that_made_a_record_leaves_it_at_once(self, book: Repositories, one: str) -> None:
        document = await stored(book, one)
        assert (document["tail"], document["moved"], document["version"]) == ([], 1, 1)
        (entry,) = await book.clients.history.read(one, [], 5, before=None, paths=(), since=None)
        assert entry["values"] == [{"path": "stage", "new": "ACTIVE"}, {"path": EMPLOYEES, "new": 5}]
        assert await book.clients.history.find_entries({(one, 1)}) == {
            (one, 1): {key: each for key, each in entry.items() if key != "values"}
        }

    async def test_history_is_whole_before_and_after_it_is_changed(self, book: Repositories, one: str) -> None:
        assert await versions(book, one) == [1]
        assert await versions(book, one, before=Place(AT, 1)) == []
        await change_often(book, one, 2)
        assert await versions(book, one) == [3, 2, 1]
        assert await versions(book, one, limit=1, before=at_version(2)) == [1]

    async def test_keys_are_watched_all_the_same(self, book: Repositories, one: str) -> None:
        wanted = change({EMPLOYEES: 6}, key="k", request_hash="h", expected_version=1)
        assert not (await book.clients.write(one, wanted, seen())).is_replay
        assert (await book.clients.write(one, wanted, seen())).is_replay
        with pytest.raises(KeyReused):
            await book.clients.write(one, change({EMPLOYEES: 7}, key="k", request_hash="other"), seen())
        assert (await stored(book, one))["version"] == 2

    @pytest.mark.real_drivers
    async def test_a_change_with_a_key_is_one_command(
        self, book: Repositories, one: str, command_log: CommandLog
    ) -> None:
        command_log.clear()
        await book.clients.write(
            one, change({EMPLOYEES: 1}, key="k", request_hash="h", expected_version=1), seen("number")
        )
        assert command_log.names == ["findAndModify"]

    async def test_one_that_was_stopped_half_way_is_as_right(self, book: Repositories) -> None:
        two = await insert(book, "B", {EMPLOYEES: 5})
        document = await stored(book, two)
        await book.clients.history.move_created([document])
        after = await everything(book)
        await book.clients.history.move_created([document])
        assert await everything(book) == after
        assert await versions(book, two) == [1]


class TestRead:
    @pytest.fixture
    async def one(self, book: Repositories) -> str:
        """A client with 51 changes: odd ones of the employees, even ones of the name."""
        client = await insert(book, "A", {})
        await change_often(book, client, 50)
        return client

    async def test_a_page_goes_on_behind_a_moment(self, book: Repositories, one: str) -> None:
        assert await versions(book, one, limit=3) == [51, 50, 49]
        assert await versions(book, one, limit=30, before=at_version(49)) == list(range(48, 18, -1))
        assert await versions(book, one, limit=3, before=at_version(4)) == [3, 2, 1]
        assert await versions(book, one, before=Place(AT, 1)) == []

    @pytest.mark.parametrize("count", [5, 50])
    async def test_changes_of_one_moment_are_parted_by_how_many_were_told(self, book: Repositories, count: int) -> None:
        one = await insert(book, "B", {})
        for number in range(count):
            await book.clients.write(one, change({EMPLOYEES: number}), seen())
        found: list[int] = []
        while page := await versions(book, one, limit=3, before=Place(AT, len(found)) if found else None):
            found += page
        assert found == list(range(count + 1, 0, -1))

    async def test_only_changes_of_the_paths(self, book: Repositories, one: str) -> None:
        assert await versions(book, one, paths={EMPLOYEES}) == list(range(51, 2, -2))
        assert await versions(book, one, paths={"stage"}) == [1]
        assert await versions(book, one, paths={"profile.tags"}) == []

    async def test_only_changes_since_a_moment(self, book: Repositories, one: str) -> None:
        assert await versions(book, one, since=AT + timedelta(minutes=50)) == [51, 50]
        assert await versions(book, one, since=AT + timedelta(minutes=10)) == list(range(51, 9, -1))

    async def test_by_record_and_version(self, book: Repositories, one: str) -> None:
        found = await book.clients.history.find_entries({(one, 1), (one, 3), (one, 99), ("cl_missing", 1)})
        assert sorted(found) == [(one, 1), (one, 3)]
        assert found[one, 3]["key"] == "key 3"
        assert await book.clients.history.find_entries(()) == {}
