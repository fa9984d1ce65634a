"""Pipelines that find records with the same values: folded by the database, grouped by the database."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from catalogue.filters import Filter
from repositories.compile.changes import lookup_path
from repositories.compile.filters import query_from

Stage = dict[str, Any]
Document = dict[str, Any]


class Sameness(StrEnum):
    """What two values must have in common to be taken for the same."""

    WORDS = "WORDS"
    """Letters and digits, whatever their case, the spaces and the signs between them."""
    DIGITS = "DIGITS"
    """The same for telephone numbers."""
    LOOKUP = "LOOKUP"
    """The keyed hash of an encrypted value."""


_DROPPED = {Sameness.WORDS: " .,-_'\"()&/", Sameness.DIGITS: " .-()/+"}


def duplicates_pipeline(
    predicate: Filter | None, keys: Sequence[tuple[str, Sameness]], most_members: int, limit: int
) -> list[Stage]:
    """Stages that answer the ids of each group of records that are the same at all of the keys.

    A group of more members than `most_members` is left out: what so many share identifies nobody.
    Order: by the folded values, so that the first groups are the same ones each time.
    Cost: one pass over the records of the predicate.
    """
    names = [f"k{place}" for place in range(len(keys))]
    folded = {name: _folded(path, sameness) for name, (path, sameness) in zip(names, keys, strict=True)}
    told = [{f"_id.{name}": {"$nin": ["", None]}} for name in names]
    return [
        {"$match": {} if predicate is None else query_from(predicate)},
        {"$group": {"_id": {"kind": "$kind", **folded}, "ids": {"$push": "$_id"}, "count": {"$sum": 1}}},
        {"$match": {"$and": [{"count": {"$gte": 2, "$lte": most_members}}, *told]}},
        {"$sort": {"_id": 1}},
        {"$limit": limit},
        {"$project": {"_id": 0, "ids": 1}},
    ]


def _folded(path: str, sameness: Sameness) -> object:
    if sameness is Sameness.LOOKUP:
        return f"${lookup_path(path)}"
    # What other programs have left there need not be a text; it is like nobody's, and must not end the whole question.
    is_text = {"$eq": [{"$type": f"${path}"}, "string"]}
    folded: object = {"$toLower": {"$cond": [is_text, f"${path}", ""]}}
    for sign in _DROPPED[sameness]:
        # Split and joined again, because the memory driver knows no $replaceAll.
        parts = {"$split": [folded, sign]}
        folded = {"$reduce": {"input": parts, "initialValue": "", "in": {"$concat": ["$$value", "$$this"]}}}
    return folded
