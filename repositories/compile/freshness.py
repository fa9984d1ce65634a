"""Stale values and what is filled in, as aggregations: whether there is a value and how old it is, never the value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from catalogue.attribute import ClientKind
from catalogue.filters import Filter
from repositories.compile.changes import proof_key
from repositories.compile.filters import query_from
from repositories.compile.records import FIRST
from repositories.plan import ID, Order

Stage = dict[str, Any]

_STALE = "stale"
STALE_ORDER = (Order(f"{_STALE}.o"), Order(ID), Order(f"{_STALE}.p"))
"""The oldest first."""
COUNT_ORDER = (Order("count", is_descending=True), Order("manager"), Order("path"))
"""The most first."""
SHARE_ORDER = (Order("share"), Order(ID))
"""The least complete first."""


class StaleKey(StrEnum):
    """What stale values are counted by."""

    MANAGER = "MANAGER"
    ATTRIBUTE = "ATTRIBUTE"
    MANAGER_AND_ATTRIBUTE = "MANAGER_AND_ATTRIBUTE"


@dataclass(frozen=True, slots=True)
class Aging:
    """An attribute whose values grow stale."""

    path: str
    stale_before: datetime
    """What was observed earlier is stale."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An attribute of which clients of some kinds should have a value."""

    path: str
    facet: str
    kinds: frozenset[ClientKind]


def stale_values(predicate: Filter | None, aging: Sequence[Aging]) -> list[Stage]:
    """The stages that find stale values, in no order.

    Shape: rows {"_id": the client, "stale": {"p": path, "o": observed at}}.
    """
    return [*_with_stale(predicate, aging), {"$unwind": f"${_STALE}"}]


def stale_counts(predicate: Filter | None, aging: Sequence[Aging], by: StaleKey) -> list[Stage]:
    """The stages that count stale values, in no order.

    Shape: rows {"manager", "path", "count", "clients", "oldest"}; null for a key that is not counted by.
    """
    manager: object = {"$ifNull": ["$managerId", None]}
    stages = _with_stale(predicate, aging)
    count: Stage
    oldest: Stage
    if by is StaleKey.MANAGER:
        # A client has several values: counted before they are taken apart, else each would count as a client.
        key: Stage = {"manager": manager, "path": {"$literal": None}}
        count, oldest = {"$sum": {"$size": f"${_STALE}"}}, {"$min": {"$min": f"${_STALE}.o"}}
        stages.append({"$match": {f"{_STALE}.0": {"$exists": True}}})
    else:
        is_both = by is StaleKey.MANAGER_AND_ATTRIBUTE
        key = {"manager": manager if is_both else {"$literal": None}, "path": f"${_STALE}.p"}
        count, oldest = {"$sum": 1}, {"$min": f"${_STALE}.o"}
        stages.append({"$unwind": f"${_STALE}"})
    figures = {"count": count, "clients": {"$sum": 1}, "oldest": oldest}
    names = {"manager": "$_id.manager", "path": "$_id.path", **dict.fromkeys(figures, 1)}
    return [*stages, {"$group": {ID: key, **figures}}, {"$project": {ID: 0, **names}}]


def _with_stale(predicate: Filter | None, aging: Sequence[Aging]) -> list[Stage]:
    """Clients with the list of their stale values."""
    every = [{"p": {"$literal": each.path}, "o": _observed_if_stale(each)} for each in aging]
    stale = {"$filter": {"input": every, "as": "each", "cond": {"$ne": ["$$each.o", None]}}}
    return [*_matched(predicate), {"$project": {"managerId": 1, _STALE: stale}}]


def _observed_if_stale(each: Aging) -> Stage:
    observed = {"$ifNull": [f"$proof.{proof_key(each.path)}.o", {"$ifNull": [f"$proof.{FIRST}.o", None]}]}
    # Null is less than every moment: a value without a proof would be the oldest of all.
    is_old = {"$and": [is_there(each.path), {"$ne": [observed, None]}, {"$lt": [observed, each.stale_before]}]}
    return {"$cond": [is_old, observed, None]}


def is_there(path: str) -> Stage:
    """Whether a client has a value at a path; a list without items is one."""
    return {"$ne": [{"$ifNull": [f"${path}", None]}, None]}


def filled_rows(predicate: Filter | None, expected: Sequence[Expected]) -> list[Stage]:
    """The stages that say of each client which of the expected values are there.

    Shape: rows {"_id", "kind", "has": [True, ..]}, in the order of `expected`.
    """
    return [*_matched(predicate), {"$project": {"kind": 1, "has": [is_there(each.path) for each in expected]}}]


def filled_by_manager(predicate: Filter | None, expected: Sequence[Expected]) -> list[Stage]:
    """The stages that say how complete the clients of each manager are.

    Shape: rows {"_id": the manager, "clients", "share", and for each facet "<facet>Filled" and "<facet>Expected"};
    the share is null where nothing is expected.
    """
    figures: Stage = {"clients": {"$sum": 1}}
    for facet in facets_of(expected):
        inside = [each for each in expected if each.facet == facet]
        figures |= {f"{facet}Filled": {"$sum": _filled(inside)}, f"{facet}Expected": {"$sum": _expected(inside)}}
    names = facets_of(expected)
    filled = {"$add": [0, *(f"${each}Filled" for each in names)]}
    wanted = {"$add": [0, *(f"${each}Expected" for each in names)]}
    share = {"$cond": [{"$gt": [wanted, 0]}, {"$divide": [filled, {"$max": [wanted, 1]}]}, None]}
    group = {ID: {"$ifNull": ["$managerId", None]}, **figures}
    return [*_matched(predicate), {"$group": group}, {"$addFields": {"share": share}}]


def facets_of(expected: Sequence[Expected]) -> list[str]:
    """The facets that anything is expected in, in order."""
    return sorted({each.facet for each in expected})


def _filled(inside: Sequence[Expected]) -> Stage:
    """How many of the values of one facet a client has, of those that are expected of its kind."""
    parts: list[object] = [0]
    for kinds, of_them in _by_kinds(inside).items():
        there = {"$add": [0, *({"$cond": [is_there(each.path), 1, 0]} for each in of_them)]}
        parts.append({"$cond": [_is_one_of(kinds), there, 0]})
    return {"$add": parts}


def _expected(inside: Sequence[Expected]) -> Stage:
    parts: list[object] = [0]
    for kinds, of_them in _by_kinds(inside).items():
        parts.append({"$cond": [_is_one_of(kinds), len(of_them), 0]})
    return {"$add": parts}


def _by_kinds(inside: Sequence[Expected]) -> Mapping[frozenset[ClientKind], list[Expected]]:
    found: dict[frozenset[ClientKind], list[Expected]] = {}
    for each in inside:
        found.setdefault(each.kinds, []).append(each)
    return found


def _is_one_of(kinds: frozenset[ClientKind]) -> Stage:
    return {"$in": ["$kind", {"$literal": sorted(str(each) for each in kinds)}]}


def _matched(predicate: Filter | None) -> list[Stage]:
    return [] if predicate is None else [{"$match": query_from(predicate)}]
