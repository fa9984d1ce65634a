"""The schema as a whole: what the contract promises, and a description on everything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    assert_valid_schema,
    is_introspection_type,
    is_specified_scalar_type,
    parse,
    print_ast,
)

from catalogue.builtin import builtin_catalogue
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from schema.build import build_schema
from tests.definitions import beside, book, defined, one_of_every_kind

SNAPSHOT = Path(__file__).parents[2] / "schema" / "schema.graphql"
CONTRACT: Any = parse((Path(__file__).parent / "contract.graphql").read_text("utf-8")).definitions


def own_types(schema: GraphQLSchema) -> Iterator[Any]:
    for each in schema.type_map.values():
        if not is_introspection_type(each) and not is_specified_scalar_type(each):
            yield each


def undescribed(schema: GraphQLSchema) -> Iterator[str]:
    """Coordinates of every type, field, argument, input field and enum value that says nothing of itself."""
    for each in own_types(schema):
        if not each.description:
            yield each.name
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name, field in each.fields.items():
                if not field.description:
                    yield f"{each.name}.{name}"
                for word, argument in getattr(field, "args", {}).items():
                    if not argument.description:
                        yield f"{each.name}.{name}({word}:)"
        if isinstance(each, GraphQLEnumType):
            yield from (f"{each.name}.{name}" for name, value in each.values.items() if not value.description)


def default_of(given: Any) -> str | None:
    return None if given.default_value is None else print_ast(given.default_value)


class TestDescriptions:
    def test_everything_built_in_has_one(self, builtin_schema: GraphQLSchema) -> None:
        assert list(undescribed(builtin_schema)) == []

    def test_everything_defined_at_run_time_has_one(self) -> None:
        assert list(undescribed(build_schema(book())._schema)) == []

    def test_a_missing_one_would_be_found(self) -> None:
        schema = build_schema(beside())._schema
        schema.type_map["Client"].fields["number"].description = None  # type: ignore[attr-defined]
        assert list(undescribed(schema)) == ["Client.number"]


class TestContract:
    @pytest.mark.parametrize("definition", CONTRACT, ids=lambda node: node.name.value)
    def test_the_names_are_there_with_their_types(self, builtin_schema: GraphQLSchema, definition: Any) -> None:
        found: Any = builtin_schema.type_map[definition.name.value]
        if isinstance(found, GraphQLEnumType):
            assert {value.name.value for value in definition.values} <= set(found.values)
            return
        for field in definition.fields:
            name = field.name.value
            assert name in found.fields, f"{found.name}.{name}"
            have = found.fields[name]
            assert str(have.type) == print_ast(field.type) or (found.name, name) in STRICTER, f"{found.name}.{name}"
            if isinstance(found, GraphQLInputObjectType) and field.default_value is not None:
                assert print_ast(field.default_value) == sdl_default(builtin_schema, found.name, name)
            for argument in getattr(field, "arguments", None) or ():
                assert str(have.args[argument.name.value].type) == print_ast(argument.type)

    def test_interfaces(self, builtin_schema: GraphQLSchema) -> None:
        for name in ("Client", "Manager", "Attribute", "Approval"):
            made: Any = builtin_schema.type_map[name]
            assert [each.name for each in made.interfaces] == ["Node"]

    def test_every_mutation_is_nullable_and_takes_one_input(self, builtin_schema: GraphQLSchema) -> None:
        assert builtin_schema.mutation_type is not None
        for name, field in builtin_schema.mutation_type.fields.items():
            capital = f"{name[0].upper()}{name[1:]}"
            assert list(field.args) == ["input"], name
            assert (str(field.args["input"].type), str(field.type)) == (f"{capital}Input!", f"{capital}Payload")
            payload: Any = field.type
            assert str(payload.fields["errors"].type) == "[UserError!]!"


STRICTER = {("AttributeDefineInput", "description")}
"""The issue asks for a description of every attribute, so a definition must bring one."""


def sdl_default(schema: GraphQLSchema, type_name: str, field_name: str) -> str | None:
    """The default of an input field as the printed schema shows it."""
    for definition in parse(SNAPSHOT.read_text("utf-8")).definitions:
        node: Any = definition
        if node.name.value == type_name:
            return next(default_of(field) for field in node.fields if field.name.value == field_name)
    return None


class TestSnapshot:
    def test_the_committed_schema_is_current(self) -> None:
        fresh = build_schema(builtin_catalogue()).as_str()
        assert SNAPSHOT.read_text("utf-8").strip() == fresh.strip(), (
            "schema/schema.graphql is not what the code makes; if the change is meant, run scripts/schema"
        )

    def test_the_same_catalogue_gives_the_same_text(self) -> None:
        assert build_schema(book()).as_str() == build_schema(Catalogue(reversed(book().attributes))).as_str()


class TestBuildSchema:
    def test_one_attribute_of_every_kind_is_a_valid_schema(self) -> None:
        assert_valid_schema(build_schema(beside(*one_of_every_kind()))._schema)

    def test_drafts_and_retired_attributes_are_not_in_it(self) -> None:
        fields = build_schema(book())._schema.type_map["ClientAttitude"].fields  # type: ignore[attr-defined]
        assert sorted(fields) == ["going", "least", "score"]

    def test_a_deprecated_attribute_says_what_to_use(self) -> None:
        fields = build_schema(book())._schema.type_map["ClientAttitude"].fields  # type: ignore[attr-defined]
        assert fields["going"].deprecation_reason == "Use attitude.score instead. Goes on 2027-01-31."

    @pytest.mark.parametrize("key", ["class", "from", "none1", "self", "info", "cls", "items", "get", "type", "name"])
    def test_any_key_that_the_rules_allow_can_be_a_field(self, key: str) -> None:
        schema = build_schema(beside(defined(f"profile.{key}"), defined(f"attitude.{key}", Kind.LONG)))._schema
        for name in ("ClientProfile", "ClientProfileInput", "ClientProfileWhere"):
            assert key in schema.type_map[name].fields  # type: ignore[attr-defined]
