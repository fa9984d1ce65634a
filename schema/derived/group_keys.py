"""The keys of a group in words: value, label and the span or range that it stands for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from catalogue.attribute import Attribute
from catalogue.kinds import Kind
from repositories.compile.groups import CalendarUnit, GroupBy
from schema.scalars import date_text, datetime_text, json_from

_MONTHS = {CalendarUnit.MONTH: 1, CalendarUnit.QUARTER: 3, CalendarUnit.YEAR: 12}


def key_value(key: GroupBy, attribute: Attribute | None, stored: Any) -> dict[str, Any]:
    """A key as the fields of GroupKey are read from it; the attribute is None for what code owns."""
    if stored is None:
        return {"field": key.path, "value": None, "label": None, "from": None, "to": None}
    if key.bounds:
        return {"field": key.path} | _range(key.bounds, stored)
    is_date = attribute is not None and attribute.kind is Kind.DATE
    if key.every is not None:
        write = date_text if is_date else datetime_text
        start = write(stored)
        end = next_start(key.every, stored)
        label = span_label(key.every, stored)
        return {"field": key.path, "value": start, "label": label, "from": start, "to": end and write(end)}
    value = date_text(stored) if is_date else json_from(stored)
    return {"field": key.path, "value": value, "label": _label(attribute, value), "from": None, "to": None}


def _label(attribute: Attribute | None, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    options = attribute.options if attribute is not None else ()
    return next((each.label for each in options if each.code == value), str(value))


def _range(bounds: Sequence[float | Decimal], place: int) -> dict[str, Any]:
    """The nth range; the first one is open below, the last one above."""
    low = bounds[place - 1] if place > 0 else None
    high = bounds[place] if place < len(bounds) else None
    if low is None:
        label = f"below {_figure(high)}"
    elif high is None:
        label = f"{_figure(low)} and above"
    else:
        label = f"{_figure(low)} to below {_figure(high)}"
    return {"value": label, "label": label, "from": _json(low), "to": _json(high)}


def _json(bound: float | Decimal | None) -> float | None:
    return None if bound is None else float(bound)


def _figure(bound: float | Decimal | None) -> str:
    """The number as it was given: whole ones without a point."""
    number = float(bound or 0)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else str(number)


def span_label(unit: CalendarUnit, start: datetime) -> str:
    """2026, 2026-Q4, 2026-11, 2026-W47 or 2026-11-23."""
    match unit:
        case CalendarUnit.YEAR:
            return f"{start.year:04}"
        case CalendarUnit.QUARTER:
            return f"{start.year:04}-Q{(start.month + 2) // 3}"
        case CalendarUnit.MONTH:
            return f"{start.year:04}-{start.month:02}"
        case CalendarUnit.WEEK:
            year, week, _ = start.isocalendar()
            return f"{year:04}-W{week:02}"
        case CalendarUnit.DAY:
            return date_text(start)


def next_start(unit: CalendarUnit, start: datetime) -> datetime | None:
    """Where the next span begins; None where the calendar ends."""
    try:
        if unit in _MONTHS:
            years, month = divmod(start.month - 1 + _MONTHS[unit], 12)
            return start.replace(year=start.year + years, month=month + 1)
        return start + timedelta(days=7 if unit is CalendarUnit.WEEK else 1)
    except (ValueError, OverflowError):
        return None
