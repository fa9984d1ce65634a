"""The one door through which driver errors leave this layer, and the errors that come out of it."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from bson.errors import BSONError
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from pymongo.errors import DocumentTooLarge as DriverDocumentTooLarge

from catalogue.errors import ErrorCode, KehuError
from repositories.deadline import limited, seconds_left

# Server codes that say "not now": no primary, stepping down, shutting down, out of time, cursor or lock lost.
_UNAVAILABLE_CODES = frozenset(
    {6, 7, 24, 43, 46, 50, 63, 64, 89, 91, 100, 112, 133, 150, 189, 202, 234, 251, 262, 9001, 10058, 10107}
    | {11600, 11601, 11602, 13388, 13435, 13436}
)
# The last one: larger than the database can change with the memory it has.
TOO_LARGE_CODES = frozenset({10334, 17419, 17420, 388})
_FEED_LOST_CODES = frozenset({260, 280, 286})
_CANNOT_CREATE_INDEX = 67


class RepositoryError(Exception):
    """Any refusal or failure of this layer: a code of the contract and one sentence for people."""

    code: str = "INTERNAL"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Mendable(RepositoryError, KehuError):
    """One that the caller can do something about: its code is of the contract, and its words may leave the server."""

    code: ErrorCode


class NotFound(Mendable):
    """The record is missing, or hidden from the viewer: the two are never told apart."""

    code = ErrorCode.NOT_FOUND

    def __init__(self, noun: str, key: object) -> None:
        words = f'There is no {noun} "{key}" that you may see. Check the spelling, or ask for access.'
        super().__init__(words if key != "" else f"An empty text names no {noun}; send its id.")
        self.noun = noun
        self.key = key


class StaleVersion(Mendable):
    """The record was changed since the caller read it."""

    code = ErrorCode.STALE_VERSION

    def __init__(self, noun: str, expected: int | None, found: int | None = None) -> None:
        given = "it was read" if expected is None else f"version {expected}"
        now = "" if found is None else f" and is now at version {found}"
        super().__init__(
            f"This {noun} was changed since {given}{now}. Read it again, then send the change with its version."
        )
        self.noun = noun
        self.expected_version = expected
        self.found_version = found


class AlreadyExists(Mendable):
    """A value that must be unique is taken."""

    code = ErrorCode.ALREADY_EXISTS

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f'{field} "{value}" is taken already. Give another one, or change the record that has it.')
        self.field = field
        self.value = value


class KeyReused(Mendable):
    """An idempotency key came back with another request."""

    code = ErrorCode.KEY_REUSED

    def __init__(self, key: str | None = None) -> None:
        named = "" if key is None else f' "{key}"'
        super().__init__(f"The idempotency key{named} was used for another request. Send a new key for a new request.")
        self.key = key


class BadCursor(Mendable):
    """A cursor that this server did not give out for this question."""

    code = ErrorCode.BAD_CURSOR

    def __init__(self, reason: str = "it was not made by this server") -> None:
        super().__init__(
            f"The cursor cannot be used: {reason}. Start again from the first page, with the same order and filter."
        )


class UnindexedOrder(Mendable):
    """No index serves the order that was asked for."""

    code = ErrorCode.ORDER_NOT_INDEXED


class NotAsOf(Mendable):
    """A question about an earlier moment that has no answer."""

    code = ErrorCode.INVALID_VALUE

    def __init__(self, reason: str, name: str = "asOf", given: str | None = None) -> None:
        super().__init__(reason)
        self.path = (name,)
        self.given = given


class TooManyChanged(Mendable):
    """More clients have been changed since a moment than one question takes back."""

    code = ErrorCode.TOO_EXPENSIVE


class IndexLimit(Mendable):
    """The collection has the 64 indexes that MongoDB allows."""

    code = ErrorCode.INDEX_LIMIT

    def __init__(
        self, collection: str, name: str, advice: str = "Make another attribute unsortable or retire it first."
    ) -> None:
        super().__init__(
            f"The index {name} cannot be made: {collection} would have more than 64 indexes, the most MongoDB allows. "
            f"{advice}"
        )


class DocumentTooLarge(Mendable):
    """A document would pass the 16 MB that MongoDB allows, or what the memory of the database does."""

    code = ErrorCode.INVALID_VALUE

    def __init__(self) -> None:
        super().__init__(
            "The record would be larger than the 16 MB a document may have. Send less text, or fewer list items."
        )


class NotSupported(RepositoryError):
    """The chosen driver, or the server behind it, cannot do this."""

    code = "NOT_SUPPORTED"


class FeedLost(RepositoryError):
    """A change stream cannot go on where it stopped: read the whole state again, then watch anew."""

    code = "FEED_LOST"

    def __init__(self) -> None:
        super().__init__(
            "The database no longer has the changes since the last one seen. Read the state again, then watch anew."
        )


class Unavailable(Mendable):
    """The database did not answer; whether a write was applied is not known."""

    code = ErrorCode.UNAVAILABLE

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            message
            or "The database did not answer in time. If this was a change, send it again with the same idempotency key."
        )


class RepositoryFault(RepositoryError):
    """A fault of ours or the database's; the driver's own words are in __cause__, for the log only."""

    def __init__(self, message: str = "The database refused a command of this server. The log has the cause.") -> None:
        super().__init__(message)


def duplicate_from(details: Mapping[str, Any] | None) -> AlreadyExists:
    """AlreadyExists that names the key's fields and the taken value, from a server's error document."""
    key_value = dict((details or {}).get("keyValue") or {})
    fields = "+".join(key_value or (details or {}).get("keyPattern") or ["a unique value"])
    values = list(key_value.values())
    return AlreadyExists(fields, values[0] if len(values) == 1 else values)


def error_from(error: BaseException) -> RepositoryError | None:
    """Our error for a driver's one, None for anything that is not a driver's."""
    match error:
        case DuplicateKeyError():
            return duplicate_from(error.details)
        case DriverDocumentTooLarge():
            return DocumentTooLarge()
        case OperationFailure():
            return _operation_error(error)
        case ConnectionFailure():
            return Unavailable()
        case PyMongoError():
            return Unavailable() if error.timeout else RepositoryFault()
        case BSONError() | OverflowError():
            return RepositoryFault("A value cannot be stored by MongoDB. The log has the cause.")
        case NotImplementedError():
            return NotSupported(f"The memory driver cannot do this: {error}. Use a real mongod (KEHU_MONGODB_URI).")
        case _:
            return None


def _operation_error(error: OperationFailure) -> RepositoryError:
    if error.code in TOO_LARGE_CODES:
        return DocumentTooLarge()
    if error.code in _FEED_LOST_CODES:
        return FeedLost()
    if error.timeout or error.code in _UNAVAILABLE_CODES or isinstance(error, WriteConcernError):
        return Unavailable()
    if error.has_error_label("TransientTransactionError") or error.has_error_label("RetryableWriteError"):
        return Unavailable()
    return RepositoryFault()


def is_index_limit(error: OperationFailure) -> bool:
    """Whether the server refused an index because the collection has 64."""
    return error.code == _CANNOT_CREATE_INDEX and "too many indexes" in str(error)


class Door:
    """Context in which driver errors become ours.

    Raises: what error_from answers, with the driver's error as cause.
    Cost: two calls, about 0.1 microseconds; holds no state, so one serves every task.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        ours = error_from(error)
        if ours is not None:
            raise ours from error


class TimedDoor(Door):
    """The same for a command that has less time than others, because its operation has to end."""

    __slots__ = ("_limit",)

    def __init__(self, seconds: float) -> None:
        self._limit = limited(seconds)

    def __enter__(self) -> None:
        self._limit.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limit.__exit__(kind, error, trace)
        super().__exit__(kind, error, trace)


_DOOR = Door()


def door() -> Door:
    """The door for `with door(): await ...`; every call of a driver stands in one."""
    left = seconds_left()
    return _DOOR if left is None else TimedDoor(left)
