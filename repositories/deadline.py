"""The moment at which an operation has to be done, carried to every command that is sent for it."""

import time
from contextlib import AbstractContextManager
from contextvars import Context, ContextVar, Token
from typing import NamedTuple

import pymongo

_GRACE_SECONDS = 0.2
"""A command outlives its operation by so much: the operation ends first and has the words."""


class _Moment(NamedTuple):
    at: float
    command_seconds: float


_moment: ContextVar[_Moment | None] = ContextVar("kehu_deadline", default=None)


class EndingWithin:
    """Context in which commands, those of the tasks it starts too, end when `seconds` have passed.

    Units: `command_seconds` is what the client gives each command anyway; it stays while it is the shorter one.
    """

    __slots__ = ("_command_seconds", "_seconds", "_token")

    def __init__(self, seconds: float, command_seconds: float) -> None:
        self._seconds = seconds
        self._command_seconds = command_seconds
        self._token: Token[_Moment | None] | None = None

    def __enter__(self) -> None:
        at = time.monotonic() + self._seconds + _GRACE_SECONDS
        self._token = _moment.set(_Moment(at, self._command_seconds))

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _moment.reset(self._token)


def seconds_left() -> float | None:
    """What a command may take, where that is less than any command may; None where no deadline is near.

    Cost: a fraction of a microsecond.
    """
    moment = _moment.get()
    if moment is None:
        return None
    left = moment.at - time.monotonic()
    return left if left < moment.command_seconds else None


def limited(seconds: float) -> AbstractContextManager[None]:
    """Context in which the driver gives up after so long."""
    return pymongo.timeout(max(seconds, 0.001))


def without_deadline() -> Context:
    """A context for work that is done for several operations: the deadline of one must not end it."""
    return Context()
