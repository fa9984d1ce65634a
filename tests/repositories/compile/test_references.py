"""References to hidden clients: what is shown, asked and kept is as if those clients were not there."""

from copy import deepcopy
from random import Random
from typing import Any

import pytest

from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Operator
from repositories.compile.filters import query_from
from repositories.compile.references import (
    asks_presence,
    hide_at,
    kept_list,
    kept_value,
    named_ids,
    needs_ids,
    seen_by,
    shown_row,
    without_hidden,
)
from repositories.mongo import Store

ASKED = {"profile.parent": False, "profile.affiliates": True, "profile.keyPeople.employer": False}
SEEN, HIDDEN = ("a", "b", "c"), ("x", "y")
EVERYBODY = (*SEEN, *HIDDEN)
OWN: Filter = Compare("managerId", Operator.EQ, "M1")
WALL: Filter = Compare("_id", Operator.NOT_IN, HIDDEN)


def drawn(random: Random, place: int) -> dict[str, Any]:
    """A client with references, to clients who are seen and to others."""
    profile: dict[str, Any] = {}
    if random.random() < 0.7:
        profile["parent"] = random.choice(EVERYBODY)
    if random.random() < 0.7:
        profile["affiliates"] = random.sample(EVERYBODY, random.randint(1, 3))
    if random.random() < 0.7:
        names = random.sample(("Li", "Wu", "Qi"), random.randint(1, 2))
        profile["keyPeople"] = [{"name": each, **employed(random)} for each in names]
    return {"_id": f"k{place}", "profile": profile}


def employed(random: Random) -> dict[str, str]:
    return {"employer": random.choice(EVERYBODY)} if random.random() < 0.7 else {}


def some(random: Random) -> tuple[str, ...]:
    return tuple(random.sample((*EVERYBODY, "nobody"), random.randint(1, 3)))


def single(random: Random, path: str) -> Filter:
    operator = random.choice((Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN, Operator.IS_NULL))
    if operator is Operator.IS_NULL:
        return Compare(path, operator, random.random() < 0.5)
    many = operator in (Operator.IN, Operator.NOT_IN)
    return Compare(path, operator, some(random) if many else random.choice((*EVERYBODY, "nobody")))


def predicate(random: Random, depth: int = 2) -> Filter:
    """Any question about references."""
    kind = random.randint(0, 5 if depth else 2)
    if kind == 0:
        return single(random, "profile.parent")
    if kind == 1:
        operator = random.choice((Operator.CONTAINS_ANY, Operator.CONTAINS_ALL, Operator.IS_NULL))
        value: object = some(random) if operator is not Operator.IS_NULL else random.random() < 0.5
        return Compare("profile.affiliates", operator, value)
    if kind == 2:
        inner = single(random, "employer")
        return AnyItem("profile.keyPeople", And((Compare("name", Operator.EQ, "Li"), inner)) if depth else inner)
    if kind == 3:
        return Not(predicate(random, depth - 1))
    parts = (predicate(random, depth - 1), predicate(random, depth - 1))
    return And(parts) if kind == 4 else Or(parts)


def as_seen(document: dict[str, Any]) -> dict[str, Any]:
    shown = deepcopy(document)
    for path in ASKED:
        hide_at(shown, path.split("."), SEEN)
    return shown


class TestPredicates:
    @pytest.mark.parametrize("rows", [OWN, WALL], ids=["own", "walled"])
    async def test_answer_as_over_documents_without_the_hidden(self, store: Store, rows: Filter) -> None:
        random = Random(12)
        documents = [drawn(random, place) for place in range(60)]
        raw, seen = store.collection("raw"), store.collection("seen")
        await raw.insert_many(documents)
        await seen.insert_many([as_seen(each) for each in documents])
        different = 0
        for _ in range(150):
            asked = predicate(random)
            known = named_ids(asked, ASKED) & set(SEEN)
            by = seen_by(rows, SEEN if needs_ids(rows) else None)
            resolved = query_from(without_hidden(asked, ASKED, known, by))
            found = [each["_id"] for each in await raw.find(resolved, sort=[("_id", 1)])]
            assert found == [each["_id"] for each in await seen.find(query_from(asked), sort=[("_id", 1)])], asked
            different += found != [each["_id"] for each in await raw.find(query_from(asked), sort=[("_id", 1)])]
        assert different > 50

    def test_what_has_no_reference_stays_as_it_is(self) -> None:
        asked = Compare("profile.name", Operator.EQ, "x")
        assert without_hidden(asked, ASKED, (), seen_by(OWN, SEEN)) == asked
        assert not asks_presence(asked, ASKED)
        assert asks_presence(Not(Compare("profile.parent", Operator.IS_NULL, True)), ASKED)


