"""The compiled answer: one function from values to response data, made once for a selection.

The selection becomes Python source: a dictionary display for each object, a function for the items of each list, a
check for each leaf. What must be read besides (a relation, a value with proof) is a column: read once for all holders
of a level, then taken up by the source in the same order. A value that is not what the schema says raises, and ordinary
execution of the same value words the error.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from schema.planning.selection import Selection

INT_LIMIT = 2**31


class Surprise(Exception):
    """A value is not what the schema says; ordinary execution finds the words for it."""


class Unsupported(Exception):
    """The compiler does not take this selection; ordinary execution does."""


Read = Callable[[Any, Sequence[Any]], Awaitable[Sequence[Any]]]
"""From what a resolver knows of its request, and the holders of a level, to the value of each."""


@dataclass(slots=True)
class Column:
    """A field that is read for all holders of a level at once."""

    gather: Callable[[Iterable[Any]], list[Any]]
    read: Read
    inner: "Level | None"


@dataclass(slots=True)
class Level:
    """The compiled form of one selection on values of one type."""

    shape: Callable[..., list[Any]]
    columns: list[Column]

    async def run(self, context: Any, values: Sequence[Any]) -> list[Any]:
        """Response data for each value.

        Raises: Surprise, or whatever else a wrong value leads to.
        Cost: one read a column, however many values.
        """
        if not self.columns:
            return self.shape(values)
        if len(self.columns) == 1:
            return self.shape(values, await _fill(self.columns[0], context, values))
        filled = await asyncio.gather(*(_fill(each, context, values) for each in self.columns))
        return self.shape(values, *filled)


async def _fill(column: Column, context: Any, values: Sequence[Any]) -> Any:
    found = await column.read(context, column.gather(values))
    return iter(found if column.inner is None else await column.inner.run(context, found)).__next__


@dataclass(slots=True)
class Place:
    """What the compiler knows of a field with a resolver: enough to make its reader."""

    definition: GraphQLField
    nodes: list[FieldNode]
    selection: Selection


MakeRead = Callable[[Place], Read]
"""Makes the reader of a field with a resolver; raises Unsupported."""


FIELDS_COMPILED = 5_000
"""Fields that one operation may come to, its fragments spread: some double at every level that they are nested."""


class Budget:
    """Counts the fields of an operation while it is compiled."""

    __slots__ = ("_left",)

    def __init__(self, fields: int = FIELDS_COMPILED) -> None:
        self._left = fields

    def take(self, fields: int) -> None:
        """Take fields off.

        Raises: Unsupported where none are left.
        """
        self._left -= fields
        if self._left < 0:
            raise Unsupported("more fields than are worth compiling")


class LevelCompiler:
    """Compiles the selection on one type; columns inside get compilers of their own."""

    def __init__(self, schema: GraphQLSchema, selection: Selection, make_read: MakeRead, budget: Budget) -> None:
        self._schema = schema
        self._selection = selection
        self._make_read = make_read
        self._budget = budget
        self._scope: dict[str, Any] = dict(_SCOPE)
        self._columns: list[Column] = []
        self._items: list[str] = []
        """Functions for the items of lists, inner ones first; local to the shape, so that they see its columns."""
        self._count = 0

    def level(self, type_: GraphQLOutputType, nodes: list[FieldNode]) -> Level:
        """The level for values of a type."""
        expression = self._value(type_, nodes, "v", ())
        columns = "".join(f", c{index}" for index in range(len(self._columns)))
        lines = [f"def shape(values{columns}):", *self._items, "    found = []", "    for v in values:"]
        lines += [f"        found.append({expression})", "    return found"]
        exec(compile("\n".join(lines), "<answer>", "exec"), self._scope)
        return Level(self._scope["shape"], self._columns)

    def _name(self, prefix: str, value: Any = None) -> str:
        self._count += 1
        name = f"{prefix}{self._count}"
        if value is not None:
            self._scope[name] = value
        return name

    def _value(self, type_: GraphQLOutputType, nodes: list[FieldNode], given: str, route: tuple[str, ...]) -> str:
        """The expression for a value of a type; `given` is an expression that is evaluated once."""
        if is_non_null_type(type_):
            return self._present(type_.of_type, nodes, given, route, on_null="surprise()")
        return self._present(type_, nodes, given, route, on_null="None")

    def _present(self, type_: Any, nodes: list[FieldNode], given: str, route: tuple[str, ...], on_null: str) -> str:
        if is_leaf_type(type_):
            return self._leaf(type_, given, on_null)
        x = self._name("x")
        if is_list_type(type_):
            item = self._name("item")
            self._items.append(f"    def {item}(y): return {self._value(type_.of_type, nodes, 'y', (*route, 'each'))}")
            return f"({on_null} if ({x} := {given}) is None else list(map({item}, items({x}))))"
        body = self._object(type_, nodes, x, route)
        return f"({on_null} if ({x} := {given}) is None else {body})"

    def _object(self, type_: Any, nodes: list[FieldNode], x: str, route: tuple[str, ...]) -> str:
        if isinstance(type_, GraphQLObjectType):
            return self._fields(type_, nodes, x, route)
        if not isinstance(type_, GraphQLInterfaceType):
            raise Unsupported(f"{type_} is neither object nor interface")
        cases = ""
        for each in self._schema.get_possible_types(type_):
            test = self._name("is", _is_a(each))
            cases += f"{self._fields(each, nodes, x, (*route, f'if {test}'))} if {test}({x}) else "
        return f"({cases}surprise())"

    def _fields(self, type_: GraphQLObjectType, nodes: list[FieldNode], x: str, route: tuple[str, ...]) -> str:
        types = frozenset((type_.name, *(each.name for each in type_.interfaces)))
        parts = []
        chosen = self._selection.by_key(nodes, types)
        self._budget.take(len(chosen))
        for key, fields in chosen.items():
            name = fields[0].name.value
            if name == "__typename":
                parts.append(f"{key!r}: {type_.name!r}")
                continue
            definition = type_.fields[name]
            if has_resolver(definition):
                parts.append(f"{key!r}: {self._column(definition, fields, route)}()")
            else:
                step = f"key {name}"
                parts.append(f"{key!r}: {self._value(definition.type, fields, _lookup(x, name), (*route, step))}")
        return f"{{{', '.join(parts)}}}"

    def _column(self, definition: GraphQLField, nodes: list[FieldNode], route: tuple[str, ...]) -> str:
        read = self._make_read(Place(definition, nodes, self._selection))
        compiler = LevelCompiler(self._schema, self._selection, self._make_read, self._budget)
        inner = compiler.level(definition.type, nodes)
        name = f"c{len(self._columns)}"
        self._columns.append(Column(self._gatherer(route), read, inner))
        return name

    def _gatherer(self, route: tuple[str, ...]) -> Callable[[Iterable[Any]], list[Any]]:
        """The function that collects the holders of a column, in the order in which the source will meet them."""
        lines, indent, x = ["def gather(values):", "    found = []", "    for v in values:"], "        ", "v"
        lines.append(f"{indent}if v is None: continue")
        for step in route:
            word, _, name = step.partition(" ")
            if word == "if":
                lines.append(f"{indent}if not {name}({x}): continue")
                continue
            outer, x = x, self._name("g")
            if word == "key":
                lines.append(f"{indent}{x} = {_lookup(outer, name)}")
            else:
                lines.append(f"{indent}for {x} in items({outer}):")
                indent += "    "
            lines.append(f"{indent}if {x} is None: continue")
        lines += [f"{indent}found.append({x})", "    return found"]
        exec(compile("\n".join(lines), "<gather>", "exec"), self._scope)
        gather: Callable[[Iterable[Any]], list[Any]] = self._scope["gather"]
        return gather

    def _leaf(self, type_: Any, given: str, on_null: str) -> str:
        x = self._name("x")
        check = _CHECKS.get(type_.name)
        if check is not None:
            wrong = f"number({x})" if type_.name == "Float" else "surprise()"
            return f"({x} if {check.format(x=f'({x} := {given})', y=x)} else {on_null} if {x} is None else {wrong})"
        if isinstance(type_, GraphQLEnumType):
            names = self._name("names", enum_names(type_))
            return f"({on_null} if ({x} := {given}) is None else {names}[{x}])"
        write = self._name("write", type_.coerce_output_value)
        return f"({on_null} if ({x} := {given}) is None else {write}({x}))"


_CHECKS = {
    "String": "{x}.__class__ is str",
    "ID": "{x}.__class__ is str",
    "Boolean": "{x}.__class__ is bool",
    "Int": f"{{x}}.__class__ is int and {-INT_LIMIT} <= {{y}} < {INT_LIMIT}",
    "Long": "{x}.__class__ is int",
    # neither infinite nor no number
    "Float": "{x}.__class__ is float and {y} - {y} == 0.0",
}


def _lookup(x: str, name: str) -> str:
    """How a plain field is read from its dictionary; the same as `schema.fields.read_field`."""
    if name == "id":
        return f'({x}.get("id") or {x}["_id"])'
    if name in ("profile", "behaviour", "attitude", "derived"):
        return f"({x}.get({name!r}) or EMPTY)"
    return f"{x}.get({name!r})"


def _surprise() -> Any:
    raise Surprise


def _items(value: Any) -> Any:
    if value.__class__ is not list and value.__class__ is not tuple:
        raise Surprise
    return value


def _number(value: Any) -> float:
    if value.__class__ is int:
        return float(value)
    raise Surprise


_SCOPE: Mapping[str, Any] = {"surprise": _surprise, "items": _items, "number": _number, "EMPTY": {}}


def _is_a(type_: GraphQLObjectType) -> Callable[[Any], bool]:
    test = type_.is_type_of
    if test is None:
        raise Unsupported(f"{type_} cannot be told from others")
    return lambda value: bool(test(value, None))  # type: ignore[arg-type]


def enum_names(type_: GraphQLEnumType) -> dict[Any, str]:
    """The names of an enum by their values, and by the plain texts that are stored."""
    names: dict[Any, str] = {}
    for name, each in type_.values.items():
        value = getattr(each.value, "value", each.value)
        names |= {value: name, each.value: name}
    for member in getattr(type_, "wrapped_cls", ()):
        # Of a masked enum some members have no name.
        if member.value in names:
            names[member] = names[member.value]
    return names


def has_resolver(definition: GraphQLField) -> bool:
    """Whether a field has a resolver of its own rather than being read from its dictionary."""
    strawberry_field = definition.extensions.get("strawberry-definition")
    return strawberry_field is None or strawberry_field.base_resolver is not None
