"""Jobs: where one stands, and whose jobs somebody sees."""

from collections.abc import Collection as Some
from enum import StrEnum

from catalogue.filters import Compare, Filter
from catalogue.kinds import Operator
from policy.rules import Right
from policy.viewer import Viewer

JOBS = "jobs"
"""The name of the area."""
BY = "by"
"""The path of who asked."""


class JobState(StrEnum):
    """Where a job stands; the last three are final, but for a failed one that is sent again."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


TELLING = frozenset(("model.score", "model.changed", "model.timed", "rollup.roll"))
"""Kinds of Kehu's own jobs that are there, take so long or fail because values are what they are."""


FINISHED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


def job_rows(viewer: Viewer, rights: Some[Right], *, reads_all: bool) -> Filter | None:
    """The jobs that a viewer may see and steer: those they asked for; None stands for all of them.

    `reads_all`: whether the viewer reads all that jobs compute from; whoever does not is told of none that would tell.
    """
    if Right.MANAGE_JOBS in rights:
        return None if reads_all else Compare("kind", Operator.NOT_IN, tuple(sorted(TELLING)))
    return Compare(BY, Operator.EQ, viewer.person)
