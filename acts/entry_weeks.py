"""The weeks of an entry window as moments: local hours, whatever the clocks of their zone do."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from repositories.compile.entry_times import EntrySpan
from repositories.entry_windows import Weekday

_DAYS = tuple(Weekday)
_HOUR = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
MIDNIGHT = "24:00"
"""The end of a day, as the hour at which a window closes."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """When a window is open, by the clocks of a place."""

    weekday: Weekday
    opens: str
    closes: str
    time_zone: str


def minutes_of(hour: str) -> int | None:
    """The minutes since midnight of an hour such as 14:30; None where it is none."""
    if hour == MIDNIGHT:
        return 24 * 60
    found = _HOUR.fullmatch(hour)
    return None if found is None else int(found[1]) * 60 + int(found[2])


@cache
def zones() -> frozenset[str]:
    """The names of the time zones there are: places, and UTC."""
    return frozenset(each for each in available_timezones() if "/" in each or each == "UTC")


def monday_of(day: date) -> date:
    """The first day of a week."""
    return day - timedelta(days=day.weekday())


def latest_week(hours: Hours, moment: datetime) -> date:
    """The Monday of the week that it is at a moment, where the window is."""
    return monday_of(moment.astimezone(ZoneInfo(hours.time_zone)).date())


def span_of(hours: Hours, week_of: date) -> EntrySpan:
    """The moments of one week.

    An hour that the clocks show twice opens at the first and closes at the second; one that they leave out is the
    moment at which they are put forward.
    """
    zone = ZoneInfo(hours.time_zone)
    day = week_of + timedelta(days=_DAYS.index(hours.weekday))
    return EntrySpan(
        week_of,
        _moment(week_of, 0, zone, is_end=False),
        _moment(day, minutes_of(hours.opens) or 0, zone, is_end=False),
        _moment(day, minutes_of(hours.closes) or 0, zone, is_end=True),
        _moment(week_of + timedelta(days=7), 0, zone, is_end=False),
    )


def spans_of(hours: Hours, moment: datetime, weeks: int) -> list[EntrySpan]:
    """The last weeks up to a moment, the newest first; that one need not be over yet."""
    newest = latest_week(hours, moment)
    return [span_of(hours, newest - timedelta(days=7 * back)) for back in range(weeks)]


def _moment(day: date, minutes: int, zone: ZoneInfo, *, is_end: bool) -> datetime:
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first > second:
        return _put_forward(second, first, zone)
    return second if is_end else first


def _put_forward(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The minute between two moments at which the clocks are put forward."""
    at = before
    offset = before.astimezone(zone).utcoffset()
    while at < after and at.astimezone(zone).utcoffset() == offset:
        at += _MINUTE
    return at
