"""Canonical Python values as BSON values, by their Python type alone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from bson import Decimal128
from bson.tz_util import utc

STORED_ZONE = utc
"""The zone that moments come out of the database with: UTC."""
_PLAIN = (str, int, float, bool, bytes, datetime, Decimal128, type(None))


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
