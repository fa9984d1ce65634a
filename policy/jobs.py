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


FINISHED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


def job_rows(viewer: Viewer, rights: Some[Right]) -> Filter | None:
    """The jobs that a viewer may see and steer: those they asked for; None stands for all of them."""
    return None if Right.MANAGE_JOBS in rights else Compare(BY, Operator.EQ, viewer.person)
