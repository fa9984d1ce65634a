"""The table of kinds: what each takes, and what it makes of it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.kinds import DECIMAL_DIGITS, KINDS, LONG_LIMIT, Kind, Operator, parse_value

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

ACCEPTED: dict[Kind, list[tuple[object, object]]] = {
    Kind.STRING: [("", ""), ("$attitude.satisfaction", "$attitude.satisfaction"), ("客戶 🏦", "客戶 🏦")],
    Kind.TEXT: [("two\nlines", "two\nlines")],
    Kind.LONG: [
        (0, 0),
        (-(2**63), -(2**63)),
        (2**63 - 1, 2**63 - 1),
        (3.0, 3),
        ("-9007199254740993", -(2**53) - 1),
        ("+7", 7),
    ],
    Kind.NUMBER: [(1, 1.0), (-2.5, -2.5), (10**300, 1e300)],
    Kind.DECIMAL: [("12.50", Decimal("12.50")), (7, Decimal(7)), ("-1E-20", Decimal("-1E-20"))],
    Kind.BOOLEAN: [(True, True), (False, False)],
    Kind.DATE: [("2026-11-23", date(2026, 11, 23)), (date(1, 1, 1), date(1, 1, 1))],
    Kind.DATETIME: [
        ("2026-11-23T12:00:00Z", NOON),
        ("2026-11-23T20:00:00+08:00", NOON),
        ("2026-11-23T12:00:00.123456Z", NOON.replace(microsecond=123_000)),
    ],
    Kind.CODE: [("AAA", "AAA"), ("A+", "A+"), ("0", "0")],
    Kind.EMAIL: [("li@example.com", "li@example.com"), ("a.b+c@d.example.com", "a.b+c@d.example.com")],
    Kind.PHONE: [("+86 10 6655 4433", "+86 10 6655 4433"), ("112", "112")],
    Kind.URL: [("https://example.com/a?b=c", "https://example.com/a?b=c"), ("HTTP://X", "HTTP://X")],
    Kind.CLIENT: [("cl_65a0", "cl_65a0")],
    Kind.GROUP: [({"a": 1}, {"a": 1})],
}
REFUSED: dict[Kind, list[object]] = {
    Kind.STRING: [1, True, ["a"], {"$ne": 1}, "a\x00b", "\ud800", b"a"],
    Kind.TEXT: [0, {"text": ""}],
    Kind.LONG: [
        True,
        1.5,
        "1.0",
        "",
        "1e3",
        "9" * 20,
        float(2**53 + 2),
        inf,
        nan,
        LONG_LIMIT,
        -LONG_LIMIT - 1,
        1e30,
        {"$inc": 1},
    ],
    Kind.NUMBER: [True, "1", inf, -inf, nan, 10**400],
    Kind.DECIMAL: [True, 1.5, "", "abc", "NaN", "Infinity", "1" * (DECIMAL_DIGITS + 1), "1E+9999", [1]],
    Kind.BOOLEAN: [0, 1, "true"],
    Kind.DATE: ["2026-02-30", "today", 20261123, NOON],
    Kind.DATETIME: ["2026-11-23T12:00:00", "2026-11-23", "0001-01-01T00:00:00+14:00", 5],
    Kind.CODE: ["", "two words", "$A", "-A", "A" * 65, 1],
    Kind.EMAIL: ["li", "li@example", "li@@example.com", "li @example.com", 5],
    Kind.PHONE: ["12", "call me", "$12345", "1" * 40],
    Kind.URL: ["example.com", "javascript:alert(1)", "http://", "https://a b", "http://$where"],
    Kind.CLIENT: ["", "K000001", "cl_", "cl_$ne", {"$ne": 1}],
    Kind.GROUP: ["a", [], 1],
}


def rows(table: dict[Kind, list[Any]]) -> list[Any]:
    return [pytest.param(kind, given, id=f"{kind}-{at}") for kind in table for at, given in enumerate(table[kind])]


class TestParseValue:
    def test_every_kind_is_tried(self) -> None:
        assert set(ACCEPTED) == set(REFUSED) == set(KINDS) == set(Kind)

    @pytest.mark.parametrize(("kind", "pair"), rows(ACCEPTED))
    def test_takes(self, kind: Kind, pair: tuple[object, object]) -> None:
        value = parse_value(kind, pair[0])
        assert value == pair[1]
        assert type(value) is type(pair[1])

    @pytest.mark.parametrize(("kind", "given"), rows(REFUSED))
    def test_refuses_and_says_what_it_expects(self, kind: Kind, given: object) -> None:
        with pytest.raises(ValueError) as refused:
            parse_value(kind, given)
        assert str(refused.value) == KINDS[kind].expected

    @pytest.mark.parametrize("kind", Kind)
    @given(
        value=st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.binary()
        | st.lists(st.integers())
        | st.dictionaries(st.text(), st.integers())
        | st.datetimes()
        | st.dates()
        | st.decimals()
    )
    @settings(max_examples=40, deadline=None)
    def test_anything_is_taken_as_it_stays_or_refused_in_one_way(self, kind: Kind, value: object) -> None:
        try:
            canonical = parse_value(kind, value)
        except ValueError as refused:
            words = str(refused)
        else:
            assert parse_value(kind, canonical) == canonical
            words = KINDS[kind].expected
        assert words == KINDS[kind].expected


class TestKinds:
    @pytest.mark.parametrize("kind", Kind)
    def test_what_can_be_ordered_can_be_compared(self, kind: Kind) -> None:
        spec = KINDS[kind]
        assert spec.is_orderable or Operator.GT not in spec.operators
        assert not spec.is_measurable or Operator.LTE in spec.operators

    def test_texts_have_a_length_limit(self) -> None:
        assert all((KINDS[kind].length_limit > 0) is KINDS[kind].is_text for kind in Kind)
