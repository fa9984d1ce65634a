"""Bounds of definitions: exact, of days and moments too."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from catalogue.attribute import Attribute
from catalogue.bounds import TODAY, bound_from, bound_value, range_words
from catalogue.kinds import Kind
from catalogue.rules import shape_problems
from catalogue.values import broken_rule

NEW_YEAR = datetime(2026, 12, 31, 10, 30, tzinfo=UTC)


def attribute(kind: Kind, **more: Any) -> Attribute:
    return Attribute.model_validate(
        {"path": "profile.mark", "label": "Mark", "description": "A mark.", "kind": kind, **more}
    )


class TestBoundFrom:
    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            (0, 0.0),
            (-1.5, -1.5),
            ("5", 5.0),
            (" 0.1 ", 0.1),
            ("1e3", 1000.0),
            (2**53, float(2**53)),
            (2**53 + 1, "9007199254740993"),
            ("9007199254740993.01", "9007199254740993.01"),
            (Decimal("0.10"), 0.1),
            ("2026-02-28", "2026-02-28"),
            (date(2026, 2, 28), "2026-02-28"),
            (TODAY, TODAY),
            (None, None),
        ],
        ids=repr,
    )
    def test_numbers_stay_numbers_where_they_are_exact(self, written: object, kept: object) -> None:
        assert bound_from(written) == kept
        assert type(bound_from(written)) is type(kept)

    @pytest.mark.parametrize("written", [True, float("nan"), float("inf"), "", "  ", [], {}, "9" * 101], ids=repr)
    def test_refused(self, written: object) -> None:
        with pytest.raises(ValueError, match="bound"):
            bound_from(written)

    def test_a_definition_from_before_is_the_same_text(self) -> None:
        assert '"minimum":0.0' in attribute(Kind.NUMBER, minimum=0).canonical_text


class TestBoundValue:
    @pytest.mark.parametrize(
        ("kind", "bound", "value"),
        [
            (Kind.LONG, 3.0, 3.0),
            (Kind.LONG, "9007199254740993", 9007199254740993),
            (Kind.DECIMAL, 0.1, Decimal("0.1")),
            (Kind.DECIMAL, "9007199254740993.01", Decimal("9007199254740993.01")),
            (Kind.DATE, "2026-02-28", date(2026, 2, 28)),
            (Kind.DATETIME, "2026-02-28T08:00:00+08:00", datetime(2026, 2, 28, tzinfo=UTC)),
            # In the first zone of the earth the year is over.
            (Kind.DATE, TODAY, date(2027, 1, 1)),
            (Kind.DATETIME, TODAY, datetime(2026, 12, 31, 10, 31, tzinfo=UTC)),
        ],
    )
    def test_by_kind(self, kind: Kind, bound: float | str, value: object) -> None:
        assert bound_value(kind, bound, NEW_YEAR) == value

    @pytest.mark.parametrize(
        ("kind", "bound", "expected"),
        [
            (Kind.DATE, "yesterday", 'a date such as "2026-11-23", or TODAY'),
            (Kind.DATE, 5.0, 'a date such as "2026-11-23", or TODAY'),
            (Kind.DATETIME, "2026-02-28", 'a moment with its time zone such as "2026-11-23T18:00:00Z", or TODAY'),
            (Kind.LONG, TODAY, "a whole number between -2^63 and 2^63-1"),
            (Kind.DECIMAL, "x", 'a decimal number of up to 34 digits, as text such as "12.50"'),
        ],
    )
    def test_what_does_not_fit_the_kind_is_a_problem_of_the_definition(
        self, kind: Kind, bound: float | str, expected: str
    ) -> None:
        (problem,) = shape_problems(attribute(kind, maximum=bound))
        assert problem.path == ("maximum",)
        assert expected in problem.message


class TestValues:
    @pytest.mark.parametrize(
        ("kind", "bounds", "good", "bad"),
        [
            (Kind.LONG, {"maximum": "9007199254740993"}, 9007199254740993, 9007199254740994),
            (
                Kind.DECIMAL,
                {"maximum": "9007199254740993.01"},
                Decimal("9007199254740993.01"),
                Decimal("9007199254740993.02"),
            ),
            (Kind.DATE, {"minimum": "1900-01-01"}, date(1900, 1, 1), date(1899, 12, 31)),
            (Kind.DATE, {"maximum": TODAY}, date(2026, 1, 1), date(2999, 1, 1)),
            (Kind.DATETIME, {"maximum": TODAY}, datetime(2026, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)),
        ],
    )
    def test_exactly(self, kind: Kind, bounds: dict[str, object], good: object, bad: object) -> None:
        rule = attribute(kind, **bounds)
        assert broken_rule(rule, good) is None
        assert broken_rule(rule, bad) == range_words(kind, rule.minimum, rule.maximum)

    def test_words(self) -> None:
        assert range_words(Kind.DATE, "1900-01-01", TODAY) == "a date from 1900-01-01 to TODAY"
        assert range_words(Kind.LONG, None, "9007199254740993") == "a number up to 9007199254740993"
