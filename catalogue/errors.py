"""The errors every layer raises: each has a code, says what was given, what is expected and what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

ERROR_PAGES = "/docs/errors/"
"""Where a server has the pages of the codes."""


class ErrorCode(StrEnum):
    """What went wrong, in one word that a program can act on."""

    INVALID_VALUE = "INVALID_VALUE"
    UNKNOWN_ATTRIBUTE = "UNKNOWN_ATTRIBUTE"
    ATTRIBUTE_RETIRED = "ATTRIBUTE_RETIRED"
    ATTRIBUTE_BUILT_IN = "ATTRIBUTE_BUILT_IN"
    NAME_TAKEN = "NAME_TAKEN"
    NAME_RESERVED = "NAME_RESERVED"
    KIND_FIXED = "KIND_FIXED"
    STALE_VERSION = "STALE_VERSION"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    APPROVAL_CLOSED = "APPROVAL_CLOSED"
    JOB_STATE = "JOB_STATE"
    NOT_FOUND = "NOT_FOUND"
    NOT_ALLOWED = "NOT_ALLOWED"
    ORDER_NOT_INDEXED = "ORDER_NOT_INDEXED"
    INDEX_LIMIT = "INDEX_LIMIT"
    EMPTY_FILTER = "EMPTY_FILTER"
    BAD_CURSOR = "BAD_CURSOR"
    PAGE_SIZE = "PAGE_SIZE"
    TOO_EXPENSIVE = "TOO_EXPENSIVE"
    FORMULA_REFUSED = "FORMULA_REFUSED"
    SEGMENT_NOT_USABLE = "SEGMENT_NOT_USABLE"
    MODEL_REFUSED = "MODEL_REFUSED"
    KEY_REUSED = "KEY_REUSED"
    UNAVAILABLE = "UNAVAILABLE"
    RATE_LIMITED = "RATE_LIMITED"


def page_of(code: str) -> str:
    """The address, on any server, of the page that says what a code means and what to do."""
    return f"{ERROR_PAGES}{code}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what was given."""

    code: ErrorCode
    message: str
    path: tuple[str, ...] = ()
    given: str | None = None
    expected: str | None = None
    row: int | None = None
    unruly: tuple[object, ...] = field(default=(), compare=False, repr=False)
    """The value, where it is of its kind and only breaks a rule: of who has it already it is not refused."""

    def under(self, *prefix: str) -> "Problem":
        """The same problem, seen from further out."""
        return replace(self, path=(*prefix, *self.path))

    def in_row(self, row: int) -> "Problem":
        """The same problem, in one row of many (counted from 0)."""
        return replace(self, row=row)


class KehuError(Exception):
    """An error whose words are written for the person who caused it."""

    code: ErrorCode

    def __init__(
        self,
        message: str,
        *,
        code: ErrorCode | None = None,
        path: Sequence[str] = (),
        given: str | None = None,
        expected: str | None = None,
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.message = message
        self.path = tuple(path)
        self.given = given
        self.expected = expected

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, item by item."""
        return (Problem(self.code, self.message, self.path, self.given, self.expected),)


class Refused(KehuError):
    """Several problems at once; nothing was changed."""

    code = ErrorCode.INVALID_VALUE

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._problems = tuple(problems)
        first = self._problems[0]
        super().__init__("; ".join(each.message for each in self._problems), code=first.code, path=first.path)

    def problems(self) -> tuple[Problem, ...]:
        return self._problems


_WHOLE_LIMIT = 1e16
"""From here on Python too writes them with an exponent."""


def shown(given: object, most: int = 80) -> str:
    """What was given, short enough for one sentence."""
    if isinstance(given, float):
        return number_words(given)
    text = f'the text "{given}"' if isinstance(given, str) else "null" if given is None else str(given)
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def number_words(number: float) -> str:
    """A number as people write it: 1 and not 1.0, 2500000 and not 2.5e+06; very large ones with an exponent."""
    is_whole = number.is_integer() and abs(number) < _WHOLE_LIMIT
    return str(int(number)) if is_whole else repr(number)
