"""The operators of dates in plain Python: from MongoDB's manual, with Kehu's guards."""

import calendar
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MILLION = 1_000_000
TEXT_MOST = 20_000
_SPANS = {"hour": 3_600_000, "minute": 60_000, "second": 1_000, "millisecond": 1}


def _date(value: datetime | None) -> datetime | None:
    return value if value is not None and FIRST <= value <= LAST else None


def moved(value: datetime, milliseconds: float) -> datetime | None:
    try:
        return _date(value + milliseconds * MILLISECOND)
    except OverflowError:
        return None


def _offset(given: Mapping[str, Any]) -> timedelta:
    text = given.get("timezone", "+00:00")
    found = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return -found if text[0] == "-" else found


def part(work: Callable[[datetime], int]) -> Callable[[Mapping[str, Any]], Any]:
    return lambda given: None if given["date"] is None else work(given["date"] + _offset(given))


def _milliseconds(value: datetime) -> int:
    return (value - EPOCH) // MILLISECOND


def _index(value: datetime, unit: str, first_day: int = 6) -> int:
    """How many units have begun since a fixed moment; a week begins on a Sunday."""
    if unit in _SPANS:
        return _milliseconds(value) // _SPANS[unit]
    if unit in ("day", "week"):
        return (value.toordinal() + 6 - first_day) // 7 if unit == "week" else value.toordinal()
    months = value.year * 12 + value.month - 1
    return months // {"month": 1, "quarter": 3, "year": 12}[unit]


def difference(given: Mapping[str, Any]) -> Any:
    start, end = given["startDate"], given["endDate"]
    if start is None or end is None:
        return None
    first = calendar.day_name[:].index(given.get("startOfWeek", "sunday").capitalize())
    shift = _offset(given)
    return _index(end + shift, given["unit"], first) - _index(start + shift, given["unit"], first)


def added(sign: int) -> Callable[[Mapping[str, Any]], Any]:
    def worked(given: Mapping[str, Any]) -> Any:
        value, unit, amount = given["startDate"], given["unit"], given["amount"]
        if value is None or amount is None or abs(amount) > MILLION:
            return None
        count = sign * int(amount)
        if unit in _SPANS or unit in ("day", "week"):
            span = _SPANS.get(unit) or 86_400_000 * (7 if unit == "week" else 1)
            return moved(value, span * count)
        months = value.year * 12 + value.month - 1 + count * {"month": 1, "quarter": 3, "year": 12}[unit]
        year, month = divmod(months, 12)
        if not 1 <= year <= 9999:
            return None
        return value.replace(year=year, month=month + 1, day=min(value.day, calendar.monthrange(year, month + 1)[1]))

    return worked


def truncated(given: Mapping[str, Any]) -> Any:
    value, unit = given["date"], given["unit"]
    if value is None:
        return None
    if unit in _SPANS:
        return EPOCH + _milliseconds(value) // _SPANS[unit] * _SPANS[unit] * MILLISECOND
    day = value.replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case "day":
            return day
        case "week":
            return moved(day, -86_400_000 * ((day.weekday() + 1) % 7))
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
        case _:
            return day.replace(day=1, month=1)


def assembled(given: Mapping[str, Any]) -> Any:
    parts = [given.get(name, 1 if name in ("month", "day") else 0) for name in ("year", "month", "day", *_CLOCK)]
    if any(each is None for each in parts) or not 1 <= parts[0] <= 9999 or max(map(abs, parts[1:])) > 32_767:
        return None
    years, month = divmod(parts[1] - 1, 12)
    days, hours, minutes, seconds, milliseconds = parts[2:]
    span = ((((days - 1) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
    # The calendar is the same every 400 years: what begins before the year 1 may end in it.
    cycles = (parts[0] + years - 2000) // 400
    start = datetime(parts[0] + years - cycles * 400, month + 1, 1, tzinfo=UTC)
    return moved(EPOCH, (start - EPOCH) // MILLISECOND + span + cycles * 146_097 * 86_400_000)


_CLOCK = ("hour", "minute", "second", "millisecond")


def written(given: Mapping[str, Any]) -> Any:
    value = given["date"]
    if value is None:
        return None
    text = given.get("format", "%Y-%m-%dT%H:%M:%S.%LZ")
    fields = {"Y": f"{value.year:04}", "m": f"{value.month:02}", "d": f"{value.day:02}", "H": f"{value.hour:02}"}
    fields |= {"M": f"{value.minute:02}", "S": f"{value.second:02}", "L": f"{value.microsecond // 1000:03}"}
    fields |= {"j": f"{value.timetuple().tm_yday:03}", "%": "%"}
    for name, each in fields.items():
        text = text.replace(f"%{name}", each)
    return text


def parsed(given: Mapping[str, Any]) -> Any:
    try:
        return datetime.strptime(given["dateString"] or "", given["format"]).replace(tzinfo=UTC)
    except ValueError:
        return None


def _text(work: Callable[[str, str | None], str]) -> Callable[[Mapping[str, Any]], Any]:
    return lambda given: None if given["input"] is None else work(given["input"], given.get("chars"))


def _replaced(most: int) -> Callable[[Mapping[str, Any]], Any]:
    def worked(given: Mapping[str, Any]) -> Any:
        if given["input"] is None:
            return None
        found = given["input"].replace(given["find"], given["replacement"], most)
        return found if len(found) <= TEXT_MOST else None

    return worked


NAMED: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "$year": part(lambda value: value.year),
    "$month": part(lambda value: value.month),
    "$dayOfMonth": part(lambda value: value.day),
    "$dayOfWeek": part(lambda value: (value.weekday() + 1) % 7 + 1),
    "$dayOfYear": part(lambda value: value.timetuple().tm_yday),
    "$hour": part(lambda value: value.hour),
    "$minute": part(lambda value: value.minute),
    "$second": part(lambda value: value.second),
    "$millisecond": part(lambda value: value.microsecond // 1000),
    "$week": part(lambda value: int(value.strftime("%U"))),
    "$isoWeek": part(lambda value: value.isocalendar().week),
    "$isoWeekYear": part(lambda value: value.isocalendar().year),
    "$isoDayOfWeek": part(lambda value: value.isoweekday()),
    "$dateAdd": added(1),
    "$dateSubtract": added(-1),
    "$dateDiff": difference,
    "$dateTrunc": truncated,
    "$dateFromParts": assembled,
    "$dateFromString": parsed,
    "$dateToString": written,
    "$ltrim": _text(str.lstrip),
    "$rtrim": _text(str.rstrip),
    "$trim": _text(str.strip),
    "$replaceAll": _replaced(-1),
    "$replaceOne": _replaced(1),
}
"""Operators whose arguments have names."""
