"""Arguments of a field, worked out once as far as they are literal, and filled in for each request."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    is_list_type,
    is_non_null_type,
    type_from_ast,
    value_from_ast,
)
from graphql.execution.values import get_variable_values

from schema.planning.answer import Surprise

MISSING: Any = object()
"""A variable that was not given: its argument, or its field of an input object, is not there."""

Fill = Callable[[Mapping[str, Any]], Any]
"""From the coerced variables to a value, or MISSING."""

Variables = Mapping[str, Any]


def argument_filler(definition: GraphQLField, node: FieldNode) -> Callable[[Variables], dict[str, Any]]:
    """The function from variables to the arguments of a resolver, under their Python names.

    Raises: Surprise, when called, for what ordinary execution has an error for.
    """
    given = {each.name.value: each.value for each in node.arguments or ()}
    fixed: dict[str, Any] = {}
    open_: list[tuple[str, Fill, Any]] = []
    for name, argument in definition.args.items():
        python = _python_name(argument, name)
        if name not in given:
            if argument.default_value is not Undefined:
                fixed[python] = argument.default_value
            continue
        fill, is_fixed = _filler(given[name], argument.type)
        if is_fixed:
            fixed[python] = fill({})
        else:
            open_.append((python, fill, argument.default_value))
    if not open_:
        return lambda _variables: fixed

    def fill_all(variables: Variables) -> dict[str, Any]:
        arguments = fixed.copy()
        for python, fill, default in open_:
            value = fill(variables)
            if value is not MISSING:
                arguments[python] = value
            elif default is not Undefined:
                arguments[python] = default
        return arguments

    return fill_all


def _python_name(argument: Any, name: str) -> str:
    found = argument.extensions.get("strawberry-definition")
    return str(found.python_name) if found is not None else name


def _filler(node: ValueNode, type_: GraphQLInputType) -> tuple[Fill, bool]:
    """The filler of a value, and whether it is the same for every request."""
    if not _has_variable(node):
        value = value_from_ast(node, type_)
        if value is Undefined:
            raise Surprise
        return (lambda _variables: value), True
    if isinstance(node, VariableNode):
        return _variable(node.name.value, is_non_null_type(type_)), False
    inner: Any = type_.of_type if is_non_null_type(type_) else type_
    if is_list_type(inner):
        return _list(node, inner.of_type), False
    return _object(node, inner), False


def _variable(name: str, is_required: bool) -> Fill:
    def fill(variables: Variables) -> Any:
        value = variables.get(name, MISSING)
        if is_required and (value is None or value is MISSING):
            raise Surprise
        return value

    return fill


def _list(node: ValueNode, item: GraphQLInputType) -> Fill:
    nodes = node.values if isinstance(node, ListValueNode) else (node,)
    fills = [_filler(each, item)[0] for each in nodes]

    def fill(variables: Variables) -> Any:
        return [None if (value := each(variables)) is MISSING else value for each in fills]

    return fill


def _object(node: ValueNode, type_: Any) -> Fill:
    if not isinstance(node, ObjectValueNode) or not isinstance(type_, GraphQLInputObjectType):
        raise Surprise
    fills = [(each.name.value, _filler(each.value, type_.fields[each.name.value].type)[0]) for each in node.fields]
    given = {name for name, _ in fills}
    defaults = {
        name: each.default_value
        for name, each in type_.fields.items()
        if each.default_value is not Undefined and name not in given
    }

    def fill(variables: Variables) -> Any:
        filled = dict(defaults)
        for name, each in fills:
            if (value := each(variables)) is not MISSING:
                filled[name] = value
        return filled

    return fill


def _has_variable(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_has_variable(each) for each in node.values)
    if isinstance(node, ObjectValueNode):
        return any(_has_variable(each.value) for each in node.fields)
    return isinstance(node, VariableNode)


def variable_coercer(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Callable[[Variables], Variables]:
    """The function from raw variables to coerced ones: at once for plain scalars, by graphql-core for the rest.

    Raises: Surprise, when called, for what ordinary execution has an error for.
    """
    definitions = operation.variable_definitions or ()
    checks = [_plain_check(schema, each) for each in definitions]
    rows = [row for row in checks if row is not None]

    def coerce(raw: Variables) -> Variables:
        if len(rows) == len(checks):
            try:
                return _checked(raw, rows)
            except Surprise:
                # graphql-core takes some more: 50.0 for an Int, a number for an ID.
                pass
        found = get_variable_values(schema, definitions, dict(raw))
        if isinstance(found, list):
            raise Surprise
        return found.coerced

    return coerce


Check = tuple[str, Callable[[Any], Any], bool, Any]


def _plain_check(schema: GraphQLSchema, definition: Any) -> Check | None:
    """Name, reader, whether null is refused, and default of a variable of a plain scalar."""
    type_ = type_from_ast(schema, definition.type)
    is_required = is_non_null_type(type_)
    inner: Any = type_.of_type if is_required else type_
    read = _READERS.get(getattr(inner, "name", ""))
    if read is None:
        return None
    default: Any = MISSING
    if definition.default_value is not None:
        is_null = isinstance(definition.default_value, NullValueNode)
        default = None if is_null else value_from_ast(definition.default_value, inner)
    return definition.variable.name.value, read, is_required, default


def _text(value: Any) -> Any:
    if value.__class__ is not str:
        raise Surprise
    return value


def _boolean(value: Any) -> Any:
    if value.__class__ is not bool:
        raise Surprise
    return value


def _int(value: Any) -> Any:
    if value.__class__ is not int or not -(2**31) <= value < 2**31:
        raise Surprise
    return value


def _float(value: Any) -> Any:
    # Programs in JavaScript send a whole number without a point, whatever its type.
    if value.__class__ is int and -(2**53) <= value <= 2**53:
        return float(value)
    if value.__class__ is not float or value - value != 0.0:
        raise Surprise
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "String": _text,
    "ID": _text,
    "Boolean": _boolean,
    "Int": _int,
    "Float": _float,
}
"""Readers of variables that need no further look; what they do not take, graphql-core may."""


def _checked(raw: Variables, rows: list[Check]) -> Variables:
    coerced = {}
    for name, read, is_required, default in rows:
        value = raw.get(name, MISSING)
        if value is MISSING:
            if default is not MISSING:
                coerced[name] = default
            elif is_required:
                raise Surprise
        elif value is None:
            if is_required:
                raise Surprise
            coerced[name] = None
        else:
            coerced[name] = read(value)
    return coerced
