"""The attributes that a map brings along."""

from typing import Any

import pytest

from acts.importing.definitions import missing_attributes
from acts.importing.errors import ImportRefused
from catalogue.builtin import builtin_catalogue
from catalogue.kinds import Kind
from tests.acts.importing.conftest import BuildMap

SCORE: dict[str, Any] = {
    "facet": "profile",
    "key": "esgScore",
    "kind": "LONG",
    "label": "ESG score",
    "maximum": 100,
    "isSortable": True,
    "appliesTo": ["ORGANISATION"],
}


class TestMissingAttributes:
    def test_what_the_catalogue_lacks_comes_out(self, build_map: BuildMap) -> None:
        (found,) = missing_attributes(build_map({}, define=[SCORE]), builtin_catalogue())
        assert (found.path, found.kind, found.maximum, found.is_sortable) == ("profile.esgScore", Kind.LONG, 100, True)
        assert found.description == "ESG score"

    def test_bounds_are_texts_too(self, build_map: BuildMap) -> None:
        seen = SCORE | {"key": "seenOn", "kind": "DATE", "minimum": "1900-01-01", "maximum": "TODAY"}
        exact = SCORE | {"key": "count", "maximum": "9007199254740993"}
        found = missing_attributes(build_map({}, define=[seen, exact]), builtin_catalogue())
        assert [(each.minimum, each.maximum) for each in found] == [
            ("1900-01-01", "TODAY"),
            (None, "9007199254740993"),
        ]

    def test_what_is_there_already_is_not_missing(self, build_map: BuildMap) -> None:
        given = build_map({}, define=[SCORE])
        catalogue = builtin_catalogue().with_attributes(missing_attributes(given, builtin_catalogue()))
        assert missing_attributes(given, catalogue) == ()

    def test_another_meaning_is_refused_with_both(self, build_map: BuildMap) -> None:
        there = builtin_catalogue().with_attributes(
            missing_attributes(build_map({}, define=[SCORE]), builtin_catalogue())
        )
        other = build_map({}, define=[SCORE | {"kind": "NUMBER"}])
        with pytest.raises(ImportRefused, match="already with kind LONG, and the map says NUMBER"):
            missing_attributes(other, there)

    def test_a_group_may_be_defined_before_what_is_in_it(self, build_map: BuildMap) -> None:
        group = {"facet": "profile", "key": "esg", "kind": "GROUP", "label": "ESG"}
        given = build_map({}, define=[group, SCORE | {"key": "esg.score"}])
        assert [each.path for each in missing_attributes(given, builtin_catalogue())] == [
            "profile.esg",
            "profile.esg.score",
        ]

    def test_what_may_not_be_defined_is_refused(self, build_map: BuildMap) -> None:
        wrong = [SCORE | {"key": "id"}, SCORE | {"key": "nowhere.score"}]
        with pytest.raises(ImportRefused) as caught:
            missing_attributes(build_map({}, define=wrong), builtin_catalogue())
        assert "profile.id" in caught.value.message
        assert "profile.nowhere is not a live group" in caught.value.message
