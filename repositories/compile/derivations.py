"""The stages that compute derived values in the same command as a change, and put them into the history with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from repositories.compile.changes import (
    SEQUENCE,
    STORED_AT,
    Stage,
    dated,
    entry_counters,
    next_sequence,
    proof_key,
)
from repositories.compile.formula import AT
from repositories.compile.guards import with_values

WAS = "was_"
"""Where a pipeline keeps the values from before, until it ends; no document is stored with it."""
NEXT = "next"
"""Under it a client has, while a formula is changed, the values of the new one: by path, with the revision."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How the value at one path is computed."""

    path: str
    level: int
    """How many others have to be computed before it."""
    value: object | None
    """The expression of the value; None where it is left as it is."""
    upcoming: object | None = None
    """While the formula is changed: the expression of the value that is put beside it."""
    revision: int = 0
    """The revision of the formula that is put beside it."""
    drops_upcoming: bool = False
    """Whether a value that stands beside takes its place with this one."""
    is_timed: bool = False
    """Whether an expression asks what time it is."""
    source: str = ""
    """The formula and its revision, as the history names it."""


def next_path(path: str) -> str:
    """Where the value of the new formula stands meanwhile."""
    return f"{NEXT}.{proof_key(path)}"


def derived_stages(
    derivations: Sequence[Derivation], at: datetime, seen: datetime, condition: Stage | None = None
) -> list[Stage]:
    """The stages that compute what hangs on a change, behind those that write the change; under a condition, if any.

    A value that has become another one gets a row in the change's entry, and the change as its proof.
    Order: the derivations as they have to be computed.
    """
    recorded = _recorded(derivations)
    if condition is not None:
        derivations = [_only_if(condition, each) for each in derivations]
        recorded = _recorded(derivations)
    if not recorded:
        return _computing(derivations, recorded, at)
    final: Stage = {"tail": _tail_with(recorded), **_proofs(recorded, f"${SEQUENCE}", seen)}
    return [*_computing(derivations, recorded, at), {"$set": final}, *_leaving(derivations)]


def _only_if(condition: Stage, derivation: Derivation) -> Derivation:
    """The same value under a condition, and else the one that is there."""
    if derivation.value is None:
        return derivation
    present = {"$ifNull": [f"${derivation.path}", None]}
    return replace(derivation, value={"$cond": [condition, derivation.value, present]})


def first_stages(derivations: Sequence[Derivation]) -> list[Stage]:
    """The stages that compute what a new client has, who has one proof for everything that it was made with."""
    recorded = _recorded(derivations)
    if not recorded:
        return _computing(derivations, recorded, None)
    return [*_computing(derivations, recorded, None), {"$set": {"tail": _tail_with(recorded)}}, *_leaving(derivations)]


def bare_stages(derivations: Sequence[Derivation]) -> list[Stage]:
    """The same without the history, for who enters it himself."""
    return [*_computing(derivations, [], None), *_leaving(derivations)]


def _recorded(derivations: Sequence[Derivation]) -> list[Derivation]:
    """Those whose values are computed, and not left as they are."""
    return [each for each in derivations if each.value is not None]


def recomputing_stages(derivations: Sequence[Derivation], at: datetime, by: str) -> list[Stage]:
    """The stages that compute values anew without a change: one of their own is entered, where any of them is another.

    The version that people see stays: whether it moved would tell what the values are made of. Done twice the stages
    change nothing the second time.
    """
    recorded = _recorded(derivations)
    if not recorded:
        return _computing(derivations, recorded, at)
    is_changed = {"$or": [{"$eq": [_is_same(place, each), False]} for place, each in enumerate(recorded)]}
    sequence = next_sequence()
    rows = _rows(recorded)
    facts = {"by": by, "source": "; ".join(dict.fromkeys(each.source for each in recorded))}
    literals = {name: {"$literal": each} for name, each in facts.items()}
    entry = {"version": sequence, **entry_counters("$version"), "at": dated(at), **literals, "values": rows}
    tail = {"$concatArrays": [{"$ifNull": ["$tail", []]}, [entry]]}
    final: Stage = {
        "tail": {"$cond": [is_changed, tail, "$tail"]},
        SEQUENCE: {"$cond": [is_changed, sequence, f"${SEQUENCE}"]},
        STORED_AT: {"$cond": [is_changed, dated(at), f"${STORED_AT}"]},
        **_proofs(recorded, sequence, at),
    }
    return [*_computing(derivations, recorded, at), {"$set": final}, *_leaving(derivations)]


