"""What may be defined, changed, deprecated and retired."""

from datetime import date, timedelta
from typing import Any

import pytest

from catalogue.attribute import Attribute, Facet, Sensitivity, Status
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode
from catalogue.kinds import Kind
from catalogue.rules import (
    ATTRIBUTE_LIMIT,
    CORE_KEYS,
    DEPTH_LIMIT,
    RESERVED_GROUP_WORDS,
    RESERVED_KEYS,
    TOP_CORE_KEYS,
    change_problems,
    definition_problems,
    deprecation_problems,
    retirement_problems,
    shape_problems,
)
from tests.definitions import book, defined, one_of_every_kind

BOOK = book()
TODAY = date(2027, 6, 30)


def codes_of(attribute: Attribute, catalogue: Catalogue = BOOK) -> list[ErrorCode]:
    return [each.code for each in definition_problems(catalogue, attribute)]


def names_of(attribute: Attribute) -> set[str]:
    return {each.path[0] for each in shape_problems(attribute)}


class TestDefinitionProblems:
    @pytest.mark.parametrize("row", one_of_every_kind(), ids=lambda row: row.path)
    def test_every_kind_can_be_defined(self, row: Attribute) -> None:
        assert definition_problems(Catalogue([]), row) == []

    @pytest.mark.parametrize(
        "path", ["profile.esgScore", "profile.place.postcode", "profile.people.title", "attitude.a1", "profile.class"]
    )
    def test_a_free_path_in_its_place(self, path: str) -> None:
        assert codes_of(defined(path)) == []

    @pytest.mark.parametrize(
        "path",
        [
            *"profile profile. profile.Esg profile.1st profile.esg_score profile.$where profile.a..b".split(),
            "profile.a-b",
            "profile.ключ",
            "profile._id",
            f"profile.{'a' * 41}",
            f"profile{'.a' * (DEPTH_LIMIT + 1)}",
        ],
    )
    def test_a_key_that_is_no_key(self, path: str) -> None:
        (problem, *_) = definition_problems(BOOK, defined(path))
        assert (problem.code, problem.path) == (ErrorCode.INVALID_VALUE, ("key",))

    @pytest.mark.parametrize("key", sorted(RESERVED_KEYS | CORE_KEYS | TOP_CORE_KEYS))
    def test_a_word_that_kehu_uses(self, key: str) -> None:
        for facet in Facet:
            assert codes_of(defined(f"{facet}.{key}")) == [ErrorCode.NAME_RESERVED]
        is_reserved_inside = key not in TOP_CORE_KEYS
        assert codes_of(defined(f"profile.place.{key}")) == [ErrorCode.NAME_RESERVED] * is_reserved_inside
        assert ErrorCode.NAME_RESERVED in codes_of(defined(key).model_copy(update={"area": "managers"}))

    @pytest.mark.parametrize("word", sorted(RESERVED_GROUP_WORDS))
    def test_a_group_whose_type_would_collide(self, word: str) -> None:
        key = f"my{word.capitalize()}"
        assert codes_of(defined(f"profile.{key}", Kind.GROUP)) == [ErrorCode.NAME_RESERVED]
        assert codes_of(defined(f"profile.{key}")) == []

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("attitude.score", "defined already"),
            ("attitude.gone", "never used again"),
            ("attitude.later", "defined already"),
            ("profile.placeCity", "PROFILE_PLACE_CITY"),
        ],
    )
    def test_a_path_that_is_taken_or_would_read_the_same(self, path: str, said: str) -> None:
        (problem,) = definition_problems(BOOK, defined(path))
        assert problem.code is ErrorCode.NAME_TAKEN
        assert said in problem.message

    @pytest.mark.parametrize("path", ["profile.nowhere.city", "profile.string1.part", "attitude.gone.part"])
    def test_only_a_live_group_has_members(self, path: str) -> None:
        assert ErrorCode.INVALID_VALUE in codes_of(defined(path))

    @pytest.mark.parametrize(
        "row",
        [
            defined("profile.x", is_list=True, is_sortable=True),
            defined("profile.people.x", is_sortable=True),
            defined("profile.people.home.x", is_sortable=True),
            defined("profile.x", Kind.TEXT, is_sortable=True),
            defined("profile.x", Kind.CLIENT, is_sortable=True),
            defined("profile.x", Kind.GROUP, is_sortable=True),
        ],
        ids=["list", "in a list", "deep in a list", "TEXT", "CLIENT", "GROUP"],
    )
    def test_what_has_no_single_value_is_not_sorted_by(self, row: Attribute) -> None:
        assert [each.path for each in definition_problems(BOOK, row)] == [("isSortable",)]

    def test_no_list_of_groups_in_a_list_of_groups(self) -> None:
        (problem,) = definition_problems(BOOK, defined("profile.people.children", Kind.GROUP, is_list=True))
        assert problem.path == ("isList",)
        assert codes_of(defined("profile.people.nicknames", is_list=True)) == []

    def test_the_catalogue_has_an_end(self) -> None:
        full = Catalogue([defined(f"profile.a{n}") for n in range(ATTRIBUTE_LIMIT)])
        (problem,) = definition_problems(full, defined("profile.b"))
        assert str(ATTRIBUTE_LIMIT) in problem.message

    def test_every_problem_at_once(self) -> None:
        row = defined("profile.id", Kind.LONG, label=" ", max_length=3, is_searchable=True, minimum=2, maximum=1)
        assert {each.path[0] for each in definition_problems(BOOK, row)} == {
            "key",
            "label",
            "maxLength",
            "isSearchable",
            "minimum",
        }


