"""A formula as it is given, as it is kept, and the paths that it reads."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from catalogue.errors import ErrorCode, Problem, shown

TEXT_LIMIT = 20_000
"""Units: characters of the formula as JSON."""
DEPTH_LIMIT = 100
"""Levels of JSON that are looked at at all."""
CORE = ("kind", "stage", "createdAt")
"""The fields of a client besides its attributes that a formula may read."""


def problem(place: str, message: str, given: str | None = None, expected: str | None = None) -> Problem:
    """Something in a formula that is refused, with its place in it."""
    where = f"At {place} the formula" if place else "The formula"
    path = ("formula", place) if place else ("formula",)
    return Problem(ErrorCode.FORMULA_REFUSED, f"{where} {message}", path, given, expected)


def formula_text(given: object) -> tuple[str, list[Problem]]:
    """A formula as one text, the same for the same formula; a text is a path, or holds the expression as JSON."""
    value = given
    if isinstance(given, str) and not given.startswith("$"):
        try:
            value = json.loads(given)
        except (ValueError, RecursionError):
            short = shown(given)
            return "", [
                problem(
                    "",
                    f"is {short}, which is no JSON. Give an expression such as"
                    ' {"$divide": ["$behaviour.financials.netProfit", 12]}, a path such as "$profile.employees", or a'
                    ' constant as {"$literal": "A"}.',
                    short,
                    "an expression as JSON",
                )
            ]
    return _one_form(value)


def _one_form(value: object) -> tuple[str, list[Problem]]:
    if not _is_shallow(value, DEPTH_LIMIT):
        return "", [problem("", f"has more than {DEPTH_LIMIT} levels, or a number that is not finite.")]
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if len(text) > TEXT_LIMIT:
        return "", [problem("", f"is {len(text)} characters of JSON; {TEXT_LIMIT} are the most. Divide it.")]
    return text, []


def normal_text(text: str) -> tuple[str, list[Problem]]:
    """A formula that was kept as text, perhaps by other hands, in the one form."""
    try:
        return _one_form(expression_of(text))
    except (ValueError, RecursionError):
        return "", [problem("", "is no JSON; give the expression as JSON.")]


def _is_shallow(value: object, most: int) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return most > 0 and all(_is_shallow(each, most - 1) for each in inner)
    return True


def expression_of(text: str) -> object:
    """The expression that a kept formula is."""
    return json.loads(text)


@dataclass(frozen=True, slots=True)
class Reads:
    """What an expression reads, whether or not there is anything there."""

    paths: frozenset[str]
    fields: frozenset[str]
    """What is read of the items of lists of groups, by the path within an item."""
    is_timed: bool


def reads_of(text: str) -> Reads:
    """What a kept formula reads."""
    found = list(_texts(expression_of(text)))
    return Reads(
        frozenset(each[1:] for each in found if not each.startswith("$$")),
        frozenset(each.partition(".")[2] for each in found if each.startswith("$$") and "." in each),
        NOW in found,
    )


def _texts(expression: object) -> Iterator[str]:
    if isinstance(expression, str):
        if expression.startswith("$"):
            yield expression
    elif isinstance(expression, list):
        for each in expression:
            yield from _texts(each)
    elif isinstance(expression, dict) and "$literal" not in expression:
        for each in expression.values():
            yield from _texts(each)


NOW = "$$NOW"
