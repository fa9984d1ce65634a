"""The first records of each of many lists, as one pipeline: the lists are told apart by the id of their holder."""

from collections.abc import Sequence
from dataclasses import dataclass

from repositories.compile.filters import Query
from repositories.compile.pages import Position, beyond, projection_from, sort_from
from repositories.plan import ID, Order

Stage = dict[str, object]

ROWS = "rows"
SEEN = "seen"
"""How many records of a list a scan has met."""


@dataclass(frozen=True, slots=True)
class LevelQuery:
    """What is read under each holder."""

    key: str
    """Where a record has the id of its holder."""
    parts: tuple[Query, ...]
    """Conditions besides the holder."""
    order: tuple[Order, ...]
    """A full order; an index has the key in front of it."""
    paths: frozenset[str]
    limit: int


def one_list(query: LevelQuery, holder: str) -> Query:
    """The query for the list of one holder."""
    return _all_of({query.key: {"$eq": holder}}, *query.parts)


def all_lists(query: LevelQuery, holders: Sequence[str]) -> Query:
    """The query for the lists of all holders together."""
    return _all_of({query.key: {"$in": list(holders)}}, *query.parts)


def level_sort(query: LevelQuery) -> list[tuple[str, int]]:
    """The sort by holder and then by the order, as the index has it."""
    return [(query.key, 1), *sort_from(query.order)]


def scan_pipeline(query: LevelQuery, holders: Sequence[str], most: int) -> list[Stage]:
    """Walks along the index through list after list, no further than `most` records.

    Shape: one document a list, with its first records and how many were met.
    Cost: grows with the length of the lists.
    """
    rows = {"$firstN": {"n": query.limit, "input": "$$ROOT"}}
    return [
        {"$match": all_lists(query, holders)},
        {"$sort": dict(level_sort(query))},
        {"$limit": most},
        {"$project": projection_from({*query.paths, query.key}, query.order)},
        {"$group": {ID: f"${query.key}", ROWS: rows, SEEN: {"$sum": 1}}},
    ]


def seek_pipeline(query: LevelQuery, holders: Sequence[str], collection: str) -> list[Stage]:
    """Goes to the beginning of each list and reads no more of it than is wanted.

    Shape: one document a holder, with its first records. The holders stand in the pipeline itself: one record,
    whichever it is, becomes the list of them, so that no other collection is touched; an empty one answers nothing.
    Cost: the same however long the lists are.
    """
    inner: list[Stage] = [{"$match": _all_of(*query.parts)}] if query.parts else []
    inner += [{"$sort": dict(sort_from(query.order))}, {"$limit": query.limit}]
    lookup = {"from": collection, "localField": ID, "foreignField": query.key, "pipeline": inner, "as": ROWS}
    projection = projection_from({*query.paths, ID}, query.order)
    return [
        {"$limit": 1},
        {"$project": {ID: {"$literal": list(holders)}}},
        {"$unwind": f"${ID}"},
        {"$lookup": lookup},
        {"$project": {f"{ROWS}.{path}": 1 for path in projection}},
    ]


def count_pipeline(key: str, parts: Sequence[Query], holders: Sequence[str]) -> list[Stage]:
    """How long each list is.

    Shape: one document a list that is not empty.
    """
    return [
        {"$match": _all_of({key: {"$in": list(holders)}}, *parts)},
        {"$group": {ID: f"${key}", SEEN: {"$sum": 1}}},
    ]


def behind(order: Sequence[Order], position: Position) -> Query:
    """What comes after a position, with a bound on the first key by which an index leaps there.

    The bound is written as "not before", because unset values are neither above nor below a value for MongoDB.
    """
    further, first = beyond(order, position), order[0]
    if position[0] is None:
        return further
    before = "$gt" if first.is_descending else "$lt"
    return _all_of({first.path: {"$not": {before: position[0]}}}, further)


def _all_of(*parts: Query) -> Query:
    return {"$and": list(parts)} if len(parts) > 1 else parts[0]
