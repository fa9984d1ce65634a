"""Every question that a schema offers, written down from the schema itself: it grows with every field and argument."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

ID, NUMBER = "%ID%", "%NUMBER%"
"""Stand for the id and the number of the record that is asked about."""
_DEPTH = 3
_LITERALS = {
    "ID": f'"{ID}"',
    "Int": "5",
    "Long": "5",
    "Float": "5.5",
    "Boolean": "true",
    "String": '"words"',
    "Decimal": '"5.5"',
    "Date": '"2020-01-05"',
    "DateTime": '"2020-01-05T00:00:00Z"',
    "JSON": '"words"',
}
SEGMENT = "A_SECRET"
"""A segment that looks at what not every role may use."""
_LATELY = f'"{(datetime.now(UTC) - timedelta(hours=1)).isoformat()}"'
_NAMED = {
    "number": f'"{NUMBER}"',
    "path": '"profile.name"',
    "paths": '["profile.name"]',
    "expectedVersion": "1",
    "segment": f'"{SEGMENT}"',
    "code": f'"{SEGMENT}"',
    "asOf": _LATELY,
    "until": _LATELY,
}
"""Values of arguments that mean something by their name."""


@dataclass(frozen=True, slots=True)
class Question:
    """One operation; `is_about_one` says whether it stands for the record that ID or NUMBER names."""

    place: str
    text: str
    is_about_one: bool = False


def questions(schema: GraphQLSchema) -> Iterator[Question]:
    """Every question about every field, argument, operator and value of a list of fields; mutations last."""
    query = schema.query_type
    assert query is not None
    yield from _of_client(schema)
    for name, field in query.fields.items():
        yield from _of_root(name, field)
    yield from _of_filters(schema)
    yield from _of_enums(schema)
    for name, field in schema.mutation_type.fields.items() if schema.mutation_type else ():
        yield _about(f"mutation {name}", f"mutation {{ {_written(name, field)} }}")


def _about(place: str, text: str) -> Question:
    return Question(place, text, ID in text or NUMBER in text)


def _of_client(schema: GraphQLSchema) -> Iterator[Question]:
    """Every field of a client, by itself and with each of its optional arguments; deep enough for what hangs on it."""
    client = schema.type_map["Client"]
    assert isinstance(client, GraphQLObjectType)
    for name, field in client.fields.items():
        for asked in _ways(name, field):
            yield Question(f"Client.{name}", f'{{ client(id: "{ID}") {{ {asked} }} }}', is_about_one=True)
            yield Question(
                f"Node {name}", f'{{ node(id: "{ID}") {{ ... on Client {{ {asked} }} }} }}', is_about_one=True
            )


def _of_root(name: str, field: GraphQLField) -> Iterator[Question]:
    if name == "client":
        yield Question(name, f'{{ client(number: "{NUMBER}") {{ number }} }}', is_about_one=True)
        for asked in (f'number: "{NUMBER}"', f'id: "{ID}"'):
            yield Question(name, f"{{ client({asked}, asOf: {_LATELY}) {{ number }} }}", is_about_one=True)
        return
    for asked in _ways(name, field):
        yield _about(f"Query.{name}", f"{{ {asked} }}")


def _ways(name: str, field: GraphQLField) -> Iterator[str]:
    """The field with its required arguments, and once more with each of the others that has a plain value."""
    yield _written(name, field)
    for more, argument in field.args.items():
        if not is_required_argument(argument) and _literal(more, argument, _DEPTH) is not None and more != "last":
            yield _written(name, field, more)


def _written(name: str, field: GraphQLField, more: str = "") -> str:
    given = [
        f"{each}: {_literal(each, argument, 0)}"
        for each, argument in field.args.items()
        if is_required_argument(argument) or each == more or (each == "first" and "last" in field.args)
    ]
    arguments = f"({', '.join(given)})" if given else ""
    return f"{name}{arguments}{_selection(get_named_type(field.type), 0)}"


def _selection(type_: object, depth: int, *, inner: bool = False) -> str:
    """All leaves of a type, and what is below them as far as the depth goes."""
    if is_leaf_type(type_):
        return ""
    if isinstance(type_, GraphQLInterfaceType):
        fields = " ".join(_leaves(type_))
        return f" {{ __typename {fields} }}"
    assert isinstance(type_, GraphQLObjectType)
    parts = list(_leaves(type_))
    if depth < _DEPTH:
        for name, field in type_.fields.items():
            named = get_named_type(field.type)
            if is_leaf_type(named) or any(is_required_argument(each) for each in field.args.values()):
                continue
            if isinstance(named, GraphQLObjectType) and named.name in ("Client", "Manager"):
                parts.append(f"{name} {{ id }}")
            elif isinstance(named, GraphQLObjectType):
                parts.append(f"{name}{_selection(named, depth + 1)}")
    return f" {{ {' '.join(parts) or '__typename'} }}"


def _leaves(type_: GraphQLObjectType | GraphQLInterfaceType) -> Iterator[str]:
    for name, field in type_.fields.items():
        if is_leaf_type(get_named_type(field.type)) and not any(map(is_required_argument, field.args.values())):
            yield name


def _literal(name: str, given: GraphQLArgument | GraphQLInputField, depth: int) -> str | None:
    """A value for an argument or an input field; None where there is none to be thought of."""
    if name in _NAMED:
        return _NAMED[name]
    type_ = get_nullable_type(given.type)
    if isinstance(type_, GraphQLList):
        inner = GraphQLInputField(get_nullable_type(type_.of_type))
        literal = _literal(name, inner, depth)
        return None if literal is None else f"[{literal}]"
    if isinstance(type_, GraphQLEnumType):
        return str(next(iter(type_.values)))
    if isinstance(type_, GraphQLInputObjectType):
        return _object(type_, depth) if depth < _DEPTH else None
    return _LITERALS.get(str(type_.name))


def _object(type_: GraphQLInputObjectType, depth: int) -> str | None:
    parts: list[str] = []
    for name, field in type_.fields.items():
        if is_required_input_field(field):
            literal = _literal(name, field, depth + 1)
            if literal is None:
                return None
            parts.append(f"{name}: {literal}")
    if not parts:
        # An empty object says nothing; one field of it says as much as is needed.
        for name, field in type_.fields.items():
            literal = _literal(name, field, depth + 1)
            if literal is not None and name not in ("and", "or", "not"):
                return f"{{ {name}: {literal} }}"
        return None
    return f"{{ {', '.join(parts)} }}"


def _of_filters(schema: GraphQLSchema) -> Iterator[Question]:
    where = schema.type_map["ClientWhere"]
    assert isinstance(where, GraphQLInputObjectType)
    for place, text in _filters(where, "", 0):
        asked = "{ totalCount nodes { id number } }"
        yield Question(f"where {place}", f"{{ clients(first: 5, where: {text}) {asked} }}")


def _filters(type_: GraphQLInputObjectType, place: str, depth: int) -> Iterator[tuple[str, str]]:
    """Every operator of every attribute, wrapped in the objects around it."""
    for name, field in type_.fields.items():
        if name in ("and", "or", "not"):
            continue
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLInputObjectType):
            for deeper, text in _filters(inner, f"{place}.{name}" if place else name, depth + 1):
                yield deeper, f"{{ {name}: {text} }}"
        else:
            literal = _literal(name, field, 0)
            if literal is not None:
                yield f"{place}.{name}", f"{{ {name}: {literal} }}"


def _of_enums(schema: GraphQLSchema) -> Iterator[Question]:
    for name, text in (
        ("ClientOrderField", "{ clients(first: 5, orderBy: [{ field: %s }]) { nodes { id } pageInfo { endCursor } } }"),
        (
            "ClientGroupField",
            "{ clientGroups(by: [{ field: %s }], first: 50) { nodes { keys { value } count } } }",
        ),
        (
            "ClientMeasureField",
            "{ clientGroups(by: [{ field: STAGE }], first: 5) { nodes { sum(of: %s) maximum(of: %s) } } }",
        ),
    ):
        enum = schema.type_map[name]
        assert isinstance(enum, GraphQLEnumType)
        for value in enum.values:
            yield Question(f"{name}.{value}", text.replace("%s", value))


def about(text: str, record_id: str, number: str) -> str:
    """The operation about one record."""
    return text.replace(f'"{ID}"', json.dumps(record_id)).replace(f'"{NUMBER}"', json.dumps(number))
