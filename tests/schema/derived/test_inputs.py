"""Inputs of the catalogue."""

from typing import Any

import pytest

from catalogue.kinds import Kind
from schema.build import build_schema
from schema.derived.kinds import VALUE_TYPES
from tests.definitions import book
from tests.schema.derived.test_fields import TYPES

SCHEMA: Any = build_schema(book())._schema


class TestFacetInputs:
    @pytest.mark.parametrize("kind", sorted(VALUE_TYPES))
    def test_everything_may_be_left_out_or_null(self, kind: Kind) -> None:
        fields = SCHEMA.type_map["ClientProfileInput"].fields
        wanted = "ID" if kind is Kind.CLIENT else TYPES[kind]
        assert str(fields[f"{kind.lower()}1"].type) == wanted
        assert str(fields[f"{kind.lower()}2"].type) == f"[{wanted}!]"

    def test_groups_nest(self) -> None:
        fields = SCHEMA.type_map["ClientProfileInput"].fields
        assert str(fields["place"].type) == "ClientProfilePlaceInput"
        assert str(fields["people"].type) == "[ClientProfilePeopleInput!]"

    def test_what_is_not_live_cannot_be_set(self) -> None:
        assert set(SCHEMA.type_map["ClientAttitudeInput"].fields) == {"going", "least", "score"}

    def test_creating_changing_and_upserting_take_the_same_facets(self) -> None:
        for name in ("ClientCreateInput", "ClientChanges", "ClientUpsertRow"):
            fields = SCHEMA.type_map[name].fields
            assert str(fields["profile"].type) == "ClientProfileInput"
            assert str(fields["derived"].type) == "ClientDerivedInput"
