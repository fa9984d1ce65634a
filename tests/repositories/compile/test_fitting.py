"""A document fits an expression where `$match` finds it, whatever is stored: values of other kinds, and lists."""

import os
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Operator
from repositories.compile.filters import query_from
from repositories.compile.fitting import fits
from repositories.mongo import Store

pytestmark = [pytest.mark.real_drivers, pytest.mark.parametrize("driver", ["pymongo"], indirect=True)]
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
OPERANDS: list[Any] = ["", "Tea", "tea (a.b)", "$stage", 0, 7, 2.5, Decimal("2.50"), True, date(2026, 3, 1), MOMENT]
STORED: list[Any] = [
    *("", "Tea", "Tea house", "steam", "tea (a.b) x", "$stage", 0, 7, 2.5, float("nan"), Decimal128("2.5"), True),
    *(False, MOMENT, None, [], ["Tea", 7], [None], {"b": "Tea"}, [{"b": 7}, {"b": None}, "Tea", {}]),
]
PLAIN = (Operator.EQ, Operator.NE, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
MANY = (Operator.IN, Operator.NOT_IN, Operator.CONTAINS_ANY, Operator.CONTAINS_ALL)
TEXTS = [each for each in OPERANDS if isinstance(each, str)]
PATHS = st.sampled_from(["a", "b", "g.c"])


def comparisons(paths: st.SearchStrategy[str]) -> st.SearchStrategy[Filter]:
    several = st.lists(st.sampled_from(OPERANDS), min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Compare, paths, st.sampled_from(PLAIN), st.sampled_from(OPERANDS)),
        st.builds(Compare, paths, st.sampled_from(MANY), several),
        st.builds(Compare, paths, st.sampled_from((Operator.STARTS_WITH, Operator.CONTAINS)), st.sampled_from(TEXTS)),
        st.builds(Compare, paths, st.just(Operator.IS_NULL), st.booleans()),
    )


def together(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(And, some), st.builds(Or, some), st.builds(Not, inner))


ITEMS = st.recursive(comparisons(st.just("b")), together, max_leaves=3)
FILTERS = st.recursive(
    st.one_of(comparisons(PATHS), st.builds(AnyItem, st.sampled_from(["a", "g.c"]), ITEMS)), together, max_leaves=5
)
DOCUMENTS = [
    {"_id": place, **{name: each for name, each in zip(("a", "b"), pair, strict=True) if each != "missing"}}
    | ({"g": {"c": pair[0]}} if place % 3 else {})
    for place, pair in enumerate((one, other) for one in ["missing", *STORED] for other in ("missing", "Tea", 7))
]


@settings(
    max_examples=1_000 if os.environ.get("KEHU_TEST_LONG") else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(predicate=FILTERS)
async def test_an_expression_and_a_query_find_the_same(store: Store, predicate: Filter) -> None:
    collection, query = store.collection("fitting"), query_from(predicate)
    if not await collection.count({}, limit=1):
        await collection.insert_many([dict(each) for each in DOCUMENTS])
    found = {row["_id"] for row in await collection.find(query, {"_id": 1})}
    rows = await collection.aggregate([{"$project": {"fits": fits(query)}}])
    assert {row["_id"] for row in rows if row["fits"]} == found


async def test_a_query_of_another_make_is_no_expression(store: Store) -> None:
    with pytest.raises(ValueError, match=r"\$exists has no expression"):
        fits({"a": {"$exists": True}})
