"""The weeks of a window as moments, where clocks are put forward and back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts.entry_weeks import Hours, latest_week, minutes_of, monday_of, span_of, spans_of, zones
from repositories.compile.entry_times import EntrySpan
from repositories.entry_windows import Weekday

BERLIN, SHANGHAI = "Europe/Berlin", "Asia/Shanghai"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


class TestMinutesOf:
    @pytest.mark.parametrize(
        ("hour", "minutes"),
        [("00:00", 0), ("14:30", 870), ("23:59", 1_439), ("24:00", 1_440), ("24:01", None), ("9:00", None),
         ("12:60", None), ("12:00 ", None), ("", None), ("１２:00", None)],
    )  # fmt: skip
    def test_hours(self, hour: str, minutes: int | None) -> None:
        assert minutes_of(hour) == minutes


class TestZones:
    def test_places_and_utc(self) -> None:
        assert {BERLIN, SHANGHAI, "UTC"} <= zones()
        assert not {"EST", "localtime", "Moon/Crater"} & zones()


class TestSpanOf:
    def test_a_week_in_shanghai(self) -> None:
        hours = Hours(Weekday.FRIDAY, "14:00", "18:30", SHANGHAI)
        assert span_of(hours, date(2026, 11, 23)) == EntrySpan(
            date(2026, 11, 23),
            utc(2026, 11, 22, 16),
            utc(2026, 11, 27, 6),
            utc(2026, 11, 27, 10, 30),
            utc(2026, 11, 29, 16),
        )

    def test_the_hour_is_the_same_by_the_clock_when_clocks_are_put_forward(self) -> None:
        hours = Hours(Weekday.MONDAY, "09:00", "10:00", BERLIN)
        before, after = span_of(hours, date(2026, 3, 23)), span_of(hours, date(2026, 3, 30))
        assert (before.opens_at, after.opens_at) == (utc(2026, 3, 23, 8), utc(2026, 3, 30, 7))
        # The week with the night in it is an hour short.
        assert before.ends_at - before.starts_at == timedelta(days=7, hours=-1)

    @pytest.mark.parametrize(
        ("opens", "closes", "at"),
        [
            # 02:00 to 03:00 is left out on 29 March 2026: 01:00 UTC is both.
            ("01:30", "02:30", (utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 1, 0))),
            ("02:30", "03:15", (utc(2026, 3, 29, 1, 0), utc(2026, 3, 29, 1, 15))),
            ("02:10", "02:50", (utc(2026, 3, 29, 1, 0), utc(2026, 3, 29, 1, 0))),
        ],
    )
    def test_an_hour_that_is_left_out(self, opens: str, closes: str, at: tuple[datetime, datetime]) -> None:
        found = span_of(Hours(Weekday.SUNDAY, opens, closes, BERLIN), date(2026, 3, 23))
        assert (found.opens_at, found.closes_at) == at

    def test_an_hour_that_comes_twice_opens_at_the_first_and_closes_at_the_second(self) -> None:
        found = span_of(Hours(Weekday.SUNDAY, "02:15", "02:45", BERLIN), date(2026, 10, 19))
        assert (found.opens_at, found.closes_at) == (utc(2026, 10, 25, 0, 15), utc(2026, 10, 25, 1, 45))

    def test_the_end_of_the_day(self) -> None:
        found = span_of(Hours(Weekday.SUNDAY, "20:00", "24:00", "UTC"), date(2026, 11, 23))
        assert found.closes_at == found.ends_at == utc(2026, 11, 30)

    @given(st.sampled_from(sorted(zones())), st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.sampled_from(Weekday))
    def test_moments_are_in_order_everywhere(self, zone: str, day: date, weekday: Weekday) -> None:
        found = span_of(Hours(weekday, "00:10", "23:50", zone), monday_of(day))
        assert found.starts_at <= found.opens_at < found.closes_at <= found.ends_at
        after = span_of(Hours(weekday, "00:10", "23:50", zone), monday_of(day) + timedelta(days=7))
        assert after.starts_at == found.ends_at


class TestSpansOf:
    def test_the_newest_first_and_by_the_calendar_of_the_place(self) -> None:
        hours = Hours(Weekday.MONDAY, "09:00", "10:00", SHANGHAI)
        moment = utc(2026, 11, 22, 16, 30)
        assert latest_week(hours, moment) == date(2026, 11, 23)
        assert [each.week_of for each in spans_of(hours, moment, 3)] == [
            date(2026, 11, 23),
            date(2026, 11, 16),
            date(2026, 11, 9),
        ]
