"""The time that expiry is judged by: the clock on the wall, which may not leap back far."""

import time
from collections.abc import Callable

Clock = Callable[[], float]

LEAP_SECONDS = 30
"""How far the wall clock may fall behind the time that has really passed."""


class SteadyClock:
    """Seconds since 1970 that never fall far behind what has passed since the start.

    A wall clock that is set back would make expired tokens good again; one that is set forward refuses early, at worst.
    """

    def __init__(self, wall: Clock = time.time, passed: Clock = time.monotonic) -> None:
        self._wall = wall
        self._passed = passed
        self._offset = wall() - passed()

    def __call__(self) -> float:
        return max(self._wall(), self._offset + self._passed() - LEAP_SECONDS)
