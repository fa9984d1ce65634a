"""Whether a collection has changed since a moment: by a change stream, or by the server's own counter of writes."""

import asyncio
import logging
from contextlib import suppress
from time import monotonic
from typing import Protocol

from repositories.deadline import without_deadline
from repositories.errors import RepositoryError
from repositories.mongo import Store

log = logging.getLogger("kehu.groups")

IDLE_SECONDS = 60.0
"""After so long without a question nobody listens any more, and writes cost nothing again."""
RETRY_SECONDS = 1.0
POLL_SECONDS = 0.25
_WORDS_OF_CHANGE = ({"$project": {"_id": 1, "operationType": 1}},)
_COUNTER: tuple[dict[str, dict[str, object]], ...] = ({"$collStats": {"latencyStats": {}}},)


class Head(Protocol):
    """Where a collection stands."""

    async def mark(self) -> object | None:
        """The mark of the moment: equal marks mean that nothing changed between them; None if that is not known."""

    def attend(self) -> None:
        """From now on marks are wanted."""

    async def close(self) -> None:
        """Marks are wanted no more."""


def head_of(store: Store, name: str, patience_seconds: float) -> Head | None:
    """The head of a collection by the best means that its store has; None where it has none."""
    if store.driver == "memory":
        return None
    if store.has_change_streams:
        return StreamHead(store, name, patience_seconds)
    return CounterHead(store, name)


class StreamHead:
    """Counts the changes that a change stream tells of.

    The stream is open only while marks are wanted. It beats at least once a second; where it is silent for longer than
    the patience, however long its connection takes to be found dead, nothing is known.
    Cost: about 0.05 ms a change while it is open.
    """

    def __init__(self, store: Store, name: str, patience_seconds: float) -> None:
        self._store = store
        self._name = name
        self._patience = patience_seconds
        self._listener: asyncio.Task[None] | None = None
        self._changes = 0
        self._heard_at: float | None = None
        self._asked_at = -IDLE_SECONDS

    async def mark(self) -> object | None:
        self._asked_at = now = monotonic()
        if self._heard_at is None or now - self._heard_at > self._patience:
            return None
        return self._changes

    def attend(self) -> None:
        self._asked_at = monotonic()
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen(), context=without_deadline())

    async def _listen(self) -> None:
        while self._is_wanted():
            try:
                await self._hear()
            except RepositoryError as error:
                log.info("no change stream on %s (%s); answers are kept for a moment only", self._name, error)
            finally:
                self._heard_at = None
            if self._is_wanted():
                await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self) -> None:
        async with self._store.watch(self._name, _WORDS_OF_CHANGE, beats=True) as events:
            # Whatever happened while nobody listened is a change.
            self._changes += 1
            async for event in events:
                self._heard_at = monotonic()
                if event:
                    self._changes += 1
                if not self._is_wanted():
                    return

    def _is_wanted(self) -> bool:
        return monotonic() - self._asked_at < IDLE_SECONDS

    async def close(self) -> None:
        # The driver forgets a cancellation that comes while it connects; the next beat then ends the listening.
        self._asked_at = -IDLE_SECONDS
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener


class CounterHead:
    """Reads the server's counter of writes to the collection: for a server that is no member of a replica set.

    Cost: one command of the server's own memory, at most four times a second.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._collection = store.collection(name)
        self._reading = asyncio.Lock()
        self._mark: object | None = None
        self._read_at: float | None = None

    async def mark(self) -> object | None:
        async with self._reading:
            if self._read_at is None or monotonic() - self._read_at > POLL_SECONDS:
                self._mark = await self._read()
                self._read_at = monotonic()
            return self._mark

    async def _read(self) -> object | None:
        try:
            (found,) = await self._collection.aggregate(list(_COUNTER))
        except RepositoryError as error:
            log.info("no counter of writes (%s); answers are kept for a moment only", error)
            return None
        return found["host"], found["latencyStats"]["writes"]["ops"]

    def attend(self) -> None:
        """Nothing runs in between."""

    async def close(self) -> None:
        """Nothing runs in between."""
