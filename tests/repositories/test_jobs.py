"""The queue as the database has it: whoever holds the lease of a job, and nobody else, says what becomes of it."""

from datetime import timedelta
from typing import Any

import anyio

from policy.jobs import JobState
from repositories.jobs import INDEXES, MOST_TRIES
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import AT, everything

KINDS = ("walk", "run")
LATER = AT + timedelta(seconds=30)
OVER = LATER + timedelta(seconds=1)


async def put(book: Repositories, name: str, **more: Any) -> str:
    """The id of a job that was put in without an act."""
    job: dict[str, Any] = {
        ID: f"jb_{name}", "kind": "walk", "input": "{}", "state": "QUEUED", "by": "M001", "roles": [], "attempts": 0,
        "tries": 0, "done": 0, "dueAt": AT, "queuedAt": AT, "version": 1,
    }  # fmt: skip
    await book.jobs.add(job | more)
    return f"jb_{name}"


async def stored(book: Repositories, name: str = "a") -> dict[str, Any]:
    return await book.jobs.collection.find_one({ID: f"jb_{name}"}) or {}


async def claim(book: Repositories, owner: str = "w1", moment: Any = AT, until: Any = LATER) -> str | None:
    found = await book.jobs.claim(owner, KINDS, moment, until)
    return None if found is None else str(found[ID])


class TestAdd:
    async def test_the_same_id_is_the_same_job(self, book: Repositories) -> None:
        await put(book, "a", input='{"first": true}')
        found = await book.jobs.add({ID: "jb_a", "input": "{}"})
        assert (found["input"], len((await everything(book))["jobs"])) == ('{"first": true}', 1)

    async def test_preparing_again_changes_nothing(self, book: Repositories) -> None:
        before = await book.jobs.collection.indexes()
        await book.jobs.prepare()
        assert set(before) == {"_id_", *INDEXES}
        assert await book.jobs.collection.indexes() == before


class TestClaim:
    async def test_the_first_that_is_due(self, book: Repositories) -> None:
        await put(book, "late", dueAt=AT - timedelta(hours=1))
        await put(book, "first", dueAt=AT - timedelta(days=1))
        await put(book, "not yet", dueAt=OVER)
        await put(book, "unknown", kind="fly", dueAt=AT - timedelta(days=9))
        await put(book, "paused", state="PAUSED", dueAt=AT - timedelta(days=9))
        assert [await claim(book, f"w{number}") for number in range(3)] == ["jb_first", "jb_late", None]
        found = await stored(book, "first")
        assert (found["state"], found["attempts"], found["tries"], found["startedAt"]) == ("RUNNING", 1, 1, AT)

    async def test_of_many_at_once_each_gets_one_of_its_own(self, book: Repositories) -> None:
        for number in range(12):
            await put(book, str(number))
        got: list[str | None] = []

        async def take(owner: str) -> None:
            got.append(await claim(book, owner))

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(take, f"w{number}")
        assert sorted(each or "" for each in got) == sorted([*[""] * 8, *(f"jb_{number}" for number in range(12))])

    async def test_one_whose_lease_ran_out_is_a_new_attempt(self, book: Repositories) -> None:
        await put(book, "a")
        assert await claim(book) == "jb_a"
        assert await claim(book, "w2", LATER - timedelta(seconds=1)) is None
        assert await claim(book, "w2", OVER, OVER + timedelta(seconds=30)) == "jb_a"
        found = await stored(book)
        assert (found["lease"]["owner"], found["attempts"], found["startedAt"]) == ("w2", 2, AT)


class TestLostLease:
    async def test_nothing_of_the_old_owner_counts(self, book: Repositories) -> None:
        job = await put(book, "a")
        await claim(book)
        await claim(book, "w2", OVER, OVER + timedelta(seconds=30))
        before = await everything(book)
        assert await book.jobs.renew(job, "w1", OVER) is None
        assert await book.jobs.renew(job, "w1", OVER, {"done": 7}) is None
        assert not await book.jobs.finish(job, "w1", {"state": "DONE"})
        assert not await book.jobs.try_again(job, "w1", OVER, {"error": "no"})
        await book.jobs.release(job, "w1", 0, OVER)
        assert await everything(book) == before


class TestRenew:
    async def test_a_beat_is_seen_by_nobody(self, book: Repositories) -> None:
        job = await put(book, "a")
        await claim(book)
        version = (await stored(book))["version"]
        assert await book.jobs.renew(job, "w1", OVER) is JobState.RUNNING
        assert ((await stored(book))["dueAt"], (await stored(book))["version"]) == (OVER, version)
        assert await book.jobs.renew(job, "w1", OVER, {"done": 5, "checkpoint": '{"$set": 1}'}) is JobState.RUNNING
        found = await stored(book)
        assert (found["done"], found["checkpoint"], found["version"]) == (5, '{"$set": 1}', version + 1)

    async def test_of_a_paused_one_it_says_so(self, book: Repositories) -> None:
        job = await put(book, "a")
        await claim(book)
        await book.jobs.steer(job, (JobState.RUNNING,), {"state": "PAUSED"})
        assert await book.jobs.renew(job, "w1", OVER, {"done": 5}) is JobState.PAUSED
        assert ((await stored(book))["done"], (await stored(book))["state"]) == (5, "PAUSED")


