"""Output types of the catalogue."""

from typing import Any

import pytest

from catalogue.kinds import Kind
from schema.build import build_schema
from schema.derived.fields import deprecation_of, description_of, type_name
from tests.definitions import beside, book, defined

TYPES = {
    Kind.STRING: "String",
    Kind.TEXT: "String",
    Kind.LONG: "Long",
    Kind.NUMBER: "Float",
    Kind.DECIMAL: "Decimal",
    Kind.BOOLEAN: "Boolean",
    Kind.DATE: "Date",
    Kind.DATETIME: "DateTime",
    Kind.CODE: "String",
    Kind.EMAIL: "String",
    Kind.PHONE: "String",
    Kind.URL: "String",
    Kind.CLIENT: "Client",
}
SCHEMA: Any = build_schema(book())._schema


class TestGroupTypes:
    def test_every_kind_is_tried(self) -> None:
        assert set(TYPES) | {Kind.GROUP} == set(Kind)

    @pytest.mark.parametrize("kind", TYPES)
    def test_a_value_is_nullable_and_an_item_is_not(self, kind: Kind) -> None:
        fields = SCHEMA.type_map["ClientProfile"].fields
        assert str(fields[f"{kind.lower()}1"].type) == TYPES[kind]
        assert str(fields[f"{kind.lower()}2"].type) == f"[{TYPES[kind]}!]"

    def test_groups_are_types_of_their_own(self) -> None:
        fields = SCHEMA.type_map["ClientProfile"].fields
        assert (str(fields["place"].type), str(fields["people"].type)) == (
            "ClientProfilePlace",
            "[ClientProfilePeople!]",
        )
        assert str(SCHEMA.type_map["ClientProfilePeople"].fields["home"].type) == "ClientProfilePeopleHome"

    def test_an_empty_group_can_be_asked_for(self) -> None:
        schema: Any = build_schema(beside(defined("profile.g", Kind.GROUP)))._schema
        assert list(schema.type_map["ClientProfileG"].fields) == ["isEmpty"]
        assert "g" not in schema.type_map["ClientProfileInput"].fields
        assert "g" not in schema.type_map["ClientProfileWhere"].fields

    def test_a_deprecated_reference_says_so_too(self) -> None:
        row = defined("profile.old", Kind.CLIENT, status="DEPRECATED")
        schema: Any = build_schema(beside(row))._schema
        assert schema.type_map["ClientProfile"].fields["old"].deprecation_reason == "Use it no more."


class TestTypeName:
    def test_words_in_capitals(self) -> None:
        assert type_name("Client", "profile.keyPeople") == "ClientProfileKeyPeople"


class TestDescriptionOf:
    def test_meaning_unit_and_codes(self) -> None:
        row = defined("profile.x", Kind.CODE, label="Tier", description="How good.", unit="points")
        assert description_of(row) == "Tier: How good. Unit: points. Codes: A (Best), B (Good)."


class TestDeprecationOf:
    @pytest.mark.parametrize(
        ("more", "reason"),
        [
            ({}, None),
            ({"status": "DEPRECATED"}, "Use it no more."),
            ({"status": "DEPRECATED", "successor": "profile.y"}, "Use profile.y instead."),
            ({"status": "DEPRECATED", "removal_on": "2027-01-31"}, "Use it no more. Goes on 2027-01-31."),
        ],
    )
    def test_says_what_to_use_and_when_it_goes(self, more: dict[str, Any], reason: str | None) -> None:
        assert deprecation_of(defined("profile.x", **more)) == reason
