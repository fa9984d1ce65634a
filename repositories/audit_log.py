"""The chain of one process: entries of requests that end together are one insert, and their answers wait for it."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from repositories.audit import AuditRepository
from repositories.compile.audit import BEGINNING, chained, note_from, parts_of
from repositories.deadline import without_deadline
from repositories.errors import Unavailable

Document = dict[str, Any]
log = logging.getLogger("kehu.audit")

QUEUE_ENTRIES = 10_000
"""Entries that may wait to be written before those who bring more have to wait too."""
GROUP_ENTRIES = 1_000
BEFORE_FIRST = -1
"""The sequence of the head of a partition that has no entry yet, or never had one."""
RETRY_SECONDS = 1.0
NOT_AUDITED = (
    "The answer is withheld, because the audit could not be written. Ask again; a change may have been made: "
    "send it again with the same idempotencyKey, and it is made once."
)


class NotAudited(Unavailable):
    """What was read or done could not be noted, so nothing is told of it."""

    def __init__(self) -> None:
        super().__init__(NOT_AUDITED)


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain has come; of one that is only to begin, the place before its first entry."""

    partition: str
    sequence: int
    hash: str
    at: datetime


Sign = Callable[[bytes], str]
Announce = Callable[[Head], Awaitable[None]]
"""Puts a head where no user of the database can change it."""


class AuditLog:
    """Writes signed entries into a partition of its own; one insert is under way at a time, the next gathers meanwhile.

    An insert that failed may have landed in part, or may yet land. Its partition is left as it is, and the chain goes
    on in a new one: nothing has to be found out, and no entry that was confirmed is ever doubted. Each partition is
    named by a head before its first entry, so that one that was left is told from one that somebody has made up.
    """

    def __init__(
        self, repository: AuditRepository, sign: Sign, announce: Announce, node: str, now: Callable[[], datetime]
    ) -> None:
        self._repository = repository
        self._sign = sign
        self._announce = announce
        self._node = node
        self._now = now
        self._waiting: deque[tuple[Sequence[Document], asyncio.Future[None] | None]] = deque()
        self._room = asyncio.Event()
        self._room.set()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_closing = False
        self._announced: Head | None = None
        self.head: Head | None = None

    async def open(self) -> None:
        """Begin the partition.

        Raises: NotAudited.
        """
        await self.commit(())

    async def commit(self, bodies: Sequence[Document]) -> None:
        """Return when the entries are in the database for good.

        Raises: NotAudited.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((bodies, done))
        self._start()
        await done

    async def put(self, bodies: Sequence[Document]) -> None:
        """Leave entries to be written soon; waits only while there are too many that wait."""
        while self.is_full:
            self._room.clear()
            await self._room.wait()
        self.put_now(bodies)

    @property
    def is_full(self) -> bool:
        """Whether those who bring more would have to wait."""
        return len(self._waiting) >= QUEUE_ENTRIES

    def put_now(self, bodies: Sequence[Document]) -> None:
        """Leave entries to be written soon, however many wait."""
        self._waiting.append((bodies, None))
        self._start()

    async def announce(self) -> None:
        """Put the head where the database cannot reach, if it has moved.

        Raises: OSError.
        """
        head = self.head
        if head is not None and head != self._announced:
            await self._announce(head)
            self._announced = head

    async def close(self, last: Sequence[Document]) -> None:
        """Write what waits, then the last entries, and announce how the chain ended.

        Raises: NotAudited, OSError.
        """
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()
        await self.commit(last)
        await self.announce()

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), context=without_deadline())

    async def _run(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(GROUP_ENTRIES, len(self._waiting)))]
            try:
                await self._write([part for bodies, _ in group for body in bodies for part in parts_of(body)])
            except Exception as error:
                log.error("%d entries of the audit could not be written: %s", len(group), error, exc_info=error)
                self.head = None
                self._refuse(group)
                return
            for _, done in group:
                if done is not None and not done.done():
                    done.set_result(None)
            self._room.set()

    def _refuse(self, group: Sequence[tuple[Sequence[Document], asyncio.Future[None] | None]]) -> None:
        """Tell those who wait; what nobody waits for is tried again, soon or with the next entry."""
        for _, done in group:
            if done is not None and not done.done():
                done.set_exception(NotAudited())
        self._waiting.extendleft(reversed([each for each in group if each[1] is None]))
        if self._waiting and not self._is_closing:
            loop = asyncio.get_running_loop()
            is_awaited = any(done is not None for _, done in self._waiting)
            self._timer = loop.call_later(0 if is_awaited else RETRY_SECONDS, self._start)

    async def _write(self, bodies: Sequence[Document]) -> None:
        head = self.head
        is_new = head is None
        if head is None:
            at = self._now()
            head = Head(f"{at:%Y%m%dT%H%M%S%f}-{secrets.token_hex(6)}", BEFORE_FIRST, BEGINNING, at)
            # Before anything is in it: what an insert that failed leaves behind is then a known beginning, no forgery.
            await self._announce(head)
            bodies = [note_from(at, "opened", node=self._node), *bodies]
        if not bodies:
            return
        entries: list[Document] = []
        sequence, previous = head.sequence, head.hash
        for body in bodies:
            sequence += 1
            entry = chained(body, head.partition, sequence, previous)
            previous = entry["hash"]
            entries.append(entry | {"signature": self._sign(previous.encode())})
        await self._repository.append(entries)
        head = Head(head.partition, sequence, previous, entries[-1]["at"])
        if is_new:
            # Before anybody hears of what is in it: a partition that nobody knows of could vanish unnoticed.
            await self._announce(head)
            self._announced = head
        self.head = head
