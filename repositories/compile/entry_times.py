"""When values were entered, week by week, as one aggregation over the tails of clients and the changes moved out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from catalogue.filters import Filter
from repositories.changes import CHANGES, CREATED
from repositories.compile.filters import query_from
from repositories.plan import ID, Order

Stage = dict[str, Any]

ON_TIME, LATE, EARLY, MISSING = "onTime", "late", "early", "missing"
STATES = (ON_TIME, LATE, EARLY, MISSING)
RATE_ORDER = (Order("rate"), Order(ID))
"""The least punctual first."""
_MOMENTS = "moments"
_STATE = "state"


@dataclass(frozen=True, slots=True)
class EntrySpan:
    """One week of a window; from its start on, up to its end, which is not in it."""

    week_of: date
    """Its Monday."""
    starts_at: datetime
    opens_at: datetime
    closes_at: datetime
    ends_at: datetime


def entry_weeks(predicate: Filter | None, paths: Sequence[str], spans: Sequence[EntrySpan]) -> list[Stage]:
    """The stages that say of each week what clients there were, and when values at the paths were entered.

    Shape: rows {"_id": the place of the week in `spans`, "clients", "onTime", "late", "early", "missing"}; a week
    without clients has none.
    """
    places: list[Stage] = [{"w": place, "s": _state(span)} for place, span in enumerate(spans)]
    return [
        *_with_moments(predicate, paths, spans),
        {"$project": {_STATE: places}},
        {"$unwind": f"${_STATE}"},
        {"$match": {f"{_STATE}.s": {"$ne": None}}},
        {"$group": {ID: f"${_STATE}.w", **_figures(f"${_STATE}.s")}},
    ]


def entry_managers(predicate: Filter | None, paths: Sequence[str], span: EntrySpan) -> list[Stage]:
    """The stages that say the same of one week, manager by manager, in no order.

    Shape: rows as those of the weeks, with the manager as id, and the rate.
    """
    return [
        *_with_moments(predicate, paths, (span,)),
        {"$project": {"managerId": 1, _STATE: _state(span)}},
        {"$match": {_STATE: {"$ne": None}}},
        {"$group": {ID: {"$ifNull": ["$managerId", None]}, **_figures(f"${_STATE}")}},
        {"$addFields": {"rate": {"$divide": [f"${ON_TIME}", "$clients"]}}},
    ]


def _with_moments(predicate: Filter | None, paths: Sequence[str], spans: Sequence[EntrySpan]) -> list[Stage]:
    """Clients with the moments at which a value at one of the paths was entered within the weeks."""
    begin = min(each.starts_at for each in spans)
    end = max(each.ends_at for each in spans)
    wanted = {"$in": ["$$row.path", {"$literal": sorted(paths)}]}
    entered = {"$and": [wanted, {"$ne": [{"$ifNull": ["$$row.new", None]}, None]}]}
    rows = {"$filter": {"input": "$$entry.values", "as": "row", "cond": entered}}
    is_wanted = {"$and": [{"$gte": ["$$entry.at", begin]}, {"$lt": ["$$entry.at", end]}, {"$gt": [{"$size": rows}, 0]}]}
    tail = {"$ifNull": ["$tail", []]}
    inside = {"$filter": {"input": tail, "as": "entry", "cond": is_wanted}}
    return [
        *([] if predicate is None else [{"$match": query_from(predicate)}]),
        {"$match": {"createdAt": {"$lt": end}}},
        {
            "$project": {
                "managerId": 1,
                "createdAt": 1,
                _MOMENTS: {"$map": {"input": inside, "as": "entry", "in": "$$entry.at"}},
                "movedOf": {"$cond": [_may_have_moved(tail, begin), f"${ID}", None]},
            }
        },
        _moved(paths, begin, end),
        {"$project": {"managerId": 1, "createdAt": 1, _MOMENTS: {"$concatArrays": [f"${_MOMENTS}", "$moved.at"]}}},
    ]


def _may_have_moved(tail: Stage, begin: datetime) -> Stage:
    """Whether changes since a moment may have left the tail.

    Those that have left are older than all that is still there; where nothing is, only the change that made the client
    has left. So of most clients none is looked up.
    """
    oldest = {"$arrayElemAt": [{"$map": {"input": tail, "as": "entry", "in": "$$entry.at"}}, 0]}
    since = {"$cond": [{"$gt": [{"$size": tail}, 0]}, oldest, "$createdAt"]}
    more_than_created = {"$or": [{"$ne": ["$moved", CREATED]}, {"$gte": ["$createdAt", begin]}]}
    return {"$and": [{"$gt": [{"$ifNull": ["$moved", 0]}, 0]}, more_than_created, {"$gte": [since, begin]}]}


def _moved(paths: Sequence[str], begin: datetime, end: datetime) -> Stage:
    """The join with the changes that have left; by the index of records, and of none for a client without an id."""
    entered = {"$elemMatch": {"path": {"$in": sorted(paths)}, "new": {"$ne": None}}}
    within = {"at": {"$gte": begin, "$lt": end}, "values": entered}
    return {
        "$lookup": {
            "from": CHANGES,
            "localField": "movedOf",
            "foreignField": "recordId",
            "pipeline": [{"$match": within}, {"$project": {ID: 0, "at": 1}}],
            "as": "moved",
        }
    }


def _state(span: EntrySpan) -> Stage:
    """What a client is in one week: the best of what was entered; null where it came after the window had closed."""
    branches = [
        {"case": {"$gte": ["$createdAt", span.closes_at]}, "then": None},
        {"case": _any_between(span.opens_at, span.closes_at), "then": ON_TIME},
        {"case": _any_between(span.closes_at, span.ends_at), "then": LATE},
        {"case": _any_between(span.starts_at, span.opens_at), "then": EARLY},
    ]
    return {"$switch": {"branches": branches, "default": MISSING}}


def _any_between(begin: datetime, end: datetime) -> Stage:
    between = {"$and": [{"$gte": ["$$at", begin]}, {"$lt": ["$$at", end]}]}
    return {"$gt": [{"$size": {"$filter": {"input": f"${_MOMENTS}", "as": "at", "cond": between}}}, 0]}


def _figures(state: str) -> Stage:
    each = {name: {"$sum": {"$cond": [{"$eq": [state, name]}, 1, 0]}} for name in STATES}
    return {"clients": {"$sum": 1}, **each}
