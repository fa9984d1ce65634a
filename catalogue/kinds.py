"""One table of attribute kinds, from which storage, filters, inputs and documentation follow."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from math import isfinite


class Kind(StrEnum):
    """What a value of an attribute is."""

    STRING = "STRING"
    TEXT = "TEXT"
    LONG = "LONG"
    NUMBER = "NUMBER"
    DECIMAL = "DECIMAL"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    DATETIME = "DATETIME"
    CODE = "CODE"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    URL = "URL"
    CLIENT = "CLIENT"
    GROUP = "GROUP"


class Operator(StrEnum):
    """How a filter compares; the values are the names in GraphQL."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "notIn"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    STARTS_WITH = "startsWith"
    CONTAINS = "contains"
    IS_NULL = "isNull"
    CONTAINS_ANY = "containsAny"
    CONTAINS_ALL = "containsAll"


LONG_LIMIT = 2**63
DECIMAL_DIGITS = 34
TEXT_LIMIT = 20_000
STRING_LIMIT = 1_000

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{2,30}")
_URL = re.compile(r"https?://[^\s/$.?#][^\s]*", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_EXACT_FLOATS = 2**53
_ID = re.compile(r"[a-z]{2}_[0-9a-zA-Z]{1,64}")


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError
    if "\x00" in given or any("\ud800" <= letter <= "\udfff" for letter in given):
        raise ValueError
    return given


def _matching(pattern: re.Pattern[str]) -> Callable[[object], str]:
    def parse(given: object) -> str:
        text = _text(given)
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return parse


def _long(given: object) -> int:
    if isinstance(given, str) and _WHOLE.fullmatch(given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int | float) or given != int(given):
        raise ValueError
    if isinstance(given, float) and abs(given) > _EXACT_FLOATS:
        # Whoever wrote it may have written another number, which no float is.
        raise ValueError
    if not -LONG_LIMIT <= given < LONG_LIMIT:
        raise ValueError
    return int(given)


def _number(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError
    value = float(given)
    if not isfinite(value):
        raise ValueError
    return value


def _decimal(given: object) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        raise ValueError
    try:
        value = Decimal(given)
    except InvalidOperation:
        raise ValueError from None
    if not value.is_finite():
        raise ValueError
    if len(value.as_tuple().digits) > DECIMAL_DIGITS or abs(value.adjusted()) > 6_000:
        raise ValueError
    return value


def _boolean(given: object) -> bool:
    if not isinstance(given, bool):
        raise ValueError
    return given


def _date(given: object) -> date:
    if isinstance(given, datetime):
        raise ValueError
    return given if isinstance(given, date) else date.fromisoformat(_text(given))


def _datetime(given: object) -> datetime:
    value = given if isinstance(given, datetime) else datetime.fromisoformat(_text(given))
    if value.tzinfo is None:
        raise ValueError
    value = value.astimezone(UTC)
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _group(given: object) -> dict[str, object]:
    if not isinstance(given, dict):
        raise ValueError
    return given


@dataclass(frozen=True, slots=True)
class KindSpec:
    """Everything that is particular to one kind."""

    kind: Kind
    expected: str
    """What a value must look like, to end the sentence "takes …"."""
    parse: Callable[[object], object]
    """The canonical Python value; raises ValueError, TypeError or OverflowError for anything else."""
    operators: tuple[Operator, ...]
    is_text: bool = False
    is_orderable: bool = True
    is_measurable: bool = False
    length_limit: int = 0
    """Units: characters; 0 where a length means nothing."""


_SAME = (Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN)
_RANGE = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
_NULL = (Operator.IS_NULL,)
_WORDS = (*_SAME, *_RANGE, Operator.STARTS_WITH, Operator.CONTAINS, *_NULL)
_AMOUNT = (*_SAME, *_RANGE, *_NULL)
LIST_OPERATORS = (Operator.CONTAINS_ANY, Operator.CONTAINS_ALL, Operator.IS_NULL)
LOOKUP_OPERATORS = (Operator.EQ, Operator.IN, Operator.IS_NULL)
"""What a keyed hash can answer; it leaves out ne and notIn, which would tell of everybody else."""
PRESENCE_OPERATORS = _NULL
LOOKUP_KINDS = frozenset((Kind.STRING, Kind.EMAIL, Kind.PHONE, Kind.URL))
"""Kinds with so many values that their hashes say little."""


def _words(kind: Kind, expected: str, parse: Callable[[object], object] = _text, limit: int = STRING_LIMIT) -> KindSpec:
    return KindSpec(kind, expected, parse, _WORDS, is_text=True, length_limit=limit)


KINDS: dict[Kind, KindSpec] = {
    each.kind: each
    for each in (
        _words(Kind.STRING, f"a text of up to {STRING_LIMIT} characters"),
        KindSpec(
            Kind.TEXT,
            f"a text of up to {TEXT_LIMIT} characters",
            _text,
            (Operator.CONTAINS, *_NULL),
            is_text=True,
            is_orderable=False,
            length_limit=TEXT_LIMIT,
        ),
        KindSpec(Kind.LONG, "a whole number between -2^63 and 2^63-1", _long, _AMOUNT, is_measurable=True),
        KindSpec(Kind.NUMBER, "a finite number", _number, _AMOUNT, is_measurable=True),
        KindSpec(
            Kind.DECIMAL,
            f'a decimal number of up to {DECIMAL_DIGITS} digits, as text such as "12.50"',
            _decimal,
            _AMOUNT,
            is_measurable=True,
        ),
        KindSpec(Kind.BOOLEAN, "true or false", _boolean, (Operator.EQ, Operator.NE, *_NULL)),
        KindSpec(Kind.DATE, 'a date such as "2026-11-23"', _date, _AMOUNT),
        KindSpec(Kind.DATETIME, 'a moment with its time zone such as "2026-11-23T18:00:00Z"', _datetime, _AMOUNT),
        KindSpec(
            Kind.CODE,
            "one of its codes",
            _matching(_CODE),
            (*_SAME, Operator.STARTS_WITH, *_NULL),
            is_text=True,
            length_limit=64,
        ),
        _words(Kind.EMAIL, 'an e-mail address such as "li@example.com"', _matching(_EMAIL), 254),
        _words(Kind.PHONE, 'a telephone number such as "+86 10 6655 4433"', _matching(_PHONE), 32),
        _words(Kind.URL, 'an address that starts with "http://" or "https://"', _matching(_URL), 2_000),
        KindSpec(Kind.CLIENT, "the id of a client", _matching(_ID), (*_SAME, *_NULL), is_orderable=False),
        KindSpec(Kind.GROUP, "an object of its attributes", _group, _NULL, is_orderable=False),
    )
}


def parse_value(kind: Kind, given: object) -> object:
    """The canonical Python value of a kind.

    Raises: ValueError, with what is expected, if the value is not of the kind.
    """
    spec = KINDS[kind]
    try:
        return spec.parse(given)
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        raise ValueError(spec.expected) from None
