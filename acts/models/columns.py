"""Values of clients as a model takes them: numbers, days since 1970, texts; and what is put where there is no value."""

from datetime import UTC, date, datetime, time
from math import isfinite

DAY_SECONDS = 86_400.0


def days_from(value: date | datetime) -> float:
    """Days since the start of 1970, in UTC; a day is its midnight."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.timestamp() / DAY_SECONDS


def number_from(value: object) -> float | None:
    """A value as a number; None for what is none: a text, a list, infinity."""
    if isinstance(value, date | datetime):
        return days_from(value)
    try:
        number = float(str(int(value))) if isinstance(value, bool) else float(str(value))
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) else None
