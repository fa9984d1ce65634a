"""Steer jobs."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import strawberry

from acts.jobs import PATHS
from acts.jobs_steering import cancel_job, pause_job, resume_job, retry_job
from acts.once import Attempt, once
from policy.jobs import JOBS
from policy.viewer import Viewer
from repositories.plan import ReadPlan
from repositories.repositories import Repositories
from schema.context import Context, Document
from schema.fields import Fields, input_type
from schema.inputs import ID_ROW, KEY_ROW
from schema.jobs.types import JobType
from schema.mutation import Result, mutation

Act = Callable[[Viewer, Repositories, str], Awaitable[Document]]


def job_mutations() -> Fields:
    """The fields of Mutation about jobs: of one's own, and of everybody's with the right MANAGE_JOBS."""
    text = "Stop a job at its next checkpoint, to go on later; one that is paused stays so."
    yield _mutation("jobPause", text, "Which job waits.", pause_job)
    text = "Have a paused job go on from its checkpoint."
    yield _mutation("jobResume", text, "Which job goes on.", resume_job)
    text = "Stop a job at its next checkpoint, for good; what it has done so far stays done."
    yield _mutation("jobCancel", text, "Which job ends.", cancel_job)
    text = "Send a failed job again: it goes on from its checkpoint, for whoever had asked for it."
    yield _mutation("jobRetry", text, "Which job is sent again.", retry_job)


def _mutation(name: str, text: str, wanted: str, act: Act) -> tuple[str, None, Any]:
    async def done(info: strawberry.Info, input: Mapping[str, Any]) -> dict[str, Any]:
        context: Context = info.context
        viewer, repositories = context.viewer, context.repositories

        async def steer(_attempt: Attempt) -> tuple[dict[str, Any], str]:
            return {"job": await act(viewer, repositories, input["id"])}, ""

        async def as_it_is(_outcome: str) -> dict[str, Any]:
            answer = context.authorise(ReadPlan(JOBS, PATHS))
            return {"job": await repositories.jobs.load(answer, input["id"])}

        return await once(viewer, repositories, name, input, steer, as_it_is)

    given: Any = input_type(f"{name[0].upper()}{name[1:]}Input", wanted, (ID_ROW, KEY_ROW))
    return mutation(name, text, given, Result("job", JobType, "The job as it stands now; null if refused."), done)
