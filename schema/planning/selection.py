"""What was selected under a field, with fragments, directives and variables worked in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
    Undefined,
    value_from_ast_untyped,
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The operation that a selection belongs to."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def under(self, nodes: Iterable[FieldNode], types: frozenset[str]) -> "list[Selected]":
        """The fields selected under field nodes, for an object of a type (named with its interfaces).

        Order: as they are first named; fields of one name are one, whatever their aliases, unless arguments differ.
        """
        found: dict[object, Selected] = {}
        seen: set[str] = set()
        for node in nodes:
            if node.selection_set is not None:
                for each in self._fields(node.selection_set, types, seen):
                    name = each.name.value
                    arguments = self._arguments(each)
                    found.setdefault((name, repr(arguments)), Selected(self, name, arguments)).nodes.append(each)
        return list(found.values())

    def by_key(self, nodes: Iterable[FieldNode], types: frozenset[str]) -> dict[str, list[FieldNode]]:
        """The field nodes under field nodes by the key they have in the answer, in its order."""
        return self.merged((node.selection_set for node in nodes if node.selection_set is not None), types)

    def merged(self, sets: Iterable[SelectionSetNode], types: frozenset[str]) -> dict[str, list[FieldNode]]:
        """The field nodes of selections on one object together, by the key they have in the answer.

        Cost: one pass; a fragment that is spread again adds nothing and is not walked again.
        """
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for each in sets:
            for node in self._fields(each, types, seen):
                found.setdefault((node.alias or node.name).value, []).append(node)
        return found

    def roots(self, selection_set: SelectionSetNode, root: str) -> dict[str, list[FieldNode]]:
        """The field nodes of an operation by their key in the answer."""
        return self.merged((selection_set,), frozenset((root,)))

    def _fields(self, selection_set: SelectionSetNode, types: frozenset[str], seen: set[str]) -> Iterator[FieldNode]:
        for node in selection_set.selections:
            if node.directives and not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or node.type_condition.name.value in types:
                    yield from self._fields(node.selection_set, types, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if fragment.type_condition.name.value in types:
                    yield from self._fields(fragment.selection_set, types, seen)

    def _is_included(self, node: Any) -> bool:
        for directive in node.directives:
            name = directive.name.value
            if name in ("skip", "include"):
                condition = value_from_ast_untyped(directive.arguments[0].value, dict(self.variables))
                if condition is (name == "skip"):
                    return False
        return True

    def _arguments(self, node: FieldNode) -> dict[str, Any]:
        variables = dict(self.variables)
        given = {each.name.value: value_from_ast_untyped(each.value, variables) for each in node.arguments or ()}
        # An argument whose variable was left out is left out itself.
        return {name: value for name, value in given.items() if value is not Undefined}


@dataclass(slots=True)
class Selected:
    """One selected field."""

    selection: Selection
    name: str
    arguments: dict[str, Any]
    nodes: list[FieldNode] = field(default_factory=list)

    def fields(self, *types: str) -> "list[Selected]":
        """The fields selected under this one, for an object of these types."""
        return self.selection.under(self.nodes, frozenset(types))

    def has(self, name: str, *types: str) -> bool:
        """Whether a field of this name is selected under this one."""
        return any(each.name == name for each in self.fields(*types))


def selection_of(info: GraphQLResolveInfo[Any]) -> Selected:
    """The field that is being resolved, as a selection."""
    selection = Selection(info.fragments, _coerced(info.variable_values))
    return Selected(selection, info.field_name, {}, list(info.field_nodes))


def _coerced(variables: Any) -> Mapping[str, Any]:
    """The values of the variables; graphql-core keeps them beside where they came from."""
    coerced: Mapping[str, Any] = variables.coerced if hasattr(variables, "coerced") else variables
    return coerced


def place_of(info: Any) -> tuple[int, ...]:
    """Which field of the operation is being resolved: all its nodes, for a fragment may be one of them twice."""
    return tuple(id(each) for each in info._raw_info.field_nodes)


def record_fields(info: Any, *types: str, payload: str | None = None, noun: str = "") -> list[Selected]:
    """What was selected of the record that a field answers, or of the record under `noun` in its payload."""
    selected = selection_of(info._raw_info)
    holders = [selected] if payload is None else [each for each in selected.fields(payload) if each.name == noun]
    return [each for holder in holders for each in holder.fields(*types)]


@dataclass(frozen=True, slots=True)
class PageSelection:
    """What was selected of a connection."""

    nodes: "list[Selected]"
    """The fields of the items, from `nodes` and from `edges`."""
    wants_page: bool
    """Anything of the page itself, rather than the total alone."""
    wants_edges: bool
    wants_cursors: bool
    """The cursor of every item."""
    wants_start: bool
    wants_end: bool
    """The cursor of the first item; of the last."""
    wants_total: bool


def page_selection(selected: Selected, noun: str, *node_types: str) -> PageSelection:
    """What was selected of `<Noun>Connection`, the fields of its items together."""
    nodes: list[Selected] = []
    names: set[str] = set()
    for each in selected.fields(f"{noun}Connection"):
        names.add(each.name)
        if each.name == "nodes":
            nodes += each.fields(*node_types)
        elif each.name == "edges":
            inner = each.fields(f"{noun}Edge")
            nodes += [field for edge in inner if edge.name == "node" for field in edge.fields(*node_types)]
            names |= {edge.name for edge in inner}
        elif each.name == "pageInfo":
            names |= {field.name for field in each.fields("PageInfo")}
    return PageSelection(
        nodes,
        wants_page=bool(names & {"nodes", "edges", "pageInfo"}),
        wants_edges="edges" in names,
        wants_cursors="cursor" in names,
        wants_start="startCursor" in names,
        wants_end="endCursor" in names,
        wants_total="totalCount" in names,
    )