class TestLettingGo:
    async def test_finished_ones_are_nobodys(self, book: Repositories) -> None:
        job = await put(book, "a")
        await claim(book)
        assert await book.jobs.finish(job, "w1", {"state": "DONE", "finishedAt": LATER})
        assert "lease" not in await stored(book)
        assert await claim(book, "w2", OVER + timedelta(days=1)) is None

    async def test_what_was_cancelled_stays_so(self, book: Repositories) -> None:
        job = await put(book, "a")
        await claim(book)
        await book.jobs.steer(job, (JobState.RUNNING,), {"state": "CANCELLED"})
        assert not await book.jobs.finish(job, "w1", {"state": "DONE"})
        await book.jobs.release(job, "w1", 0, AT)
        assert ((await stored(book))["state"], "lease" in await stored(book)) == ("CANCELLED", False)

    async def test_released_ones_are_due_at_once_and_no_attempt_counts(self, book: Repositories) -> None:
        job = await put(book, "a")
        await claim(book)
        await book.jobs.release(job, "w1", 0, AT)
        found = await stored(book)
        assert (found["state"], found["attempts"], found["tries"], found["dueAt"]) == ("QUEUED", 0, 0, AT)
        assert await claim(book, "w2") == job

    async def test_resumed_before_its_worker_let_go_it_waits_for_that(self, book: Repositories) -> None:
        job = await put(book, "a")
        await claim(book)
        await book.jobs.steer(job, (JobState.RUNNING,), {"state": "PAUSED"})
        await book.jobs.steer(job, (JobState.PAUSED,), {"state": "QUEUED"}, AT)
        assert await claim(book, "w2") is None
        await book.jobs.release(job, "w1", 0, AT)
        assert await claim(book, "w2") == job

    async def test_a_paused_one_is_due_as_soon_as_it_is_resumed(self, book: Repositories) -> None:
        job = await put(book, "a")
        await claim(book)
        await book.jobs.steer(job, (JobState.RUNNING,), {"state": "PAUSED"})
        await book.jobs.release(job, "w1", 0, AT)
        await book.jobs.steer(job, (JobState.PAUSED,), {"state": "QUEUED"}, AT)
        assert await claim(book, "w2") == job

    async def test_tried_again_when_it_is_due(self, book: Repositories) -> None:
        job = await put(book, "a")
        await claim(book)
        assert await book.jobs.try_again(job, "w1", LATER, {"error": "no"})
        assert await claim(book, "w2") is None
        assert await claim(book, "w2", LATER, OVER) == job


class TestBury:
    async def test_what_takes_every_worker_down_is_given_up(self, book: Repositories) -> None:
        await put(book, "a")
        await put(book, "good")
        moment = AT
        for number in range(MOST_TRIES):
            until = moment + timedelta(seconds=30)
            assert {await claim(book, f"w{number}", moment, until), await claim(book, "ok", moment, until)} == {
                "jb_a",
                "jb_good",
            }
            await book.jobs.renew("jb_good", "ok", until, {"tries": 0})
            assert await book.jobs.bury(moment) == 0
            moment = until + timedelta(seconds=1)
        assert await claim(book, "last", moment, moment + timedelta(seconds=30)) == "jb_good"
        assert await book.jobs.bury(moment) == 1
        found = await stored(book)
        assert (found["state"], found["errorCode"], found["finishedAt"]) == ("FAILED", "INTERNAL", moment)
        assert found["error"].startswith(f"The job was left unfinished {MOST_TRIES} times")


class TestLookingAt:
    async def test_versions_of_those_that_are_there(self, book: Repositories) -> None:
        await put(book, "a", version=4)
        assert await book.jobs.versions(("jb_a", "jb_none")) == {"jb_a": 4}

    async def test_open_ones_of_a_kind(self, book: Repositories) -> None:
        for name, state in (("a", "QUEUED"), ("b", "PAUSED"), ("c", "DONE"), ("d", "FAILED")):
            await put(book, name, state=state)
        await put(book, "e", kind="run")
        await put(book, "f", by="M002")
        assert await book.jobs.count_open("walk", "M001") == 2

    async def test_only_those_that_are_finished_long_ago_are_removed(self, book: Repositories) -> None:
        await put(book, "old", state="DONE", finishedAt=AT)
        await put(book, "young", state="FAILED", finishedAt=OVER)
        await put(book, "open")
        assert await book.jobs.remove_finished(OVER) == 1
        assert {each[ID] for each in (await everything(book))["jobs"]} == {"jb_young", "jb_open"}


class TestMoments:
    async def test_a_new_schedule_begins_now_and_none_goes_back(self, book: Repositories) -> None:
        assert await book.jobs.last_moment("nightly", AT) == AT
        await book.jobs.note_moment("nightly", OVER)
        await book.jobs.note_moment("nightly", LATER)
        assert await book.jobs.last_moment("nightly", AT) == OVER
