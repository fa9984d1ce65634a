"""How definitions differ, and how each difference would be felt."""

from typing import Any

import pytest

from catalogue.attribute import Attribute, AttributeOption, ClientKind
from catalogue.catalogue import Catalogue
from catalogue.differences import Level, Verb, defined_here, differences, field_changes
from catalogue.kinds import Kind
from tests.definitions import OPTIONS, defined

BUILT_IN = Catalogue((defined("profile.name"), defined("profile.size", Kind.LONG)))
RETIRED = defined("profile.old", status="RETIRED")
PRESENT = BUILT_IN.with_attributes(
    [defined("profile.size", Kind.LONG, label="Size", revision=2), defined("profile.own"), RETIRED]
)


def found(*wanted: Attribute) -> list[tuple[str, str, str]]:
    return [(each.attribute.path, each.verb, each.level) for each in differences(BUILT_IN, PRESENT, wanted)]


class TestDifferences:
    def test_none_with_what_is_here_whatever_its_revision(self) -> None:
        wanted = [each.model_copy(update={"revision": 9}) for each in defined_here(BUILT_IN, PRESENT)]
        assert [each.path for each in wanted] == ["profile.old", "profile.own", "profile.size"]
        assert found(*wanted) == []

    def test_added_changed_and_missing(self) -> None:
        new = defined("attitude.new")
        changed = defined("profile.size", Kind.TEXT, label="Size")
        assert found(changed, new) == [
            ("attitude.new", Verb.ADDED, Level.SAFE),
            ("profile.own", Verb.MISSING, Level.SAFE),
            ("profile.size", Verb.CHANGED, Level.LOSES_DATA),
        ]

    def test_what_was_never_here_needs_no_retirement(self) -> None:
        assert found(*defined_here(BUILT_IN, PRESENT), defined("attitude.gone", status="RETIRED")) == []

    def test_a_built_in_one_that_was_changed_back_travels_too(self) -> None:
        back = BUILT_IN.with_attributes([defined("profile.name", revision=3)])
        assert [each.path for each in defined_here(BUILT_IN, back)] == ["profile.name"]
        assert differences(BUILT_IN, back, ()) == []


class TestFieldChanges:
    @pytest.mark.parametrize(
        ("before", "after", "level"),
        [
            ({}, {"label": "Other"}, Level.SAFE),
            ({}, {"kind": Kind.LONG}, Level.LOSES_DATA),
            ({}, {"is_list": True}, Level.LOSES_DATA),
            ({}, {"unit": "kg"}, Level.DANGEROUS),
            ({}, {"max_length": 5}, Level.DANGEROUS),
            ({"max_length": 5}, {"max_length": 6}, Level.SAFE),
            ({"max_length": 5}, {"max_length": None}, Level.SAFE),
            ({"min_length": 5}, {"min_length": 6}, Level.DANGEROUS),
            ({"minimum": 5}, {"minimum": 4}, Level.SAFE),
            ({"maximum": 5}, {"maximum": 4}, Level.DANGEROUS),
            ({"pattern": "a"}, {"pattern": "b"}, Level.DANGEROUS),
            ({"pattern": "a"}, {"pattern": None}, Level.SAFE),
            ({}, {"required_for": (ClientKind.PERSON,)}, Level.DANGEROUS),
            ({"required_for": (ClientKind.PERSON,)}, {"required_for": ()}, Level.SAFE),
            ({}, {"applies_to": (ClientKind.PERSON,)}, Level.DANGEROUS),
            ({"applies_to": (ClientKind.PERSON,)}, {"applies_to": tuple(ClientKind)}, Level.SAFE),
            ({}, {"sensitivity": "INTERNAL"}, Level.DANGEROUS),
            ({}, {"sensitivity": "RESTRICTED"}, Level.DANGEROUS),
            ({"is_sortable": True}, {"is_sortable": False}, Level.DANGEROUS),
            ({}, {"is_sortable": True}, Level.SAFE),
            ({}, {"retain_days": 5}, Level.DANGEROUS),
            ({"retain_days": 5}, {"retain_days": 6}, Level.SAFE),
            ({"status": "DRAFT"}, {"status": "PUBLISHED"}, Level.SAFE),
            ({}, {"status": "DEPRECATED"}, Level.DANGEROUS),
            ({}, {"status": "RETIRED"}, Level.LOSES_DATA),
            ({"options": OPTIONS}, {"options": (*OPTIONS, AttributeOption(code="C", label="New"))}, Level.SAFE),
            ({"options": OPTIONS}, {"options": OPTIONS[:1]}, Level.LOSES_DATA),
            (
                {"options": OPTIONS},
                {"options": (OPTIONS[0].model_copy(update={"is_retired": True}), OPTIONS[1])},
                Level.DANGEROUS,
            ),
        ],
    )
    def test_levels(self, before: dict[str, Any], after: dict[str, Any], level: Level) -> None:
        old = defined("profile.x", **before)
        new = Attribute.model_validate(old.model_dump() | after)
        assert [each.level for each in field_changes(old, new)] == [level]
        assert field_changes(old, old) == []

    def test_every_field_that_is_not_safe_says_why(self) -> None:
        old = defined("profile.x")
        for name, value in (("kind", Kind.LONG), ("unit", "kg"), ("status", "RETIRED"), ("retain_days", 3)):
            (change,) = field_changes(old, Attribute.model_validate(old.model_dump() | {name: value}))
            assert change.why
