"""The worker: takes jobs that are due into its slots, until it is told to stop."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from acts.jobs import Job, JobHandler, job_from
from repositories.ending import ended
from repositories.errors import RepositoryError
from repositories.plan import ID
from repositories.repositories import Repositories, Source
from worker.attempt import Attempt, Manner, next_attempt
from worker.handlers import HANDLERS
from worker.schedules import SCHEDULES, Schedule, make_due

log = logging.getLogger("kehu.worker")

SLOTS = 2
IDLE_SECONDS = 0.5
"""Between two looks for work; a look is one index key."""
ROUND_SECONDS = 10.0
"""Between two looks at the schedules, and at jobs that nobody gets done."""
GRACE_SECONDS = 5.0
"""How long a job has to come to its next report once the worker is to end."""
AGAIN_SECONDS = 0.5


@dataclass(slots=True)
class Worker:
    """Several jobs at once, each in a slot of its own: a long one does not hold up the short ones behind it."""

    source: Source
    handlers: Mapping[str, JobHandler] = field(default_factory=lambda: HANDLERS)
    schedules: Sequence[Schedule] = SCHEDULES
    slots: int = SLOTS
    manner: Manner = field(default_factory=Manner)
    idle_seconds: float = IDLE_SECONDS
    grace_seconds: float = GRACE_SECONDS
    _running: "dict[asyncio.Task[None], Attempt]" = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then every job in hand is back in the queue as of its last report."""
        stopped = asyncio.create_task(stop.wait())
        rounds = asyncio.create_task(self._rounds())
        try:
            while not stop.is_set():
                taken = len(self._running) < self.slots and await self._take()
                if not taken:
                    waiting = {stopped, *self._running} if len(self._running) >= self.slots else {stopped}
                    timeout = None if len(self._running) >= self.slots else self.idle_seconds
                    await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await ended(stopped, rounds)
            await self._end()

    async def _take(self) -> bool:
        """Whether there was a job to take."""
        try:
            attempt = await next_attempt(self.source, self.handlers, new_owner(), self.manner)
        except RepositoryError as error:
            log.warning("no job could be taken: %s", error)
            return False
        if attempt is None:
            return False
        task = asyncio.create_task(attempt.carry_out())
        self._running[task] = attempt
        task.add_done_callback(self._left)
        return True

    def _left(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a job was left as it was", exc_info=error)

    async def _rounds(self) -> None:
        while True:
            try:
                repositories = self.source()
                moment = self.manner.clock()
                await make_due(repositories, self.schedules, moment)
                if given_up := await repositories.jobs.bury(moment):
                    log.error("%d jobs were given up: their workers ended again and again", given_up)
            except RepositoryError as error:
                log.warning("the schedules could not be looked at: %s", error)
            await asyncio.sleep(ROUND_SECONDS)

    async def _end(self) -> None:
        for each in self._running.values():
            each.end()
        if self._running:
            await asyncio.wait([*self._running], timeout=self.grace_seconds)
        while self._running:
            # The driver forgets a cancellation that comes while it connects, so whoever goes on is told again.
            for each in self._running.values():
                each.break_off()
            await asyncio.wait([*self._running], timeout=AGAIN_SECONDS)


def new_owner() -> str:
    """The owner of one claim: this process, and a word of its own."""
    return f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(8)}"


async def work_once(
    repositories: Repositories, handlers: Mapping[str, JobHandler] = HANDLERS, manner: Manner | None = None
) -> Job | None:
    """The job that was due, after one attempt at it; None if there was none.

    Raises: RepositoryError.
    """
    attempt = await next_attempt(lambda: repositories, handlers, new_owner(), manner or Manner())
    if attempt is None:
        return None
    await attempt.carry_out()
    found = await repositories.jobs.collection.find_one({ID: attempt.run.job.id})
    return None if found is None else job_from(found)
