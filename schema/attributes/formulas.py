"""What there is to say of a formula: its expression, what it reads and what reads it, and how far the book has come."""

from collections.abc import Collection
from typing import Any

import strawberry

from catalogue.attribute import CLIENTS, Attribute, FormulaState
from catalogue.catalogue import Catalogue
from catalogue.formulas.graph import graph_of, input_paths
from catalogue.formulas.text import expression_of
from schema.scalars import Json

FormulaStateEnum = strawberry.enum(FormulaState, description="How far the book has come with a new formula.")
for _value, _meaning in zip(
    FormulaStateEnum.__strawberry_definition__.values,  # type: ignore[attr-defined]
    (
        "New values are put beside the old ones, which are still read.",
        "New values take the place of the old ones, client by client.",
    ),
    strict=True,
):
    _value.description = _meaning


@strawberry.type(description="The book on its way to a new formula.")
class FormulaRecompute:
    """How far it is."""

    state: FormulaState = strawberry.field(description="What is being done.")
    revision: int = strawberry.field(description="The revision of the definition that brought the formula.")


ROWS: tuple[tuple[str, Any, str], ...] = (
    ("formula", Json | None, "The expression that computes the values; null where people and programs enter them."),
    ("isTimed", bool, "Whether the values change as time goes by: the formula, or one that it reads, reads $$NOW."),
    ("inputs", list[str], "The paths that the formula reads."),
    ("usedBy", list[str], "The attributes whose formulas read this one."),
    (
        "recompute",
        FormulaRecompute | None,
        "How far the book has come with a new formula; null where every value follows it.",
    ),
)
"""Fields of an attribute: name, type and description."""


def formula_facts(catalogue: Catalogue, attribute: Attribute, hidden: Collection[str] = ()) -> dict[str, Any]:
    """The values of those fields, without what may not be known of."""
    if attribute.area != CLIENTS:
        return {"formula": None, "isTimed": False, "inputs": [], "usedBy": [], "recompute": None}
    graph, text = graph_of(catalogue), attribute.formula
    inputs = () if text is None else sorted(input_paths(catalogue, text))
    users = graph.users(attribute.path)
    state = attribute.formula_state
    return {
        "formula": None if text is None else expression_of(text),
        "isTimed": attribute.path in graph.timed,
        "inputs": [each for each in inputs if each not in hidden],
        "usedBy": [each for each in users if each not in hidden],
        "recompute": None if state is None else {"state": state, "revision": attribute.formula_revision},
    }
