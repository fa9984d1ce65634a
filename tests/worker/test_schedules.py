"""Schedules by a clock of their own: each due moment one job, however many workers."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cronsim import CronSim

from acts.jobs import job_from
from repositories.plan import ID
from repositories.repositories import Repositories
from worker.handlers import HANDLERS
from worker.schedules import KEHU, SCHEDULES, Schedule, last_due, make_due

NIGHTLY = Schedule("nightly", "30 2 * * *", "Something every night.", {"far": 1})
MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


async def made(book: Repositories) -> list[str]:
    found = await book.jobs.collection.find({}, sort=[("input", 1)])
    return [str(job_from(each).input["moment"])[:16] for each in found]


async def finish_all(book: Repositories) -> None:
    await book.jobs.collection.update_many({}, {"$set": {"state": "DONE"}})


class TestLastDue:
    @pytest.mark.parametrize(
        ("moment", "due"),
        [
            (datetime(2026, 11, 23, 2, 29, 59, tzinfo=UTC), datetime(2026, 11, 22, 2, 30, tzinfo=UTC)),
            (datetime(2026, 11, 23, 2, 30, tzinfo=UTC), datetime(2026, 11, 23, 2, 30, tzinfo=UTC)),
            (datetime(2026, 11, 24, 2, 29, tzinfo=UTC), datetime(2026, 11, 23, 2, 30, tzinfo=UTC)),
            (
                datetime(2026, 11, 23, 3, 0, tzinfo=timezone(timedelta(hours=8))),
                datetime(2026, 11, 22, 2, 30, tzinfo=UTC),
            ),
        ],
    )
    def test_in_utc(self, moment: datetime, due: datetime) -> None:
        assert last_due(NIGHTLY, moment) == due


class TestMakeDue:
    async def test_a_new_schedule_waits_for_its_next_moment(self, book: Repositories) -> None:
        assert await make_due(book, [NIGHTLY], MONDAY) == 0
        assert await make_due(book, [NIGHTLY], MONDAY + DAY) == 1
        assert await made(book) == ["2026-11-24T02:30"]
        job = job_from(await book.jobs.collection.find_one({}) or {})
        assert (job.kind, job.by, job.input["far"]) == ("nightly", KEHU.person, 1)

    async def test_a_moment_has_one_job_however_many_look_and_however_often(self, book: Repositories) -> None:
        await make_due(book, [NIGHTLY], MONDAY)
        await asyncio.gather(*(make_due(book, [NIGHTLY], MONDAY + DAY) for _ in range(5)))
        await finish_all(book)
        await make_due(book, [NIGHTLY], MONDAY + DAY + timedelta(hours=1))
        assert await made(book) == ["2026-11-24T02:30"]

    async def test_one_that_another_version_has_made_otherwise_is_made(self, book: Repositories) -> None:
        other = Schedule("nightly", "30 2 * * *", "Something else every night.")
        await make_due(book, [NIGHTLY], MONDAY)
        await make_due(book, [other], MONDAY + DAY)
        await finish_all(book)
        await book.jobs.schedules.update_one({ID: "nightly"}, {"$set": {"at": MONDAY}})
        await make_due(book, [NIGHTLY], MONDAY + DAY)
        assert await made(book) == ["2026-11-24T02:30"]
        assert await book.jobs.last_moment("nightly", MONDAY) == datetime(2026, 11, 24, 2, 30, tzinfo=UTC)

    async def test_of_missed_moments_the_last_one(self, book: Repositories) -> None:
        await make_due(book, [NIGHTLY], MONDAY)
        assert await make_due(book, [NIGHTLY], MONDAY + 5 * DAY) == 1
        assert await made(book) == ["2026-11-28T02:30"]

    async def test_not_beside_itself(self, book: Repositories) -> None:
        await make_due(book, [NIGHTLY], MONDAY)
        await make_due(book, [NIGHTLY], MONDAY + DAY)
        assert await make_due(book, [NIGHTLY], MONDAY + 2 * DAY) == 0
        await finish_all(book)
        assert await make_due(book, [NIGHTLY], MONDAY + 2 * DAY) == 1
        assert await made(book) == ["2026-11-24T02:30", "2026-11-25T02:30"]

    async def test_a_removed_job_is_not_made_again(self, book: Repositories) -> None:
        await make_due(book, [NIGHTLY], MONDAY)
        await make_due(book, [NIGHTLY], MONDAY + DAY)
        await book.jobs.collection.delete_many({ID: {"$exists": True}})
        assert await make_due(book, [NIGHTLY], MONDAY + DAY) == 0


class TestSchedules:
    def test_each_has_a_handler_and_comes_again(self) -> None:
        assert len({each.kind for each in SCHEDULES}) == len(SCHEDULES)
        for each in SCHEDULES:
            assert each.kind in HANDLERS
            assert each.says.endswith(".")
            assert next(CronSim(each.cron, MONDAY)) - MONDAY <= 31 * DAY