class TestShapeProblems:
    @pytest.mark.parametrize(
        ("name", "kind", "more"),
        [
            ("options", Kind.CODE, {"options": ()}),
            ("options", Kind.STRING, {"options": ({"code": "A", "label": "a"},)}),
            ("options", Kind.CODE, {"options": ({"code": "A", "label": "a"}, {"code": "A", "label": "b"})}),
            ("options", Kind.CODE, {"options": ({"code": "$ne", "label": "a"},)}),
            ("minimum", Kind.STRING, {"minimum": 1}),
            ("maximum", Kind.DATE, {"maximum": 1}),
            ("minimum", Kind.DATE, {"minimum": "2026-01-02", "maximum": "2026-01-01"}),
            ("minimum", Kind.NUMBER, {"minimum": 2, "maximum": 1}),
            ("maxLength", Kind.LONG, {"max_length": 5}),
            ("maxLength", Kind.CODE, {"pattern": "A"}),
            ("maxLength", Kind.STRING, {"max_length": 0}),
            ("maxLength", Kind.STRING, {"max_length": 1_001}),
            ("minLength", Kind.STRING, {"min_length": 3, "max_length": 2}),
            ("minLength", Kind.STRING, {"min_length": -1}),
            ("minLength", Kind.STRING, {"min_length": 1_001}),
            ("maxAgeHours", Kind.STRING, {"max_age_hours": 0}),
            ("label", Kind.STRING, {"label": ""}),
            ("label", Kind.STRING, {"label": "a" * 101}),
            ("description", Kind.STRING, {"description": "\n"}),
            ("isSearchable", Kind.LONG, {"is_searchable": True}),
            ("isSearchable", Kind.STRING, {"is_searchable": True, "sensitivity": "RESTRICTED"}),
            ("unit", Kind.LONG, {"unit": "u" * 41}),
            ("retainDays", Kind.STRING, {"retain_days": 0}),
            ("retainDays", Kind.STRING, {"retain_days": 30, "required_for": ("PERSON",)}),
            ("retainDays", Kind.GROUP, {"retain_days": 30}),
        ],
    )
    def test_what_does_not_fit_together_is_named(self, name: str, kind: Kind, more: dict[str, Any]) -> None:
        assert names_of(defined("profile.x", kind, **more)) == {name}

    @pytest.mark.parametrize(
        ("kind", "more"),
        [
            (Kind.NUMBER, {"minimum": 1, "maximum": 1}),
            (Kind.STRING, {"min_length": 0, "max_length": 1_000, "pattern": "[A-Z]{2}-[0-9]+"}),
            (Kind.TEXT, {"max_length": 20_000, "is_searchable": True}),
            (Kind.CODE, {"is_searchable": True}),
        ],
    )
    def test_what_fits(self, kind: Kind, more: dict[str, Any]) -> None:
        assert names_of(defined("profile.x", kind, **more)) == set()

    @pytest.mark.parametrize("pattern", ["(", "(a+)+", "(a*)*b", r"(a)\1", "(?=a)", "(a{2,}){3}", "a" * 201])
    def test_a_pattern_that_is_wrong_or_slow(self, pattern: str) -> None:
        assert names_of(defined("profile.x", pattern=pattern)) == {"pattern"}


