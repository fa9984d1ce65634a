"""Rollups as aggregations over the records that point at clients."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import Int64

from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from catalogue.rollups.reading import filter_of, is_for_members, members_of, moment_path, relation_of
from catalogue.rollups.rollup import Rollup, RollupFunction
from repositories.compile.changes import proof_key
from repositories.compile.derivations import Derivation
from repositories.compile.derived_value import kept_value
from repositories.compile.filters import query_from
from repositories.compile.fitting import fits
from repositories.compile.guards import where
from repositories.cursors import value_at

Stage = dict[str, object]

CLOCKS = timedelta(minutes=1)
"""So far may the clock of whoever records something be ahead: what has just been is not of the future."""
FIRST_LEVEL = -1
"""Rollups come before every formula: they read no value of the client."""
ROLLED = "rolled"
"""Under it a client has what was counted for the members of a segment, be it one or not: by path."""
_TYPES = {
    **dict.fromkeys((Kind.LONG, Kind.NUMBER, Kind.DECIMAL), "number"),
    **dict.fromkeys((Kind.DATE, Kind.DATETIME), "date"),
    Kind.BOOLEAN: "bool",
}
"""How values of a kind are stored; all others are texts."""
_ACCUMULATORS = {
    RollupFunction.SUM: "$sum",
    RollupFunction.AVERAGE: "$avg",
    RollupFunction.MINIMUM: "$min",
    RollupFunction.MAXIMUM: "$max",
    RollupFunction.LATEST: "$max",
    RollupFunction.FIRST: "$min",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What the aggregation of a rollup reads; `owner` is the path of the client's id in a record."""

    attribute: Attribute
    rollup: Rollup
    owner: str
    over: str
    of_kind: Kind | None
    where: Stage

    @property
    def nothing(self) -> object:
        """What a client without such records has."""
        return Int64(0) if self.rollup.function is RollupFunction.COUNT else None


def counted(catalogue: Catalogue, attribute: Attribute) -> Counted | None:
    """A rollup as it is to be computed; None where it is none, or its area points at no clients.

    Raises: Refused for a filter that the catalogue does not know any more.
    """
    rollup = attribute.rollup
    relation = None if rollup is None else relation_of(catalogue, rollup.area)
    over = None if rollup is None else moment_path(catalogue, rollup)
    if rollup is None or relation is None or over is None:
        return None
    of = None if rollup.of is None else catalogue.find(rollup.of, rollup.area)
    where = query_from(filter_of(catalogue, rollup))
    return Counted(attribute, rollup, relation.stored_in, over, None if of is None else of.kind, where)


def counting_pipeline(given: Counted, clients: Collection[str], at: datetime) -> list[Stage]:
    """Stages that give, for each of the clients with such records: v, how many, and the first and last moment.

    Cost: one walk through the records of those clients, by the index that lists them.
    """
    return [{"$match": {"$and": [_owned(given, clients), *_parts(given, at)]}}, _grouping(given)]


def together(given: Sequence[Counted]) -> Iterator[list[int]]:
    """The places of rollups that one command counts: those over the same records.

    Long texts are counted alone: what several count stands in one document on the way, which may not grow too large.
    """
    found: dict[tuple[str, int | None], list[int]] = {}
    for place, each in enumerate(given):
        found.setdefault((each.rollup.area, place if each.of_kind is Kind.TEXT else None), []).append(place)
    yield from found.values()


def several_pipeline(given: Sequence[Counted], clients: Collection[str], at: datetime) -> list[Stage]:
    """Stages that give the same for several rollups over the same records; `r` says of which of them a row is.

    Cost: one walk through the records of those clients, whatever the number of rollups.
    """
    each_of = {
        f"r{place}": [{"$match": {"$and": _parts(each, at)}}, _grouping(each), {"$set": {"r": place}}]
        for place, each in enumerate(given)
    }
    rows: Stage = {"$project": {"row": {"$concatArrays": [f"${name}" for name in each_of]}}}
    # One row at a time: all of them together may be more than a document.
    apart: list[Stage] = [{"$unwind": "$row"}, {"$replaceWith": "$row"}]
    return [{"$match": _owned(given[0], clients)}, {"$facet": each_of}, rows, *apart]


def _owned(given: Counted, clients: Collection[str]) -> Stage:
    return {given.owner: {"$in": sorted(clients)}}


def _parts(given: Counted, at: datetime) -> list[Stage]:
    """Which records of a client are counted."""
    rollup = given.rollup
    parts: list[Stage] = []
    if given.where:
        parts.append(given.where)
    if rollup.of is not None:
        is_counted = rollup.function is RollupFunction.COUNT
        stored = {"$ne": None} if is_counted else {"$type": _TYPES.get(given.of_kind or Kind.STRING, "string")}
        parts.append({rollup.of: stored})
    if rollup.days is not None:
        parts.append({given.over: {"$gt": at - timedelta(days=rollup.days), "$lte": at + CLOCKS}})
    else:
        parts.append({given.over: {"$type": "date"}})
    return parts


