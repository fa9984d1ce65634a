"""The keys of groups in words."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128

from catalogue.kinds import Kind
from repositories.compile.groups import CalendarUnit, GroupBy
from schema.derived.group_keys import key_value, next_start, span_label
from tests.definitions import defined

DAY = datetime(2026, 10, 1, tzinfo=UTC)


def shown(key: GroupBy, kind: Kind | None, stored: Any) -> tuple[Any, ...]:
    found = key_value(key, None if kind is None else defined(key.path, kind), stored)
    assert found["field"] == key.path
    return tuple(found[name] for name in ("value", "label", "from", "to"))


class TestKeyValue:
    @pytest.mark.parametrize(
        ("kind", "stored", "value", "label"),
        [
            (None, "ACTIVE", "ACTIVE", "ACTIVE"),
            (Kind.CODE, "A", "A", "Best"),
            (Kind.CODE, "OLD", "OLD", "OLD"),
            (Kind.STRING, "工商", "工商", "工商"),
            (Kind.BOOLEAN, True, True, "yes"),
            (Kind.BOOLEAN, False, False, "no"),
            (Kind.LONG, 2**40, 2**40, str(2**40)),
            (Kind.NUMBER, 1.5, 1.5, "1.5"),
            (Kind.DECIMAL, Decimal128("12.50"), "12.50", "12.50"),
            (Kind.DATE, DAY, "2026-10-01", "2026-10-01"),
            (Kind.DATETIME, DAY, "2026-10-01T00:00:00Z", "2026-10-01T00:00:00Z"),
        ],
    )
    def test_a_value_as_json_and_in_words(self, kind: Kind | None, stored: Any, value: Any, label: str) -> None:
        assert shown(GroupBy("profile.a"), kind, stored) == (value, label, None, None)

    @pytest.mark.parametrize(
        "key",
        [GroupBy("profile.a"), GroupBy("profile.a", bounds=(1.0,)), GroupBy("profile.a", every=CalendarUnit.DAY)],
    )
    def test_unset_is_null(self, key: GroupBy) -> None:
        assert shown(key, Kind.LONG, None) == (None, None, None, None)

    @pytest.mark.parametrize(
        ("place", "label", "low", "high"),
        [(0, "below 0.5", None, 0.5), (1, "0.5 to below 1000", 0.5, 1000.0), (2, "1000 and above", 1000.0, None)],
    )
    @pytest.mark.parametrize("number", [float, lambda each: Decimal(str(each))])
    def test_ranges(self, place: int, label: str, low: float | None, high: float | None, number: Any) -> None:
        key = GroupBy("profile.a", bounds=(number(0.5), number(1000)))
        assert shown(key, Kind.NUMBER, place) == (label, label, low, high)

    def test_spans_of_dates_and_of_moments(self) -> None:
        key = GroupBy("profile.a", every=CalendarUnit.QUARTER)
        assert shown(key, Kind.DATE, DAY) == ("2026-10-01", "2026-Q4", "2026-10-01", "2027-01-01")
        moments = ("2026-10-01T00:00:00Z", "2026-Q4", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z")
        assert shown(key, Kind.DATETIME, DAY) == moments


class TestSpanLabel:
    @pytest.mark.parametrize(
        ("unit", "label"),
        [
            (CalendarUnit.DAY, "2024-12-30"),
            (CalendarUnit.WEEK, "2025-W01"),
            (CalendarUnit.MONTH, "2024-12"),
            (CalendarUnit.QUARTER, "2024-Q4"),
            (CalendarUnit.YEAR, "2024"),
        ],
    )
    def test_each_unit(self, unit: CalendarUnit, label: str) -> None:
        assert span_label(unit, datetime(2024, 12, 30, tzinfo=UTC)) == label


class TestNextStart:
    @pytest.mark.parametrize(
        ("unit", "end"),
        [
            (CalendarUnit.DAY, "2026-12-02"),
            (CalendarUnit.WEEK, "2026-12-08"),
            (CalendarUnit.MONTH, "2027-01-01"),
            (CalendarUnit.QUARTER, "2027-03-01"),
            (CalendarUnit.YEAR, "2027-12-01"),
        ],
    )
    def test_each_unit(self, unit: CalendarUnit, end: str) -> None:
        start = datetime(2026, 12, 1, tzinfo=UTC)
        assert next_start(unit, start) == datetime.fromisoformat(end).replace(tzinfo=UTC)

    @pytest.mark.parametrize("unit", CalendarUnit)
    def test_the_end_of_the_calendar(self, unit: CalendarUnit) -> None:
        assert next_start(unit, datetime(9999, 12, 31, tzinfo=UTC)) is None
