"""Kept answers to questions that cost the database much and are asked often."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from repositories.book_head import Head
from repositories.deadline import without_deadline

log = logging.getLogger("kehu.groups")

Answer = tuple[tuple[Any, ...], int | None]
"""The rows and, where it is wanted, how many there are on all pages; shared by all who ask: nobody may change it."""
Ask = Callable[[], Awaitable[Answer]]

WORTH_KEEPING_SECONDS = 0.1
SIZE_LIMIT = 16_000_000
LARGEST_SHARE = 4
_HANDLING = 300
"""Units: characters; what an entry weighs besides its answer."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, and what is known of its age."""

    answer: Answer
    mark: object | None
    """Where the collection stood before it was read; None if that was not known."""
    began: float
    seconds: float
    """How long it took to read."""
    size: int


class GroupCache:
    """Answers by key.

    1. Equal questions at a time share one flight to the database, if it set off within the age limit; who gives up ends
       no flight of others.
    2. An answer that took less than a tenth of a second is not kept: small books are read anew every time.
    3. A kept answer whose mark is the mark of now is served: nothing has changed since before it was read.
    4. Otherwise it is served up to the age limit, counted from before it was read, and one flight fetches the next one,
       early enough to be back in time. An older one is never served: who asks then waits for the flight.
    5. An error reaches all who wait and is not kept.
    Units: sizes count characters of the rows' text; the least recently used go first.
    """

    def __init__(self, head: Head | None, age_limit_seconds: float, size_limit: int = SIZE_LIMIT) -> None:
        self._head = head
        self._age_limit = age_limit_seconds
        self._size_limit = size_limit
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._flights: dict[bytes, tuple[asyncio.Task[Answer], float]] = {}
        self.size = 0

    async def answer(self, key: bytes, ask: Ask) -> Answer:
        """The answer to the question with this key, which `ask` puts to the database."""
        kept = self._kept.get(key)
        if kept is not None and self._head is not None:
            self._kept.move_to_end(key)
            mark = await self._head.mark()
            if mark is not None and mark == kept.mark:
                return kept.answer
            age = monotonic() - kept.began
            if age < self._age_limit:
                if age + 2 * kept.seconds >= self._age_limit:
                    self._flight(key, ask)
                return kept.answer
        return await asyncio.shield(self._flight(key, ask))

    def _flight(self, key: bytes, ask: Ask) -> "asyncio.Task[Answer]":
        now = monotonic()
        flight, began = self._flights.get(key, (None, now))
        if flight is None or now - began >= self._age_limit:
            flight = asyncio.create_task(self._fetch(key, ask), context=without_deadline())
            self._flights[key] = flight, now
            flight.add_done_callback(partial(self._landed, key))
        return flight

    async def _fetch(self, key: bytes, ask: Ask) -> Answer:
        mark = None if self._head is None else await self._head.mark()
        began = monotonic()
        answer = await ask()
        seconds = monotonic() - began
        if key in self._kept and self._kept[key].began > began:
            return answer
        self._drop(key)
        if self._head is not None and seconds >= WORTH_KEEPING_SECONDS:
            self._head.attend()
            self._keep(key, Kept(answer, mark, began, seconds, len(repr(answer)) + _HANDLING))
        return answer

    def _keep(self, key: bytes, kept: Kept) -> None:
        if kept.size * LARGEST_SHARE > self._size_limit:
            return
        self._kept[key] = kept
        self.size += kept.size
        while self.size > self._size_limit:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: bytes) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.size -= kept.size

    def _landed(self, key: bytes, flight: "asyncio.Task[Answer]") -> None:
        if self._flights.get(key, (None, 0.0))[0] is flight:
            del self._flights[key]
        # Of a flight that nobody waits for any more, somebody has to take the error.
        if not flight.cancelled() and flight.exception() is not None:
            log.info("a question about groups failed: %r", flight.exception())

    async def close(self) -> None:
        """Ends the flights under way, and the listening."""
        for flight, _ in list(self._flights.values()):
            flight.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await flight
        if self._head is not None:
            await self._head.close()
