"""Saved filters: the JSON that a predicate is kept as, and what is wrong with JSON that is none."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.attribute import Attribute
from catalogue.builtin import builtin_catalogue
from catalogue.errors import ErrorCode, Refused
from catalogue.filter_json import filter_from_json, json_from_filter
from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or, Search
from catalogue.kinds import Kind, Operator

CATALOGUE = builtin_catalogue().with_attributes(
    [
        Attribute(path="profile.score", label="Score", description="", kind=Kind.DECIMAL),
        Attribute(path="profile.seen", label="Seen", description="", kind=Kind.DATETIME),
        Attribute(path="profile.born", label="Born", description="", kind=Kind.DATE),
        Attribute(path="profile.count", label="Count", description="", kind=Kind.LONG),
        Attribute(path="profile.langs", label="Languages", description="", kind=Kind.STRING, is_list=True),
    ]
)
MOMENT = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)


class TestJsonFromFilter:
    def test_reads_as_where_is_written(self) -> None:
        predicate = And(
            (
                Compare("managerId", Operator.EQ, "mg_1"),
                Compare("profile.industry", Operator.IN, ("BANKS", "STEEL")),
                Compare("profile.location.city", Operator.STARTS_WITH, "Ba"),
                Or((Compare("profile.born", Operator.LT, date(1990, 1, 2)), Compare("stage", Operator.NE, "LOST"))),
            )
        )
        assert json_from_filter(predicate) == {
            "manager": {"eq": "mg_1"},
            "profile": {"industry": {"in": ["BANKS", "STEEL"]}, "location": {"city": {"startsWith": "Ba"}}},
            "or": [{"profile": {"born": {"lt": "1990-01-02"}}}, {"stage": {"ne": "LOST"}}],
        }

    def test_says_apart_what_cannot_stand_in_one_object(self) -> None:
        twice = And((Compare("profile.count", Operator.EQ, 1), Compare("profile.count", Operator.EQ, 2)))
        assert json_from_filter(twice) == {
            "and": [{"profile": {"count": {"eq": 1}}}, {"profile": {"count": {"eq": 2}}}]
        }

    def test_two_items_of_a_list_are_not_one(self) -> None:
        first, second = (
            AnyItem("profile.keyPeople", Compare("name", Operator.EQ, name)) for name in ("Li Wei", "Wang Fang")
        )
        assert json_from_filter(And((first, second))) == {
            "and": [{"profile": {"keyPeople": {"any": {"name": {"eq": name}}}}} for name in ("Li Wei", "Wang Fang")]
        }

    def test_dates_moments_and_decimals_are_texts(self) -> None:
        predicate = And(
            (
                Compare("profile.seen", Operator.GTE, MOMENT),
                Compare("profile.score", Operator.GT, Decimal("12.50")),
            )
        )
        assert json_from_filter(predicate) == {
            "profile": {"seen": {"gte": "2026-11-26T08:30:00Z"}, "score": {"gt": "12.50"}}
        }

    def test_a_search_is_no_filter(self) -> None:
        with pytest.raises(ValueError, match="search"):
            json_from_filter(Search("li", ("profile.name",)))


_NUMBERS = (Operator.EQ, Operator.NE, Operator.GT, Operator.LTE)
_COMPARISONS: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Compare, st.just("profile.count"), st.sampled_from(_NUMBERS), st.integers(-(2**40), 2**40)),
    st.builds(Compare, st.just("profile.score"), st.sampled_from(_NUMBERS), st.decimals(-9, 9, places=2)),
    st.builds(Compare, st.just("profile.born"), st.sampled_from(_NUMBERS), st.dates()),
    st.builds(Compare, st.just("profile.seen"), st.just(Operator.LT), st.just(MOMENT)),
    st.builds(Compare, st.just("profile.langs"), st.just(Operator.CONTAINS_ANY), st.tuples(st.text("abc", max_size=3))),
    st.builds(Compare, st.just("profile.name"), st.just(Operator.IS_NULL), st.booleans()),
    st.builds(Compare, st.just("stage"), st.just(Operator.NOT_IN), st.just(("LOST",))),
    st.builds(
        AnyItem,
        st.just("profile.keyPeople"),
        st.builds(Compare, st.just("name"), st.just(Operator.STARTS_WITH), st.text("LW", min_size=1, max_size=2)),
    ),
)
FILTERS = st.recursive(
    _COMPARISONS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


class TestRoundTrip:
    @given(FILTERS)
    def test_comes_back_as_it_was_kept(self, predicate: Filter) -> None:
        kept = json.loads(json.dumps(json_from_filter(predicate)))
        read = filter_from_json(CATALOGUE, kept)
        assert json_from_filter(read) == kept
        assert _leaves(read) == _leaves(predicate)


def _leaves(predicate: Filter) -> set[str]:
    match predicate:
        case And(parts) | Or(parts):
            return {leaf for each in parts for leaf in _leaves(each)}
        case Not(part) | AnyItem(_, part):
            return _leaves(part)
        case _:
            return {repr(predicate)}


@pytest.mark.parametrize(
    ("given", "place", "code"),
    [
        ({}, "where", ErrorCode.EMPTY_FILTER),
        (None, "where", ErrorCode.EMPTY_FILTER),
        ([], "where", ErrorCode.EMPTY_FILTER),
        ({"profile": {}}, "where.profile", ErrorCode.EMPTY_FILTER),
        ({"and": []}, "where.and", ErrorCode.INVALID_VALUE),
        ({"or": {"profile": {}}}, "where.or", ErrorCode.INVALID_VALUE),
        ({"$where": "1"}, "where.$where", ErrorCode.UNKNOWN_ATTRIBUTE),
        ({"tail": {"eq": 1}}, "where.tail", ErrorCode.UNKNOWN_ATTRIBUTE),
        ({"profile": {"nothing": {"eq": 1}}}, "where.profile.nothing", ErrorCode.UNKNOWN_ATTRIBUTE),
        ({"profile": {"name": "Li"}}, "where.profile.name", ErrorCode.EMPTY_FILTER),
        ({"profile": {"name": {"$ne": "Li"}}}, "where.profile.name.$ne", ErrorCode.INVALID_VALUE),
        ({"profile": {"name": {"eq": {"$gt": ""}}}}, "where.profile.name.eq", ErrorCode.INVALID_VALUE),
        ({"profile": {"count": {"eq": "1.5"}}}, "where.profile.count.eq", ErrorCode.INVALID_VALUE),
        ({"profile": {"count": {"in": []}}}, "where.profile.count.in", ErrorCode.INVALID_VALUE),
        ({"profile": {"name": {"isNull": 1}}}, "where.profile.name.isNull", ErrorCode.INVALID_VALUE),
        ({"profile": {"keyPeople": {"all": {}}}}, "where.profile.keyPeople.all", ErrorCode.INVALID_VALUE),
        ({"kind": {"eq": "ROBOT"}}, "where.kind.eq", ErrorCode.INVALID_VALUE),
        ({"kind": {"startsWith": "P"}}, "where.kind.startsWith", ErrorCode.INVALID_VALUE),
        ({"number": {"contains": "1"}}, "where.number.contains", ErrorCode.INVALID_VALUE),
        ({"manager": {"gt": "mg_1"}}, "where.manager.gt", ErrorCode.INVALID_VALUE),
    ],
)
def test_what_is_no_filter_is_refused_with_its_place(given: Any, place: str, code: ErrorCode) -> None:
    with pytest.raises(Refused) as refused:
        filter_from_json(CATALOGUE, given)
    assert [(".".join(each.path), each.code) for each in refused.value.problems()] == [(place, code)]


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        filter_from_json(CATALOGUE, {"stage": {"eq": "GONE"}, "profile": {"count": {"like": 1}, "none": {"eq": 1}}})
    assert len(refused.value.problems()) == 3


def test_too_deep() -> None:
    deep: dict[str, Any] = {"stage": {"eq": "LOST"}}
    for _ in range(20):
        deep = {"not": deep}
    with pytest.raises(Refused, match="12 levels"):
        filter_from_json(CATALOGUE, deep)


def test_a_retired_attribute_is_unknown() -> None:
    retired = CATALOGUE.with_attributes([CATALOGUE.get_live("profile.count").model_copy(update={"status": "RETIRED"})])
    with pytest.raises(Refused, match=r"profile\.count"):
        filter_from_json(retired, {"profile": {"count": {"eq": 1}}})
