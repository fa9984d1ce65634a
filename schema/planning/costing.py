"""Weighs an operation: one pass over the document, whatever its fragments and however large the answer."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionSetNode,
    TypeMetaFieldDef,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)

from schema.planning.answer import Unsupported
from schema.planning.arguments import argument_filler
from schema.planning.cost import Branch, Costing, Part, Root, Weight, reading_of
from schema.planning.operation import resolver_of
from schema.planning.reads import LIST_ITEMS, NOTHING, READS, Reads
from schema.planning.selection import Selection

_META = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


def build_costing(schema: GraphQLSchema, operation: OperationDefinitionNode, selection: Selection) -> Costing:
    """The costing of a valid operation.

    Cost: one pass over the document; no fragment is weighed twice for the same type.
    """
    root = schema.get_root_type(operation.operation)
    return Costing([], 0) if root is None else _Weigher(schema, selection).costing(operation, root)


Sets = tuple[SelectionSetNode, ...]


class _Weigher:
    """Weighs the selections of one operation."""

    def __init__(self, schema: GraphQLSchema, selection: Selection) -> None:
        self._schema = schema
        self._selection = selection
        self._parts: dict[object, Part] = {}
        self._merged = 0
        self._merges = 50 + 10 * len(selection.fragments)

    def costing(self, operation: OperationDefinitionNode, root: GraphQLObjectType) -> Costing:
        roots: list[Root] = []
        leaves = 0
        for key, nodes in self._selection.roots(operation.selection_set, root.name).items():
            definition = _definition(root, nodes[0])
            if definition is None or is_leaf_type(get_named_type(definition.type)):
                leaves += 1
            if definition is not None:
                once, each, names = self._answer(definition, nodes)
                filler = argument_filler(definition, nodes[0])
                roots.append(Root(key, filler, _reads_of(definition), names, once, each))
        return Costing(roots, leaves)

    def _answer(self, definition: GraphQLField, nodes: list[FieldNode]) -> tuple[Part, Part, frozenset[str]]:
        """What is selected once of a field's answer, what of each item, and the names right below the field."""
        sets = _sets_of(nodes)
        type_: Any = get_named_type(definition.type)
        if not sets:
            return Part(), Part(), frozenset()
        if not _is_connection(definition):
            names = frozenset() if is_abstract_type(type_) else self._names(type_, sets)
            return Part(), self._part(type_, sets, 1), names
        once, each = Part(), Part()
        for key, inner in self._selection.merged(sets, _names_of(type_)).items():
            found = _definition(type_, inner[0])
            is_items = found is not None and is_list_type(get_nullable_type(found.type))
            self._add(each if is_items else once, key, found, inner, 1, is_page=True)
        return once, each, self._names(type_, sets)

    def _names(self, type_: GraphQLObjectType, sets: Sets) -> frozenset[str]:
        return frozenset(nodes[0].name.value for nodes in self._selection.merged(sets, _names_of(type_)).values())

    def _part(self, type_: Any, sets: Sets, holders: int) -> Part:
        """The selections on a type together."""
        key = (type_.name, frozenset(id(each) for each in sets), holders)
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = self._weighed(type_, sets, holders)
        return found

    def _weighed(self, type_: Any, sets: Sets, holders: int) -> Part:
        if is_abstract_type(type_):
            parts = [self._part(each, sets, holders) for each in self._schema.get_possible_types(type_)]
            return _joined(parts, Weight.or_else)
        if len(sets) > 1:
            self._merged += 1
            if self._merged > self._merges:
                # The ways in which selections can meet may outgrow the document; apart they weigh no less.
                return _joined([self._part(type_, (each,), holders) for each in sets], Weight.plus)
        made = Part()
        for key, nodes in self._selection.merged(sets, _names_of(type_)).items():
            self._add(made, key, _definition(type_, nodes[0]), nodes, holders)
        return made

    def _add(
        self, part: Part, key: str, definition: GraphQLField | None, nodes: list[FieldNode], holders: int,
        is_page: bool = False,
    ) -> None:  # fmt: skip
        """Add a field to the part of its holder."""
        if definition is None or is_leaf_type(get_named_type(definition.type)):
            part.weight = part.weight.plus(Weight(leaves=1))
            if definition is None:
                return
        reads = _reads_of(definition)
        if reads is None:
            is_list = not is_page and is_list_type(get_nullable_type(definition.type))
            inner = holders * LIST_ITEMS if is_list else holders
            sets = _sets_of(nodes)
            below = self._part(get_named_type(definition.type), sets, inner) if sets else Part()
            branch = Branch(key, NOTHING, Part(), below)
        else:
            once, each, names = self._answer(definition, nodes)
            arguments = argument_filler(definition, nodes[0])(self._selection.variables)
            branch = Branch(key, reading_of(reads, arguments, names), once, each, holders)
        part.weight = part.weight.plus(branch.weight)
        if branch.reads:
            part.branches.append(branch)


def _joined(parts: Sequence[Part], how: Callable[[Weight, Weight], Weight]) -> Part:
    weight = reduce(how, (each.weight for each in parts), Weight())
    return Part(weight, [branch for each in parts for branch in each.branches])


def _sets_of(nodes: Sequence[FieldNode]) -> Sets:
    return tuple({id(each): each for node in nodes if (each := node.selection_set) is not None}.values())


def _names_of(type_: GraphQLObjectType) -> frozenset[str]:
    return frozenset((type_.name, *(each.name for each in type_.interfaces)))


def _definition(type_: GraphQLObjectType, node: FieldNode) -> GraphQLField | None:
    """The field; None for __typename, which every type has."""
    name = node.name.value
    return type_.fields.get(name) or _META.get(name)


def _is_connection(definition: GraphQLField) -> bool:
    type_ = get_nullable_type(definition.type)
    return isinstance(type_, GraphQLObjectType) and "pageInfo" in type_.fields


def _reads_of(definition: GraphQLField) -> Reads | None:
    try:
        found: Reads | None = getattr(resolver_of(definition), READS, None)
    except Unsupported:
        return None
    return found
