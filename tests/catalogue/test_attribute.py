"""One definition: what follows from its path and its kind."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from catalogue.attribute import Attribute, Facet, Status, enum_name_from
from catalogue.kinds import KINDS, LIST_OPERATORS, Kind, Operator
from tests.definitions import defined


class TestAttribute:
    def test_the_path_says_facet_parent_and_key(self) -> None:
        row = defined("profile.location.city")
        assert (row.facet, row.parent, row.key) == (Facet.PROFILE, "profile.location", "city")
        assert row.segments == ("profile", "location", "city")

    def test_cannot_be_changed_in_place(self) -> None:
        row = defined("profile.size")
        with pytest.raises(ValidationError):
            row.path = "profile.other"

    def test_a_word_that_no_definition_has_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="colour"):
            defined("profile.size", colour="red")

    @pytest.mark.parametrize(
        ("status", "is_live"),
        [(Status.DRAFT, False), (Status.PUBLISHED, True), (Status.DEPRECATED, True), (Status.RETIRED, False)],
    )
    def test_what_is_published_or_deprecated_is_live(self, status: Status, is_live: bool) -> None:
        assert defined("profile.size", status=status).is_live is is_live


class TestOperators:
    @pytest.mark.parametrize("kind", [kind for kind in Kind if Operator.CONTAINS in KINDS[kind].operators])
    def test_contains_needs_a_searchable_attribute(self, kind: Kind) -> None:
        assert Operator.CONTAINS not in defined("profile.words", kind).operators
        assert Operator.CONTAINS in defined("profile.words", kind, is_searchable=True).operators

    @pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.GROUP])
    def test_a_list_is_asked_for_its_items(self, kind: Kind) -> None:
        assert defined("profile.words", kind, is_list=True).operators == LIST_OPERATORS

    def test_every_kind_can_be_asked_for_null(self) -> None:
        assert all(Operator.IS_NULL in defined("profile.words", kind).operators for kind in Kind)


class TestCanonical:
    def test_defaults_are_left_out(self) -> None:
        words: dict[str, Any] = {"label": "Size", "description": "How big."}
        assert Attribute(path="profile.size", kind=Kind.LONG, **words).canonical() == {
            "path": "profile.size",
            "kind": "LONG",
            **words,
        }

    def test_is_json_and_comes_back_equal(self) -> None:
        row = defined("profile.grade", Kind.CODE, minimum=None, removal_on="2027-01-31", applies_to=("PERSON",))
        assert Attribute.model_validate(json.loads(json.dumps(row.canonical()))) == row


class TestEnumNameFrom:
    @pytest.mark.parametrize(
        ("path", "name"),
        [
            ("derived.clientValue", "DERIVED_CLIENT_VALUE"),
            ("profile.location.city", "PROFILE_LOCATION_CITY"),
            ("behaviour.contactCount90d", "BEHAVIOUR_CONTACT_COUNT90D"),
            ("profile.esgScoreA", "PROFILE_ESG_SCORE_A"),
        ],
    )
    def test_underscore_at_each_dot_and_before_each_capital(self, path: str, name: str) -> None:
        assert enum_name_from(path) == name
