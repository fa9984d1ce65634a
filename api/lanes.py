"""How many operations of a class a process works on at once, and how many may wait for their turn."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from graphql import FieldNode, OperationDefinitionNode, OperationType

from api.errors import HttpRefusal, retry_after
from api.limits import BULK_FIELDS
from api.settings import Settings
from catalogue.errors import ErrorCode

RETRY_SECONDS = 3
LEAST_PAUSE_SECONDS = 0.5
_log = logging.getLogger("kehu.api")

LONG_FIELDS = BULK_FIELDS | {
    *("attributeDefine", "attributeChange", "attributeDeprecate", "attributeRetire", "policyChange", "approvalDecide"),
}
"""Mutations that may take long: many rows, an index over the whole book, or a count of all of it."""


class Work(StrEnum):
    """The classes of work; each has room of its own, so that none can take all of it."""

    INTERACTIVE = "interactive"
    BULK = "bulk"
    STREAM = "stream"


def work_of(operation: OperationDefinitionNode) -> Work:
    """The class of an operation."""
    if operation.operation is OperationType.QUERY:
        return Work.INTERACTIVE
    if operation.operation is OperationType.SUBSCRIPTION:
        return Work.STREAM
    fields = (each.name.value for each in operation.selection_set.selections if isinstance(each, FieldNode))
    return Work.BULK if any(each in LONG_FIELDS for each in fields) else Work.INTERACTIVE


class Lane:
    """The room of one class of work.

    A burst may wait as long as it is over soon. Where half of the room has not been free for longer than half the
    patience, it is no burst but too much, and a few may wait: whoever is let in then is answered as fast as before.
    Order: who waits longest comes first. Who waits too long, or finds too many waiting, is refused.
    Cost: a fraction of a microsecond while there is room.
    """

    __slots__ = ("_busy_since", "_few", "_most", "_patience_seconds", "_queue", "_waiting", "running", "work")

    def __init__(self, work: Work, most: int, queue: int, patience_seconds: float) -> None:
        self.work = work
        self.running = 0
        self._most = most
        self._queue = queue
        self._few = min(queue, most // 4)
        self._busy_since: float | None = None
        self._patience_seconds = patience_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    async def check(self) -> None:
        """Nothing, where whoever comes now may wait for a place, or finds one.

        Who is refused hears so a moment later, which costs nothing: hundreds of callers who come again at once,
        whatever they are told, would otherwise take the time of those who are let in.
        Raises: HttpRefusal 503.
        """
        if self.running < self._most or len(self._waiting) < self._few or self._is_burst():
            return
        await asyncio.sleep(LEAST_PAUSE_SECONDS * (1 + secrets.randbelow(1_000) / 1_000))
        raise self._full()

    def _is_burst(self) -> bool:
        since = self._busy_since
        return since is None or asyncio.get_running_loop().time() - since < self._patience_seconds / 2

    async def enter(self) -> None:
        """Take a place, at once or when one is free; whoever took one gives it back by `leave`.

        Raises: HttpRefusal 503.
        """
        if self.running < self._most and not self._waiting:
            if self.running * 2 < self._most:
                self._busy_since = None
            self.running += 1
            return
        loop = asyncio.get_running_loop()
        if self._busy_since is None:
            self._busy_since = loop.time()
        if len(self._waiting) >= (self._queue if self._is_burst() else self._few):
            raise self._full()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience_seconds):
                await turn
        except TimeoutError:
            self._give_up(turn)
            raise self._full() from None
        except asyncio.CancelledError:
            self._give_up(turn)
            raise

    def _give_up(self, turn: "asyncio.Future[None]") -> None:
        if turn.done() and not turn.cancelled():
            # The place came in the same moment: it goes on to the next.
            self.leave()
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def leave(self) -> None:
        """Give a place back, to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1

    def _full(self) -> HttpRefusal:
        _log.info("an operation was refused: %d %s operations run, %d wait", self.running, self.work, self.waiting)
        return HttpRefusal(
            503,
            ErrorCode.UNAVAILABLE,
            f"The server is busy with other {self.work} operations, and nothing was done. Send it again in a moment.",
            # Not all at the same moment: who was refused together would be refused together again.
            retry_after(1 + secrets.randbelow(RETRY_SECONDS)),
        )


class Lanes:
    """The room of a process, by class of work."""

    def __init__(self, settings: Settings) -> None:
        most = {
            Work.INTERACTIVE: settings.interactive_operations,
            Work.BULK: settings.bulk_operations,
            Work.STREAM: settings.stream_operations,
        }
        queue, patience = settings.waiting_operations, settings.waiting_seconds
        self.by_work = {work: Lane(work, room, queue, patience) for work, room in most.items()}


class PersonsShare:
    """How many places of a kind each person has taken in this process: open websockets, uploads, unread answers."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[str, int] = {}

    def is_full(self, person: str) -> bool:
        """Whether the person has all the places that one may have."""
        return self._open.get(person, 0) >= self._most

    def take(self, person: str) -> None:
        """Count one more, however many there are; whoever does gives it back."""
        self._open[person] = self._open.get(person, 0) + 1

    def give_back(self, person: str) -> None:
        """Count one less."""
        left = self._open[person] - 1
        if left:
            self._open[person] = left
        else:
            del self._open[person]

    @contextmanager
    def one_more(self, person: str) -> Iterator[bool]:
        """Whether the person may have one more; it counts as long as the context lasts."""
        if self.is_full(person):
            yield False
            return
        self.take(person)
        try:
            yield True
        finally:
            self.give_back(person)
