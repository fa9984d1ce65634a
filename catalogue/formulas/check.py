"""From an expression as it is given to a tree of which every part is known to be allowed; every problem at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import Problem, shown
from catalogue.formulas.constants import constant_problem
from catalogue.formulas.operator import ARGUMENTS_MOST, WRITTEN_OUT, Argument, Operator, Takes
from catalogue.formulas.operators import OPERATORS
from catalogue.formulas.text import CORE, NOW, problem
from catalogue.formulas.tree import Call, Items, Literal, Node, Now, Read, Variable
from catalogue.formulas.types import BOOLEAN, DATETIME, LONG, NULL, NUMBER, STRING, Type, certain, type_of, united
from catalogue.kinds import LONG_LIMIT, Kind

NODES_MOST = 300
DEPTH_MOST = 20
_NAME = re.compile(r"[a-z][a-zA-Z0-9]{0,39}")
_CORE_TYPES = {"kind": certain(STRING), "stage": certain(STRING), "createdAt": certain(DATETIME)}
WRONG = Literal(NULL, None)
"""Stands for what was refused: null goes with everything, so nothing else is refused for its sake."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in an expression something stands."""

    place: str = ""
    variables: Mapping[str, Type] = field(default_factory=dict)
    depth: int = 0
    loops: int = 0

    def at(self, operator: str, part: int | str) -> "Scope":
        """The scope of an argument, by its place or its name."""
        step = f"{operator}[{part}]" if isinstance(part, int) else f"{operator}.{part}"
        return self.inner(f"{self.place}.{step}" if self.place else step)

    def inner(self, place: str) -> "Scope":
        return Scope(place, self.variables, self.depth + 1, self.loops)

    def knowing(self, variables: Mapping[str, Type], loops: int = 0) -> "Scope":
        """The same place with more variables."""
        return Scope(self.place, {**self.variables, **variables}, self.depth, self.loops + loops)


