"""What is remembered of one valid document: its compiled operations, and what they cost."""

import logging
from collections.abc import Mapping
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


class Answers:
    """The compiled operations of one document, and what they cost, by name and by what the variables choose.

    Cost: bounded; an operation whose choices keep changing is left to ordinary execution, and weighed each time.
    """

    __slots__ = ("_compiled", "_compilers", "_costings", "_document")

    def __init__(self, document: DocumentNode) -> None:
        self._document = document
        self._compilers: dict[int, OperationCompiler] = {}
        self._compiled: dict[object, CompiledOperation | None] = {}
        self._costings: dict[object, Costing] = {}

    def find(
        self, schema: Schema, operation: OperationDefinitionNode, given: Mapping[str, Any]
    ) -> tuple[CompiledOperation, Mapping[str, Any]] | None:
        """The compiled operation and its coerced variables; None where ordinary execution has to do."""
        compiler = self._compiler(schema, operation)
        try:
            variables = compiler.coerce(given)
        except Exception:
            # Ordinary execution meets the same and has the words.
            return None
        key = _choice(operation, compiler, variables)
        if key not in self._compiled:
            if len(self._compiled) >= _CHOICES_KEPT:
                return None
            self._compiled[key] = _compiled(compiler, variables)
        found = self._compiled[key]
        return None if found is None else (found, variables)

    def cost(self, schema: Schema, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> Cost | None:
        """What an operation costs, before it runs; None for variables that it cannot run with."""
        compiler = self._compiler(schema, operation)
        try:
            variables = compiler.coerce(given)
            key = _choice(operation, compiler, variables)
            costing = self._costings.get(key)
            if costing is None:
                costing = build_costing(schema._schema, operation, compiler.selection(variables))
                if len(self._costings) < _CHOICES_KEPT:
                    self._costings[key] = costing
            return costing.cost(variables)
        except Surprise:
            return None

    def _compiler(self, schema: Schema, operation: OperationDefinitionNode) -> OperationCompiler:
        compiler = self._compilers.get(id(operation))
        if compiler is None:
            compiler = self._compilers[id(operation)] = OperationCompiler(schema, self._document, operation)
        return compiler


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


def shown_cost(cost: Cost) -> dict[str, Any]:
    """A cost as JSON."""
    rows = [
        {"field": each.field, "reads": each.reads, "documents": each.documents, "commands": each.commands}
        | {"index": each.index}
        | ({"scans": True} if each.scans else {})
        for each in cost.plan()
    ]
    figures = {"documents": cost.documents, "leaves": cost.leaves, "commands": cost.commands}
    return {"cost": cost.cost, **figures, "plan": rows}
