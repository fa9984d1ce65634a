"""Values against the catalogue: every problem at once, and nothing evaluated."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalogue.attribute import ClientKind
from catalogue.catalogue import BOTH_KINDS, Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.kinds import Kind
from catalogue.values import (
    LIST_LIMIT,
    Checked,
    broken_rule,
    check_flat,
    check_nested,
    flatten,
    misfits,
    missing_required,
)
from tests.definitions import book, defined

BOOK = book()
HOSTILE: tuple[object, ...] = ("$attitude.satisfaction", {"$ne": 1}, "$$ROOT", {"$literal": 1}, ["$$NOW"])
ORGANISATION, PERSON = ClientKind.ORGANISATION, ClientKind.PERSON

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(HOSTILE)
KEYS = st.sampled_from(
    [*(path.split(".")[-1] for path in BOOK.area()), "profile", "attitude", "$where", "a.b", "", "place.city"]
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=4),
    max_leaves=12,
)
GIVEN = st.dictionaries(st.sampled_from(["profile", "attitude", "behaviour", "x", ""]), JSON, max_size=3)


def checked(**profile: object) -> Checked:
    return check_nested(BOOK, {"profile": profile})


def codes(problems: list[Problem]) -> list[ErrorCode]:
    return [each.code for each in problems]


class TestFlatten:
    def test_groups_are_opened_and_lists_of_groups_stay_whole(self) -> None:
        people = [{"name": "Li"}]
        flat, problems = flatten(BOOK, {"profile": {"place": {"city": "Basel"}, "people": people}})
        assert flat == {"profile.place.city": "Basel", "profile.people": people}
        assert problems == []

    def test_a_null_group_clears_everything_in_it(self) -> None:
        assert flatten(BOOK, {"profile": {"place": None}})[0] == {
            "profile.place.city": None,
            "profile.place.zone": None,
        }

    @pytest.mark.parametrize("value", ["Basel", 1, ["Basel"], True])
    def test_a_group_that_is_no_object_is_a_problem(self, value: object) -> None:
        flat, problems = flatten(BOOK, {"profile": {"place": value}, "attitude": value})
        assert flat == {}
        assert [each.path for each in problems] == [("profile", "place"), ("attitude",)]
        assert {each.expected for each in problems} == {"an object of its attributes"}


class TestCheckNested:
    def test_canonical_values_by_path(self) -> None:
        got = checked(long1=3.0, date1="2026-11-23", decimal1="12.50", place={"city": "Basel"})
        assert got.problems == []
        assert got.values == {
            "profile.long1": 3,
            "profile.date1": date(2026, 11, 23),
            "profile.decimal1": Decimal("12.50"),
            "profile.place.city": "Basel",
        }

    def test_every_problem_at_once_with_path_given_and_expected(self) -> None:
        got = check_nested(
            BOOK, {"profile": {"long1": "many", "nothing": 1, "string1": "fine"}, "attitude": {"score": 101}}
        )
        assert got.values == {"profile.string1": "fine"}
        assert [(each.path, each.given, each.expected) for each in got.problems] == [
            (("profile", "long1"), 'the text "many"', "a whole number between -2^63 and 2^63-1"),
            (("profile", "nothing"), "profile.nothing", "the path of an attribute"),
            (("attitude", "score"), "101", "a number from 0 to 100"),
        ]

    def test_null_clears(self) -> None:
        assert checked(string1=None).values == {"profile.string1": None}

    @pytest.mark.parametrize(
        ("path", "code"),
        [
            ("attitude.later", ErrorCode.UNKNOWN_ATTRIBUTE),
            ("attitude.gone", ErrorCode.ATTRIBUTE_RETIRED),
            ("attitude.never", ErrorCode.UNKNOWN_ATTRIBUTE),
        ],
    )
    @pytest.mark.parametrize("value", ["words", None])
    def test_what_is_not_live_takes_no_value(self, path: str, code: ErrorCode, value: object) -> None:
        got = check_nested(BOOK, {"attitude": {path.split(".")[1]: value}})
        assert (got.values, codes(got.problems)) == ({}, [code])

    def test_a_retired_attribute_names_its_successor(self) -> None:
        (problem,) = check_nested(BOOK, {"attitude": {"gone": "x"}}).problems
        assert "Use attitude.score instead" in problem.message

    def test_a_deprecated_attribute_still_takes_values(self) -> None:
        assert check_nested(BOOK, {"attitude": {"going": "x"}}).values == {"attitude.going": "x"}

    def test_what_was_given_is_shortened(self) -> None:
        (problem,) = checked(long1="9" * 10_000).problems
        assert len(problem.message) < 250

    def test_another_area_has_no_facets(self) -> None:
        catalogue = Catalogue([defined("name", area="managers"), defined("home", Kind.GROUP, area="managers")])
        catalogue = catalogue.with_attributes([defined("home.city", area="managers")])
        got = check_nested(catalogue, {"name": "Li", "home": {"city": "Basel"}}, area="managers")
        assert got.values == {"name": "Li", "home.city": "Basel"}


class TestComputed:
    CATALOGUE = BOOK.with_attributes(
        (defined("derived.ratio", Kind.NUMBER, formula='"$attitude.score"'), defined("derived.note")),
    )

    @pytest.mark.parametrize("value", [1.5, None])
    def test_a_computed_value_is_not_given(self, value: object) -> None:
        found = check_nested(self.CATALOGUE, {"derived": {"ratio": value, "note": "good"}})
        assert found.values == {"derived.note": "good"}
        assert [each.path for each in found.problems] == [("derived", "ratio")]
        assert "is computed by its formula" in found.problems[0].message

    def test_a_null_group_leaves_what_is_computed(self) -> None:
        found = check_nested(self.CATALOGUE, {"derived": None})
        assert found.problems == []
        assert "derived.note" in found.values
        assert "derived.ratio" not in found.values


class TestLists:
    def test_items_are_canonical(self) -> None:
        assert checked(date2=["2026-11-23"], string2=[]).values == {
            "profile.date2": [date(2026, 11, 23)],
            "profile.string2": [],
        }

    def test_a_problem_names_the_item(self) -> None:
        got = checked(long2=[1, "two", None])
        assert [each.path for each in got.problems] == [("profile", "long2", "1"), ("profile", "long2", "2")]
        assert got.values == {}

    @pytest.mark.parametrize("value", ["one", {"0": "one"}, 5])
    def test_a_single_value_is_no_list(self, value: object) -> None:
        assert codes(checked(string2=value).problems) == [ErrorCode.INVALID_VALUE]

    def test_there_is_a_most(self) -> None:
        assert checked(long2=[1] * LIST_LIMIT).problems == []
        (problem,) = checked(long2=[1] * (LIST_LIMIT + 1)).problems
        assert problem.given == 'the text "501 items"'


class TestListsOfGroups:
    def test_items_are_checked_to_the_leaf(self) -> None:
        got = checked(people=[{"name": "Li", "age": 40.0, "tags": ["a"], "home": {"city": "Basel"}}])
        assert got.values == {"profile.people": [{"name": "Li", "age": 40, "tags": ["a"], "home": {"city": "Basel"}}]}

    def test_null_in_an_item_is_left_out(self) -> None:
        assert checked(people=[{"name": None, "age": 1}]).values == {"profile.people": [{"age": 1}]}

    def test_a_problem_names_item_and_leaf(self) -> None:
        got = checked(people=[{"age": 1}, {"age": 151, "tags": ["a", 5], "home": {"city": 5}, "x": 1}, "Li"])
        assert [each.path for each in got.problems] == [
            ("profile", "people", "1", "age"),
            ("profile", "people", "1", "tags", "1"),
            ("profile", "people", "1", "home", "city"),
            ("profile", "people", "1", "x"),
            ("profile", "people", "2"),
        ]
        assert got.values == {}

    def test_a_key_with_a_dot_reaches_nothing_inside(self) -> None:
        got = checked(people=[{"home.city": "Basel"}])
        assert (got.values, codes(got.problems)) == ({}, [ErrorCode.UNKNOWN_ATTRIBUTE])

    def test_a_draft_in_an_item_is_unknown(self) -> None:
        catalogue = BOOK.with_attributes([defined("profile.people.later", status="DRAFT")])
        got = check_nested(catalogue, {"profile": {"people": [{"later": "x"}]}})
        assert codes(got.problems) == [ErrorCode.UNKNOWN_ATTRIBUTE]

    def test_what_every_item_must_have(self) -> None:
        catalogue = BOOK.with_attributes([defined("profile.people.name", required_for=tuple(ClientKind))])
        (problem,) = check_nested(catalogue, {"profile": {"people": [{"age": 4}]}}).problems
        assert problem.path == ("profile", "people", "0", "name")

    @pytest.mark.parametrize("value", ["Li", None])
    def test_one_leaf_of_all_items_is_not_set_or_cleared(self, value: object) -> None:
        got = check_flat(BOOK, {"profile.people.name": value})
        assert (got.values, codes(got.problems)) == ({}, [ErrorCode.INVALID_VALUE])
        assert got.problems[0].expected == "the list"


class TestReferences:
    def test_every_client_pointed_at_is_named_by_path(self) -> None:
        got = checked(client1="cl_1", client2=["cl_2", "cl_3"], people=[{"boss": "cl_4"}])
        assert got.references == {
            "profile.client1": ("cl_1",),
            "profile.client2": ("cl_2", "cl_3"),
            "profile.people": ("cl_4",),
        }


class TestKindsOfClient:
    CATALOGUE = Catalogue(
        [
            defined("profile.name", required_for=tuple(ClientKind)),
            defined("profile.firm", Kind.GROUP, applies_to=(ORGANISATION,)),
            defined("profile.firm.size", Kind.LONG),
            defined("profile.hobby", applies_to=(PERSON,)),
        ]
    )

    def test_a_group_narrows_what_stands_in_it(self) -> None:
        assert self.CATALOGUE.kinds_with(self.CATALOGUE.get_live("profile.firm.size")) == {ORGANISATION}
        assert self.CATALOGUE.kinds_with(self.CATALOGUE.get_live("profile.name")) == BOTH_KINDS

    def test_values_say_which_kinds_they_fit(self) -> None:
        assert check_flat(self.CATALOGUE, {"profile.firm.size": 1}).kinds == {ORGANISATION}
        assert check_flat(self.CATALOGUE, {"profile.firm.size": 1, "profile.hobby": "chess"}).kinds == frozenset()
        assert check_flat(self.CATALOGUE, {"profile.name": None}).kinds == frozenset()
        assert check_flat(self.CATALOGUE, {"profile.hobby": None}).kinds == BOTH_KINDS

    def test_misfits_name_kind_and_path(self) -> None:
        values: dict[str, object] = {"profile.firm.size": 1, "profile.name": None, "profile.hobby": "chess"}
        assert [each.path for each in misfits(self.CATALOGUE, values, PERSON)] == [
            ("profile", "firm", "size"),
            ("profile", "name"),
        ]

    def test_what_a_new_client_must_have(self) -> None:
        assert [each.path for each in missing_required(self.CATALOGUE, {}, PERSON)] == [("profile", "name")]
        assert missing_required(self.CATALOGUE, {"profile.name": "Li"}, PERSON) == []


class TestBrokenRule:
    @pytest.mark.parametrize(
        ("more", "fits", "breaks"),
        [
            ({"max_length": 3}, "abc", "abcd"),
            ({"min_length": 2}, "ab", "a"),
            ({"pattern": "[A-Z]{2}"}, "CH", "CHE"),
            ({"pattern": "[A-Z]{2}"}, "DE", "DE\n"),
            ({"kind": Kind.LONG, "minimum": 0}, 0, -1),
            ({"kind": Kind.NUMBER, "maximum": 1}, 1.0, 1.1),
            ({"kind": Kind.DECIMAL, "minimum": 0.1, "maximum": 0.3}, Decimal("0.1"), Decimal("0.09")),
            ({"kind": Kind.DECIMAL, "minimum": 0.1, "maximum": 0.3}, Decimal("0.3"), Decimal("0.301")),
            ({"kind": Kind.CODE}, "A", "C"),
        ],
    )
    def test_just_inside_and_just_outside(self, more: dict[str, Any], fits: object, breaks: object) -> None:
        row = defined("profile.x", **more)
        assert broken_rule(row, fits) is None
        assert broken_rule(row, breaks) is not None

    def test_a_retired_code_takes_no_new_values(self) -> None:
        options = [{"code": "A", "label": "a", "is_retired": True}, {"code": "B", "label": "b"}]
        row = defined("profile.x", Kind.CODE, options=options)
        assert broken_rule(row, "A") == "one of B"


class TestAnyJson:
    """Whatever is given: it lands as a canonical value, or a problem says where, what and what instead."""

    @given(tree=GIVEN)
    @example(tree={"profile": {}, "": {"": None}})
    @settings(max_examples=200, deadline=None)
    def test_lands_or_is_refused(self, tree: dict[str, object]) -> None:
        self.check(tree)

    @pytest.mark.long
    @given(tree=GIVEN)
    @settings(max_examples=5_000, deadline=None)
    def test_lands_or_is_refused_in_full(self, tree: dict[str, object]) -> None:
        self.check(tree)

    @staticmethod
    def check(tree: dict[str, object]) -> None:
        got = check_nested(BOOK, tree)
        for problem in got.problems:
            assert problem.path
            assert problem.given is not None
            assert problem.expected is not None or problem.code is ErrorCode.ATTRIBUTE_RETIRED
            assert problem.message.endswith(".")
        for path, value in got.values.items():
            assert BOOK.is_live(BOOK.get_live(path))
            again = check_flat(BOOK, {path: value})
            assert (again.values, again.problems) == ({path: value}, [])

    @pytest.mark.parametrize("value", HOSTILE, ids=str)
    @pytest.mark.parametrize("path", [each.path for each in BOOK.leaves("profile")])
    def test_words_of_mongodb_are_kept_as_text_or_refused(self, path: str, value: object) -> None:
        got = check_flat(BOOK, {path: value})
        if got.problems:
            assert got.values == {}
        else:
            assert got.values == {path: value}
            assert isinstance(value, str) or all(isinstance(each, str) for each in value)  # type: ignore[attr-defined]


class TestMoments:
    def test_are_kept_in_utc_to_the_millisecond(self) -> None:
        assert checked(datetime1="2026-11-23T20:00:00.9999+08:00").values == {
            "profile.datetime1": datetime(2026, 11, 23, 12, 0, 0, 999_000, tzinfo=UTC)
        }
