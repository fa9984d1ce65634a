"""Pipelines that say how good values are: how many, how many different ones, and what no attribute explains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.attribute import Attribute, Facet
from catalogue.filters import Filter
from catalogue.kinds import Kind
from repositories.compile.filters import query_from

Stage = dict[str, Any]

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Looked:
    """Which clients are looked at."""

    rows: Filter | None
    sample: int | None
    """So many, drawn at random before the rows are narrowed; None: all of them."""

    def stages(self) -> list[Stage]:
        drawn: list[Stage] = [] if self.sample is None else [{"$sample": {"size": self.sample}}]
        return [*drawn, *([] if self.rows is None else [{"$match": query_from(self.rows)}])]


def fill_pipeline(looked: Looked, attributes: Sequence[Attribute], bounded: Sequence[Attribute]) -> list[Stage]:
    """Stages that count, by kind of client, the clients and those who have each attribute, and its ends.

    Shape: one row {kinds: [{_id, count, f0, f1, ..}], a0, z0, ..}; f by the place among the attributes, a and z
    (minimum and maximum) by the place among the bounded ones, which have single values in clear.
    """
    figures: Stage = {"count": {"$sum": 1}}
    for place, each in enumerate(attributes):
        # Of what stands in a list of groups the path answers a list, empty where no item has it.
        value = {"$ifNull": [f"${each.path}", None]}
        figures[f"f{place}"] = {"$sum": {"$cond": [{"$in": [value, [None, []]]}, 0, 1]}}
    ends: Stage = {}
    for place, each in enumerate(bounded):
        figures |= {f"a{place}": {"$min": f"${each.path}"}, f"z{place}": {"$max": f"${each.path}"}}
        # By the database, which has an order for values of any two types.
        ends |= {f"a{place}": {"$min": f"$a{place}"}, f"z{place}": {"$max": f"$z{place}"}}
    counted = {name: f"${name}" for name in ("_id", "count", *(f"f{place}" for place in range(len(attributes))))}
    return [
        *looked.stages(),
        {"$group": {"_id": "$kind", **figures}},
        {"$group": {"_id": None, "kinds": {"$push": counted}, **ends}},
    ]


def distinct_pipeline(looked: Looked, attribute: Attribute, limit: int) -> list[Stage]:
    """Stages that count the different values of an attribute, no further than the limit; of lists their items."""
    return [
        *looked.stages(),
        {"$project": {"_id": 0, "value": f"${attribute.path}"}},
        {"$unwind": "$value"},
        {"$group": {"_id": "$value"}},
        {"$limit": limit},
        {"$count": "count"},
    ]


def misfit_pipeline(looked: Looked, misfits: Mapping[str, Any]) -> list[Stage]:
    """Stages that count the clients of a query, and name some of them."""
    counted = {"_id": None, "count": {"$sum": 1}, "ids": {"$push": "$_id"}}
    return [
        *looked.stages(),
        {"$match": dict(misfits)},
        {"$project": {"_id": 1}},
        {"$sort": {"_id": 1}},
        {"$group": counted},
        {"$project": {"_id": 0, "count": 1, "ids": {"$slice": ["$ids", EXAMPLES]}}},
    ]


def keys_pipeline(looked: Looked, attributes: Sequence[Attribute], limit: int) -> list[Stage]:
    """Stages that answer the paths at which clients have something that no attribute explains, and how many have it.

    Only the outermost such path is named: what is in it is as unknown.
    Order: by path.
    """
    groups = [each for each in attributes if each.kind is Kind.GROUP]
    known = [*(each.path for each in attributes)]
    paths = [_keys_at(str(facet)) for facet in Facet]
    paths += [_keys_in_items(each.path) if each.is_list else _keys_at(each.path) for each in groups]
    return [
        *looked.stages(),
        {"$project": {"path": {"$setDifference": [{"$concatArrays": paths}, known]}}},
        {"$unwind": "$path"},
        {"$group": {"_id": "$path", "count": {"$sum": 1}, "example": {"$min": "$_id"}}},
        {"$sort": {"_id": 1}},
        {"$limit": limit},
    ]


def _keys_at(holder: str, value: str = "") -> Stage:
    value = value or f"${holder}"
    pairs = {"$cond": [{"$eq": [{"$type": value}, "object"]}, {"$objectToArray": value}, []]}
    return {"$map": {"input": pairs, "as": "pair", "in": {"$concat": [f"{holder}.", "$$pair.k"]}}}


def _keys_in_items(holder: str) -> Stage:
    items = {"$cond": [{"$isArray": f"${holder}"}, f"${holder}", []]}
    joined = {"$concatArrays": ["$$value", _keys_at(holder, "$$this")]}
    return {"$reduce": {"input": items, "initialValue": [], "in": joined}}
