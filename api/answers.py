"""What is remembered of one valid document: its compiled operations, and what they cost."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import OperationDefinitionNode
from graphql.language import DocumentNode
from strawberry import Schema

from schema.planning.answer import Surprise, Unsupported
from schema.planning.cost import Cost, Costing
from schema.planning.costing import build_costing
from schema.planning.operation import CompiledOperation, OperationCompiler

_log = logging.getLogger("kehu.api")
_CHOICES_KEPT = 50
_FIGURES_KEPT = 500


@dataclass(slots=True)
class Asked:
    """An operation of the document, with the variables of one request."""

    operation: OperationDefinitionNode
    compiler: OperationCompiler
    variables: Mapping[str, Any]
    choice: object
    """What tells the compiled forms of the operation apart."""


class Answers:
    """The compiled operations of one document, and what they cost, by name and by what the variables choose.

    Cost: bounded; an operation whose choices keep changing is left to ordinary execution, and weighed each time.
    """

    __slots__ = ("_compiled", "_compilers", "_costings", "_document", "_figures")

    def __init__(self, document: DocumentNode) -> None:
        self._document = document
        self._compilers: dict[int, OperationCompiler] = {}
        self._compiled: dict[object, CompiledOperation | None] = {}
        self._costings: dict[object, Costing] = {}
        self._figures: dict[object, float] = {}

    def asked(self, schema: Schema, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> Asked | None:
        """The operation with its coerced variables; None for variables that it cannot run with."""
        compiler = self._compilers.get(id(operation))
        if compiler is None:
            compiler = self._compilers[id(operation)] = OperationCompiler(schema, self._document, operation)
        try:
            variables = compiler.coerce(given)
        except Exception:
            # Ordinary execution meets the same and has the words.
            return None
        return Asked(operation, compiler, variables, _choice(operation, compiler, variables))

    def find(self, asked: Asked) -> CompiledOperation | None:
        """The compiled operation; None where ordinary execution has to do."""
        if asked.choice not in self._compiled:
            if len(self._compiled) >= _CHOICES_KEPT:
                return None
            self._compiled[asked.choice] = _compiled(asked.compiler, asked.variables)
        return self._compiled[asked.choice]

    def cost(self, asked: Asked) -> Cost | None:
        """What an operation costs, before it runs; None for variables that ordinary execution refuses."""
        costing = self._costings.get(asked.choice)
        try:
            if costing is None:
                schema = asked.compiler.core
                costing = build_costing(schema, asked.operation, asked.compiler.selection(asked.variables))
                if len(self._costings) < _CHOICES_KEPT:
                    self._costings[asked.choice] = costing
            return costing.cost(asked.variables)
        except Surprise:
            return None

    def figure(self, asked: Asked) -> float:
        """The cost alone; 0 where there is none.

        Cost: 1 to 2 microseconds where a request of the same sizes was weighed before.
        """
        key = (asked.choice, asked.compiler.sizes(asked.variables))
        figure = self._figures.get(key)
        if figure is None:
            cost = self.cost(asked)
            figure = 0.0 if cost is None else cost.cost
            if len(self._figures) >= _FIGURES_KEPT:
                self._figures.clear()
            self._figures[key] = figure
        return figure


def _choice(operation: OperationDefinitionNode, compiler: OperationCompiler, variables: Mapping[str, Any]) -> object:
    """What tells the compiled forms of an operation apart: the values of the variables that choose its selection."""
    return id(operation), repr([variables.get(each) for each in compiler.choosing]) if compiler.choosing else ""


def _compiled(compiler: OperationCompiler, variables: Mapping[str, Any]) -> CompiledOperation | None:
    try:
        return compiler.compiled(variables)
    except (Unsupported, Surprise):
        return None
    except Exception:
        _log.exception("an operation could not be compiled; ordinary execution has it")
        return None


def shown_cost(cost: Cost, limit: int | None = None) -> dict[str, Any]:
    """A cost as JSON, with the limit where there is one."""
    rows = [
        {"field": each.field, "reads": each.reads, "documents": each.documents, "commands": each.commands}
        | {"index": each.index}
        | ({"scans": True} if each.scans else {})
        for each in cost.plan()
    ]
    figures = {} if limit is None else {"limit": limit}
    figures |= {"documents": cost.documents, "leaves": cost.leaves, "commands": cost.commands}
    if cost.scans:
        figures["scans"] = cost.scans
    return {"cost": cost.cost, **figures, "plan": rows}
