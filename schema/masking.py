"""A schema as somebody with a certain view of the attributes has it: without what he may not use.

One schema is built for an edition; a mask is a copy of the types that change, made of the same fields and resolvers.
What is not in the copy is unknown, in the very words, wherever it is named: in a selection, a filter, an order, a
group, a variable or an introspection.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeGuard

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_required_argument,
)
from strawberry import Schema

from policy.attributes import AttributeView
from policy.rules import Right
from schema.marks import PATHS_OF, Mark, Use, mark_of

Fielded = GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType


@dataclass(frozen=True, slots=True)
class Mask:
    """What is kept back."""

    view: AttributeView
    rights: frozenset[Right] | None = None
    """The rights that somebody has; None where the fields that take one stay, to be refused in words of their own."""
    hides_selections: bool = False
    """Whether hidden attributes may not even be selected; else they may, and are null."""

    def takes_away(self, mark: Mark) -> bool:
        """Whether a field is not there."""
        if mark.rights:
            return self.rights is not None and not self.rights.intersection(mark.rights)
        seen = self.view.area(mark.area)
        if mark.use is Use.READ:
            return self.hides_selections and mark.path in seen.hidden
        return mark.path in (seen.unusable if mark.use is Use.FILTER else seen.sealed)

    def takes_path(self, area: str, path: str) -> bool:
        """Whether a value of a list of paths is not there."""
        return path in self.view.area(area).unusable


def masked_schema(schema: Schema, mask: Mask) -> Schema:
    """The schema behind a mask; the same object where nothing is taken away.

    Cost: one pass over the types; fields whose types stay are shared.
    """
    core = _Masking(schema._schema, mask).masked()
    if core is schema._schema:
        return schema
    made = copy(schema)
    made._schema = core
    return made


class _Masking:
    """Copies what changes."""

    def __init__(self, schema: GraphQLSchema, mask: Mask) -> None:
        self._schema = schema
        self._mask = mask
        self._types = {name: each for name, each in schema.type_map.items() if not name.startswith("__")}
        self._kept = {name: _elements(each) for name, each in self._types.items()}
        self._made: dict[str, GraphQLNamedType] = {}

    def masked(self) -> GraphQLSchema:
        gone = self._gone()
        changed = self._changed(gone)
        if not changed:
            return self._schema
        for name in changed - gone:
            self._made[name] = self._copy(self._types[name])
        given = self._schema.to_kwargs()
        for root in ("query", "mutation", "subscription"):
            given[root] = self._root(given[root], gone)
        # What nothing leads to any more is away; records that only an interface leads to are named.
        given["types"] = tuple(
            self._made.get(name, each)
            for name, each in self._types.items()
            if name not in gone and isinstance(each, GraphQLObjectType) and each.interfaces
        )
        given["assume_valid"] = True
        return GraphQLSchema(**given)

    def _root(self, type_: GraphQLObjectType | None, gone: set[str]) -> Any:
        return None if type_ is None or type_.name in gone else self._made.get(type_.name, type_)

    def _gone(self) -> set[str]:
        """The types that are empty when all is dropped that the mask takes away, and what has lost its type by that."""
        self._drop_masked()
        gone: set[str] = set()
        while new := {each for each in self._kept if self._is_empty(each)} - gone:
            gone |= new
            for elements in self._kept.values():
                for key, element in list(elements.items()):
                    if _needs(element, gone):
                        del elements[key]
        return gone

    def _is_empty(self, name: str) -> bool:
        return not self._kept[name] and _is_kept_whole(self._types[name])

    def _drop_masked(self) -> None:
        for name, elements in self._kept.items():
            type_ = self._types[name]
            area = getattr(getattr(type_, "wrapped_cls", None), PATHS_OF, None)
            for key, element in list(elements.items()):
                if isinstance(type_, GraphQLEnumType):
                    value = getattr(element.value, "value", element.value)
                    is_away = area is not None and self._mask.takes_path(area, str(value))
                else:
                    mark = mark_of(element)
                    is_away = mark is not None and self._mask.takes_away(mark)
                if is_away:
                    del elements[key]

    def _changed(self, gone: set[str]) -> set[str]:
        """The types that are not as they were: they have lost something, or lead to one that has."""
        changed = {
            name for name, each in self._kept.items() if len(each) < len(_elements(self._types[name]))
        } | {
            name
            for name, elements in self._kept.items()
            if any(arg.name in gone for each in elements.values() for arg in _argument_types(each))
        }  # fmt: skip
        users: dict[str, set[str]] = {}
        for name, elements in self._kept.items():
            for each in elements.values():
                for used in (*_types_of(each), *_argument_types(each)):
                    users.setdefault(used.name, set()).add(name)
        for type_ in self._types.values():
            for outer in getattr(type_, "interfaces", ()):
                users.setdefault(outer.name, set()).add(type_.name)
        waiting = list(changed)
        while waiting:
            for user in users.get(waiting.pop(), set()) - changed:
                changed.add(user)
                waiting.append(user)
        return changed

    def _copy(self, type_: GraphQLNamedType) -> GraphQLNamedType:
        elements = self._kept[type_.name]
        if isinstance(type_, GraphQLEnumType):
            return _enum_of(type_, elements)
        if _is_fielded(type_):
            given: dict[str, Any] = dict(type_.to_kwargs())
            given["fields"] = lambda: {key: self._field(each) for key, each in elements.items()}
            if "interfaces" in given:
                interfaces = type_.interfaces  # type: ignore[union-attr]
                given["interfaces"] = lambda: [self._made.get(each.name, each) for each in interfaces]
            return type(type_)(**given)
        return type_

    def _field(self, field: Any) -> Any:
        arguments: Mapping[str, Any] = getattr(field, "args", {})
        types = (get_named_type(field.type), *(get_named_type(each.type) for each in arguments.values()))
        if not any(each.name in self._made or not self._is_there(each) for each in types):
            return field
        made = copy(field)
        made.type = self._type(field.type)
        if arguments:
            made.args = {name: self._argument(each) for name, each in arguments.items() if self._is_there(each.type)}
        return made

    def _argument(self, argument: Any) -> Any:
        if get_named_type(argument.type).name not in self._made:
            return argument
        made = copy(argument)
        made.type = self._type(argument.type)
        return made

    def _is_there(self, type_: Any) -> bool:
        name = get_named_type(type_).name
        return name not in self._kept or not self._is_empty(name)

    def _type(self, type_: Any) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return GraphQLNonNull(self._type(type_.of_type))
        if isinstance(type_, GraphQLList):
            return GraphQLList(self._type(type_.of_type))
        return self._made.get(type_.name, type_)


def _enum_of(type_: GraphQLEnumType, values: Mapping[str, Any]) -> GraphQLEnumType:
    """The enum with some of its values alone."""
    made: GraphQLEnumType = object.__new__(type(type_))
    given: dict[str, Any] = {**type_.to_kwargs(), "values": dict(values)}
    GraphQLEnumType.__init__(made, **given)
    made.wrapped_cls = type_.wrapped_cls  # type: ignore[attr-defined]
    return made


def _is_fielded(type_: GraphQLNamedType) -> TypeGuard[Fielded]:
    return isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType)


def _is_kept_whole(type_: GraphQLNamedType) -> bool:
    """Whether a type is nothing without its elements."""
    return _is_fielded(type_) or isinstance(type_, GraphQLEnumType)


def _elements(type_: GraphQLNamedType) -> dict[str, Any]:
    if isinstance(type_, GraphQLEnumType):
        return dict(type_.values)
    return dict(type_.fields) if _is_fielded(type_) else {}


def _types_of(element: Any) -> tuple[GraphQLNamedType, ...]:
    type_ = getattr(element, "type", None)
    return () if type_ is None else (get_named_type(type_),)


def _argument_types(element: Any) -> tuple[GraphQLNamedType, ...]:
    return tuple(get_named_type(each.type) for each in getattr(element, "args", {}).values())


def _needs(element: Any, gone: set[str]) -> bool:
    """Whether an element cannot be without one of the types that are gone."""
    if any(each.name in gone for each in _types_of(element)):
        return True
    arguments = getattr(element, "args", {}).values()
    return any(is_required_argument(each) and get_named_type(each.type).name in gone for each in arguments)
