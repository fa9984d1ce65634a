"""Values of clients as numbers."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from acts.models.columns import days_from, number_from


class TestDaysFrom:
    def test_a_day_is_its_midnight(self) -> None:
        assert days_from(date(1970, 1, 2)) == 1.0
        assert days_from(date(1969, 12, 31)) == -1.0

    def test_a_moment_has_its_part_of_the_day(self) -> None:
        assert days_from(datetime(1970, 1, 2, 12, tzinfo=UTC)) == 1.5
        assert days_from(datetime(1970, 1, 2, 12, tzinfo=timezone(timedelta(hours=12)))) == 1.0
        assert days_from(datetime(1970, 1, 2, 12)) == 1.5  # noqa: DTZ001 as drivers may give it


class TestNumberFrom:
    @pytest.mark.parametrize(
        ("value", "number"),
        [(3, 3.0), (True, 1.0), (Decimal("2.50"), 2.5), (date(1970, 1, 3), 2.0), ("text", None), (None, None)],
    )
    def test_each_kind(self, value: object, number: float | None) -> None:
        assert number_from(value) == number

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), [1.0], {}])
    def test_what_is_no_number(self, value: object) -> None:
        assert number_from(value) is None
