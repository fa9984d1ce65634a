"""What was read a moment ago and still holds: one read for all who ask at the same time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

ENTRIES = 10_000


class Kept(Generic[Key, Value]):
    """Values by key, each at most so old, counted from the start of its read."""

    def __init__(
        self,
        read: Callable[[Key], Awaitable[Value]],
        seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._now = now
        self._values: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._reading: dict[Key, asyncio.Task[Value]] = {}

    async def get(self, key: Key) -> Value:
        """The value; read now unless it is fresh.

        Raises: whatever the read raises, for each who waits for it; nothing is kept of that.
        """
        known = self._values.get(key)
        if known is not None and self._now() < known[0]:
            return known[1]
        task = self._reading.get(key)
        if task is None:
            task = asyncio.create_task(self._renew(key, self._now() + self._seconds))
            self._reading[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        # One caller who goes away must not take the read from the others.
        return await asyncio.shield(task)

    async def _renew(self, key: Key, until: float) -> Value:
        value = await self._read(key)
        if self._reading.get(key) is asyncio.current_task():
            self._values[key] = (until, value)
            self._values.move_to_end(key)
            if len(self._values) > ENTRIES:
                self._values.popitem(last=False)
        return value

    def _finish(self, key: Key, done: "asyncio.Task[Value]") -> None:
        if self._reading.get(key) is done:
            del self._reading[key]
        if not done.cancelled():
            # Looked at, so that a failure nobody waited for is not reported as forgotten.
            done.exception()

    def forget(self, key: Key) -> None:
        """Let the next one who asks read anew; what is being read just now is not kept."""
        self._values.pop(key, None)
        self._reading.pop(key, None)
