"""Scalars: what they write they read."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64
from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema
from hypothesis import given, settings
from hypothesis import strategies as st

from repositories.values import STORED_ZONE
from schema.scalars import date_text, datetime_text, decimal_text, json_from

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def scalar(builtin_schema: GraphQLSchema) -> Any:
    def get(name: str) -> GraphQLScalarType:
        found = builtin_schema.type_map[name]
        assert isinstance(found, GraphQLScalarType)
        return found

    return get


class TestLong:
    @pytest.mark.parametrize("value", [0, -(2**63), 2**63 - 1, 2**40, Int64(5), 3.0])
    def test_is_a_json_integer_past_32_bits(self, scalar: Any, value: object) -> None:
        written = scalar("Long").coerce_output_value(value)
        assert type(written) is int
        assert scalar("Long").coerce_input_value(written) == value

    @pytest.mark.parametrize("value", [0, 2**53 + 1, 2**63 - 1, -(2**63)])
    def test_is_taken_as_text_by_those_whose_numbers_are_floats(self, scalar: Any, value: int) -> None:
        assert scalar("Long").coerce_input_value(str(value)) == value

    @pytest.mark.parametrize(
        "value", [2**63, 1.5, True, "", "1.0", "1e3", " 1", "0x1", "one", "١", str(2**63), float(2**53 + 2)]
    )
    def test_refuses(self, scalar: Any, value: object) -> None:
        with pytest.raises(GraphQLError, match="whole number"):
            scalar("Long").coerce_input_value(value)


class TestDecimalText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (Decimal("12.50"), "12.50"),
            (Decimal128("0.10"), "0.10"),
            (Decimal("1E+3"), "1000"),
            (Decimal("1E-10"), "0.0000000001"),
            (Decimal("1E+50"), "1E+50"),
            (Decimal("-0"), "-0"),
        ],
    )
    def test_plain_digits_where_that_is_short(self, value: object, text: str) -> None:
        assert decimal_text(value) == text

    def test_a_float_is_refused_because_its_digits_are_not_what_was_meant(self, scalar: Any) -> None:
        with pytest.raises(GraphQLError, match="as text"):
            scalar("Decimal").coerce_input_value(0.1)

    @given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
    @settings(max_examples=50, deadline=None)
    def test_what_is_written_is_read(self, value: Decimal) -> None:
        assert Decimal(decimal_text(value)) == value


class TestDatetimeText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (NOON, "2026-11-23T12:00:00Z"),
            (NOON.replace(microsecond=120_000), "2026-11-23T12:00:00.120Z"),
            (NOON.astimezone(timezone(timedelta(hours=8))), "2026-11-23T12:00:00Z"),
            (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
            (NOON.replace(microsecond=120_999, tzinfo=STORED_ZONE), "2026-11-23T12:00:00.120Z"),
            (NOON.replace(microsecond=1, tzinfo=None), "2026-11-23T12:00:00.000Z"),
        ],
    )
    def test_rfc_3339_in_utc(self, value: datetime, text: str) -> None:
        assert datetime_text(value) == text

    def test_a_moment_without_a_zone_is_refused(self, scalar: Any) -> None:
        with pytest.raises(GraphQLError, match="time zone"):
            scalar("DateTime").coerce_input_value("2026-11-23T12:00:00")


class TestDateText:
    def test_a_date_and_the_midnight_it_is_stored_as(self, scalar: Any) -> None:
        assert date_text(date(2026, 11, 23)) == date_text(datetime(2026, 11, 23, tzinfo=UTC)) == "2026-11-23"
        assert scalar("Date").coerce_input_value("2026-11-23") == date(2026, 11, 23)


class TestJsonFrom:
    def test_to_the_leaf(self) -> None:
        stored = {"a": [Decimal128("1.5"), NOON, None], "b": {"c": 2**62, "d": True, "e": "$x"}}
        assert json_from(stored) == {
            "a": ["1.5", "2026-11-23T12:00:00Z", None],
            "b": {"c": 2**62, "d": True, "e": "$x"},
        }
