"""A book as of a moment: what later changes have to be taken back of, and the stages that take it back."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.filters import And, Filter, Not, Or, Search
from catalogue.kinds import Kind
from repositories.changes import CREATED
from repositories.compile.changes import BEFORE, PATH_SEPARATOR, SEQUENCE, STORED_AT, sequence_of, version_before
from repositories.compile.filters import Query
from repositories.compile.records import FIRST, assign
from repositories.errors import NotAsOf
from repositories.plan import ID, ReadPlan

Stage = dict[str, Any]
Document = dict[str, Any]

CHANGING = frozenset(("stage", "managerId"))
"""Fields that code owns and changes may set; what else it owns stays as the first change made it."""
ENTRIES = "pastEntries"
"""The later changes of a client, oldest first. No stored field has this name, nor the next one."""
_ROWS = "pastRows"


@dataclass(frozen=True, slots=True)
class Past:
    """What is taken back for one question about a moment."""

    moment: datetime
    asked: tuple[str, ...]
    """The values that the filter and the order look at, by the path that the history knows them by."""
    shown: tuple[str, ...]
    """The others that are selected, and what stands beside them in their groups: it says whether a group is there."""
    groups: tuple[str, ...]
    """The groups around them, inner ones first: one of which nothing was set then was not there."""
    is_partial: bool = False
    """Whether something is hidden from whoever asks: how many clients were changed by that is told by no refusal."""


def past_from(catalogue: Catalogue, plan: ReadPlan, looked_at: Collection[str]) -> Past:
    """What has to be taken back, from the paths that a question's predicates look at and those that it selects.

    Raises: NotAsOf for what is known of the present alone: the words that search finds, and hashes of encrypted values.
    """
    if plan.as_of is None:
        raise ValueError("the past is read as of a moment")
    if plan.ranked is not None or _searches(plan.filter):
        raise NotAsOf("search looks into words that are kept of the present alone: use a filter, or leave asOf out.")
    for path in sorted(looked_at):
        if _is_secret(catalogue, path):
            raise NotAsOf(
                f"{path} is RESTRICTED, and what is known of it without reading it is of the present alone: "
                "filter by something else, or leave asOf out."
            )
    first = {unit for path in looked_at for unit in _units(catalogue, path)}
    selected = {unit for path in plan.paths for unit in _units(catalogue, path)}
    groups = {group for unit in first | selected for group in _groups(catalogue, unit)}
    beside = {unit for group in groups for unit in _units(catalogue, group)}
    ordered = sorted(groups, key=lambda each: (-each.count("."), each))
    return Past(plan.as_of, tuple(sorted(first)), tuple(sorted((selected | beside) - first)), tuple(ordered))


def _searches(predicate: Filter | None) -> bool:
    match predicate:
        case Search():
            return True
        case And(parts) | Or(parts):
            return any(_searches(each) for each in parts)
        case Not(part):
            return _searches(part)
        case _:
            return False


def _is_secret(catalogue: Catalogue, path: str) -> bool:
    attribute = catalogue.find(path)
    return attribute is not None and catalogue.is_restricted(attribute)


def _units(catalogue: Catalogue, path: str) -> Iterable[str]:
    """The paths under which the history has what stands at a path; none for what never changes."""
    if path in CHANGING:
        return (path,)
    attribute = catalogue.find(path)
    if attribute is None:
        return ()
    holder = catalogue.list_group_of(attribute)
    if holder is not None:
        return (holder.path,)
    if attribute.kind is not Kind.GROUP or attribute.is_list:
        return (path,)
    inner = f"{path}."
    rows = (each for place, each in catalogue.area(CLIENTS).items() if place.startswith(inner))
    leaves = (each for each in rows if each.kind is not Kind.GROUP or each.is_list)
    return {(catalogue.list_group_of(each) or each).path for each in leaves}


def _groups(catalogue: Catalogue, unit: str) -> Iterable[str]:
    words = unit.split(".")
    outer = (".".join(words[:count]) for count in range(2, len(words)))
    return [each for each in outer if catalogue.find(each) is not None]


def unchanged_since(moment: datetime) -> Query:
    """The clients who are now as they were then."""
    return {STORED_AT: {"$lte": moment}}


def changed_since(moment: datetime) -> Query:
    """The clients who were there then and have been changed."""
    return {STORED_AT: {"$gt": moment}, "createdAt": {"$lte": moment}}


def seen_to_change_since(moment: datetime) -> Query:
    """The clients whose change since then everybody sees by their version; answered by the same index."""
    return {**changed_since(moment), "updatedAt": {"$gt": moment}}


def touched_since(moment: datetime) -> Query:
    """The clients who have been made or changed since."""
    return {STORED_AT: {"$gt": moment}}


def made_since(moment: datetime) -> Query:
    """The clients who were not there then; in words that the index of the changed ones answers."""
    return {**touched_since(moment), "createdAt": {"$gt": moment}}


def halves(moment: datetime) -> tuple[tuple[Query, bool], ...]:
    """Those changed since in two parts: whose own tail tells it all, and whose older changes have to be joined."""
    # Where but the first change has left the tail, there is nothing to join: the client was there by then.
    reaches: list[Query] = [{"tail.0.at": {"$lte": moment}}, {"moved": {"$in": [None, CREATED]}}]
    return ({**changed_since(moment), "$or": reaches}, False), ({**changed_since(moment), "$nor": reaches}, True)


def taken_back(
    past: Past, scope: Query, asked: Query, rest: Sequence[Stage], changes: str, *, is_joined: bool
) -> list[Stage]:
    """The stages that find clients as they were.

    Order: who (`scope`, by the present), the values that are asked for taken back, `asked` of those, then `rest`: a
    sort and a limit, so that what is selected is taken back for what is left alone.
    """
    stages: list[Stage] = [{"$match": scope}, *_entries(past.moment, changes, is_joined=is_joined)]
    if past.asked:
        stages += _undone(past.asked)
    if asked:
        stages.append({"$match": asked})
    return [*stages, *rest]


def shown_as_was(past: Past) -> list[Stage]:
    """The stages that take back what is selected, and say which version of a client it is."""
    stages = _undone(past.shown) if past.shown else []
    for group in past.groups:
        is_empty = {"$eq": [f"${group}", {}]}
        stages.append({"$set": {group: {"$cond": [is_empty, "$$REMOVE", f"${group}"]}}})
    return [*stages, {"$set": _counters()}]


def _counters() -> Stage:
    """Version and date as people saw them, and the place in the history: as the oldest later change found them."""
    oldest = {"$first": f"${ENTRIES}"}

    def of(expression: object) -> Stage:
        return {"$let": {"vars": {"entry": oldest}, "in": expression}}

    return {
        SEQUENCE: of({"$subtract": ["$$entry.version", 1]}),
        "version": of({"$ifNull": [f"$$entry.{BEFORE}.v", {"$subtract": ["$$entry.version", 1]}]}),
        "updatedAt": of({"$ifNull": [f"$$entry.{BEFORE}.at", "$updatedAt"]}),
    }


def _entries(moment: datetime, changes: str, *, is_joined: bool) -> list[Stage]:
    later = {"$filter": {"input": "$tail", "as": "entry", "cond": {"$gt": ["$$entry.at", moment]}}}
    if not is_joined:
        return [{"$set": {ENTRIES: later}}]
    inner: list[Stage] = [
        {"$match": {"at": {"$gt": moment}}},
        {"$sort": {"version": 1}},
        {"$project": {"version": 1, BEFORE: 1, "values": 1}},
    ]
    lookup = {"from": changes, "localField": ID, "foreignField": "recordId", "pipeline": inner, "as": ENTRIES}
    return [{"$lookup": lookup}, {"$set": {ENTRIES: {"$concatArrays": [f"${ENTRIES}", later]}}}]


def _undone(units: Sequence[str]) -> list[Stage]:
    """Each value as the oldest later change found it; as it is, where none of them has set it."""
    wanted = {"$filter": {"input": "$$this.values", "as": "row", "cond": {"$in": ["$$row.path", list(units)]}}}
    joined = {"$concatArrays": ["$$value", wanted]}
    rows = {"$reduce": {"input": f"${ENTRIES}", "initialValue": [], "in": joined}}
    return [{"$set": {_ROWS: rows}}, {"$set": {unit: _as_it_was(unit) for unit in units}}]


def _as_it_was(unit: str) -> Stage:
    # What was unset before has no `old`, and what comes to nothing takes the field away.
    row = {"$first": {"$filter": {"input": f"${_ROWS}", "as": "row", "cond": {"$eq": ["$$row.path", unit]}}}}
    is_kept = {"$eq": [{"$type": "$$row"}, "missing"]}
    return {"$let": {"vars": {"row": row}, "in": {"$cond": [is_kept, f"${unit}", "$$row.old"]}}}


def take_back(past: Past, document: Document, entries: Iterable[Mapping[str, Any]]) -> None:
    """The same as the stages, of one whole document in memory; the entries are its later changes, oldest first."""
    was: dict[str, Mapping[str, Any]] = {}
    oldest: Mapping[str, Any] | None = None
    for entry in entries:
        oldest = oldest or entry
        for row in entry["values"]:
            was.setdefault(row["path"], row)
    if oldest is None:
        return
    for path in was.keys() & {*past.asked, *past.shown}:
        if "old" in was[path]:
            assign(document, path, was[path]["old"])
        else:
            _drop(document, path.split("."))
    for group in past.groups:
        _drop(document, group.split("."), only={})
    document[SEQUENCE], document["version"] = int(oldest["version"]) - 1, version_before(oldest)
    if BEFORE in oldest:
        document["updatedAt"] = oldest[BEFORE]["at"]


def _drop(holder: Any, keys: Sequence[str], only: object = None) -> None:
    for key in keys[:-1]:
        holder = holder.get(key) if isinstance(holder, dict) else None
    if isinstance(holder, dict) and (only is None or holder.get(keys[-1]) == only):
        holder.pop(keys[-1], None)


def proofs_to_find(document: Document, paths: Collection[str]) -> list[str]:
    """Those of the proofs selected, by path, that are of later changes, or were taken away by one."""
    proofs, place = document.get("proof") or {}, sequence_of(document)
    return [path for key, path in _proof_paths(paths) if (proofs.get(key) or {"v": place + 1})["v"] > place]


def _proof_paths(paths: Collection[str]) -> list[tuple[str, str]]:
    keys = [each.removeprefix("proof.") for each in paths if each.startswith("proof.") and each != f"proof.{FIRST}"]
    return [(key, key.replace(PATH_SEPARATOR, ".")) for key in keys]
