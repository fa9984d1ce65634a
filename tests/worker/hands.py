"""A worker for tests: a clock that stands still, and handlers that do as they are told."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from acts.checks import now
from acts.jobs import Job, JobRun, Noted, enqueue, unaudited
from policy.viewer import Viewer, program
from repositories.repositories import Repositories
from worker.attempt import Attempt, Manner, next_attempt
from worker.loop import new_owner, work_once

ROBOT = program("robot")
LEASE_SECONDS = 30.0
Step = Callable[[Viewer, Repositories, JobRun], Any]


@dataclass
class Hands:
    """What a test does with the queue of a book."""

    book: Repositories
    at: datetime = field(default_factory=now)
    lease_seconds: float = LEASE_SECONDS
    noted: Noted = unaudited

    @property
    def manner(self) -> Manner:
        return Manner(self.lease_seconds, self.noted, lambda: self.at, lambda tries: timedelta(minutes=tries))

    def pass_by(self, **time: float) -> None:
        self.at += timedelta(**time)

    async def ask(self, kind: str = "walk", viewer: Viewer = ROBOT, **given: object) -> Job:
        job = await enqueue(viewer, self.book, kind, given)
        # The clock of the test is not behind the one that the job was asked for by.
        self.at = max(self.at, job.queued_at)
        return job

    async def once(self, step: Step, kind: str = "walk") -> Job | None:
        """The job that was due, after one attempt by this step."""
        return await work_once(self.book, {kind: handler_of(step)}, self.manner)

    async def taken(self, step: Step, kind: str = "walk") -> tuple[Attempt, "asyncio.Task[None]"]:
        """An attempt that has begun."""
        found = await next_attempt(lambda: self.book, {kind: handler_of(step)}, new_owner(), self.manner)
        assert found is not None
        return found, asyncio.create_task(found.carry_out())


def handler_of(step: Step) -> Any:
    async def handler(viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await step(viewer, repositories, run) or {}
        return found

    return handler


class Gate:
    """A step that says when it is reached, and waits to be let on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, *_: object) -> None:
        self.reached.set()
        await self.open.wait()
