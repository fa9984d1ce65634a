"""One attempt at one job: its handler runs while its lease is renewed, and what came of it is written."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from acts.checks import now
from acts.jobs import Job, JobHandler, JobRun, JobStopped, Lease, Noted, job_from, json_text, unaudited
from catalogue.errors import ErrorCode, KehuError
from policy.jobs import JobState
from policy.viewer import Viewer
from repositories.ending import ended
from repositories.errors import RepositoryError
from repositories.jobs import MOST_TRIES
from repositories.repositories import Source
from worker.viewers import NobodyAnyMore, viewer_of

log = logging.getLogger("kehu.worker")

LEASE_SECONDS = 9.0
"""So long the job of a worker that was killed waits for another one."""
RENEWALS = 4
"""Tries to renew a lease within its time."""
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 600.0
INTERNAL = "INTERNAL"
UNFORESEEN = "The job could not go on, by a fault that the log of the worker tells of under its id."


def wait_after(tries: int) -> timedelta:
    """How long to wait after so many tries without getting on: twice as long each time, but never all at once."""
    most = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** max(0, tries - 1))
    return timedelta(seconds=most * random.uniform(0.5, 1.0))


@dataclass(frozen=True, slots=True)
class Manner:
    """How attempts are made, the same for all of one worker."""

    lease_seconds: float = LEASE_SECONDS
    noted: Noted = unaudited
    clock: Callable[[], datetime] = now
    wait: Callable[[int], timedelta] = wait_after


class Attempt:
    """A job in hand."""

    def __init__(
        self, job: Job, owner: str, source: Source, handlers: Mapping[str, JobHandler], manner: Manner
    ) -> None:
        self._source = source
        self._repositories = source()
        self._jobs = self._repositories.jobs
        self._handler = handlers[job.kind]
        self._manner = manner
        lease = Lease(owner, manner.lease_seconds, manner.clock)
        self.run = JobRun(job, Viewer(job.by, frozenset()), self._jobs, lease, manner.noted)
        self._work: asyncio.Task[str] | None = None

    def end(self) -> None:
        """Have the job stop at its next report, and go back to the queue."""
        self.run.stop = self.run.stop or "its worker ends"

    def break_off(self) -> None:
        """Stop the handler wherever it is; the job goes back to the queue as of its last report."""
        self.end()
        if self._work is not None:
            self._work.cancel()

    async def carry_out(self) -> None:
        """Do the job, and write what became of it; a database that does not answer leaves that to the lease's end."""
        job = self.run.job
        try:
            await self._carried_out()
        except RepositoryError as error:
            log.warning("what became of the job %s could not be written: %s", job.id, error)

    async def _carried_out(self) -> None:
        run = self.run
        try:
            run.viewer = await viewer_of(self._repositories, run.job)
        except NobodyAnyMore as reason:
            await self._fail(str(reason), str(ErrorCode.NOT_ALLOWED))
            return
        work = self._work = asyncio.create_task(self._result())
        beating = asyncio.create_task(self._keep_lease(work))
        try:
            await asyncio.wait((work,))
        finally:
            await ended(beating, work)
        if run.is_lost:
            log.warning("the job %s was lost to another worker", run.job.id)
        elif work.cancelled():
            await self._settle(asyncio.CancelledError(), work)
        else:
            await self._settle(work.exception(), work)

    async def _result(self) -> str:
        try:
            return json_text(await self._handler(self.run.viewer, self._repositories, self.run))
        finally:
            # However it ended, what it has read and changed is somebody's.
            await self.run.note_touched()

    async def _settle(self, error: BaseException | None, work: "asyncio.Task[str]") -> None:
        run = self.run
        match error:
            case None:
                values = {"state": str(JobState.DONE), "result": work.result()}
                await self._finish({**values, "error": None, "errorCode": None})
            case JobStopped() | asyncio.CancelledError() if run.stop is not None:
                await self._release()
            case KehuError() if error.code is not ErrorCode.UNAVAILABLE:
                await self._fail(error.message, str(error.code))
            case _:
                is_known = isinstance(error, KehuError)
                log.warning("the job %s (%s) could not go on", run.job.id, run.job.kind, exc_info=error)
                message = error.message if isinstance(error, KehuError) else UNFORESEEN
                code = str(ErrorCode.UNAVAILABLE) if is_known else INTERNAL
                if run.job.tries >= MOST_TRIES:
                    await self._fail(message, code)
                else:
                    due = self._manner.clock() + self._manner.wait(run.job.tries)
                    values = {"error": message, "errorCode": code}
                    if not await self._jobs.try_again(run.job.id, run.lease.owner, due, values):
                        await self._release()

    async def _stands(self) -> bool:
        """Whether whoever asked for the job is still who they were, and may still do and see the same."""
        ours, newer, viewer = self._repositories, self._source(), self.run.viewer
        return ours.access.holds_beside(newer.access, viewer) and await viewer_of(newer, self.run.job) == viewer

    async def _fail(self, message: str, code: str) -> None:
        await self._finish({"state": str(JobState.FAILED), "error": message, "errorCode": code})

    async def _finish(self, values: Mapping[str, object]) -> None:
        run = self.run
        moment = self._manner.clock()
        # Sent again it is due at once, and not when this lease would have ended.
        written = {**values, "finishedAt": moment, "dueAt": moment}
        if not await self._jobs.finish(run.job.id, run.lease.owner, written):
            # Cancelled, or lost: it says so itself.
            await self._release()

    async def _release(self) -> None:
        run = self.run
        tries = max(0, run.job.tries - 1)
        await self._jobs.release(run.job.id, run.lease.owner, tries, self._manner.clock())

    async def _keep_lease(self, work: "asyncio.Task[str]") -> None:
        """Renew the lease also while the handler is silent; look who it works for, and end it once that is another.

        When the lease may have run out the handler is stopped wherever it is: from then on the job is another's.
        """
        run, loop = self.run, asyncio.get_running_loop()
        seconds = self._manner.lease_seconds
        renewed = loop.time()
        while True:
            await asyncio.sleep(seconds / RENEWALS)
            begun = loop.time()
            try:
                state = await self._jobs.renew(run.job.id, run.lease.owner, run.lease.end())
                renewed = begun
                run.is_lost = state is None
                if state is not JobState.RUNNING:
                    run.stop = run.stop or f"it is {state}"
                elif not await self._stands():
                    run.stop = run.stop or "what its person may do has changed"
            except NobodyAnyMore as reason:
                run.stop = run.stop or str(reason)
            except RepositoryError as error:
                log.warning("the lease of the job %s could not be renewed: %s", run.job.id, error)
                run.is_lost = loop.time() - renewed >= seconds
            if run.is_lost:
                work.cancel()
                return


async def next_attempt(
    source: Source, handlers: Mapping[str, JobHandler], owner: str, manner: Manner
) -> Attempt | None:
    """The job that is due, taken in hand; None if there is none.

    Raises: RepositoryError.
    """
    moment = manner.clock()
    until = moment + timedelta(seconds=manner.lease_seconds)
    found = await source().jobs.claim(owner, handlers.keys(), moment, until)
    if found is None:
        return None
    return Attempt(job_from(found), owner, source, handlers, manner)