def upcoming_stages(derivation: Derivation, at: datetime) -> list[Stage]:
    """The stages that put the value of a new formula beside the old one, and do nothing else."""
    return [{"$set": _upcoming(derivation, at)}]


def _computing(derivations: Sequence[Derivation], recorded: Sequence[Derivation], at: datetime | None) -> list[Stage]:
    kept = {str(place): f"${each.path}" for place, each in enumerate(recorded)}
    stages: list[Stage] = [{"$set": {WAS: kept}}] if kept else []
    for _, group in groupby(derivations, key=lambda each: each.level):
        assigned: Stage = {}
        for each in group:
            if each.value is not None:
                assigned[each.path] = {"$ifNull": [_at(each, each.value, at), "$$REMOVE"]}
            if each.upcoming is not None:
                assigned |= _upcoming(each, at)
        stages.append({"$set": assigned})
    return stages


def _upcoming(derivation: Derivation, at: datetime | None) -> Stage:
    value = {"$ifNull": [_at(derivation, derivation.upcoming, at), "$$REMOVE"]}
    return {next_path(derivation.path): {"v": value, "r": derivation.revision}}


def _at(derivation: Derivation, expression: object, at: datetime | None) -> object:
    return at_moment(expression, at) if derivation.is_timed else expression


def at_moment(expression: object, at: datetime | None) -> object:
    """An expression that asks what time it is, told; for a new client it is when the client was made."""
    moment = "$createdAt" if at is None else {"$literal": at}
    return {"$let": {"vars": {AT: moment}, "in": expression}}


def _leaving(derivations: Sequence[Derivation]) -> list[Stage]:
    """Away with what is only of use on the way, and with groups in which nothing is left."""
    gone = [WAS, *(next_path(each.path) for each in derivations if each.drops_upcoming)]
    groups = sorted({outer for each in derivations for outer in _groups_around(each.path)}, reverse=True)
    emptied = [*groups, *([NEXT] if len(gone) > 1 else [])]
    # Inner groups go first: an outer one may then be empty too.
    cleared: list[Stage] = [{"$set": {each: _unless_empty(each)}} for each in emptied]
    return [{"$unset": gone}, *cleared]


def _groups_around(path: str) -> list[str]:
    words = path.split(".")
    return [".".join(words[:count]) for count in range(2, len(words))]


def _unless_empty(path: str) -> Stage:
    return {"$cond": [{"$eq": [f"${path}", {"$literal": {}}]}, "$$REMOVE", f"${path}"]}


def _is_same(place: int, derivation: Derivation) -> Stage:
    return {"$eq": [{"$ifNull": [f"${WAS}.{place}", None]}, {"$ifNull": [f"${derivation.path}", None]}]}


def _rows(recorded: Sequence[Derivation]) -> Stage:
    rows = [
        {
            "$cond": [
                _is_same(place, each),
                None,
                {"path": {"$literal": each.path}, "old": f"${WAS}.{place}", "new": f"${each.path}"},
            ]
        }
        for place, each in enumerate(recorded)
    ]
    return {"$filter": {"input": rows, "as": "row", "cond": {"$ne": ["$$row", None]}}}


def _tail_with(recorded: Sequence[Derivation]) -> object:
    """The tail, whose newest entry also says what the formulas have made of the change."""

    def patched(given: list[object]) -> object:
        values = {"$concatArrays": ["$$entry.values", given[0]]}
        newest = {"$eq": ["$$entry.version", f"${SEQUENCE}"]}
        entry = {"$cond": [newest, {"$mergeObjects": ["$$entry", {"values": values}]}, "$$entry"]}
        return {"$map": {"input": "$tail", "as": "entry", "in": entry}}

    return with_values([_rows(recorded)], patched)


def _proofs(recorded: Sequence[Derivation], version: object, seen: datetime) -> Stage:
    proofs: Stage = {}
    for place, each in enumerate(recorded):
        path = f"proof.{proof_key(each.path)}"
        proof = {"v": version, "o": {"$literal": seen}}
        gone = {"$eq": [{"$type": f"${each.path}"}, "missing"]}
        proofs[path] = {"$cond": [_is_same(place, each), f"${path}", {"$cond": [gone, "$$REMOVE", proof]}]}
    return proofs
