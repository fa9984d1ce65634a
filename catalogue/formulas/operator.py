"""What is said of an operator: what it takes, what it gives, and what is done where it could fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from catalogue.formulas.types import Type
from catalogue.kinds import TEXT_LIMIT

LIST_MOST = 1_000
"""Items of a list that an operator may make."""
TEXT_MOST = TEXT_LIMIT
ARGUMENTS_MOST = 50
DAY_UNITS = ("day", "week", "month", "quarter", "year")
UNITS = (*DAY_UNITS, "hour", "minute", "second", "millisecond")


class Takes(StrEnum):
    """What an argument takes, in words."""

    ANY = "with null it is null, unless another one is true"
    SCALAR = "a single value"
    NUMBER = "a number"
    WHOLE = "a whole number"
    TEXT = "a text"
    MOMENT = "a date or a moment"
    TRUTH = "true or false"
    LIST = "a list"
    TRUTHS = "a list of true and false"
    AMOUNTS = "a number, or one list of numbers"
    COMPARABLES = "a single value, or one list"
    NAME = "a variable's name"
    VARIABLES = "names with their values"
    BRANCHES = "a list of case and then"
    CONSTANT = "any value as it is"
    UNIT = f"one of {', '.join(UNITS)}, written out"
    WEEKDAY = "a day of the week such as monday, written out"
    OFFSET = "a distance from UTC such as +08:00, written out"
    FORMAT = "a format of %Y %m %d %H %M %S %L %j, written out"
    PARSED = "a format with %Y, %m and %d, written out"
    PLACES = "a whole number from -15 to 15, written out"
    SHORT_TEXT = "a text of up to 100 characters, written out"
    SEPARATOR = "a text of 1 to 100 characters, written out"
    COUNT = "a whole number from -1000 to 1000, written out"


WRITTEN_OUT = frozenset(each for each in Takes if each.endswith("written out"))
"""What the compiler must know: no value of a client."""


class Guard(StrEnum):
    """What is null where MongoDB would refuse the whole update, or give what is no number, in words."""

    NONE = ""
    FINITE = "what is not finite is null"
    DIVISOR = "by 0 it is null"
    ROOT = "of a number below 0 it is null"
    LOGARITHM = "of a number up to 0 it is null"
    BASE = "of a number up to 0, or to a base up to 0 or of 1, it is null"
    POWER = "0 to a power below 0, and what is not finite, is null"
    LEAST = "of -2^63 it is null"
    ROUNDED = "of whole numbers from 9·10^18 on it is null"
    UNSET = "with null it is null"
    COMPARED = "with an unset value it is null; with null written out it asks whether there is a value"
    ALL = "with null it is null, unless another one is false"
    ANY = "with null it is null, unless another one is true"
    PLACE = "with null, or a place or length below 0 or over a million, it is null"
    INDEX = "where there is no such item, or the place is over a million, it is null"
    TEXT = f"a text of more than {TEXT_MOST:,} characters is null"
    ITEMS = f"a list of more than {LIST_MOST:,} items is null"
    CONVERTED = "what cannot be converted is null"
    AMOUNT = "over a million units, or outside of the years 1 to 9999, it is null"
    YEARS = "outside of the years 1 to 9999 it is null"
    PARTS = "with a year outside of 1 to 9999, or a part beyond ±32,767, it is null"
    EDGE = "on the first and last day of the years 1 to 9999, with a timezone, it is null"
    DEFAULT = "where no case is true it is the default; null, where there is none or a case is null"
    CASE = "with a condition that is null it is null"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an operator; without a name it is known by its place."""

    takes: Takes
    name: str = ""
    is_optional: bool = False


Result = Callable[[Sequence[Type], Mapping[str, object]], "Type | str"]
"""From the types of the arguments and the constants to the type of the result, or what is wrong."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: what it takes, what it gives, and what is done where it could fail."""

    name: str
    group: str
    arguments: tuple[Argument, ...]
    result: Result
    gives: str
    """The kind of its result, in words."""
    guard: Guard = Guard.NONE
    repeats: bool = False
    """Whether the last argument may come up to 50 times."""
    is_bare: bool = False
    """Whether the first argument may stand alone, without its name."""
    is_special: bool = False
    """Whether it has variables or branches, which are checked apart."""

    @property
    def is_named(self) -> bool:
        return bool(self.arguments[0].name)