class TestDocuments:
    def test_nothing_tells_of_what_is_hidden(self) -> None:
        profile = {"parent": "x", "affiliates": ["x", "a"], "keyPeople": [{"name": "Li", "employer": "y"}]}
        assert as_seen({"profile": profile}) == {"profile": {"affiliates": ["a"], "keyPeople": [{"name": "Li"}]}}
        assert as_seen({"profile": {"affiliates": ["x", "y"]}}) == {}
        assert as_seen({"profile": {"parent": "a"}}) == {"profile": {"parent": "a"}}

    @pytest.mark.parametrize(
        ("row", "shown"),
        [
            ({"new": "x"}, None),
            ({"old": "x", "new": "y"}, None),
            ({"old": "x", "new": "a"}, {"old": None, "new": "a"}),
            ({"old": ["a", "x"], "new": ["a"]}, None),
            ({"old": ["a", "x"], "new": ["a", "b"]}, {"old": ["a"], "new": ["a", "b"]}),
            ({"old": "a", "new": "b"}, {"old": "a", "new": "b"}),
        ],
    )
    def test_a_change_of_the_hidden_alone_is_none(self, row: dict[str, Any], shown: dict[str, Any] | None) -> None:
        before = deepcopy(row)
        assert shown_row(row, ((),), SEEN) == shown
        assert row == before


class TestKept:
    @pytest.mark.parametrize(
        ("given", "stored", "kept"),
        [
            (["a"], ["a", "x"], ["a", "x"]),
            (["a"], ["x", "a"], ["x", "a"]),
            (["a", "b"], ["a", "x"], ["a", "x", "b"]),
            (["b", "a"], ["a", "x", "b", "y"], ["b", "y", "a", "x"]),
            (["c"], ["a", "x", "b", "y"], ["x", "y", "c"]),
            ([], ["a", "x"], ["x"]),
            (["a", "a"], ["a", "x"], ["a", "x", "a"]),
            (["a"], [], ["a"]),
        ],
    )
    def test_a_list(self, given: list[str], stored: list[str], kept: list[str]) -> None:
        assert kept_list(given, stored, SEEN) == kept

    def test_saving_what_is_seen_changes_nothing(self) -> None:
        random = Random(3)
        for _ in range(500):
            stored = random.sample(EVERYBODY, random.randint(0, 5))
            assert kept_list([each for each in stored if each in SEEN], stored, SEEN) == stored

    @pytest.mark.parametrize(
        ("given", "stored", "kept"),
        [(None, "x", "x"), ("a", "x", "a"), (None, "a", None), (None, ["x", "a"], ["x"]), (None, None, None)],
    )
    def test_a_single_one_is_cleared_by_nobody_who_does_not_see_it(self, given: Any, stored: Any, kept: Any) -> None:
        assert kept_value(given, stored, ((),), SEEN) == kept

    def test_items_of_groups(self) -> None:
        stored = [{"name": "Li", "employer": "x"}, {"name": "Wu"}, {"name": "Qi", "employer": "y"}]
        keys = (("employer",),)
        seen: list[dict[str, Any]] = [{"name": "Li", "employer": None}, {"name": "Wu"}, {"name": "Qi"}]

        def kept(*items: dict[str, Any]) -> Any:
            return kept_value(list(items), stored, keys, SEEN)

        assert kept(*seen) == stored
        assert kept(seen[2], seen[0]) == [stored[2], stored[0]]
        assert kept({"name": "Li", "post": "CEO"}, *seen[1:]) == [{**stored[0], "post": "CEO"}, *stored[1:]]
        assert kept({"name": "Li", "employer": "a"}, *seen[1:])[0] == {"name": "Li", "employer": "a"}
        assert kept(*seen, {"name": "Lu"}) == [*stored, {"name": "Lu"}]
        assert kept(seen[1]) == [stored[1]]
