"""A whole operation, compiled: arguments, resolvers and answers without the executor in between."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    visit,
)
from graphql.language import DocumentNode, Visitor

from schema.planning.answer import Budget, Level, LevelCompiler, Place, Read, Surprise, Unsupported
from schema.planning.arguments import Variables, argument_filler, variable_coercer
from schema.planning.selection import Selection

LONGEST_MARK = 100
OURS = "takes_info"
"""The mark of a resolver that takes what CompiledInfo offers and its arguments by name."""
BATCHED = "many"
"""The attribute of a resolver that reads for all holders of a level at once."""


@dataclass(slots=True)
class CompiledInfo:
    """What a resolver may know of its field: the part of strawberry.Info that ours use."""

    context: Any
    schema: Any
    field_name: str
    field_nodes: list[FieldNode]
    fragments: Mapping[str, FragmentDefinitionNode]
    variable_values: Variables

    @property
    def _raw_info(self) -> "CompiledInfo":
        return self


@dataclass(slots=True)
class Fetched:
    """What the resolver of a root field came to: a value, or the error it raised."""

    value: Any = None
    error: Exception | None = None


class Incomplete(Exception):
    """No finished answer: ordinary execution goes on from what was fetched, so that nothing runs twice."""

    def __init__(self, fetched: dict[str, Fetched]) -> None:
        super().__init__()
        self.fetched = fetched


@dataclass(slots=True)
class Root:
    """One root field."""

    key: str
    resolver: Callable[..., Any]
    arguments: Callable[[Variables], dict[str, Any]]
    level: Level
    nodes: list[FieldNode]


@dataclass(slots=True)
class Run:
    """One request, on its way through a compiled operation."""

    context: Any
    variables: Variables
    schema: Any
    fragments: Mapping[str, FragmentDefinitionNode]

    def info(self, nodes: list[FieldNode]) -> CompiledInfo:
        return CompiledInfo(self.context, self.schema, nodes[0].name.value, nodes, self.fragments, self.variables)


@dataclass(slots=True)
class CompiledOperation:
    """An operation for one choice of what is included."""

    schema: Any
    roots: list[Root]
    is_mutation: bool
    fragments: Mapping[str, FragmentDefinitionNode]
    plans: dict[object, Any] = field(default_factory=dict)
    """What resolvers work out of the selection: once for all requests."""

    async def run(self, context: Any, variables: Variables) -> dict[str, Any]:
        """The data of the answer.

        Raises: Incomplete where ordinary execution has to finish; mutations done by then are in it, and not done again.
        """
        context.plans = self.plans
        run = Run(context, variables, self.schema, self.fragments)
        fetched: dict[str, Fetched] = {}
        try:
            if len(self.roots) == 1 or self.is_mutation:
                for root in self.roots:
                    fetched[root.key] = await _fetch(root, run)
                    _value(fetched[root.key])
            else:
                found = await asyncio.gather(*(_fetch(root, run) for root in self.roots))
                fetched |= {root.key: each for root, each in zip(self.roots, found, strict=True)}
            return {root.key: (await root.level.run(run, (_value(fetched[root.key]),)))[0] for root in self.roots}
        except Exception:
            # Whatever it was, ordinary execution meets it again on the same values and finds the words.
            raise Incomplete(fetched) from None


async def _fetch(root: Root, run: Run) -> Fetched:
    arguments = root.arguments(run.variables)
    try:
        return Fetched(await root.resolver(run.info(root.nodes), **arguments))
    except Exception as error:
        return Fetched(error=error)


def _value(fetched: Fetched) -> Any:
    if fetched.error is not None:
        raise Surprise
    return fetched.value


class OperationCompiler:
    """Compiles one operation of a document for requests whose variables choose the same selection."""

    def __init__(self, schema: Any, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self.core: GraphQLSchema = schema._schema
        self._operation = operation
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self.coerce = variable_coercer(self.core, operation)
        self.choosing = choosing_variables(operation, self._fragments.values())
        """Variables that decide what is selected; the others only fill arguments of root fields."""

        self._texts = _text_variables(operation)

    def sizes(self, variables: Variables) -> object:
        """What of the variables the cost of a request may hang on.

        Of a text it is that there is one, and of a list of texts how many: no cost hangs on what they say.
        """
        if not variables or self._operation.operation is OperationType.MUTATION:
            # What a mutation is given decides what it writes; what it reads besides follows from the selection.
            return ()
        return tuple(
            (None if value is None else len(value) if isinstance(value, list) else "text")
            if name in self._texts
            else _mark(value)
            for name, value in variables.items()
        )

    def selection(self, variables: Variables) -> Selection:
        """The selections of the document, for these variables."""
        return Selection(self._fragments, variables)

    def compiled(self, variables: Variables) -> CompiledOperation:
        """The operation for these variables.

        Raises: Unsupported.
        """
        is_mutation = self._operation.operation is OperationType.MUTATION
        root_type = self.core.get_root_type(self._operation.operation)
        if self._operation.operation is OperationType.SUBSCRIPTION or root_type is None:
            raise Unsupported("subscription")
        selection = self.selection(variables)
        chosen = selection.roots(self._operation.selection_set, root_type.name)
        budget = Budget()
        roots = [self._root(key, root_type, nodes, selection, budget) for key, nodes in chosen.items()]
        return CompiledOperation(self._schema, roots, is_mutation, self._fragments)

    def _root(
        self, key: str, root_type: GraphQLObjectType, nodes: list[FieldNode], selection: Selection, budget: Budget
    ) -> Root:
        definition = root_type.fields.get(nodes[0].name.value)
        if definition is None:
            raise Unsupported("introspection")
        level = LevelCompiler(self.core, selection, reader, budget).level(definition.type, nodes)
        return Root(key, resolver_of(definition), argument_filler(definition, nodes[0]), level, nodes)


def reader(place: Place) -> Read:
    """The reader of a field inside: at once for a level where its resolver can, one holder after another elsewhere."""
    resolver = resolver_of(place.definition)
    arguments = argument_filler(place.definition, place.nodes[0])
    many = getattr(resolver, BATCHED, None)
    if many is not None:

        async def read_many(run: Run, holders: Sequence[Any]) -> Sequence[Any]:
            if not holders:
                return ()
            found: Sequence[Any] = await many(run.info(place.nodes), holders, **arguments(run.variables))
            return found

        return read_many

    async def read_each(run: Run, holders: Sequence[Any]) -> Sequence[Any]:
        info, given = run.info(place.nodes), arguments(run.variables)
        return await asyncio.gather(*(resolver(each, info, **given) for each in holders))

    return read_each


def resolver_of(definition: GraphQLField) -> Callable[..., Any]:
    """The Python function behind a field.

    Raises: Unsupported where there is none.
    """
    found = definition.extensions.get("strawberry-definition")
    if found is None or found.base_resolver is None:
        raise Unsupported("no resolver of ours")
    resolver: Callable[..., Any] = found.base_resolver.wrapped_func
    if not hasattr(resolver, OURS):
        raise Unsupported("a resolver of another make")
    return resolver


class _Variables(Visitor):
    """Collects the variables that decide a selection: in directives, and in arguments below the root."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._depth = 0
        self._in_directive = 0

    def enter_field(self, *_: Any) -> None:
        self._depth += 1

    def leave_field(self, *_: Any) -> None:
        self._depth -= 1

    def enter_directive(self, *_: Any) -> None:
        self._in_directive += 1

    def leave_directive(self, *_: Any) -> None:
        self._in_directive -= 1

    def enter_fragment_definition(self, *_: Any) -> None:
        self._depth += 1

    def leave_fragment_definition(self, *_: Any) -> None:
        self._depth -= 1

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        if self._in_directive or self._depth > 1:
            self.found.add(node.name.value)


def _mark(value: object) -> object:
    """What tells a value from others; of a large one no more is kept than its hash."""
    text = repr(value)
    return text if len(text) <= LONGEST_MARK else (len(text), hash(text))


def _text_variables(operation: OperationDefinitionNode) -> frozenset[str]:
    """The variables that are texts or ids, or lists of them."""
    found = set()
    for each in operation.variable_definitions or ():
        type_: Any = each.type
        while not isinstance(type_, NamedTypeNode):
            type_ = type_.type
        if type_.name.value in ("ID", "String"):
            found.add(each.variable.name.value)
    return frozenset(found)


def choosing_variables(
    operation: OperationDefinitionNode, fragments: Sequence[FragmentDefinitionNode] | Any
) -> tuple[str, ...]:
    """The variables that decide what is selected, by name."""
    collector = _Variables()
    visit(operation.selection_set, collector)
    for each in fragments:
        visit(each, collector)
    return tuple(sorted(collector.found))