class TestSecrecy:
    """What is encrypted has no order and no search, and only what is encrypted has look-ups."""

    @pytest.mark.parametrize(
        ("name", "kind", "more"),
        [
            ("isSortable", Kind.STRING, {"is_sortable": True}),
            ("isLookup", Kind.CODE, {"is_lookup": True}),
            ("isLookup", Kind.TEXT, {"is_lookup": True}),
            ("isLookup", Kind.STRING, {"is_lookup": True, "is_list": True}),
            ("sensitivity", Kind.CLIENT, {}),
        ],
    )
    def test_what_a_restricted_value_cannot_have(self, name: str, kind: Kind, more: dict[str, Any]) -> None:
        problems = definition_problems(BOOK, defined("profile.x", kind, sensitivity="RESTRICTED", **more))
        assert [each.path for each in problems] == [(name,)]

    @pytest.mark.parametrize("kind", [Kind.STRING, Kind.EMAIL, Kind.PHONE, Kind.URL])
    def test_single_texts_may_be_looked_up_if_they_are_restricted(self, kind: Kind) -> None:
        assert codes_of(defined("profile.x", kind, sensitivity="RESTRICTED", is_lookup=True)) == []
        assert codes_of(defined("profile.x", kind, is_lookup=True)) == [ErrorCode.INVALID_VALUE]

    def test_not_in_a_list_of_groups(self) -> None:
        secret = defined("profile.people.passport", sensitivity="RESTRICTED")
        assert codes_of(secret) == []
        assert codes_of(secret.model_copy(update={"is_lookup": True})) == [ErrorCode.INVALID_VALUE]

    def test_only_clients_have_keys(self) -> None:
        assert codes_of(defined("pin", area="managers", sensitivity="RESTRICTED")) == [ErrorCode.INVALID_VALUE]

    def test_a_restricted_group_restricts_what_is_in_it(self) -> None:
        group = defined("profile.secrets", Kind.GROUP, sensitivity="RESTRICTED")
        catalogue = BOOK.with_attributes([group])
        assert codes_of(defined("profile.secrets.a"), catalogue) == []
        for row in (defined("profile.secrets.a", is_sortable=True), defined("profile.secrets.a", is_searchable=True)):
            assert codes_of(row, catalogue) == [ErrorCode.INVALID_VALUE]

    def test_a_group_with_something_sortable_stays_open(self) -> None:
        place = BOOK.get_live("profile.place")
        closed = place.model_copy(update={"sensitivity": Sensitivity.RESTRICTED})
        (problem,) = change_problems(BOOK, place, closed)
        assert (problem.path, "profile.place.city" in problem.message) == (("sensitivity",), True)


