"""The least and the greatest value that a definition allows: numbers, days and moments, today among them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator

from catalogue.errors import number_words
from catalogue.kinds import KINDS, Kind, parse_value

TODAY = "TODAY"
"""As a bound of a DATE the day of whoever looks, of a DATETIME the moment."""
EARLIEST_ZONE_HOURS = 14
"""It is somebody's tomorrow already: the first zone of the earth is so far ahead of UTC."""
LEEWAY_SECONDS = 60
"""Clocks differ."""
OF_TIME = frozenset((Kind.DATE, Kind.DATETIME))
BOUNDED_KINDS = frozenset(kind for kind, spec in KINDS.items() if spec.is_measurable) | OF_TIME
_LONGEST_CHARACTERS = 100
_EXPECTED = f"a bound is a finite number, a date, a moment or {TODAY}"


def bound_from(value: object) -> object:
    """A bound as a definition keeps it: a float where that is exactly what was written, else a text.

    Raises: ValueError.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        raise ValueError(_EXPECTED)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(_EXPECTED)
    text = str(value).strip() if isinstance(value, int | float | str | Decimal) else ""
    if not text or len(text) > _LONGEST_CHARACTERS:
        raise ValueError(_EXPECTED)
    try:
        number = float(text)
        is_exact = isfinite(number) and Decimal(repr(number)) == Decimal(text)
    except (ValueError, InvalidOperation):
        is_exact = False
    return number if is_exact else text


Bound = Annotated[float | str | None, BeforeValidator(bound_from)]
"""Numbers stay numbers, so that definitions from before are the same text."""


def bound_value(kind: Kind, bound: float | str, moment: datetime | None = None) -> Any:
    """The canonical value of a kind that a bound stands for; `moment` is now, unless it is given.

    Raises: ValueError, with what is expected, if a bound of this kind looks different.
    """
    if bound == TODAY and kind in OF_TIME:
        now = moment or datetime.now(UTC)
        if kind is Kind.DATE:
            return (now + timedelta(hours=EARLIEST_ZONE_HOURS)).date()
        return now + timedelta(seconds=LEEWAY_SECONDS)
    return _fixed(kind, bound)


@lru_cache(maxsize=2_000)
def _fixed(kind: Kind, bound: float | str) -> Any:
    if kind in OF_TIME:
        try:
            return parse_value(kind, bound)
        except ValueError as expected:
            raise ValueError(f"{expected}, or {TODAY}") from None
    if isinstance(bound, float):
        # As it was written: the float 0.1 is a little more than the decimal.
        return Decimal(repr(bound)) if kind is Kind.DECIMAL else bound
    return parse_value(kind, float(bound) if kind is Kind.NUMBER else bound)


def bound_words(bound: float | str) -> str:
    """A bound as people write it."""
    return bound if isinstance(bound, str) else number_words(bound)


def is_within(kind: Kind, value: Any, low: float | str | None, high: float | str | None) -> bool:
    """Whether a canonical value is between two bounds."""
    return (low is None or value >= bound_value(kind, low)) and (high is None or value <= bound_value(kind, high))


def range_words(kind: Kind, low: float | str | None, high: float | str | None) -> str:
    """What is expected of a value between two bounds."""
    noun = {Kind.DATE: "a date", Kind.DATETIME: "a moment"}.get(kind, "a number")
    least = "" if low is None else f" from {bound_words(low)}"
    most = "" if high is None else f"{' up' if low is None else ''} to {bound_words(high)}"
    return f"{noun}{least}{most}"
