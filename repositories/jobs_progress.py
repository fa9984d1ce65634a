"""Who waits for jobs to get on: one look at all of them together, for everybody who waits in this process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from collections.abc import Collection as Some
from contextlib import asynccontextmanager

from repositories.deadline import without_deadline
from repositories.errors import RepositoryError

log = logging.getLogger("kehu.jobs")

POLL_SECONDS = 0.5
WOKEN_AT_ONCE = 10
WOKEN_PAUSE_SECONDS = 0.01

Versions = Callable[[Some[str]], Awaitable[dict[str, int]]]
Changed = Callable[[], Awaitable[None]]
"""Returns when the job may have changed since the last call."""


class JobProgress:
    """Wakes those who wait for a job.

    Cost: while somebody waits, one command in half a second, however many they are and however many jobs.
    """

    def __init__(self, versions: Versions, poll_seconds: float = POLL_SECONDS) -> None:
        self._versions = versions
        self.poll_seconds = poll_seconds
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._known: dict[str, int | None] = {}
        self._poll: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watching(self, job_id: str) -> AsyncIterator[Changed]:
        """What to wait by for changes of a job, from now on."""
        event = asyncio.Event()

        async def changed() -> None:
            await event.wait()
            event.clear()

        self._waiting.setdefault(job_id, set()).add(event)
        if self._poll is None or self._poll.done():
            # It works for all who wait: the deadline of the first one must not end it.
            self._poll = asyncio.get_running_loop().create_task(self._look(), context=without_deadline())
        try:
            yield changed
        finally:
            self._leave(job_id, event)

    def _leave(self, job_id: str, event: asyncio.Event) -> None:
        self._waiting[job_id].discard(event)
        if not self._waiting[job_id]:
            del self._waiting[job_id]
            self._known.pop(job_id, None)
        if not self._waiting and self._poll is not None:
            self._poll.cancel()
            self._poll = None

    async def _tell(self, found: dict[str, int]) -> None:
        """Wake those whose jobs have changed: not all in one moment, in which nothing else would be answered."""
        woken: list[asyncio.Event] = []
        for job_id, events in self._waiting.items():
            if job_id not in self._known or self._known[job_id] != found.get(job_id):
                self._known[job_id] = found.get(job_id)
                woken += events
        for start in range(0, len(woken), WOKEN_AT_ONCE):
            if start:
                await asyncio.sleep(WOKEN_PAUSE_SECONDS)
            for each in woken[start : start + WOKEN_AT_ONCE]:
                each.set()

    async def _look(self) -> None:
        while self._waiting:
            try:
                found = await self._versions(list(self._waiting))
            except RepositoryError as error:
                log.warning("the jobs that somebody waits for could not be looked at: %s", error)
            else:
                await self._tell(found)
            await asyncio.sleep(self.poll_seconds)
