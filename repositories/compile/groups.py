"""Groups and measures as one aggregation: what comes out depends on nothing but what is given here."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from catalogue.filters import Filter
from repositories.compile.filters import query_from
from repositories.compile.pages import beyond
from repositories.plan import Order
from repositories.values import bson_from

Stage = dict[str, Any]

_COUNT = "count"
_WEEK = {"startOfWeek": "monday"}


class CalendarUnit(StrEnum):
    """The spans of time that dates are grouped by; in UTC, weeks from Monday."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"


class Operation(StrEnum):
    """What is worked out of the values of a group; the values are the names in GraphQL."""

    SUM = "sum"
    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SUM_EXACT = "sumExact"
    AVERAGE_EXACT = "averageExact"
    MINIMUM_EXACT = "minimumExact"
    MAXIMUM_EXACT = "maximumExact"

    @property
    def is_exact(self) -> bool:
        """Whether the figure keeps every digit; the other ones are floats, for charts."""
        return self in _EXACT


_EXACT = frozenset((Operation.SUM_EXACT, Operation.AVERAGE_EXACT, Operation.MINIMUM_EXACT, Operation.MAXIMUM_EXACT))
_ACCUMULATORS = {
    Operation.SUM: "$sum",
    Operation.AVERAGE: "$avg",
    Operation.MINIMUM: "$min",
    Operation.MAXIMUM: "$max",
    Operation.SUM_EXACT: "$sum",
    Operation.AVERAGE_EXACT: "$sum",
    Operation.MINIMUM_EXACT: "$min",
    Operation.MAXIMUM_EXACT: "$max",
}


@dataclass(frozen=True, slots=True)
class GroupBy:
    """One key of the groups: a stored path, as it is or cut into spans of time or ranges of numbers."""

    path: str
    is_list: bool = False
    """Each item of a list counts, equal items of one record once."""
    every: CalendarUnit | None = None
    bounds: tuple[float | Decimal, ...] = ()
    """Ascending. Bucket 0 is below the first bound, bucket n holds values from the nth bound on."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a group, over those of its records that have the value."""

    operation: Operation
    path: str


@dataclass(frozen=True, slots=True)
class Grouping:
    """What is grouped by, and the figures that are worked out: no others."""

    by: tuple[GroupBy, ...]
    measures: tuple[Measure, ...] = ()
    wants_count: bool = True
    wants_total: bool = False
    smallest: int = 1
    """Groups of fewer records are left out; for viewers who may know figures and no rows."""


def group_pipeline(
    predicate: Filter | None, grouping: Grouping, limit: int, position: Sequence[object] | None
) -> list[Stage]:
    """The stages that answer one page of groups.

    Shape: rows {"_id": {"k0", "k1", ..}, "count", "m0", "m1", ..}; where the total is wanted, one document with the
    rows under "page" and the number of all groups under "total".
    Order: by the keys, ascending; unset is a key of its own, and the lowest.
    Units: limit counts groups; `position` are the keys of the group that the page starts behind.
    """
    stages: list[Stage] = [] if predicate is None else [{"$match": query_from(predicate)}]
    for place, key in enumerate(grouping.by):
        if key.is_list:
            stages += _items(place, key)
    stages.append({"$group": _group(grouping)})
    if grouping.smallest > 1:
        stages.append({"$match": {_COUNT: {"$gte": grouping.smallest}}})
    page = _page(len(grouping.by), limit, position)
    if grouping.wants_total:
        return [*stages, {"$facet": {"page": page, "total": [{"$count": "groups"}]}}]
    return [*stages, *page]


def key_names(count: int) -> list[str]:
    """What the keys are called inside the id of a row."""
    return [f"k{place}" for place in range(count)]


def measure_names(count: int) -> list[str]:
    """What the figures are called in a row."""
    return [f"m{place}" for place in range(count)]


def known_name(name: str) -> str:
    """What the number of values behind an exact average is called, whose sum stands beside it."""
    return f"{name}n"


def _page(keys: int, limit: int, position: Sequence[object] | None) -> list[Stage]:
    order = [Order(f"_id.{name}") for name in key_names(keys)]
    stages: list[Stage] = [{"$sort": {each.path: 1 for each in order}}]
    if position is not None:
        stages.append({"$match": beyond(order, position)})
    return [*stages, {"$limit": limit}]


def _items(place: int, key: GroupBy) -> list[Stage]:
    given = f"${key.path}"
    items = {"$cond": [{"$isArray": [given]}, {"$setUnion": [given, []]}, given]}
    name = _item(place)
    return [{"$addFields": {name: items}}, {"$unwind": {"path": f"${name}", "preserveNullAndEmptyArrays": True}}]


def _item(place: int) -> str:
    # No stored field of a record has this name.
    return f"groupItem{place}"


def _group(grouping: Grouping) -> Stage:
    keys = zip(key_names(len(grouping.by)), grouping.by, strict=True)
    made: Stage = {"_id": {name: _key(place, key) for place, (name, key) in enumerate(keys)}}
    if grouping.wants_count or grouping.smallest > 1:
        made[_COUNT] = {"$sum": 1}
    for name, measure in zip(measure_names(len(grouping.measures)), grouping.measures, strict=True):
        value: object = f"${measure.path}"
        if measure.operation in (Operation.SUM_EXACT, Operation.AVERAGE_EXACT):
            # Sums of 64-bit numbers that outgrow 64 bits would be floats.
            value = {"$toDecimal": value}
        made[name] = {_ACCUMULATORS[measure.operation]: value}
        if measure.operation is Operation.AVERAGE_EXACT:
            is_unset = {"$eq": [{"$ifNull": [f"${measure.path}", None]}, None]}
            made[known_name(name)] = {"$sum": {"$cond": [is_unset, 0, 1]}}
    return made


def _key(place: int, key: GroupBy) -> object:
    value = f"${_item(place)}" if key.is_list else f"${key.path}"
    # A missing value and a null one are the same key.
    known = {"$ifNull": [value, None]}
    if key.every is not None:
        week = _WEEK if key.every is CalendarUnit.WEEK else {}
        return {"$dateTrunc": {"date": known, "unit": key.every.lower(), **week}}
    return _bucket(known, key.bounds) if key.bounds else known


def _bucket(value: object, bounds: Sequence[float | Decimal]) -> Stage:
    """The place of the bucket, which sorts as the bounds do; null for unset, since null would be below every bound."""
    branches: list[Stage] = [{"case": {"$eq": [value, None]}, "then": None}]
    branches += [{"case": {"$lt": [value, bson_from(bound)]}, "then": place} for place, bound in enumerate(bounds)]
    return {"$switch": {"branches": branches, "default": len(bounds)}}
