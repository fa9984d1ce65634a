"""Pause, resume and cancel jobs, and send failed ones again."""

from collections.abc import Collection as Some

from acts.checks import now
from acts.jobs import PATHS
from catalogue.errors import ErrorCode, KehuError
from policy.jobs import FINISHED, JOBS, JobState
from policy.viewer import Viewer
from repositories.errors import NotFound
from repositories.plan import ID, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories

_QUEUED = (JobState.QUEUED, JobState.RUNNING)
_UNFINISHED = tuple(each for each in JobState if each not in FINISHED)


async def pause_job(viewer: Viewer, repositories: Repositories, job_id: str) -> Document:
    """The job, which stops at its next checkpoint and waits to be resumed; one that is paused stays so.

    Raises: NotFound; KehuError with JOB_STATE.
    """
    return await _steer(viewer, repositories, job_id, JobState.PAUSED, _QUEUED)


async def resume_job(viewer: Viewer, repositories: Repositories, job_id: str) -> Document:
    """The job, which goes on from its checkpoint; one that is queued or runs goes on as it does.

    Raises: NotFound; KehuError with JOB_STATE.
    """
    return await _steer(viewer, repositories, job_id, JobState.QUEUED, (JobState.PAUSED,))


async def cancel_job(viewer: Viewer, repositories: Repositories, job_id: str) -> Document:
    """The job, which stops at its next checkpoint for good; what it has done so far stays.

    Raises: NotFound; KehuError with JOB_STATE.
    """
    return await _steer(viewer, repositories, job_id, JobState.CANCELLED, _UNFINISHED)


async def retry_job(viewer: Viewer, repositories: Repositories, job_id: str) -> Document:
    """The job that had failed, queued to go on from its checkpoint; one that is queued or runs goes on as it does.

    Raises: NotFound; KehuError with JOB_STATE.
    """
    return await _steer(viewer, repositories, job_id, JobState.QUEUED, (JobState.FAILED,))


async def _steer(
    viewer: Viewer, repositories: Repositories, job_id: str, wanted: JobState, states: Some[JobState]
) -> Document:
    """The job as it stands then: brought from one of the states to the wanted one, or in that already."""
    jobs, moment = repositories.jobs, now()
    answer = repositories.access.authorise(ReadPlan(JOBS, PATHS), viewer)
    if await jobs.load(answer, job_id) is None:
        raise NotFound("job", job_id)
    values: dict[str, object] = {"state": str(wanted)}
    cleared: tuple[str, ...] = ()
    if wanted is JobState.QUEUED:
        values["tries"] = 0
        cleared = ("error", "errorCode", "finishedAt")
    if wanted is JobState.CANCELLED:
        values["finishedAt"] = moment
    done = await jobs.steer(job_id, states, values, moment if wanted is JobState.QUEUED else None, cleared)
    if done is not None:
        return {path: done[path] for path in (ID, *sorted(PATHS)) if path in done}
    found = await jobs.load(answer, job_id)
    if found is None:
        raise NotFound("job", job_id)
    state = JobState(found["state"])
    if state is not wanted and not (state in _QUEUED and wanted is JobState.QUEUED):
        raise _stands_otherwise(job_id, state, states)
    return found


def _stands_otherwise(job_id: str, state: JobState, states: Some[JobState]) -> KehuError:
    expected = " or ".join(states)
    return KehuError(
        f"The job {job_id} is {state}, and this takes one that is {expected}. "
        "Look where it stands; a job that is DONE or CANCELLED is asked for anew.",
        code=ErrorCode.JOB_STATE,
        path=("id",),
        given=str(state),
        expected=expected,
    )
