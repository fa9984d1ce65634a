"""Errors of GraphQL itself, in words that name what the caller may use, and nothing else of the schema.

A document is checked against a schema in which some things may be named that the caller's role schema leaves out: what
is selected though hidden (it is null), and what is refused in words of its own. So the words come from a second check
against the role schema, where the same place is at fault: what that suggests and lists is the caller's own.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from graphql import (
    ArgumentNode,
    ASTValidationRule,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    Visitor,
    get_variable_values,
    validate,
    visit,
)
from graphql.language import DocumentNode

PUBLIC_NAMES = frozenset(
    "Int Float String Boolean ID Long Decimal Date DateTime JSON Query Mutation Subscription skip include if".split()
)
"""Names that every schema has, or that the documentation gives everybody."""
HIDDEN = "…"
_MOST_WORDED = 200
_MOST_SUGGESTED = 5
_MOST_LISTED = 12
_LONGEST_MESSAGE_CHARACTERS = 2_000
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_NAME = re.compile(r"[A-Za-z_]\w*")
_SUGGESTION = re.compile(r"\s*(Did you mean|Perhaps you meant)\b.*$", re.DOTALL)
_GIVEN = re.compile(
    r"(?:, found:? |\bgot |cannot represent[^:]*: )(.*?)(?:; |$)|(?:Value|unknown field) ('\w+')", re.DOTALL
)
"""What a message says of the variables, which are no part of the document."""
_UNKNOWN_VALUE = re.compile(r"Value '(\w+)' does not exist in '(\w+)' enum\.$")

Place = tuple[tuple[int, int], ...]


class Worded(GraphQLError):
    """An error whose message may be sent as it is."""


def document_errors(
    errors: Sequence[GraphQLError],
    document: DocumentNode,
    role_schema: GraphQLSchema,
    rules: Collection[type[ASTValidationRule]],
) -> list[GraphQLError]:
    """The errors of a check of a document, each in the words of the role schema and with its path in the document.

    Cost: a second check of the document, in the case of an error only.
    """
    worded = _by_place(validate(role_schema, document, tuple(rules), max_errors=_MOST_WORDED))
    paths = _Paths({id(node) for error in errors for node in (error.nodes or ())[:1]})
    visit(document, paths)
    return [_placed(_in_words(error, worded, role_schema), paths.paths) for error in errors]


def variable_errors(
    errors: Sequence[GraphQLError],
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    role_schema: GraphQLSchema,
) -> list[GraphQLError]:
    """The errors that came before any field ran, each in the words of the role schema."""
    coerced = get_variable_values(role_schema, operation.variable_definitions or (), dict(variables), _MOST_WORDED)
    worded = _by_place(coerced if isinstance(coerced, list) else ())
    return [_in_words(error, worded, role_schema) for error in errors]


def argument_errors(
    errors: Sequence[GraphQLError], role_schema: GraphQLSchema, is_meant: Callable[[GraphQLError], bool]
) -> list[GraphQLError]:
    """The errors of a run; those of arguments that did not fit name what the role schema has."""
    names = names_in(role_schema)
    return [_worded(error, told(error, names)) if is_meant(error) else error for error in errors]


def told(error: GraphQLError, names: Collection[str] = ()) -> str:
    """The message of an error that graphql-core has worded, without names of the schema beyond these.

    Cost: one pass over the document, in the case of an error only.
    """
    message = _SUGGESTION.sub("", error.message)
    sent = PUBLIC_NAMES.union(
        names,
        _NAME.findall(_document_of(error)),
        *(_NAME.findall(" ".join(groups)) for groups in _GIVEN.findall(message)),
    )

    def checked(match: re.Match[str]) -> str:
        quoted = _NAME.findall(match[1] if match[1] is not None else match[2])
        quote = match.group()[0]
        return match.group() if sent.issuperset(quoted) else f"{quote}{HIDDEN}{quote}"

    return _QUOTED.sub(checked, message)


def names_in(schema: GraphQLSchema) -> frozenset[str]:
    """Every name of a type, field, argument, input field and enum value of a schema."""
    names: set[str] = set(PUBLIC_NAMES)
    for name, type_ in schema.type_map.items():
        names.add(name)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            names.update(type_.fields)
            names.update(argument for field in type_.fields.values() for argument in field.args)
        elif isinstance(type_, GraphQLInputObjectType):
            names.update(type_.fields)
        elif isinstance(type_, GraphQLEnumType):
            names.update(type_.values)
    return frozenset(names)


def _by_place(errors: Iterable[GraphQLError]) -> dict[Place, list[GraphQLError]]:
    worded: dict[Place, list[GraphQLError]] = defaultdict(list)
    for error in errors:
        worded[_place_of(error)].append(error)
    return worded


def _place_of(error: GraphQLError) -> Place:
    return tuple((location.line, location.column) for location in error.locations or ())


def _in_words(
    error: GraphQLError, worded: Mapping[Place, list[GraphQLError]], role_schema: GraphQLSchema
) -> GraphQLError:
    """The error with a message that names nothing beyond the role schema and what was sent."""
    there = worded.get(_place_of(error), [])
    # Several things may be wrong with one variable: what the role schema says in the same words is meant first.
    same = next((other for other in there if _is_alike(other, error)), there[0] if there else None)
    if same is not None:
        there.remove(same)
    message = told(error) if same is None else _with_values(same.message, role_schema)
    return _worded(error, message)


def _worded(error: GraphQLError, message: str) -> Worded:
    return Worded(
        _cut(message), error.nodes, path=error.path, original_error=error.original_error, extensions=error.extensions
    )


def _is_alike(one: GraphQLError, other: GraphQLError) -> bool:
    return _SUGGESTION.sub("", one.message)[:60] == _SUGGESTION.sub("", other.message)[:60]


def _with_values(message: str, role_schema: GraphQLSchema) -> str:
    """The message, with the values of a small enum listed, or those of a large one that have the word in them.

    graphql-core suggests by spelling alone, which leads from NAME to nothing where PROFILE_NAME is meant.
    """
    match = _UNKNOWN_VALUE.search(message)
    type_ = role_schema.type_map.get(match[2]) if match is not None else None
    if match is None or not isinstance(type_, GraphQLEnumType):
        return message
    values, word = list(type_.values), match[1].upper()
    if len(values) <= _MOST_LISTED:
        return f"{message} It has: {', '.join(values)}."
    meant = [value for value in values if f"_{word}_" in f"_{value}_"] or get_close_matches(word, values)
    return f"{message} Did you mean {_either(meant[:_MOST_SUGGESTED])}?" if meant else message


def _either(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _cut(message: str) -> str:
    """The message; what it quotes of the request may be as long as the request."""
    if len(message) <= _LONGEST_MESSAGE_CHARACTERS:
        return message
    return f"{message[:_LONGEST_MESSAGE_CHARACTERS]}{HIDDEN} ({len(message)} characters)"


def _placed(error: GraphQLError, paths: Mapping[int, list[str]]) -> GraphQLError:
    path = paths.get(id(error.nodes[0])) if error.nodes else None
    if path:
        error.extensions = {**(error.extensions or {}), "path": path}
    return error


class _Paths(Visitor):
    """The way through the document to certain nodes: answer keys of fields, arguments, fields of input objects."""

    def __init__(self, nodes: Collection[int]) -> None:
        super().__init__()
        self.paths: dict[int, list[str]] = {}
        self._nodes = nodes
        self._way: list[str] = []

    def enter(self, node: Node, *_: Any) -> None:
        step = _step_of(node)
        if step is not None:
            self._way.append(step)
        if id(node) in self._nodes:
            self.paths[id(node)] = list(self._way)

    def leave(self, node: Node, *_: Any) -> None:
        if _step_of(node) is not None:
            self._way.pop()


def _step_of(node: Node) -> str | None:
    if isinstance(node, FieldNode):
        return (node.alias or node.name).value
    if isinstance(node, ArgumentNode | ObjectFieldNode):
        return node.name.value
    if isinstance(node, VariableDefinitionNode):
        return f"${node.variable.name.value}"
    return None


def _document_of(error: GraphQLError) -> str:
    for node in error.nodes or ():
        if node.loc is not None:
            return node.loc.source.body
    return "" if error.source is None else error.source.body
