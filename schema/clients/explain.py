"""Why a derived value is what it is: the formula, and what it read."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.formulas.graph import graph_of, input_paths
from catalogue.formulas.text import expression_of
from catalogue.model_use import ModelUse
from catalogue.rollups.reading import member_paths
from repositories.compile.changes import proof_key
from repositories.compile.derivations import NEXT
from repositories.cursors import value_at
from repositories.plan import ID
from schema.context import Context, Document
from schema.derived.rollups import RollupType, rollup_value
from schema.derived.values import value_json
from schema.fields import output_type, plain
from schema.scalars import Json

Shown = Callable[[Context, Attribute], Document]
"""A definition as its fields are read from it, for whoever asks."""

_PENDING = (
    "Whether the book is still on its way to the newest formula, rollup or model: a value of null may just not have "
    "been reached yet, and another one may be of the time before."
)


def explanation_type(attribute_type: Any) -> type:
    """`AttributeExplanation`: how a derived value came about."""
    seen = "When it was observed; when it was entered, if nobody said."
    explained: Any = output_type(
        "ExplainedInput",
        "A value that a formula or a model read.",
        (
            ("path", str, plain("path", "The path of the attribute, or of a core field such as stage.")),
            ("value", Json | None, plain("value", "The value as it is now; null where there is none.")),
            ("observedAt", datetime | None, plain("observedAt", seen)),
            ("definition", attribute_type | None, plain("definition", "The definition; null for a core field.")),
        ),
    )
    upcoming, model = _upcoming_type(), _model_type()
    return output_type(
        "AttributeExplanation",
        "How a derived value came about.",
        (
            ("formula", Json | None, plain("formula", "The expression that computed the value, if one did.")),
            ("model", model | None, plain("model", "The model that gave the value, if one did.")),
            (
                "rollup",
                _rollup_type() | None,
                plain("rollup", "Which records the value came from, if it came from any."),
            ),
            (
                "revision",
                int,
                plain("revision", "The revision of the definition that brought the formula; for a model its newest."),
            ),
            ("isTimed", bool, plain("isTimed", "Whether the value changes as time goes by.")),
            ("isPending", bool, plain("isPending", _PENDING)),
            (
                "computedAt",
                datetime | None,
                plain("computedAt", "When it was computed to what it is; since then it came to the same."),
            ),
            ("inputs", list[explained], plain("inputs", "What it was made from, without what you may not see.")),
            (
                "next",
                upcoming | None,
                plain("next", "What the value will be by the new formula, while the book is computed by it."),
            ),
        ),
    )


def _upcoming_type() -> Any:
    return output_type(
        "UpcomingValue",
        "The value of a new formula, beside the one that is read until every client has one.",
        (
            ("value", Json | None, plain("value", "The value; null where there is none.")),
            ("revision", int, plain("revision", "The revision of the definition that brought the new formula.")),
        ),
    )


def _model_type() -> Any:
    return output_type(
        "ExplainedModel",
        "The model that gave a value.",
        (
            ("name", str, plain("name", "The name of the model.")),
            ("version", str, plain("version", "The version that gives the values.")),
            ("output", str, plain("output", "The output that the value is taken from.")),
            (
                "scoredUpTo",
                datetime | None,
                plain("scoredUpTo", "Results follow what was changed before; null until the book was scored once."),
            ),
            ("isBehind", bool, plain("isBehind", "Whether the client, or the model, has changed since it was scored.")),
        ),
    )


def _rollup_type() -> Any:
    """`RollupExplanation`: what a rollup looked at."""
    return output_type(
        "RollupExplanation",
        "The records that a value came from, as they are now.",
        (
            ("definition", RollupType, plain("definition", "Area, function, filter and window.")),
            ("records", int, plain("records", "How many records were looked at.")),
            (
                "isMember",
                bool | None,
                plain(
                    "isMember",
                    "Whether the client is in the segment that the rollup names; null without one.",
                ),
            ),
            ("firstAt", datetime | None, plain("firstAt", "The moment of the first of them.")),
            ("lastAt", datetime | None, plain("lastAt", "The moment of the last of them.")),
        ),
    )


async def rollup_explanation(
    context: Context,
    client: Document,
    attribute: Attribute,
    changes: Mapping[int, Document],
    proof: Document,
    shown: Shown,
) -> Document:
    """How a value came from related records, and by what its segment says that the client has one.

    Cost: one command; one more where the rollup names a segment.
    """
    rollup, rollups = attribute.rollup, context.repositories.rollups
    row = await rollups.counted(str(client[ID]), attribute) or {}
    catalogue, hidden = context.repositories.access.catalogue(context.viewer), context.seen(CLIENTS).hidden
    told = sorted(member_paths(catalogue, attribute) - hidden)
    assert rollup is not None
    return {
        "formula": None,
        "model": None,
        "rollup": {
            "definition": rollup_value(rollup),
            "records": row.get("n", 0),
            "isMember": await rollups.has_member(str(client[ID]), attribute),
            "firstAt": row.get("first"),
            "lastAt": row.get("last"),
        },
        "revision": attribute.formula_revision,
        "isTimed": rollup.days is not None,
        "isPending": attribute.formula_state is not None,
        "computedAt": changes.get(int(proof.get("v", 0)), {}).get("at"),
        "inputs": [_input(context, catalogue, client, each, shown) for each in told],
        "next": None,
    }


def explanation(
    context: Context,
    client: Document,
    attribute: Attribute,
    changes: Mapping[int, Document],
    proof: Document,
    shown: Shown,
    model: Document | None = None,
) -> Document | None:
    """How a value came about; None where people and programs enter it. `model` is the registered version, if any."""
    catalogue, hidden = context.repositories.access.catalogue(context.viewer), context.seen(CLIENTS).hidden
    if attribute.model is not None:
        at = changes.get(int(proof.get("v", 0)), {}).get("at")
        inputs = [
            _input(context, catalogue, client, each, shown) for each in attribute.model.read_paths if each not in hidden
        ]
        return {
            "formula": None,
            "rollup": None,
            "model": _model(attribute.model, client, proof, model),
            "revision": attribute.revision,
            "isTimed": attribute.model.is_timed,
            "isPending": model is None or model.get("scoredUpTo") is None,
            "computedAt": at,
            "inputs": inputs,
            "next": None,
        }
    is_filling = bool(attribute.formula_before)
    text = attribute.formula_before or attribute.formula
    if text is None or attribute.formula is None:
        return None
    paths = sorted(input_paths(catalogue, text) - hidden)
    beside = value_at(client, f"{NEXT}.{proof_key(attribute.path)}")
    return {
        "formula": expression_of(text),
        "model": None,
        "rollup": None,
        "revision": attribute.formula_before_revision if is_filling else attribute.formula_revision,
        "isTimed": attribute.path in graph_of(context.repositories.catalogue).timed,
        "isPending": attribute.formula_state is not None,
        "computedAt": changes.get(int(proof.get("v", 0)), {}).get("at"),
        "inputs": [_input(context, catalogue, client, each, shown) for each in paths],
        "next": _upcoming(attribute, beside),
    }


def _model(use: ModelUse, client: Document, proof: Document, model: Document | None) -> Document:
    up_to = None if model is None else model.get("scoredUpTo")
    proofs = client.get("proof") or {}
    found = [each for path in use.read_paths if (each := proofs.get(proof_key(path)))]
    newer = [each for each in found if int(each["v"]) > int(proof.get("v", 0))]
    # A result that comes to the same is not written again: then the moment of the last run tells. What is computed is
    # dated by itself; what is entered by the client, whose date nothing computed moves.
    is_behind = up_to is None or any(max(each["o"], client["updatedAt"]) > up_to for each in newer)
    return {
        "name": use.name,
        "version": use.version,
        "output": use.output,
        "scoredUpTo": up_to,
        "isBehind": is_behind,
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
