"""Try a formula: `derivedPreview`."""

from collections.abc import Mapping
from typing import Any

import strawberry

from acts.derived_preview import CLIENTS_MOST, Tried, Wanted, preview
from catalogue.attribute import CLIENTS
from catalogue.errors import KehuError, Refused
from catalogue.formulas.text import formula_text
from catalogue.kinds import Kind
from policy.rules import Right
from repositories.clients import NUMBER_INDEX
from repositories.compile.indexes import ID_INDEX
from schema.context import Context
from schema.derived.values import value_json
from schema.enums import AttributeKindEnum
from schema.errors import UserError, error_value
from schema.fields import Fields, described, input_type, output_type, plain, resolved
from schema.planning.reads import Arguments, Read, Reading
from schema.scalars import Json

_WHAT_IF: Any = input_type(
    "WhatIfInput",
    "A value that stands instead of the stored one.",
    (
        ("path", str, "A path that the formula reads; of a list of groups, that of the list."),
        ("value", Json | None, "The value as it would be entered; null for none."),
    ),
)
_INPUT: Any = input_type(
    "DerivedPreviewInput",
    "A formula to be tried, and on what.",
    (
        ("formula", Json, "A MongoDB aggregation expression over paths of attributes, as JSON or as a text of JSON."),
        ("kind", AttributeKindEnum, "What a value is to be."),
        ("isList", bool | None, "Whether it is to be a list of values."),
        ("numbers", list[str] | None, f"Numbers of clients that you may see; up to {CLIENTS_MOST}."),
        ("sample", int | None, f"So many of the clients that you may see; up to {CLIENTS_MOST}."),
        ("whatIf", list[_WHAT_IF] | None, "Values that are supposed; without clients, all that the formula has."),
    ),
)
_READ: Any = output_type(
    "DerivedPreviewInputValue",
    "A value that the formula read.",
    (
        ("path", str, plain("path", "The path of the attribute, or of a core field.")),
        ("value", Json | None, plain("value", "The value; null where there is none.")),
    ),
)
_ROW: Any = output_type(
    "DerivedPreviewRow",
    "What the formula gives for one client, or for the supposed values.",
    (
        ("number", str | None, plain("number", "The client's number; null for supposed values alone.")),
        ("value", Json | None, plain("value", "What the formula gives; null where it gives nothing.")),
        ("inputs", list[_READ], plain("inputs", "What it read.")),
    ),
)
_PREVIEW: Any = output_type(
    "DerivedPreview",
    "What a formula would give; nothing is saved.",
    (
        ("rows", list[_ROW], plain("rows", "One for each client, or one for the supposed values.")),
        (
            "valuesDespiteUnset",
            int,
            plain("valuesDespiteUnset", "How many rows have a value though something that it was made of is unset."),
        ),
        ("errors", list[UserError], plain("errors", "Every problem at once; empty if there is none.")),
    ),
)


def preview_queries() -> Fields:
    """The field of Query that tries a formula."""

    async def derived_preview(info: strawberry.Info, input: Mapping[str, Any]) -> Any:
        return await _preview(info.context, input)

    text = "Try a formula without saving it: on clients that you may see, or on what you suppose."
    arguments = {"input": described(_INPUT, "The formula, and on what it is tried.")}
    rights = (Right.DEFINE_ATTRIBUTES,)
    yield (
        "derivedPreview",
        None,
        resolved(derived_preview, "derivedPreview", _PREVIEW, text, arguments, _reads, rights=rights),
    )


async def _preview(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    kind = Kind(given["kind"])
    try:
        text, problems = formula_text(given["formula"])
        if problems:
            raise Refused(problems)
        supposed = {each["path"]: each.get("value") for each in given.get("whatIf") or ()}
        numbers = tuple(given.get("numbers") or ())
        wanted = Wanted(text, kind, bool(given.get("isList")), numbers, given.get("sample") or 0, supposed)
        rows = await preview(context.viewer, context.repositories, wanted, context.touched)
    except KehuError as refused:
        return {"rows": [], "valuesDespiteUnset": 0, "errors": [error_value(each) for each in refused.problems()]}
    despite = sum(row.value is not None and None in row.inputs.values() for row in rows)
    return {"rows": [_row(context, kind, row) for row in rows], "valuesDespiteUnset": despite, "errors": []}


def _row(context: Context, kind: Kind, tried: Tried) -> dict[str, Any]:
    catalogue = context.repositories.feed.catalogue
    kinds = {path: found.kind if (found := catalogue.find(path)) else None for path in tried.inputs}
    inputs = [{"path": path, "value": value_json(kinds[path], each)} for path, each in tried.inputs.items()]
    return {"number": tried.number, "value": value_json(kind, tried.value), "inputs": inputs}


def _reads(given: Arguments, _names: frozenset[str]) -> Reading:
    wanted = given.get("input") or {}
    count = len(wanted.get("numbers") or ()) or wanted.get("sample") or 0
    index = NUMBER_INDEX if wanted.get("numbers") else ID_INDEX
    # What is supposed alone is computed as one document.
    return Reading(1, (Read(CLIENTS, max(1, count), index),))
