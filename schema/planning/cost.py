"""What a question costs, before anything runs: documents that may be read, and a hundredth for each leaf.

An operation becomes a costing once for what its variables choose; the cost of a request is then a sum over its root
fields. Selections are weighed for one holder and remembered, so each fragment is weighed once for a type, however often
it is spread: the work grows with the document, not with the answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
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

from catalogue.errors import KehuError
from schema.planning.answer import Unsupported
from schema.planning.arguments import Variables, argument_filler
from schema.planning.operation import resolver_of
from schema.planning.reads import LIST_ITEMS, NOTHING, READS, Arguments, Read, Reading, Reads
from schema.planning.selection import Selection

LEAVES_A_DOCUMENT = 100
PLAN_ROWS = 100
"""Rows of a plan that are shown."""
LARGEST = 2**53 - 1
"""Whole numbers above it are not safe in JSON."""
_META = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


@dataclass(frozen=True, slots=True)
class Weight:
    """What a selection comes to for one holder; commands of a level are sent once for all holders."""

    documents: int = 0
    leaves: int = 0
    commands: int = 0
    commands_if_many: int = 0
    commands_each: int = 0

    def plus(self, other: "Weight") -> "Weight":
        return Weight(
            self.documents + other.documents,
            self.leaves + other.leaves,
            self.commands + other.commands,
            self.commands_if_many + other.commands_if_many,
            self.commands_each + other.commands_each,
        )

    def times(self, count: int) -> "Weight":
        """The same under `count` holders."""
        if count == 1:
            return self
        if count == 0:
            return Weight()
        commands = self.commands + self.commands_if_many
        return Weight(self.documents * count, self.leaves * count, commands, 0, self.commands_each * count)

    def or_else(self, other: "Weight") -> "Weight":
        """The dearer of two types that one holder may have; the commands of both, for a level may have both."""
        both = self.plus(other)
        return Weight(
            max(self.documents, other.documents),
            max(self.leaves, other.leaves),
            both.commands,
            both.commands_if_many,
            both.commands_each,
        )


_NONE = Weight()


@dataclass(slots=True)
class Part:
    """A selection on one type, for one holder."""

    weight: Weight = _NONE
    branches: "list[Branch]" = field(default_factory=list)
    """The fields below which something is read."""


@dataclass(slots=True)
class Branch:
    """A field of a part: what it reads, what is selected of its answer, and of each of its items."""

    key: str
    reading: Reading
    once: Part
    each: Part
    holders: int = 1
    """How many holders there are in one record: more than one in a list of groups."""

    @property
    def weight(self) -> Weight:
        own = reduce(Weight.plus, (_weight_of(read) for read in self.reading.reads), self.once.weight)
        return own.plus(self.each.weight.times(self.reading.items)).times(self.holders)

    @property
    def reads(self) -> bool:
        """Whether it, or anything below it, reads."""
        return bool(self.reading.reads or self.once.branches or self.each.branches)


def _weight_of(read: Read) -> Weight:
    return Weight(read.documents, 0, read.commands, read.commands_if_many, read.commands_each)


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a plan: what one field reads from one collection, at most."""

    field: str
    reads: str | None
    documents: int
    commands: int
    index: str | None
    scans: bool


@dataclass(slots=True)
class Cost:
    """The cost of one request."""

    documents: int
    leaves: int
    commands: int
    _branches: list[Branch]

    @property
    def cost(self) -> float:
        """Units: documents; a hundred leaves are one."""
        return round(self.documents + self.leaves / LEAVES_A_DOCUMENT, 2)

    def plan(self) -> list[Step]:
        """The reads in the order of the question, the first hundred of them."""
        return list(islice(_steps(self._branches, "", 1), PLAN_ROWS))


def _steps(branches: Sequence[Branch], path: str, holders: int) -> Iterator[Step]:
    for branch in branches:
        key, count = f"{path}{branch.key}", holders * branch.holders
        for read in branch.reading.reads:
            commands = read.commands + read.commands_each * count + (read.commands_if_many if count > 1 else 0)
            name = f"{key}.{read.part}" if read.part else key
            documents = min(LARGEST, read.documents * count)
            yield Step(name, read.area, documents, min(LARGEST, commands), read.index, read.is_scan)
        yield from _steps(branch.once.branches, f"{key}.", count)
        if branch.reading.items:
            yield from _steps(branch.each.branches, f"{key}.", count * branch.reading.items)


@dataclass(slots=True)
class Root:
    """A root field, whose arguments may differ from request to request."""

    key: str
    arguments: Callable[[Variables], Arguments]
    reads: Reads | None
    names: frozenset[str]
    once: Part
    each: Part

    def branch(self, variables: Variables) -> Branch:
        reading = NOTHING if self.reads is None else reading_of(self.reads, self.arguments(variables), self.names)
        return Branch(self.key, reading, self.once, self.each)


@dataclass(slots=True)
class Costing:
    """An operation, weighed for one choice of its variables."""

    roots: list[Root]
    leaves: int

    def cost(self, variables: Variables) -> Cost:
        """The cost of a request with these variables.

        Raises: Surprise for variables that ordinary execution has an error for.
        Cost: a few microseconds a root field.
        """
        branches = [each.branch(variables) for each in self.roots]
        weight = reduce(Weight.plus, (each.weight for each in branches), Weight(leaves=self.leaves))
        commands = weight.commands + weight.commands_each
        return Cost(min(LARGEST, weight.documents), min(LARGEST, weight.leaves), min(LARGEST, commands), branches)


def reading_of(reads: Reads, arguments: Arguments, names: frozenset[str]) -> Reading:
    """What a field reads; nothing where its resolver will refuse the arguments."""
    try:
        return reads(arguments, names)
    except KehuError:
        return NOTHING


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
    weight = reduce(how, (each.weight for each in parts), _NONE)
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
