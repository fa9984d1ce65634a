"""Rollups as GraphQL shows and takes them."""

import json
from collections.abc import Mapping
from typing import Any

import strawberry

from catalogue.rollups.definition import where_text
from catalogue.rollups.rollup import Rollup, RollupFunction
from schema.fields import input_type, output_type, plain
from schema.scalars import Json

RollupFunctionEnum = strawberry.enum(RollupFunction, description="What a rollup makes of the records.")
for _value, _meaning in zip(
    RollupFunctionEnum.__strawberry_definition__.values,  # type: ignore[attr-defined]
    (
        "How many there are, of those that have a value if an attribute is named; 0 where there are none.",
        "The sum of the values.",
        "The average of the values.",
        "The value of the latest record that has one.",
        "The value of the first record that has one.",
        "The least value.",
        "The greatest value.",
    ),
    strict=True,
):
    _value.description = _meaning

_ROWS: tuple[tuple[str, Any, str], ...] = (
    ("area", str, "The area of the records, such as interactions: one whose records point at clients."),
    ("function", RollupFunctionEnum, "What is made of them."),
    ("of", str | None, "The attribute of the area whose values are taken; COUNT can do without."),
    ("where", Json | None, "Which records: JSON in the shape of the area's attributes, with the operators of `where`."),
    (
        "over",
        str | None,
        "The moment of a record, by which it is early or late; that of the area's lists, if left out.",
    ),
    ("days", int | None, "Only records of so many days until now; all, if left out."),
    ("segment", str | None, "The code of a segment: its members alone have a value; every client, if left out."),
)

RollupType: Any = output_type(
    "Rollup",
    "One value of a client out of related records.",
    [(name, kind, plain(name, text)) for name, kind, text in _ROWS],
)
RollupInput: Any = input_type("RollupInput", "One value of a client out of related records.", _ROWS)


def rollup_value(rollup: Rollup) -> dict[str, Any]:
    """A rollup as its fields are read from it."""
    where = None if rollup.where is None else json.loads(rollup.where)
    return {**rollup.model_dump(), "function": rollup.function, "where": where}


def rollup_from(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What is kept of a rollup that was given. Raises: Refused for a filter that is none."""
    if given is None:
        return None
    kept = {name: each for name, each in given.items() if each is not None}
    if "where" in kept:
        kept["where"] = where_text(kept["where"])
    return kept
