"""The duties that come with the worker."""

from datetime import timedelta

from acts.checks import now
from acts.jobs import Job
from catalogue.attribute import Sensitivity
from policy.jobs import JobState
from repositories.mongo import Store
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import AT, SMALL, attribute, insert, open_book, stored
from tests.segmented import HAPPY, define
from tests.worker.hands import Hands
from worker.loop import work_once


async def done(book: Repositories, kind: str) -> Job:
    hands = Hands(book)
    await hands.ask(kind)
    job = await work_once(book, manner=hands.manner)
    assert job is not None
    assert job.state is JobState.DONE, job.error
    return job


class TestRetention:
    async def test_clears_what_is_kept_too_long(self, store: Store) -> None:
        old = attribute("profile.nickname", retain_days=1, sensitivity=Sensitivity.INTERNAL)
        book = await open_book(store, SMALL.with_attributes((old,)))
        one = await insert(book, "C1", {"profile.nickname": "Oldname", "profile.name": "Li"})
        job = await done(book, "retention")
        assert job.result == {"profile.nickname": {"cleared": 1, "forgotten": 2}}
        assert (job.progress.done, job.progress.total) == (1, 1)
        found = await stored(book, one)
        assert (found["profile"], found["tail"][-1]["by"]) == ({"name": "Li"}, "robot")


class TestApprovals:
    async def test_closes_those_whose_time_is_over(self, book: Repositories) -> None:
        for name, ends in (("a", AT), ("b", now() + timedelta(days=1)), ("c", AT)):
            record = {ID: f"ap_{name}", "open": f"ACT:{name}", "expiresAt": ends, "status": "REQUESTED", "version": 1}
            await book.approvals.collection.insert_one({**record, "updatedAt": AT, "tail": []})
        assert (await done(book, "approvals")).result == {"expired": 2}
        rows = await book.approvals.collection.find({}, sort=[(ID, 1)])
        assert [(each["status"], "open" in each) for each in rows] == [
            ("EXPIRED", False),
            ("REQUESTED", True),
            ("EXPIRED", False),
        ]


class TestSegments:
    async def test_takes_the_snapshots_of_the_day_that_it_was_asked_for(self, book: Repositories) -> None:
        one = await insert(book, "C1", {"profile.industry": "TEA"})
        await define(book, "TEA")
        await define(book, "HAPPY", HAPPY)
        job = await done(book, "segments")
        assert job.result == {"taken": 2, "joined": 1, "left": 0, "broken": []}
        assert (job.progress.done, job.progress.total) == (2, 2)
        (stay,) = await book.store.collection("segment_members").find({})
        assert (stay["clientId"], stay["joinedAt"]) == (one, job.queued_at)
        assert (await done(book, "segments")).result == {"taken": 0, "joined": 0, "left": 0, "broken": []}


class TestJobs:
    async def test_removes_what_was_finished_long_ago(self, book: Repositories) -> None:
        book.jobs.kept_days = 30
        job = await done(book, "jobs")
        await book.jobs.collection.update_one({ID: job.id}, {"$set": {"finishedAt": now() - timedelta(days=31)}})
        young = await done(book, "jobs")
        assert young.result == {"removed": 1}
        assert [each[ID] for each in await book.jobs.collection.find({})] == [young.id]
