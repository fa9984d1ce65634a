"""Predicates as queries: what the database selects is what the words of the contract say."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or, Search
from catalogue.kinds import Operator
from repositories.compile.filters import next_text, query_from
from repositories.mongo import MongoSettings, Store, connect
from repositories.values import bson_from

HOSTILE = ("$attitude.satisfaction", {"$ne": 1}, "$$ROOT", {"$gt": ""})


class TestQueryFrom:
    def test_nothing_selects_everything(self) -> None:
        assert query_from(None) == {}

    def test_words_of_logic(self) -> None:
        one, two = Compare("a", Operator.EQ, 1), Compare("b", Operator.GT, 2)
        assert query_from(And((one, Or((one, Not(two)))))) == {
            "$and": [{"a": {"$eq": 1}}, {"$or": [{"a": {"$eq": 1}}, {"$nor": [{"b": {"$gt": 2}}]}]}]
        }
        assert query_from(AnyItem("p.q", one)) == {"p.q": {"$elemMatch": {"a": {"$eq": 1}}}}

    @pytest.mark.parametrize("operator", [each for each in Operator if each is not Operator.IS_NULL])
    @pytest.mark.parametrize("value", HOSTILE, ids=str)
    def test_a_given_value_is_always_the_operand_of_an_operator(self, operator: Operator, value: object) -> None:
        given = (value,) if operator in (Operator.IN, Operator.NOT_IN) else value
        ((path, condition),) = query_from(Compare("a", operator, given)).items()
        assert path == "a"
        assert isinstance(condition, dict)
        assert all(name.startswith("$") and name not in ("$where", "$expr") for name in condition)
        assert not set(condition) & {"$ne"} or operator is Operator.NE

    def test_values_are_as_they_are_stored(self) -> None:
        assert query_from(Compare("a", Operator.IN, (Decimal("1.5"), date(2026, 1, 1)))) == {
            "a": {"$in": [Decimal128("1.5"), datetime(2026, 1, 1, tzinfo=UTC)]}
        }

    def test_contains_takes_every_sign_as_it_is(self) -> None:
        assert query_from(Compare("a", Operator.CONTAINS, "a.*(b")) == {"a": {"$regex": r"a\.\*\(b", "$options": "i"}}

    @pytest.mark.real_drivers  # mongomock-ng compares decimals digit by digit
    async def test_decimals_are_equal_by_number_and_not_by_digits(self, store: Store) -> None:
        clients = store.collection("clients")
        await clients.insert_one({"_id": "a", "a": Decimal128("0.10")})
        assert await clients.count(query_from(Compare("a", Operator.EQ, Decimal("0.1")))) == 1

    async def test_contains_takes_a_sign_that_no_expression_may_have(self, store: Store) -> None:
        clients = store.collection("clients")
        await clients.insert_many([{"_id": "a", "a": "x\x00Y"}, {"_id": "b", "a": "xy"}])
        assert await clients.find(query_from(Compare("a", Operator.CONTAINS, "X\x00y")), {"_id": 1}) == [{"_id": "a"}]


class TestNextText:
    @pytest.mark.parametrize(
        ("prefix", "bound"),
        [
            ("a", "b"),
            ("ab", "ac"),
            ("", None),
            ("\U0010ffff", None),
            ("a\U0010ffff", "b"),
            ("a\ud7ff", "a\ue000"),
            ("客", "宣"),
        ],
    )
    def test_the_least_text_above(self, prefix: str, bound: str | None) -> None:
        assert next_text(prefix) == bound

    @given(st.text(), st.text())
    @settings(max_examples=100, deadline=None)
    def test_only_texts_with_the_prefix_lie_between(self, prefix: str, other: str) -> None:
        bound = next_text(prefix)
        assert (other >= prefix and (bound is None or other < bound)) == other.startswith(prefix)


# What the contract says of a filter, in plain Python, over documents as they were given.

DATES = [date(2026, 11, day) for day in (1, 2, 3)]
MOMENTS = [datetime(2026, 11, 1, tzinfo=UTC) + timedelta(milliseconds=n) for n in (0, 1, 2_000)]
TEXTS = ["", "a", "A", "b", "ab", "a.c", "$a", "$$ROOT", "É", "é", "客戶", "a\nb", "\\", "(", "z\U0010ffff"]
POOLS: dict[str, list[Any]] = {
    "profile.text": TEXTS,
    "profile.place.text": TEXTS,
    "profile.long": [-(2**40), -1, 0, 1, 2**53 + 1, 2**62],
    "profile.number": [-1.5, 0.0, 0.1, 1.0, 1e300],
    "profile.decimal": [Decimal("0.1"), Decimal("0.2"), Decimal("-7"), Decimal("1E+3")],
    "profile.flag": [True, False],
    "profile.day": DATES,
    "profile.moment": MOMENTS,
}
"""Values by path of a plain attribute; few, so that equal ones meet."""
LIST, PEOPLE = "profile.list", "profile.people"
ITEM_POOLS: dict[str, list[Any]] = {"name": TEXTS, "age": [0, 1, 2]}
RANGE = {
    Operator.GT: lambda a, b: a > b,
    Operator.GTE: lambda a, b: a >= b,
    Operator.LT: lambda a, b: a < b,
    Operator.LTE: lambda a, b: a <= b,
}
TEXT_TESTS: dict[Operator, Callable[[str, str], bool]] = {
    Operator.STARTS_WITH: lambda value, given: value.startswith(given),
    Operator.CONTAINS: lambda value, given: given.lower() in value.lower(),
}
SAME = {Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN}


def value_at(document: Mapping[str, Any], path: str) -> Any:
    found: Any = document
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def selects(predicate: Filter, document: Mapping[str, Any]) -> bool:
    """Whether a predicate selects a document: ne and notIn match unset values, every other comparison needs a value."""
    match predicate:
        case And(parts):
            return all(selects(each, document) for each in parts)
        case Or(parts):
            return any(selects(each, document) for each in parts)
        case Not(part):
            return not selects(part, document)
        case AnyItem(path, part):
            return any(selects(part, each) for each in value_at(document, path) or ())
        case Search():
            raise NotImplementedError("search has tests of its own")
        case Compare(path, operator, given):
            return compares(value_at(document, path), operator, given)


def compares(value: Any, operator: Operator, given: Any) -> bool:
    if operator is Operator.IS_NULL:
        return (value is None) is given
    if operator in (Operator.NE, Operator.NOT_IN):
        return value not in (given if operator is Operator.NOT_IN else (given,))
    if value is None:
        return False
    if operator in RANGE:
        return bool(RANGE[operator](value, given))
    if operator in TEXT_TESTS:
        return TEXT_TESTS[operator](value, given)
    if operator is Operator.CONTAINS_ANY:
        return any(each in value for each in given)
    if operator is Operator.CONTAINS_ALL:
        return all(each in value for each in given)
    return value in given if operator is Operator.IN else bool(value == given)


def comparisons(pools: Mapping[str, list[Any]]) -> st.SearchStrategy[Filter]:
    def of(path: str) -> st.SearchStrategy[Filter]:
        one = st.sampled_from(pools[path])
        many = st.lists(one, min_size=1, max_size=3).map(tuple)
        ops: list[Operator] = [Operator.EQ, Operator.NE]
        if not isinstance(pools[path][0], bool):
            ops += RANGE
        if isinstance(pools[path][0], str):
            ops += TEXT_TESTS
        return (
            st.builds(Compare, st.just(path), st.sampled_from(ops), one)
            | st.builds(Compare, st.just(path), st.sampled_from([Operator.IN, Operator.NOT_IN]), many)
            | st.builds(Compare, st.just(path), st.just(Operator.IS_NULL), st.booleans())
        )

    return st.sampled_from(sorted(pools)).flatmap(of)


def lists() -> st.SearchStrategy[Filter]:
    items = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map(tuple)
    ops = st.sampled_from([Operator.CONTAINS_ANY, Operator.CONTAINS_ALL])
    null = st.builds(Compare, st.sampled_from([LIST, PEOPLE]), st.just(Operator.IS_NULL), st.booleans())
    inside = st.lists(comparisons(ITEM_POOLS), min_size=1, max_size=2)
    together = inside.map(lambda parts: parts[0] if len(parts) == 1 else And(tuple(parts)))
    return st.builds(Compare, st.just(LIST), ops, items) | null | st.builds(AnyItem, st.just(PEOPLE), together)


LEAVES = comparisons(POOLS) | lists()
TREES: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=6,
)


def one_document(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for path, pool in POOLS.items():
        if draw(st.booleans()):
            *outer, key = path.split(".")
            inner = document
            for each in outer:
                inner = inner.setdefault(each, {})
            inner[key] = draw(st.sampled_from(pool))
    profile = document.setdefault("profile", {})
    if draw(st.booleans()):
        profile["list"] = draw(st.lists(st.sampled_from(TEXTS), max_size=3))
    if draw(st.booleans()):
        item = st.fixed_dictionaries({}, optional={key: st.sampled_from(pool) for key, pool in ITEM_POOLS.items()})
        profile["people"] = draw(st.lists(item, max_size=3))
    return document


DOCUMENTS = st.lists(st.composite(one_document)(), min_size=1, max_size=6)


async def differing(store: Store, documents: list[dict[str, Any]], trees: list[Filter]) -> list[tuple[Filter, Any]]:
    """The predicates that select other documents in the database than in Python."""
    clients = store.collection("clients")
    await clients.delete_many({})
    stored: Any = [{"_id": at, **bson_from(each)} for at, each in enumerate(documents)]  # type: ignore[dict-item]
    await clients.insert_many(stored)
    wrong: list[tuple[Filter, Any]] = []
    for tree in trees:
        found = {each["_id"] for each in await clients.find(query_from(tree), {"_id": 1})}
        wanted = {at for at, each in enumerate(documents) if selects(tree, each)}
        if found != wanted:
            wrong.append((tree, [documents[at] for at in found ^ wanted]))
    return wrong


def check(settings_of_store: MongoSettings, documents: list[dict[str, Any]], trees: list[Filter]) -> None:
    async def run() -> list[tuple[Filter, Any]]:
        store = connect(settings_of_store)
        try:
            return await differing(store, documents, trees)
        finally:
            await store.close()

    assert asyncio.run(run()) == []


ANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
# to shrink an example asks the database for minutes; the long tier does
SHORT = settings(ANY, phases=(Phase.explicit, Phase.reuse, Phase.generate))


class TestAnyTree:
    @given(documents=DOCUMENTS, trees=st.lists(TREES, min_size=1, max_size=12))
    @settings(SHORT, max_examples=25)
    def test_selects_in_the_database_what_it_selects_in_python(
        self, store_settings: MongoSettings, documents: list[dict[str, Any]], trees: list[Filter]
    ) -> None:
        check(store_settings, documents, trees)

    @pytest.mark.long
    @given(documents=DOCUMENTS, trees=st.lists(TREES, min_size=1, max_size=12))
    @settings(ANY, max_examples=1_000)
    def test_selects_in_the_database_what_it_selects_in_python_in_full(
        self, store_settings: MongoSettings, documents: list[dict[str, Any]], trees: list[Filter]
    ) -> None:
        check(store_settings, documents, trees)
