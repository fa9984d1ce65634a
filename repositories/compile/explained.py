"""What a read command asks, and how the server carried it out, from the command and the server's explanation of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson.json_util import RELAXED_JSON_OPTIONS, dumps

from repositories.compile.indexes import ID_INDEX
from repositories.plan import ID

Document = Mapping[str, Any]

_INDEX_STAGES = frozenset(("IXSCAN", "COUNT_SCAN", "DISTINCT_SCAN", "EXPRESS_IXSCAN", "TEXT_MATCH"))
_ID_STAGES = frozenset(("IDHACK", "EXPRESS_IDHACK", "CLUSTERED_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN"))
_FETCHING = frozenset(("FETCH", "COLLSCAN", "EQ_LOOKUP")) | _ID_STAGES
_BELOW = (
    *("queryPlan", "inputStage", "inputStages", "thenStage", "elseStage", "outerStage", "innerStage"),
    *("shards", "winningPlan"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a read command asks.

    Shape: filter and sort are JSON values; paths are those of the projection, none where whole documents come.
    """

    operation: str
    collection: str
    filter: dict[str, Any] = field(default_factory=dict)
    sort: dict[str, int] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    limit: int | None = None
    hint: str | None = None
    """The index that the command names itself, where it leaves the server no choice."""
    has_groups: bool = False
    """Whether groups or counts come out rather than documents."""


@dataclass(frozen=True, slots=True)
class Explained:
    """How the server carried out a read.

    Units: milliseconds are the server's own; keys and documents are counted as often as they were looked at.
    """

    indexes: tuple[str, ...]
    is_scan: bool
    """Whether the collection itself was walked through."""
    is_covered: bool
    """Whether the keys of an index were enough, so that no document was fetched."""
    sorts_in_memory: bool
    keys: int
    documents: int
    returned: int
    milliseconds: int


def asked_from(command: Document) -> Asked:
    """What a command asks."""
    operation, collection = next(iter(command.items()))
    if operation == "aggregate":
        return _asked_by_pipeline(str(collection), command["pipeline"])
    where = command.get("filter", command.get("query", {}))
    paths = tuple(command.get("projection") or ())
    limit = command.get("limit") or None
    sort, hint = _json(command.get("sort") or {}), command.get("hint")
    return Asked(operation, str(collection), _json(where), sort, paths, limit, None if hint is None else str(hint))


def _asked_by_pipeline(collection: str, pipeline: Sequence[Document]) -> Asked:
    where: list[Document] = []
    sort: Document = {}
    paths: tuple[str, ...] = ()
    limit: int | None = None
    for stage in pipeline:
        ((name, body),) = stage.items()
        if name == "$lookup":
            return _asked_by_lookup(pipeline, body)
        if name == "$group":
            return Asked("aggregate", collection, _all_of(where), _json(sort), paths, limit, has_groups=True)
        if name == "$match" and body:
            where.append(body)
        elif name == "$sort":
            sort = body
        elif name == "$limit":
            limit = body
        elif name == "$project":
            paths = tuple(body)
    return Asked("aggregate", collection, _all_of(where), _json(sort), paths, limit)


def _asked_by_lookup(pipeline: Sequence[Document], lookup: Document) -> Asked:
    """The lists of several holders, as `compile.levels.seek_pipeline` asks for them."""
    inner = _asked_by_pipeline(str(lookup["from"]), lookup.get("pipeline", ()))
    holders: list[Any] = next((each["$project"][ID]["$literal"] for each in pipeline if _names_holders(each)), [])
    of_holders = {str(lookup["foreignField"]): {"$in": holders}}
    where = _all_of([of_holders, inner.filter] if inner.filter else [of_holders])
    paths = tuple(each.partition(".")[2] for each in pipeline[-1].get("$project", ()))
    return Asked("aggregate", inner.collection, where, inner.sort, paths, inner.limit)


def _names_holders(stage: Document) -> bool:
    return isinstance(stage.get("$project", {}).get(ID), Mapping)


def _all_of(parts: Sequence[Document]) -> dict[str, Any]:
    return _json({"$and": list(parts)} if len(parts) > 1 else parts[0] if parts else {})


def _json(value: Document) -> dict[str, Any]:
    """The value with MongoDB's own types written as JSON."""
    found: dict[str, Any] = json.loads(dumps(value, json_options=RELAXED_JSON_OPTIONS))
    return found


def explained_from(explanation: Document) -> Explained:
    """How a read was carried out, from what `explain` says with executionStats.

    Source: the shapes of MongoDB 5 to 8: the classic engine, the slot-based one (`queryPlan` beside `slotBasedPlan`),
    and pipelines of which only the beginning is a query (`stages`, the first of them `$cursor`).
    """
    stages: Sequence[Document] = explanation.get("stages", ())
    query: Document = stages[0]["$cursor"] if stages and "$cursor" in stages[0] else explanation
    plan = list(_plan_stages(query.get("queryPlanner", {}).get("winningPlan", {})))
    names = {str(each["stage"]) for each in plan}
    figures: Document = query.get("executionStats", {})
    lookups = [each for each in stages if "$lookup" in each]
    indexes = dict.fromkeys((*_indexes(plan), *(name for each in lookups for name in each.get("indexesUsed", ()))))
    documents = figures.get("totalDocsExamined", 0) + sum(each.get("totalDocsExamined", 0) for each in lookups)
    is_scan = any(each.get("collectionScans") for each in lookups) if lookups else "COLLSCAN" in names
    return Explained(
        tuple(indexes),
        is_scan,
        bool(indexes) and not names & _FETCHING and not documents,
        "SORT" in names or _sorts_documents(stages),
        int(figures.get("totalKeysExamined", 0) + sum(each.get("totalKeysExamined", 0) for each in lookups)),
        int(documents),
        int(stages[-1].get("nReturned", 0) if stages else figures.get("nReturned", 0)),
        _milliseconds(figures, stages),
    )


def _plan_stages(node: object) -> Iterator[Document]:
    """The stages of a plan, the outermost first."""
    if isinstance(node, Mapping):
        if "stage" in node:
            yield node
        for name in _BELOW:
            if name in node:
                yield from _plan_stages(node[name])
    elif isinstance(node, list):
        for each in node:
            yield from _plan_stages(each)


def _indexes(plan: Sequence[Document]) -> Iterator[str]:
    for each in plan:
        if each["stage"] in _ID_STAGES:
            yield ID_INDEX
        elif each["stage"] in _INDEX_STAGES or (each["stage"] == "EQ_LOOKUP" and "indexName" in each):
            yield str(each.get("indexName", ""))


def _sorts_documents(stages: Sequence[Document]) -> bool:
    """Whether documents are sorted after the query; the groups that come of them are few."""
    for each in stages:
        if "$group" in each:
            return False
        if "$sort" in each:
            return True
    return False


def _milliseconds(figures: Document, stages: Sequence[Document]) -> int:
    estimates = (each.get("executionTimeMillisEstimate", 0) for each in stages)
    return int(max((figures.get("executionTimeMillis", 0), *estimates)))
