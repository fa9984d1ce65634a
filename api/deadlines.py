"""Ends what takes longer than it may: one timer for all tasks of a kind instead of one for each."""

import asyncio
from types import TracebackType

_TICKS = 50


class Deadlines:
    """Limits of one length.

    Units: a task is ended up to a fiftieth of the length late.
    Cost: under a microsecond a task; a timer of its own for each would cost three.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._open: dict[Limit, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def limit(self) -> "Limit":
        """The context that the current task may be in for so long.

        Raises: TimeoutError, at its end.
        """
        return Limit(self)

    def begin(self, limit: "Limit") -> None:
        """Watch a task from now on."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # Either nobody is watched, or the loop of those who were has ended.
            self._loop = loop
            self._open.clear()
            loop.call_later(self.seconds / _TICKS, self._tick, loop)
        limit.at = loop.time() + self.seconds
        self._open[limit] = None

    def end(self, limit: "Limit") -> None:
        """Watch it no more."""
        self._open.pop(limit, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        now = loop.time()
        for limit in list(self._open):
            # All have the same length, so they come in the order of their ends.
            if limit.at > now:
                break
            del self._open[limit]
            limit.cancel()
        if not self._open:
            self._loop = None
        else:
            loop.call_later(self.seconds / _TICKS, self._tick, loop)


class Limit:
    """One task, for as long as the context lasts."""

    __slots__ = ("_cancelling", "_owner", "_task", "at", "is_over")

    def __init__(self, owner: Deadlines) -> None:
        self._owner = owner
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self.at = 0.0
        self.is_over = False

    def cancel(self) -> None:
        """The time is over."""
        self.is_over = True
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> "Limit":
        self._task = asyncio.current_task()
        self._cancelling = 0 if self._task is None else self._task.cancelling()
        self._owner.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owner.end(self)
        # Whoever else cancels the task means it: only our own cancellation is an error of time.
        is_ours = self.is_over and self._task is not None and self._task.uncancel() <= self._cancelling
        if is_ours and kind is asyncio.CancelledError:
            raise TimeoutError from error
