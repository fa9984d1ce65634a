"""Why a derived value is what it is: the formula, and what it read."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.formulas.graph import graph_of, input_paths
from catalogue.formulas.text import expression_of
from repositories.compile.changes import proof_key
from repositories.compile.derivations import NEXT
from repositories.cursors import value_at
from schema.context import Context, Document
from schema.derived.values import value_json
from schema.fields import output_type, plain
from schema.scalars import Json

Shown = Callable[[Context, Attribute], Document]
"""A definition as its fields are read from it, for whoever asks."""


def explanation_type(attribute_type: Any) -> type:
    """`AttributeExplanation`: how a derived value came about."""
    seen = "When it was observed; when it was entered, if nobody said."
    explained: Any = output_type(
        "ExplainedInput",
        "A value that a formula read.",
        (
            ("path", str, plain("path", "The path of the attribute, or of a core field such as stage.")),
            ("value", Json | None, plain("value", "The value as it is now; null where there is none.")),
            ("observedAt", datetime | None, plain("observedAt", seen)),
            ("definition", attribute_type | None, plain("definition", "The definition; null for a core field.")),
        ),
    )
    upcoming: Any = output_type(
        "UpcomingValue",
        "The value of a new formula, beside the one that is read until every client has one.",
        (
            ("value", Json | None, plain("value", "The value; null where there is none.")),
            ("revision", int, plain("revision", "The revision of the definition that brought the new formula.")),
        ),
    )
    return output_type(
        "AttributeExplanation",
        "How a derived value came about.",
        (
            ("formula", Json, plain("formula", "The expression that computed the value.")),
            ("revision", int, plain("revision", "The revision of the definition that brought the formula.")),
            ("isTimed", bool, plain("isTimed", "Whether the value changes as time goes by.")),
            (
                "computedAt",
                datetime | None,
                plain("computedAt", "When it was computed to what it is; since then it came to the same."),
            ),
            ("inputs", list[explained], plain("inputs", "What the formula read, without what you may not see.")),
            (
                "next",
                upcoming | None,
                plain("next", "What the value will be by the new formula, while the book is computed by it."),
            ),
        ),
    )


def explanation(
    context: Context,
    client: Document,
    attribute: Attribute,
    changes: Mapping[int, Document],
    proof: Document,
    shown: Shown,
) -> Document | None:
    """How a value came about; None where people and programs enter it."""
    catalogue, hidden = context.repositories.access.catalogue(context.viewer), context.seen(CLIENTS).hidden
    is_filling = bool(attribute.formula_before)
    text = attribute.formula_before or attribute.formula
    if text is None or attribute.formula is None:
        return None
    paths = sorted(input_paths(catalogue, text) - hidden)
    beside = value_at(client, f"{NEXT}.{proof_key(attribute.path)}")
    return {
        "formula": expression_of(text),
        "revision": attribute.formula_before_revision if is_filling else attribute.formula_revision,
        "isTimed": attribute.path in graph_of(context.repositories.catalogue).timed,
        "computedAt": changes.get(int(proof.get("v", 0)), {}).get("at"),
        "inputs": [_input(context, catalogue, client, each, shown) for each in paths],
        "next": _upcoming(attribute, beside),
    }


def _upcoming(attribute: Attribute, beside: object) -> Document | None:
    if not isinstance(beside, dict):
        return None
    return {"value": value_json(attribute.kind, beside.get("v")), "revision": beside.get("r")}


def _input(context: Context, catalogue: Catalogue, client: Document, path: str, shown: Shown) -> Document:
    attribute = catalogue.find(path)
    holder = None if attribute is None else catalogue.list_group_of(attribute)
    proofs = client.get("proof") or {}
    at = path if holder is None else holder.path
    value = value_at(client, at)
    proof = proofs.get(proof_key(at)) or proofs.get("first") or {}
    if holder is not None and holder.path != path:
        value = _of_items(value, path.removeprefix(f"{holder.path}."))
    return {
        "path": path,
        "value": value_json(None if attribute is None else attribute.kind, value),
        "observedAt": proof.get("o") if value is not None else None,
        "definition": None if attribute is None else shown(context, attribute),
    }


def _of_items(items: object, path: str) -> object:
    """What the items of a list of groups have at a path."""
    return [value_at(each, path) for each in items] if isinstance(items, list) else None
