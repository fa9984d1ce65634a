"""Ctrl-C as a wish to stop: heard once, obeyed between two batches."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt(AbstractContextManager["Interrupt"]):
    """Catches the first Ctrl-C (or SIGTERM) while it is entered; the second one ends the program at once.

    Order: make and enter it in the running event loop of the main thread.
    """

    def __init__(self, announce: Callable[[], None]) -> None:
        self._announce = announce
        self._is_set = False
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> "Interrupt":
        for number in _SIGNALS:
            self._loop.add_signal_handler(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def is_set(self) -> bool:
        """Whether somebody wants the program to stop."""
        return self._is_set

    def _stop(self) -> None:
        self._is_set = True
        self._let_go()
        self._announce()

    def _let_go(self) -> None:
        for number in _SIGNALS:
            self._loop.remove_signal_handler(number)
