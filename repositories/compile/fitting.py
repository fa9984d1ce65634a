"""Whether a document fits a query, as an expression: an update pipeline has no other way to ask."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

Expression = object
Test = Callable[[Expression], Expression]

_INFINITE = float("inf")
_NUMBERS = ["int", "long", "double", "decimal"]
_TYPES: Mapping[type, list[str]] = {str: ["string"], bool: ["bool"], datetime: ["date"]}
"""The types that a value is compared with; all others are numbers."""


def fits(query: Mapping[str, Any], root: str = "$", level: int = 0) -> Expression:
    """Whether a document is one that `$match` would let through.

    Shape: for the queries that `query_from` gives; `root` is where the document stands, such as "$$item0_.".
    """
    return {"$and": [_part(name, given, root, level) for name, given in query.items()]}


def _part(name: str, given: Any, root: str, level: int) -> Expression:
    match name:
        case "$and" | "$or":
            return {name: [fits(each, root, level) for each in given]}
        case "$nor":
            return {"$not": [{"$or": [fits(each, root, level) for each in given]}]}
        case _:
            return _field(f"{root}{name}", given, level)


def _field(path: str, conditions: Mapping[str, Any], level: int) -> Expression:
    """Whether what stands at a path meets every condition: a list does where one of its items does, or it itself."""
    value, found = f"value{level}_", f"found{level}_"
    parts = [
        _condition(name, given, conditions, f"$${value}", f"$${found}", level) for name, given in conditions.items()
    ]
    several = {"$cond": [{"$isArray": f"$${value}"}, {"$concatArrays": [f"$${value}", [f"$${value}"]]}, [f"$${value}"]]}
    inner = {"$let": {"vars": {found: several}, "in": {"$and": parts}}}
    return {"$let": {"vars": {value: {"$ifNull": [path, None]}}, "in": inner}}


def _condition(name: str, given: Any, conditions: Mapping[str, Any], value: str, found: str, level: int) -> Expression:
    item = f"item{level}_"

    def some(test: Test, among: Expression = found) -> Expression:
        return {"$anyElementTrue": [{"$map": {"input": among, "as": item, "in": test(f"$${item}")}}]}

    match name:
        case "$eq":
            return some(_is(given))
        case "$ne":
            return {"$not": [some(_is(given))]}
        case "$in":
            return some(_is_one_of(given))
        case "$nin":
            return {"$not": [some(_is_one_of(given))]}
        case "$all":
            return {"$and": [some(_is(each)) for each in given]}
        case "$gt" | "$gte" | "$lt" | "$lte":
            return some(_stands(name, given))
        case "$regex":
            return some(_matches(given, conditions.get("$options", "")))
        case "$options":
            return True
        case "$elemMatch":
            items = {"$cond": [{"$isArray": value}, value, []]}
            return some(lambda each: _is_object_that(each, fits(given, f"{each}.", level + 1)), items)
        case _:
            raise ValueError(f"{name} has no expression")


def _is(given: object) -> Test:
    return lambda each: {"$eq": [each, {"$literal": given}]}


def _is_one_of(given: Sequence[object]) -> Test:
    return lambda each: {"$in": [each, {"$literal": list(given)}]}


def _stands(name: str, given: object) -> Test:
    # A query compares values of one type; an expression has an order for values of any two.
    types = _TYPES.get(type(given), _NUMBERS)

    def test(each: Expression) -> Expression:
        parts = [{"$in": [{"$type": each}, types]}, {name: [each, {"$literal": given}]}]
        # NaN is less than every number in an expression, and less than none in a query.
        return {"$and": [*parts, *([{"$gte": [each, -_INFINITE]}] if types is _NUMBERS else [])]}

    return test


def _matches(given: str, options: str) -> Test:
    def test(each: Expression) -> Expression:
        found = {"$regexMatch": {"input": each, "regex": {"$literal": given}, "options": options}}
        return {"$cond": [{"$eq": [{"$type": each}, "string"]}, found, False]}

    return test


def _is_object_that(each: Expression, fitting: Expression) -> Expression:
    return {"$and": [{"$eq": [{"$type": each}, "object"]}, fitting]}
