"""Canonical values as BSON."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import bson
import pytest
from bson import Decimal128

from repositories.values import bson_from


class TestBsonFrom:
    @pytest.mark.parametrize("value", ["$a", "", 0, 2**63 - 1, 1.5, True, None, datetime(2026, 1, 1, tzinfo=UTC)])
    def test_what_bson_knows_stays(self, value: object) -> None:
        assert bson_from(value) is value

    def test_a_date_is_its_midnight_in_utc(self) -> None:
        assert bson_from(date(2026, 11, 23)) == datetime(2026, 11, 23, tzinfo=UTC)

    def test_a_moment_is_not_taken_for_a_date(self) -> None:
        noon = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=8)))
        assert bson_from(noon) == noon

    @pytest.mark.parametrize("text", ["12.50", "-0", "1E-6000", "9" * 34, "0.1"])
    def test_a_decimal_keeps_its_digits(self, text: str) -> None:
        stored = bson_from(Decimal(text))
        assert isinstance(stored, Decimal128)
        assert str(stored.to_decimal()) == str(Decimal(text))

    def test_lists_and_groups_to_the_leaf(self) -> None:
        given = {"a": [date(2026, 1, 1)], "b": ({"c": Decimal(1)},)}
        stored = bson_from(given)
        assert stored == {"a": [datetime(2026, 1, 1, tzinfo=UTC)], "b": [{"c": Decimal128("1")}]}
        assert bson.encode({"": stored})

    def test_anything_else_is_a_fault_of_ours(self) -> None:
        with pytest.raises(TypeError, match="set"):
            bson_from({1})
