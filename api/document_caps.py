"""How large a document may be: counted in one pass before it is validated, each fragment once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.language import DocumentNode

_META_FIELDS = frozenset({"__schema", "__type"})
_ROOT, _META, _INSIDE = "root", "introspection", ""
_FRAGMENT_LEVELS = 30
"""Fragments that spread fragments; the validation of much longer chains grows with the square of their length."""
_REPEATS = 100
"""Fields that stand in a selection once more, with all below them: the validation compares each with each."""


@dataclass(frozen=True, slots=True)
class DocumentCaps:
    """The caps of a server."""

    depth: int = 10
    aliases: int = 15
    root_fields: int = 10
    directives: int = 50
    fields: int = 2_000


@dataclass(slots=True)
class _Count:
    """What a selection comes to, with its fragments worked in."""

    depth: int = 0
    fields: int = 0
    roots: int = 0
    """Fields right in it."""

    def take(self, other: "_Count", levels: int = 0) -> None:
        self.depth = max(self.depth, other.depth + levels)
        self.fields += other.fields
        if not levels:
            self.roots += other.roots


@dataclass(slots=True)
class _Counter:
    """Counts one document.

    Cost: one pass; what fragments come to is remembered by name.
    """

    fragments: dict[str, FragmentDefinitionNode]
    aliases: int = 0
    directives: int = 0
    repeats: int = 0
    _known: dict[str, _Count] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def selection(self, node: SelectionSetNode, place: str = _INSIDE) -> _Count:
        found = _Count()
        self._walk(node, found, set(), place)
        return found

    def _walk(self, node: SelectionSetNode, found: _Count, keys: set[str], place: str) -> None:
        for each in node.selections:
            self.directives += len(each.directives or ())
            if isinstance(each, FieldNode):
                self._field(each, found, keys, place)
            elif isinstance(each, InlineFragmentNode):
                self._walk(each.selection_set, found, keys, place)
            elif isinstance(each, FragmentSpreadNode):
                found.take(self._fragment(each.name.value))

    def _field(self, node: FieldNode, found: _Count, keys: set[str], place: str) -> None:
        name = node.name.value
        if node.alias is not None:
            self.aliases += 1
            if place == _META or (place == _ROOT and name == "__schema"):
                raise GraphQLError("Introspection takes no aliases: they would answer the whole schema several times.")
        own = _Count(1, 1)
        if node.selection_set is not None:
            is_meta = place == _META or (place == _ROOT and name in _META_FIELDS)
            below = self.selection(node.selection_set, _META if is_meta else _INSIDE)
            if is_meta:
                # Introspection is deep by nature; a rule of the validation bounds it.
                below.depth = 0
            own.take(below, 1)
        own.roots = 1
        found.take(own)
        key = (node.alias or node.name).value
        if key in keys:
            self.repeats += own.fields
        keys.add(key)

    def _fragment(self, name: str) -> _Count:
        found = self._known.get(name)
        if found is not None:
            return found
        if name not in self.fragments or name in self._open:
            # Of fragments that are not there, or spread themselves, the validation has the words.
            return _Count()
        if len(self._open) == _FRAGMENT_LEVELS:
            counted = f"has fragments that spread each other in more than {_FRAGMENT_LEVELS} levels"
            raise _over(counted, _FRAGMENT_LEVELS, "Spread them side by side.")
        self._open.append(name)
        node = self.fragments[name]
        self.directives += len(node.directives or ())
        found = self._known[name] = self.selection(node.selection_set, _place_of(node.type_condition.name.value))
        self._open.pop()
        return found

    def unspread(self) -> None:
        """Count the fragments that no operation spreads."""
        for name in self.fragments:
            self._fragment(name)


def _place_of(type_name: str) -> str:
    return _ROOT if type_name == "Query" else _META if type_name.startswith("__") else _INSIDE


def check_caps(document: DocumentNode, caps: DocumentCaps) -> None:
    """Nothing, where the document is within its caps.

    Raises: GraphQLError that says what was counted, the limit and what to do.
    Cost: one pass over the document.
    """
    nodes = document.definitions
    counter = _Counter({each.name.value: each for each in nodes if isinstance(each, FragmentDefinitionNode)})
    for operation in _operations(nodes):
        counter.directives += len(operation.directives or ())
        counter.directives += sum(len(each.directives or ()) for each in operation.variable_definitions or ())
        found = counter.selection(operation.selection_set, _ROOT)
        _check(
            f"selects {found.depth} levels of fields", found.depth, caps.depth, "Ask for what lies deeper by its id."
        )
        _check(f"has {found.roots} root fields", found.roots, caps.root_fields, "Send them in several requests.")
        advice = "Select less, or spread fragments in fewer places."
        _check(f"selects {found.fields} fields, its fragments written out", found.fields, caps.fields, advice)
    counter.unspread()
    advice = "Read many records by nodes(ids:) or a list, not by an alias each."
    _check(f"has {counter.aliases} aliases", counter.aliases, caps.aliases, advice)
    _check(
        f"selects {counter.repeats} fields again where they are selected", counter.repeats, _REPEATS, "Once is enough."
    )
    advice = "Leave out what is not needed."
    _check(f"has {counter.directives} directives", counter.directives, caps.directives, advice)


def _operations(nodes: Iterable[object]) -> list[OperationDefinitionNode]:
    return [each for each in nodes if isinstance(each, OperationDefinitionNode)]


def _check(counted: str, count: int, limit: int, advice: str) -> None:
    if count > limit:
        raise _over(counted, limit, advice)


def _over(counted: str, limit: int, advice: str) -> GraphQLError:
    return GraphQLError(f"The document {counted}; the limit is {limit}. {advice}")
