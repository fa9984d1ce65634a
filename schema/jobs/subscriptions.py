"""Follow a job."""

from collections.abc import AsyncGenerator
from typing import Any

import strawberry

from acts.jobs import PATHS
from policy.jobs import FINISHED, JOBS
from repositories.errors import NotFound
from repositories.plan import ReadPlan
from schema.context import Context
from schema.fields import Fields, described, streamed
from schema.jobs.types import JobType
from schema.planning.reads import by_id


def job_subscriptions() -> Fields:
    """The field of Subscription about jobs."""

    async def follow(info: strawberry.Info, id: str) -> AsyncGenerator[Any, None]:
        context: Context = info.context
        authorised = context.authorise(ReadPlan(JOBS, PATHS))
        jobs = context.repositories.jobs
        if await context.look_up(lambda: jobs.load(authorised, id)) is None:
            raise NotFound("job", id)
        shown = None
        async with jobs.progress.watching(id) as changed:
            # Whoever may not see it any more, or a job that is removed, ends it.
            while (job := await jobs.load(authorised, id)) is not None:
                if job["version"] != shown:
                    shown = job["version"]
                    yield job
                if job["state"] in FINISHED:
                    return
                await changed()

    text = "A job as it stands now, and again whenever it gets on or is steered; ends when the job does."
    arguments = {"id": described(strawberry.ID, "The id of the job.")}
    yield "jobProgress", None, streamed(follow, "jobProgress", JobType, text, arguments, by_id(JOBS))
