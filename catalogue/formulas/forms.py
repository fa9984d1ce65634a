"""The operators with variables and branches, and the check of a whole formula."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from catalogue.catalogue import Catalogue
from catalogue.errors import Problem
from catalogue.formulas.check import WRONG, Checker, Scope
from catalogue.formulas.operator import ARGUMENTS_MOST, Operator, Takes
from catalogue.formulas.results import unlike
from catalogue.formulas.text import expression_of
from catalogue.formulas.tree import Let, Loop, Node, Switch
from catalogue.formulas.types import united

LOOPS_MOST = 2
"""Loops within loops: three of them over lists of a thousand would keep a server busy for minutes."""
_PASSES = 4
"""How often a running value of $reduce may turn out to be of a wider kind."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What an expression comes to."""

    tree: Node
    problems: tuple[Problem, ...] = ()


def check_expression(catalogue: Catalogue, own_path: str, expression: object) -> Checked:
    """The tree of an expression, with every problem in it."""
    checker = _WholeChecker(catalogue, own_path)
    tree = checker.node(expression, Scope())
    return Checked(tree, tuple(checker.problems))


def check_text(catalogue: Catalogue, own_path: str, text: str) -> Checked:
    """The same of a formula as it is kept."""
    return check_expression(catalogue, own_path, expression_of(text))


class _WholeChecker(Checker):
    def special(self, operator: Operator, inner: object, scope: Scope) -> Node:
        match operator.name:
            case "$literal":
                return self.literal(inner, scope)
            case "$cond":
                return self._cond(operator, inner, scope)
            case "$switch":
                return self._switch(operator, inner, scope)
            case "$let":
                return self._let(operator, inner, scope)
            case "$reduce":
                return self._reduce(operator, inner, scope)
            case _:
                return self._loop(operator, inner, scope)

    def _cond(self, operator: Operator, inner: object, scope: Scope) -> Node:
        if isinstance(inner, list):
            if len(inner) != 3:
                return self.refuse(scope, f"gives $cond {len(inner)} arguments; it takes 3.", len(inner), "3")
            parts: Mapping[int | str, object] = dict(enumerate(inner))
        else:
            named = self.named_arguments(operator, inner, scope)
            if named is None:
                return WRONG
            parts = {name: named[name] for name in ("if", "then", "else")}
        (first, case), *rest = parts.items()
        condition = self.argument(Takes.TRUTH, case, scope.at("$cond", first))
        then, other = (self.node(each, scope.at("$cond", at)) for at, each in rest)
        return self._branches(scope, "$cond", ((condition, then),), other)

    def _switch(self, operator: Operator, inner: object, scope: Scope) -> Node:
        named = self.named_arguments(operator, inner, scope)
        if named is None:
            return WRONG
        given, within = named["branches"], scope.at("$switch", "branches")
        if not isinstance(given, list) or not 1 <= len(given) <= ARGUMENTS_MOST:
            return self.refuse(within, f"takes a list of 1 to {ARGUMENTS_MOST} branches.")
        branches = []
        for at, each in enumerate(given):
            here = within.inner(f"{within.place}[{at}]")
            if not isinstance(each, dict) or each.keys() != {"case", "then"}:
                return self.refuse(here, "takes an object with case and then.")
            case = self.argument(Takes.TRUTH, each["case"], here.inner(f"{here.place}.case"))
            branches.append((case, self.node(each["then"], here.inner(f"{here.place}.then"))))
        default = self.node(named.get("default"), scope.at("$switch", "default"))
        return self._branches(scope, "$switch", tuple(branches), default)

    def _branches(self, scope: Scope, name: str, branches: tuple[tuple[Node, Node], ...], default: Node) -> Node:
        types = [*(then.type for _, then in branches), default.type]
        found = united(*types)
        if found is None:
            return self.refuse(scope, f"has {name}, which {unlike(types)}.")
        is_unsure = any(case.type.is_nullable for case, _ in branches)
        return Switch(found.nullable if is_unsure else found, branches, default)

    def _let(self, operator: Operator, inner: object, scope: Scope) -> Node:
        named = self.named_arguments(operator, inner, scope)
        if named is None:
            return WRONG
        given, within = named["vars"], scope.at("$let", "vars")
        if not isinstance(given, dict) or not given:
            return self.refuse(within, "takes an object of names with their values.")
        variables = [
            (self.name(name, within), self.node(each, within.inner(f"{within.place}.{name}")))
            for name, each in given.items()
        ]
        body = self.node(named["in"], scope.at("$let", "in").knowing({name: each.type for name, each in variables}))
        return Let(body.type, tuple(variables), body)

    def _source(self, operator: Operator, named: Mapping[str, object], scope: Scope) -> Node:
        if scope.loops >= LOOPS_MOST:
            return self.refuse(
                scope, f"has {operator.name} within {LOOPS_MOST} other loops; {LOOPS_MOST} are the most."
            )
        return self.argument(Takes.LIST, named["input"], scope.at(operator.name, "input"))

    def _loop(self, operator: Operator, inner: object, scope: Scope) -> Node:
        named = self.named_arguments(operator, inner, scope)
        if named is None:
            return WRONG
        source = self._source(operator, named, scope)
        name = self.name(named.get("as", "this"), scope)
        part = "in" if operator.name == "$map" else "cond"
        here = scope.at(operator.name, part).knowing({name: source.type.item}, loops=1)
        if part == "in":
            body = self.node(named["in"], here)
            return Loop(replace(body.type.listed, is_nullable=source.type.is_nullable), "$map", source, name, body)
        body = self.argument(Takes.TRUTH, named["cond"], here)
        return Loop(source.type, "$filter", source, name, body)

    def _reduce(self, operator: Operator, inner: object, scope: Scope) -> Node:
        """The running value has the kind of what it begins with, or the wider one that it becomes."""
        named = self.named_arguments(operator, inner, scope)
        if named is None:
            return WRONG
        source = self._source(operator, named, scope)
        initial = self.node(named["initialValue"], scope.at("$reduce", "initialValue"))
        within = scope.at("$reduce", "in")
        running = initial.type.nullable
        before = len(self.problems)
        for _ in range(_PASSES):
            del self.problems[before:]
            here = within.knowing({"this": source.type.item, "value": running}, loops=1)
            body = self.node(named["in"], here)
            wider = united(running, body.type)
            if wider is None:
                types = (initial.type, body.type)
                return self.refuse(within, f"has $reduce, which {unlike(types)}.")
            if wider == running:
                break
            running = wider.nullable
        return Loop(running, "$reduce", source, "this", body, initial)
