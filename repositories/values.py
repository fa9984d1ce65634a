"""Canonical Python values as BSON values, by their Python type alone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from bson import Decimal128
from bson.tz_util import utc

STORED_ZONE = utc
"""The zone that moments come out of the database with: UTC."""
_PLAIN = (str, int, float, bool, bytes, datetime, Decimal128, type(None))


def is_same(stored: object, given: object) -> bool:
    """Whether two values are equal as the database compares them, both as it keeps them or as they were given.

    Numbers by value, whatever their type and scale; moments by the millisecond, whatever their zone; what is unset in
    an object is not there.
    """
    one, other = _comparable(stored), _comparable(given)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(is_same(one.get(key), other.get(key)) for key in one.keys() | other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return type(one) is type(other) and one == other


def _comparable(value: object) -> object:
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, int | float):
        return Decimal(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return list(value) if isinstance(value, tuple) else value


def bson_from(value: object) -> object:
    """The value as MongoDB keeps it: a date becomes its midnight in UTC, a decimal a Decimal128.

    What was read from there goes back as it is.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Decimal):
        return Decimal128(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, Mapping):
        return {key: bson_from(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [bson_from(each) for each in value]
    raise TypeError(f"no BSON form for {type(value).__name__}")