class Checker:
    """Checks the plain parts of one expression against a catalogue."""

    def __init__(self, catalogue: Catalogue, own_path: str) -> None:
        self.catalogue = catalogue
        self.problems: list[Problem] = []
        self._own_path = own_path
        self._nodes = 0

    def refuse(self, scope: Scope, message: str, given: object = None, expected: str | None = None) -> Node:
        """A problem at a place."""
        text = None if given is None else shown(given)
        self.problems.append(problem(scope.place, message, text, expected))
        return WRONG

    def node(self, given: object, scope: Scope) -> Node:
        """The tree of an expression."""
        self._nodes += 1
        if self._nodes > NODES_MOST or scope.depth > DEPTH_MOST:
            # One problem is enough: what is beyond is not looked at.
            if not any("too big" in each.message for each in self.problems):
                most = f"{NODES_MOST} parts and {DEPTH_MOST} levels"
                self.refuse(scope, f"is too big: {most} are the most. Define a part of it as an attribute of its own.")
            return WRONG
        if isinstance(given, str):
            return self._text(given, scope)
        if isinstance(given, list):
            return self._list(given, scope)
        if isinstance(given, dict):
            return self._object(given, scope)
        return self.literal(given, scope)

    def special(self, operator: Operator, inner: object, scope: Scope) -> Node:
        """The tree of an operator that has variables or branches."""
        raise NotImplementedError

    def literal(self, given: object, scope: Scope) -> Node:
        """A value that stands for itself."""
        if isinstance(given, list):
            items = [self.literal(each, scope) for each in given]
            return self._items(items, scope)
        types: Mapping[type, Type] = {bool: BOOLEAN, int: LONG, float: NUMBER, str: STRING}
        if given is None:
            return Literal(NULL, None)
        if type(given) not in types:
            expected = "a text, a number, true, false, null or a list of them"
            return self.refuse(scope, f"takes {expected} as a value; got an object.", None, expected)
        if isinstance(given, int) and not -LONG_LIMIT <= given < LONG_LIMIT:
            return self.refuse(scope, f"takes whole numbers of 64 bits; got {given}.", given, "a LONG")
        return Literal(certain(types[type(given)]), given)

    def _items(self, items: list[Node], scope: Scope) -> Node:
        found = united(*(each.type for each in items)) if items else NULL
        if found is None:
            return self.refuse(scope, "has a list of values of several kinds; a list is of one kind.")
        return Items(found.listed, tuple(items))

    def _list(self, given: list[object], scope: Scope) -> Node:
        return self._items(
            [self.node(each, scope.inner(f"{scope.place}[{at}]")) for at, each in enumerate(given)], scope
        )

    def _text(self, given: str, scope: Scope) -> Node:
        if given == NOW:
            return Now(certain(DATETIME))
        if given.startswith("$$"):
            return self._variable(given, scope)
        if given.startswith("$"):
            return self._read(given[1:], scope)
        return Literal(certain(STRING), given)

    def _variable(self, given: str, scope: Scope) -> Node:
        name, *fields = given[2:].split(".")
        found = scope.variables.get(name)
        if found is None:
            known = ", ".join(f"$${each}" for each in ("NOW", *sorted(scope.variables)))
            return self.refuse(scope, f'knows no variable "$${name}"; here it knows {known}.', given, known)
        kept: list[str] = []
        for key in fields:
            group = found.group if found.kind is Kind.GROUP and not found.depth else None
            attribute = self.catalogue.find(f"{group}.{key}") if group else None
            if attribute is None or not self.catalogue.is_live(attribute):
                return self.refuse(scope, f"finds no attribute {key} in $${'.'.join((name, *kept))}.", given)
            if self.catalogue.is_restricted(attribute):
                return self._refuse_secret(attribute, scope)
            kept.append(key)
            found = type_of(attribute)
        return Variable(found, name, tuple(kept))

    def _read(self, path: str, scope: Scope) -> Node:
        if path in CORE:
            return Read(_CORE_TYPES[path], path)
        attribute = self.catalogue.find(path)
        if attribute is None:
            hint = f"A formula reads attributes and {', '.join(f'${each}' for each in CORE)}"
            return self.refuse(scope, f'reads "{path}", and there is no such attribute. {hint}.', path)
        if not self.catalogue.is_live(attribute):
            return self.refuse(scope, f"reads {path}, which is {attribute.status}; use a live attribute.", path)
        if path == self._own_path:
            return self.refuse(scope, f"reads {path}, which is the attribute itself; use others.", path)
        if self.catalogue.is_restricted(attribute):
            return self._refuse_secret(attribute, scope)
        return self._read_attribute(attribute, scope)

    def _read_attribute(self, attribute: Attribute, scope: Scope) -> Node:
        holder = self.catalogue.list_group_of(attribute)
        within = holder if holder is not None and holder.path != attribute.path else None
        if attribute.kind is Kind.GROUP and not attribute.is_list:
            return self.refuse(scope, f"reads {attribute.path}, which is a group; name an attribute in it.")
        if within is not None and attribute.is_list:
            hint = f"Read it with $map or $reduce over ${within.path}"
            return self.refuse(scope, f"reads {attribute.path}, a list within a list. {hint}.", attribute.path)
        return Read(type_of(attribute, int(within is not None)), attribute.path)

    def _refuse_secret(self, attribute: Attribute, scope: Scope) -> Node:
        message = (
            f"reads {attribute.path}, which is RESTRICTED: it is encrypted, and the database cannot compute with it."
        )
        return self.refuse(scope, message, attribute.path, "attributes up to CONFIDENTIAL")

    def _object(self, given: Mapping[str, object], scope: Scope) -> Node:
        if len(given) != 1 or not next(iter(given)).startswith("$"):
            expected = "an object with one operator"
            return self.refuse(scope, f"takes {expected}; got the keys {', '.join(given) or 'none'}.", None, expected)
        name, inner = next(iter(given.items()))
        operator = OPERATORS.get(name)
        if operator is None:
            return self.refuse(
                scope, f"uses {name}, which is no operator of formulas. docs/derived.md lists them.", name
            )
        if operator.is_special:
            return self.special(operator, inner, scope)
        found = self._named(operator, inner, scope) if operator.is_named else self._placed(operator, inner, scope)
        return WRONG if found is None else self._call(operator, found, scope)

    def _placed(self, operator: Operator, inner: object, scope: Scope) -> dict[str, tuple[Argument, object]] | None:
        given = inner if isinstance(inner, list) else [inner]
        rows = operator.arguments
        least = sum(not each.is_optional for each in rows)
        most = ARGUMENTS_MOST if operator.repeats else len(rows)
        if not least <= len(given) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            self.refuse(scope, f"gives {operator.name} {len(given)} arguments; it takes {wanted}.", len(given), wanted)
            return None
        return {str(at): (rows[min(at, len(rows) - 1)], each) for at, each in enumerate(given)}

    def _named(self, operator: Operator, inner: object, scope: Scope) -> dict[str, tuple[Argument, object]] | None:
        rows = {each.name: each for each in operator.arguments}
        first = next(iter(rows))
        if operator.is_bare and not (isinstance(inner, dict) and first in inner):
            inner = {first: inner[0] if isinstance(inner, list) and len(inner) == 1 else inner}
        given = self.named_arguments(operator, inner, scope)
        return None if given is None else {name: (rows[name], each) for name, each in given.items()}

    def named_arguments(self, operator: Operator, inner: object, scope: Scope) -> Mapping[str, object] | None:
        """The arguments by name; None, with a problem, if one is missing or too many."""
        names = [each.name for each in operator.arguments]
        wanted = {each.name for each in operator.arguments if not each.is_optional}
        if isinstance(inner, dict) and wanted <= inner.keys() <= set(names):
            return {name: inner[name] for name in names if name in inner}
        expected = (
            f"an object with {', '.join(each.name + ('?' if each.is_optional else '') for each in operator.arguments)}"
        )
        got = ", ".join(inner) or "nothing" if isinstance(inner, dict) else shown(inner)
        self.refuse(scope, f"takes {expected} for {operator.name}; got {got}.", None, expected)
        return None

    def _call(self, operator: Operator, given: Mapping[str, tuple[Argument, object]], scope: Scope) -> Node:
        before = len(self.problems)
        arguments: dict[str, Node] = {}
        constants: dict[str, object] = {}
        for name, (row, each) in given.items():
            within = scope.at(operator.name, name if row.name else int(name))
            if row.takes in WRITTEN_OUT:
                if expected := constant_problem(row.takes, each):
                    self.refuse(within, f"takes {expected}; got {shown(each)}.", each, expected)
                constants[name] = each
            else:
                arguments[name] = self.argument(row.takes, each, within)
        if len(self.problems) > before:
            return WRONG
        found = operator.result([each.type for each in arguments.values()], constants)
        if isinstance(found, str):
            return self.refuse(scope, f"has {operator.name}, which {found}.")
        names = tuple(arguments) if operator.is_named else ()
        return Call(found, operator.name, tuple(arguments.values()), names, constants)

    def argument(self, takes: Takes, given: object, scope: Scope) -> Node:
        """An argument, which must be of what is taken there."""
        found = self.node(given, scope)
        if not _is_taken(takes, found.type):
            words = found.type.words()
            self.problems.append(problem(scope.place, f"takes {takes}; got {words}.", words, str(takes)))
            return WRONG
        return found

    def name(self, given: object, scope: Scope) -> str:
        """The name of a variable."""
        if not isinstance(given, str) or not _NAME.fullmatch(given):
            expected = "a small letter and up to 39 letters or digits"
            self.refuse(scope, f"names a variable {shown(given)}; a name is {expected}.", given, expected)
            return "this"
        return given


def _is_taken(takes: Takes, type_: Type) -> bool:
    if type_.is_null:
        return True
    is_single = type_.depth == 0 and type_.kind is not Kind.GROUP
    match takes:
        case Takes.NUMBER:
            return type_.is_number
        case Takes.WHOLE:
            return is_single and type_.kind is Kind.LONG
        case Takes.TEXT:
            return is_single and type_.kind is Kind.STRING
        case Takes.MOMENT:
            return type_.is_moment
        case Takes.TRUTH:
            return is_single and type_.kind is Kind.BOOLEAN
        case Takes.LIST:
            return type_.depth > 0
        case Takes.TRUTHS:
            return type_.depth == 1 and type_.kind in (None, Kind.BOOLEAN)
        case Takes.AMOUNTS:
            item = type_.item if type_.depth else type_
            return item.is_number or (item.is_null and type_.depth == 1)
        case Takes.COMPARABLES:
            item = type_.item if type_.depth else type_
            return item.depth == 0 and item.kind is not Kind.GROUP
        case Takes.SCALAR:
            return is_single
        case _:
            return True