class TestChangeProblems:
    @pytest.mark.parametrize(
        "more",
        [
            {"label": "Better", "unit": "CNY", "owner": "team"},
            {"minimum": None},
            {"status": "DEPRECATED"},
            {"is_sortable": False},
        ],
    )
    def test_words_rules_and_life_may_change(self, more: dict[str, Any]) -> None:
        before = BOOK.get_live("attitude.score")
        assert change_problems(BOOK, before, Attribute(**before.model_dump() | more)) == []

    @pytest.mark.parametrize(("name", "value"), [("kind", Kind.NUMBER), ("is_list", True), ("area", "managers")])
    def test_what_values_hang_on_never_changes(self, name: str, value: object) -> None:
        before = defined("profile.size", Kind.LONG)
        catalogue = Catalogue([before])
        problems = change_problems(catalogue, before, before.model_copy(update={name: value}))
        assert ErrorCode.KIND_FIXED in [each.code for each in problems]

    def test_what_is_retired_stays_as_it_is(self) -> None:
        before = BOOK.area()["attitude.gone"]
        (problem,) = change_problems(BOOK, before, before.model_copy(update={"label": "Back"}))
        assert problem.code is ErrorCode.ATTRIBUTE_RETIRED

    def test_a_live_attribute_is_no_draft_again(self) -> None:
        before = BOOK.get_live("attitude.score")
        (problem,) = change_problems(BOOK, before, before.model_copy(update={"status": Status.DRAFT}))
        assert problem.path == ("status",)

    def test_an_option_retires_and_is_not_deleted(self) -> None:
        before = BOOK.get_live("profile.place.zone")
        one, two = before.options
        retired = before.model_copy(update={"options": (one, two.model_copy(update={"is_retired": True}))})
        assert change_problems(BOOK, before, retired) == []
        (problem,) = change_problems(BOOK, before, before.model_copy(update={"options": (one,)}))
        assert '"B"' in problem.message
        assert problem.path == ("options",)

    def test_the_new_rules_are_checked_too(self) -> None:
        before = BOOK.get_live("attitude.score")
        (problem,) = change_problems(BOOK, before, before.model_copy(update={"minimum": 200.0}))
        assert problem.path == ("minimum",)


class TestDeprecationProblems:
    def test_with_a_successor_or_without(self) -> None:
        row = BOOK.get_live("profile.string1")
        assert deprecation_problems(BOOK, row, None) == []
        assert deprecation_problems(BOOK, row, "attitude.score") == []

    @pytest.mark.parametrize("successor", ["profile.string1", "attitude.gone", "attitude.later", "profile.never"])
    def test_the_successor_is_another_published_attribute(self, successor: str) -> None:
        (problem,) = deprecation_problems(BOOK, BOOK.get_live("profile.string1"), successor)
        assert problem.path == ("successor",)

    @pytest.mark.parametrize("path", ["attitude.later", "attitude.gone", "attitude.going"])
    def test_only_what_is_published_is_deprecated(self, path: str) -> None:
        assert deprecation_problems(BOOK, BOOK.area()[path], None)


class TestRetirementProblems:
    @pytest.mark.parametrize("path", ["profile.string1", "attitude.going", "attitude.later", "profile.place.city"])
    def test_what_is_not_retired_yet(self, path: str) -> None:
        assert retirement_problems(BOOK, BOOK.area()[path], TODAY) == []

    def test_only_once(self) -> None:
        assert retirement_problems(BOOK, BOOK.area()["attitude.gone"], TODAY)

    def test_not_before_the_day_that_was_promised(self) -> None:
        going = BOOK.area()["attitude.going"].model_copy(update={"removal_on": TODAY})
        (problem,) = retirement_problems(BOOK, going, TODAY - timedelta(days=1))
        assert "stays until 2027-06-30" in problem.message
        assert retirement_problems(BOOK, going, TODAY) == []
        assert retirement_problems(BOOK, going, TODAY + timedelta(days=1)) == []

    def test_a_promised_day_is_not_brought_forward(self) -> None:
        going = BOOK.area()["attitude.going"].model_copy(update={"removal_on": TODAY})
        for day in (None, TODAY - timedelta(days=1)):
            problems = change_problems(BOOK, going, going.model_copy(update={"removal_on": day}))
            assert [each.path for each in problems] == [("removalOn",)]
        for changes in ({"removal_on": TODAY + timedelta(days=1)}, {"status": Status.PUBLISHED, "removal_on": None}):
            assert change_problems(BOOK, going, going.model_copy(update=changes)) == []

    def test_a_group_goes_last(self) -> None:
        (problem,) = retirement_problems(BOOK, BOOK.get_live("profile.place"), TODAY)
        assert "profile.place.city, profile.place.zone" in problem.message
