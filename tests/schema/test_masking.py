"""Masked schemas: valid, and without a word of what is kept back."""

import pytest
from graphql import GraphQLEnumType, GraphQLSchema, find_schema_changes, validate_schema
from strawberry import Schema

from catalogue.attribute import Sensitivity
from catalogue.builtin import builtin_catalogue
from catalogue.catalogue import Catalogue
from policy.attributes import attribute_view
from policy.rules import BUILT_IN, Right, RoleRule, RowScope
from schema.build import build_schema
from schema.masking import Mask, masked_schema
from schema.planning.answer import enum_names

CATALOGUE = builtin_catalogue()
NOTHING = RoleRule(role="nobody", rows=RowScope.ALL, sensitivity=None)


@pytest.fixture(scope="module")
def whole() -> Schema:
    return build_schema(CATALOGUE)


def behind(whole: Schema, rule: RoleRule, *, shown: bool, catalogue: Catalogue = CATALOGUE) -> Schema:
    view = attribute_view(catalogue, (rule,), None)
    mask = Mask(view, rule.rights, hides_selections=True) if shown else Mask(view)
    return masked_schema(whole, mask)


def words_of(schema: GraphQLSchema) -> set[str]:
    names = set(schema.type_map)
    for type_ in schema.type_map.values():
        names |= {f"{type_.name}.{name}" for name in getattr(type_, "fields", getattr(type_, "values", ()))}
    return names


class TestMaskedSchema:
    @pytest.mark.parametrize("rule", [*BUILT_IN.rules, NOTHING], ids=lambda rule: rule.role)
    @pytest.mark.parametrize("shown", [False, True])
    def test_is_valid_and_only_ever_takes_away(self, whole: Schema, rule: RoleRule, shown: bool) -> None:
        made = behind(whole, rule, shown=shown)
        # whoever makes a schema by hand may say that it is valid; here it has to be
        made._schema._validation_errors = None
        assert validate_schema(made._schema) == []
        assert words_of(made._schema) < words_of(whole._schema)

    def test_hidden_attributes_may_be_selected_and_nothing_else(self, whole: Schema) -> None:
        rule = next(each for each in BUILT_IN.rules if each.role == "risk_officer")
        words = words_of(behind(whole, rule, shown=False)._schema)
        assert "ClientProfile.taxId" in words
        assert not {"ClientProfileWhere.taxId", "ClientProfileInput.taxId", "ClientGroupField.PROFILE_TAX_ID"} & words
        assert not any(
            "taxId" in each or "TAX_ID" in each for each in words_of(behind(whole, rule, shown=True)._schema)
        )

    def test_what_may_be_entered_is_an_input_and_nothing_else(self, whole: Schema) -> None:
        rule = next(each for each in BUILT_IN.rules if each.role == "relationship_manager")
        shown = words_of(behind(whole, rule, shown=True)._schema)
        assert {each for each in shown if "taxId" in each or "TAX_ID" in each} == {"ClientProfileInput.taxId"}

    def test_a_group_goes_with_the_last_that_is_in_it(self, whole: Schema) -> None:
        rule = RoleRule(role="r", rows=RowScope.ALL, sensitivity=Sensitivity.CONFIDENTIAL, deny=("profile.location",))
        words = words_of(behind(whole, rule, shown=True)._schema)
        assert not any("Location" in each.split(".")[0] for each in words if each.startswith("ClientProfile"))
        assert "ClientProfile.location" not in words

    def test_what_takes_a_right_is_shown_to_those_who_have_it(self, whole: Schema) -> None:
        auditor = next(each for each in BUILT_IN.rules if each.role == "auditor")
        assert "Mutation.clientChange" not in words_of(behind(whole, auditor, shown=True)._schema)
        assert "Mutation.clientChange" in words_of(behind(whole, auditor, shown=False)._schema)
        writer = auditor.model_copy(update={"rights": frozenset({Right.CHANGE_CLIENTS})})
        assert "Mutation.clientChange" in words_of(behind(whole, writer, shown=True)._schema)

    def test_without_anything_to_keep_back_it_is_the_same(self, whole: Schema) -> None:
        open_rule = RoleRule(role="r", rows=RowScope.ALL, sensitivity=Sensitivity.RESTRICTED, rights=frozenset(Right))
        assert behind(whole, open_rule, shown=True) is whole

    def test_the_values_of_a_masked_enum_have_their_names(self, whole: Schema) -> None:
        rule = next(each for each in BUILT_IN.rules if each.role == "relationship_manager")
        fields = behind(whole, rule, shown=False)._schema.type_map["ClientOrderField"]
        assert isinstance(fields, GraphQLEnumType)
        assert enum_names(fields)["profile.name"] == "PROFILE_NAME"
        assert "profile.taxId" not in enum_names(fields)

    @pytest.mark.parametrize("rule", [BUILT_IN.rules[0], NOTHING], ids=lambda rule: rule.role)
    def test_what_can_be_followed_stays_so(self, whole: Schema, rule: RoleRule) -> None:
        made = behind(whole, rule, shown=True)._schema
        assert made.query_type is not whole._schema.query_type
        kept, before = made.subscription_type, whole._schema.subscription_type
        assert kept is not None
        assert before is not None
        assert kept.fields["jobProgress"].subscribe is before.fields["jobProgress"].subscribe is not None
        assert kept.fields["jobProgress"].type.of_type is made.type_map["Job"]

    def test_shares_every_type_that_stays(self, whole: Schema) -> None:
        rule = next(each for each in BUILT_IN.rules if each.role == "administrator")
        made = behind(whole, rule, shown=False)
        assert made._schema.type_map["StringOperators"] is whole._schema.type_map["StringOperators"]
        kinds = {type(each).__name__ for each in find_schema_changes(whole._schema, made._schema)}
        assert kinds == {"BreakingChange"}
