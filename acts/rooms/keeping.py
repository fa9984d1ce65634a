"""Rooms to be had: each task has a fresh child process, and the next one is started ahead."""

import atexit
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from acts.rooms.limits import Limits
from acts.rooms.room import Room

SHORT_TASKS = 3
"""Rooms that a server has at once for what people wait for; more of them wait."""
_places: RunVar[CapacityLimiter] = RunVar("kehu_rooms")


class Keeper:
    """Hands out rooms. One that nobody has used yet is kept warm once the first was needed."""

    def __init__(self, build: Callable[[], Room] = Room) -> None:
        self.build = build
        self._spare: Room | None = None
        self._lock = threading.Lock()
        self._is_over = False

    def take(self) -> Room:
        """A room that has done nothing yet."""
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is not None:
            if spare.is_alive:
                return spare
            spare.close()
        return self.build()

    def give_back(self, room: Room) -> None:
        """End a room, and start the next one."""
        room.close()
        with self._lock:
            if self._spare is None and not self._is_over:
                self._spare = self.build()

    def end(self) -> None:
        """End the one that is kept warm, and keep none any more."""
        with self._lock:
            self._is_over = True
            spare, self._spare = self._spare, None
        if spare is not None:
            spare.close()


KEEPER = Keeper()
atexit.register(KEEPER.end)


@dataclass(frozen=True, slots=True)
class Asking:
    """A room, asked without holding up the event loop."""

    room: Room
    limits: Limits

    async def ask(self, task: str, given: Mapping[str, Any], *, ahead: bool = False) -> Any:
        """The answer of the child; with `ahead` it is asked the same again at once.

        Raises: RoomBroken; KehuError where what was given is refused inside.
        """
        call = partial(self.room.ask, task, given, self.limits, ahead=ahead)
        return await to_thread.run_sync(call, abandon_on_cancel=True)


@asynccontextmanager
async def opened(limits: Limits) -> AsyncIterator[Asking]:
    """A room for a task of many answers; it ends with the context, however that ends."""
    room = KEEPER.take()
    try:
        yield Asking(room, limits)
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(KEEPER.give_back, room)


async def ask_once(task: str, given: Mapping[str, Any], limits: Limits) -> Any:
    """The one answer of a task.

    Raises: RoomBroken; KehuError where what was given is refused inside.
    """
    try:
        places = _places.get()
    except LookupError:
        places = CapacityLimiter(SHORT_TASKS)
        _places.set(places)
    async with places, opened(limits) as room:
        return await room.ask(task, given)
