"""What there is to say of a formula: its expression, what it reads and what reads it, and how far the book has come."""

from collections.abc import Collection, Sequence
from typing import Any

import strawberry

from acts.recomputing import job_of, read_progress
from catalogue.attribute import CLIENTS, Attribute, FormulaState
from catalogue.catalogue import Catalogue
from catalogue.formulas.graph import graph_of, input_paths
from catalogue.formulas.text import expression_of
from catalogue.rollups.reading import member_paths
from policy.jobs import JOBS
from schema.attributes.models import AttributeModel
from schema.context import Document
from schema.derived.rollups import RollupType, rollup_value
from schema.fields import output_type, plain, related
from schema.planning.reads import by_id
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


def _progress(name: str, text: str) -> Any:
    async def many(info: strawberry.Info, holders: Sequence[Document]) -> list[int | None]:
        ids = [each["job"] for each in holders]
        found = await read_progress(info.context.repositories, set(ids))
        return [getattr(found[each], name) if each in found else None for each in ids]

    return name, None, related(many, name, int | None, text, reads=by_id(JOBS))


FormulaRecompute: Any = output_type(
    "FormulaRecompute",
    "The book on its way to a new formula.",
    (
        ("state", FormulaStateEnum, plain("state", "What is being done.")),
        ("revision", int, plain("revision", "The revision of the definition that brought the formula.")),
        _progress("done", "How many clients are done, each once for each pass; null while no job is known."),
        _progress("total", "Of how many; null while nobody knows."),
    ),
)

ROWS: tuple[tuple[str, Any, str], ...] = (
    ("formula", Json | None, "The expression that computes the values; null where people and programs enter them."),
    ("rollup", RollupType | None, "How the values come from related records; null where they do not."),
    (
        "isTimed",
        bool,
        "Whether the values change as time goes by: the formula, or one it reads, reads $$NOW, the model today, or a "
        "window rolls.",
    ),
    (
        "inputs",
        list[str],
        "The paths that the formula or the model reads; of a rollup as interactions:at, and what its segment looks at.",
    ),
    ("usedBy", list[str], "The attributes whose formulas or models read this one."),
    ("model", AttributeModel | None, "The model that gives the values; null where there is none."),
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
        nothing = dict.fromkeys(("formula", "rollup", "model", "recompute"))
        return {**nothing, "isTimed": False, "inputs": [], "usedBy": []}
    graph, text, use, rollup = graph_of(catalogue), attribute.formula, attribute.model, attribute.rollup
    inputs = sorted(use.paths) if use is not None else [] if text is None else sorted(input_paths(catalogue, text))
    if rollup is not None:
        # A definition that cannot be read any more has lost nothing of what it was computed from.
        inputs = [each for each in attribute.derived_from if each.startswith(f"{rollup.area}:")]
        inputs += sorted(member_paths(catalogue, attribute))
    users = graph.users(attribute.path)
    state = attribute.formula_state
    return {
        "formula": None if text is None else expression_of(text),
        "rollup": None if rollup is None else rollup_value(rollup),
        "isTimed": _is_timed(catalogue, attribute),
        "model": use,
        "inputs": [each for each in inputs if each not in hidden],
        "usedBy": [each for each in users if each not in hidden],
        "recompute": None if state is None else _recompute(attribute),
    }


def _is_timed(catalogue: Catalogue, attribute: Attribute) -> bool:
    if attribute.model is not None:
        return attribute.model.is_timed
    has_window = attribute.rollup is not None and attribute.rollup.days is not None
    return has_window or attribute.path in graph_of(catalogue).timed


def _recompute(attribute: Attribute) -> dict[str, Any]:
    return {"state": attribute.formula_state, "revision": attribute.formula_revision, "job": job_of(attribute)}