def _grouping(given: Counted) -> Stage:
    moments: Stage = {"n": {"$sum": 1}, "first": {"$min": f"${given.over}"}, "last": {"$max": f"${given.over}"}}
    return {"$group": {"_id": f"${given.owner}", "v": _value(given), **moments}}


def _value(given: Counted) -> Stage:
    function = given.rollup.function
    if function is RollupFunction.COUNT:
        return {"$sum": 1}
    value = f"${given.rollup.of}"
    if function in (RollupFunction.LATEST, RollupFunction.FIRST):
        # Objects are compared field by field: of two records of one moment the id decides.
        return {_ACCUMULATORS[function]: {"o": f"${given.over}", "i": "$_id", "v": value}}
    return {_ACCUMULATORS[function]: value}


def value_of(given: Counted, row: Stage | None) -> object:
    """The value of a client, from its row of the aggregation."""
    if row is None:
        return given.nothing
    found = row["v"]
    return found.get("v") if isinstance(found, dict) else found


def is_there(given: Counted, client: Mapping[str, object], value: object) -> bool:
    """Whether a client has the value already, of the same kind, and nothing beside it is to go."""
    stored = value_at(client, counted_path(given.attribute))
    is_alike = all(isinstance(stored, each) is isinstance(value, each) for each in (bool, int, float))
    return given.attribute.formula_state is None and is_alike and stored == value


def value_among(ids: Sequence[str], values: Sequence[object]) -> Stage:
    """The expression of the value of a client who is one of several, by its place among them."""
    if len(ids) == 1:
        return {"$literal": values[0]}
    return {"$arrayElemAt": [{"$literal": list(values)}, {"$indexOfArray": [{"$literal": list(ids)}, "$_id"]}]}


def as_derivation(catalogue: Catalogue, given: Counted, value: Stage) -> Derivation:
    """How a value that was counted is put into a client: cast, held against the rules, entered in the history."""
    attribute = given.attribute
    kept = kept_value(attribute, catalogue.kinds_with(attribute), value)
    drops = attribute.formula_state is not None
    return Derivation(attribute.path, FIRST_LEVEL, kept, drops_upcoming=drops, source=_source(attribute))


def for_members(catalogue: Catalogue, given: Counted, level: int) -> Derivation:
    """How a value comes out of what was counted last, for a client who is in the segment now; null for others.

    Raises: Refused for a filter that the catalogue does not know any more.
    """
    attribute = given.attribute
    rolled = {"$ifNull": [f"${_rolled_path(attribute)}", given.nothing]}
    value = where(fits(query_from(members_of(catalogue, attribute))), rolled)
    kept = kept_value(attribute, catalogue.kinds_with(attribute), value)
    drops = attribute.formula_state is not None
    return Derivation(attribute.path, level, kept, drops_upcoming=drops, source=_source(attribute))


def rolled_stages(counts: Iterable[tuple[Counted, Stage]]) -> list[Stage]:
    """The stages that keep what was counted for members, before it is said who is one."""
    kept: Stage = {_rolled_path(each.attribute): value for each, value in counts if is_for_members(each.attribute)}
    return [{"$set": kept}] if kept else []


def counted_path(attribute: Attribute) -> str:
    """Where a client has what was counted: beside the value, where only members of a segment have one."""
    return _rolled_path(attribute) if is_for_members(attribute) else attribute.path


def _rolled_path(attribute: Attribute) -> str:
    return f"{ROLLED}.{proof_key(attribute.path)}"


def _source(attribute: Attribute) -> str:
    return f"rollup of {attribute.path}, revision {attribute.formula_revision}"


def crossing_pipeline(
    given: Sequence[Counted], since: datetime, until: datetime, after: str, limit: int
) -> list[Stage]:
    """Stages that give the clients of whom a record has left one of the windows, or come in, in a span of time.

    Order: by id, those behind `after`.
    Cost: the records of a span for each length of window, and of one more, by indexes of their moments.
    """
    edges = sorted({(each.over, days) for each in given for days in (0, each.rollup.days or 0)})
    spans = [
        {over: {"$gt": since - timedelta(days=days), "$lte": until - timedelta(days=days)}} for over, days in edges
    ]
    return [
        {"$match": {"$or": spans}},
        {"$group": {"_id": f"${given[0].owner}"}},
        {"$match": {"_id": {"$gt": after}}},
        {"$sort": {"_id": 1}},
        {"$limit": limit},
    ]
