"""What is done on schedule: cron expressions in UTC, each due moment one job however many workers there are."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cronsim import CronSim

from acts.jobs import enqueue
from acts.models.scoring import has_changes, has_timed
from acts.recomputing import VERIFY
from acts.rollups import ROLL
from policy.viewer import program
from repositories.errors import KeyReused
from repositories.repositories import Repositories

KEHU = program("kehu-worker")
"""Who asks for scheduled jobs."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is asked for again and again."""

    kind: str
    cron: str
    """Minute, hour, day of the month, month and day of the week, in UTC: `30 2 * * *`."""
    says: str
    """What it does, in a sentence."""
    input: Mapping[str, Any] = field(default_factory=dict)
    needed: Callable[[Repositories], Awaitable[bool]] | None = None
    """Whether there is anything to do; where there is not, no job is made."""


SCHEDULES: tuple[Schedule, ...] = (
    Schedule("retention", "30 1 * * *", "Clears values that have been kept for as long as their attribute allows."),
    Schedule("approvals", "15 * * * *", "Closes the approvals that nobody decided in time."),
    Schedule("files", "25 * * * *", "Removes files that were sent or made KEHU_FILE_DAYS ago."),
    Schedule("segments", "15 2 * * *", "Notes who has come into each segment, and who has gone, since the day before."),
    Schedule(
        VERIFY, "45 2 * * *", "Computes every derived value anew: time changes some, and none may have been forgotten."
    ),
    Schedule(
        "model.changed", "* * * * *", "Scores the clients who have changed by the models in use.", needed=has_changes
    ),
    Schedule("model.timed", "20 2 * * *", "Scores the book by models whose results hang on the day.", needed=has_timed),
    Schedule(ROLL, "*/15 * * * *", "Computes rollups of clients of whom a record left a window, or was not followed."),
    Schedule("jobs", "45 1 * * *", "Removes finished jobs after KEHU_JOB_DAYS."),
)
"""All of them."""


def last_due(schedule: Schedule, moment: datetime) -> datetime:
    """The last moment, that one included, at which a schedule was due."""
    before = CronSim(schedule.cron, moment.astimezone(UTC) + timedelta(microseconds=1), reverse=True)
    return next(before)


async def make_due(repositories: Repositories, schedules: Sequence[Schedule], moment: datetime) -> int:
    """How many jobs were asked for, of moments that have come since each schedule made its last one.

    Of several missed moments the last one counts. While the job of an earlier one is not finished there is no second.
    Cost: one command a schedule; three more for one that is due.
    """
    made = 0
    jobs = repositories.jobs
    for each in schedules:
        due = last_due(each, moment)
        if due <= await jobs.last_moment(each.kind, moment) or await jobs.count_open(each.kind, KEHU.person):
            continue
        key = f"{each.kind}:{due.isoformat()}"
        if each.needed is not None and not await each.needed(repositories):
            await jobs.note_moment(each.kind, due)
            continue
        # A worker of another version has made it, with an input of its own.
        with suppress(KeyReused):
            await enqueue(KEHU, repositories, each.kind, {**each.input, "moment": due.isoformat()}, key=key)
        await jobs.note_moment(each.kind, due)
        made += 1
    return made
