"""Predicates as MongoDB queries; every value stands behind an operator, so that none can be one."""

import re
from collections.abc import Callable

from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or, Search
from catalogue.kinds import Operator
from repositories.compile.search import search_query
from repositories.values import bson_from

Query = dict[str, object]

_LAST = "\U0010ffff"
_SURROGATES = ("\ud7ff", "\ue000")


def query_from(predicate: Filter | None) -> Query:
    """The query that selects what a predicate selects; everything for None.

    Shape: `not` is $nor, an item of a list of groups $elemMatch.
    """
    match predicate:
        case None:
            return {}
        case Compare(path, operator, value):
            return {path: _COMPARISONS[operator](value)}
        case And(parts):
            return {"$and": [query_from(each) for each in parts]}
        case Or(parts):
            return {"$or": [query_from(each) for each in parts]}
        case Not(part):
            return {"$nor": [query_from(part)]}
        case AnyItem(path, Compare("", operator, value)):
            # An item that is no group but a value.
            return {path: {"$elemMatch": _COMPARISONS[operator](value)}}
        case AnyItem(path, part):
            return {path: {"$elemMatch": query_from(part)}}
        case Search():
            return search_query(predicate)


def _simple(name: str) -> Callable[[object], Query]:
    def condition(value: object) -> Query:
        return {name: bson_from(value)}

    return condition


def _starts_with(value: object) -> Query:
    """A range from the text to the next one: by code point, served by an index, and no regular expression."""
    prefix = str(value)
    bound = next_text(prefix)
    return {"$gte": prefix} if bound is None else {"$gte": prefix, "$lt": bound}


def next_text(prefix: str) -> str | None:
    """The least text greater than every text that starts with the prefix; None if there is none."""
    kept = prefix.rstrip(_LAST)
    if not kept:
        return None
    last = kept[-1]
    return kept[:-1] + (_SURROGATES[1] if last == _SURROGATES[0] else chr(ord(last) + 1))


def _contains(value: object) -> Query:
    # MongoDB takes no null byte in an expression, but the escape for one.
    return {"$regex": re.escape(str(value)).replace("\x00", r"\x00"), "$options": "i"}


def _is_null(value: object) -> Query:
    return {"$eq": None} if value else {"$ne": None}


_COMPARISONS: dict[Operator, Callable[[object], Query]] = {
    Operator.EQ: _simple("$eq"),
    Operator.NE: _simple("$ne"),
    Operator.IN: _simple("$in"),
    Operator.NOT_IN: _simple("$nin"),
    Operator.GT: _simple("$gt"),
    Operator.GTE: _simple("$gte"),
    Operator.LT: _simple("$lt"),
    Operator.LTE: _simple("$lte"),
    Operator.STARTS_WITH: _starts_with,
    Operator.CONTAINS: _contains,
    Operator.IS_NULL: _is_null,
    Operator.CONTAINS_ANY: _simple("$in"),
    Operator.CONTAINS_ALL: _simple("$all"),
}
