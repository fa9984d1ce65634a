"""One change of one record as one update pipeline; every given value stands in $literal, so that none is evaluated."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from repositories.compile import news
from repositories.compile.search import words_expression
from repositories.plan import Change, Proof
from repositories.values import bson_from

Stage = dict[str, object]

SHOWN = "shown"
"""In an entry of the history: the version that people see once it is made; its own `version` is its sequence."""
BEFORE = "before"
"""In an entry: that version, and its date, as they were before it."""
PATH_SEPARATOR = "/"
"""Stands for the dots of a path where the path is itself a key."""

SEQUENCE = "sequence"
"""Counts every entry of a record's history, computed ones too. It is shown to nobody: gaps tell of hidden entries."""
STORED_AT = "storedAt"
"""When the newest entry of any kind was made, as `updatedAt` is when the record itself was last changed."""
LOOKUPS = "lookups"
SEALED = "sealed"
"""Says that a record has encrypted values, so that a key of its own must be there."""


def proof_key(path: str) -> str:
    """The name under `proof` where a record keeps which change set a path."""
    return path.replace(".", PATH_SEPARATOR)


def lookup_path(path: str) -> str:
    """The path at which a record keeps the keyed hash of an encrypted value."""
    return f"{LOOKUPS}.{proof_key(path)}"


def change_pipeline(change: Change, derived: Sequence[Stage] = ()) -> list[Stage]:
    """The stages that write a change into the record and into its tail, and behind them what is derived from it.

    Shape: append to the tail (old values read by the database itself), set, unset. Where the change is compared, what
    is news is kept before, and all else hangs on it.
    Order: the tail first, while the old values still stand.
    """
    given = {path: bson_from(value) for path, value in change.values.items() if value is not None}
    cleared = [path for path, value in change.values.items() if value is None]
    sequence, at = next_sequence(), dated(change.at)
    version: object = "$version" if change.is_silent else {"$add": ["$version", 1]}
    rows = {path: _tail_row(path, given) for path in change.values}
    facts = {**entry_counters(version), **_literals(change_facts(change)), "at": at}
    is_conditional = news.is_conditional(change)
    entry = {"version": sequence, **facts, "values": f"${news.NEWS}" if is_conditional else list(rows.values())}
    tail: Stage = {"tail": {"$concatArrays": [{"$ifNull": ["$tail", []]}, [entry]]}}
    assigned, whose = _assigned(change, given, sequence)
    assigned |= {SEQUENCE: sequence, STORED_AT: at}
    if not change.is_silent:
        assigned |= {"version": version, "updatedAt": at}
    if change.words:
        assigned["words"] = words_expression(change.words)
    if change.is_sealed:
        assigned[SEALED] = True
    assigned |= {lookup_path(path): {"$literal": each} for path, each in change.lookups.items() if each is not None}
    unset = [*cleared, *(f"proof.{proof_key(path)}" for path in cleared)]
    unset += [lookup_path(path) for path, each in change.lookups.items() if each is None]
    unsetting: list[Stage] = [{"$unset": unset}] if unset else []
    if not is_conditional:
        return [{"$set": tail}, {"$set": assigned}, *unsetting, *derived]
    keys = {path: proof_key(path) for path in change.values}
    return [
        news.news_stage(change, rows, given, keys),
        {"$set": {**news.only_news(change, tail, {}), **news.answered(change)}},
        {"$set": news.only_news(change, assigned, whose)},
        *unsetting,
        *derived,
        {"$unset": news.NEWS},
    ]


def _assigned(change: Change, given: Mapping[str, object], sequence: object) -> tuple[Stage, dict[str, str]]:
    """The values and their proofs as they are set, and whose each of them is."""
    assigned: Stage = {path: {"$literal": value} for path, value in given.items()}
    seen = {"o": {"$literal": change.proof.observed_at or change.at}, **_literals(news.proof_marks(change.proof))}
    assigned |= {f"proof.{proof_key(path)}": {"v": sequence, **seen} for path in given}
    return assigned, {path: path for path in given} | {f"proof.{proof_key(path)}": path for path in given}


def dated(at: datetime) -> Stage:
    """When a change is entered: servers' clocks differ, and none is dated before the one it follows.

    So what was true when is one question.
    """
    return {"$max": [{"$literal": at}, {"$ifNull": [f"${STORED_AT}", "$updatedAt"]}]}


def sequence_of(record: Mapping[str, Any]) -> int:
    """The number of a record's newest entry; one from before there were such numbers has its version."""
    return int(record.get(SEQUENCE, record["version"]))


def shown_version(entry: Mapping[str, Any]) -> int:
    """The version that people see once an entry of a history is made; older entries raised it with their own number."""
    return int(entry.get(SHOWN, entry["version"]))


def version_before(entry: Mapping[str, Any]) -> int:
    """The version that people saw before an entry was made."""
    return int(entry[BEFORE]["v"]) if BEFORE in entry else int(entry["version"]) - 1


def next_sequence() -> Stage:
    """The number of the entry that a command makes; a record from before there was one has its version."""
    return {"$add": [{"$ifNull": [f"${SEQUENCE}", "$version"]}, 1]}


def entry_counters(version: object) -> Stage:
    """What an entry says of the version that people see: the one it leaves behind, and what it found, with its date."""
    return {SHOWN: version, BEFORE: {"v": "$version", "at": "$updatedAt"}}


def change_facts(change: Change) -> dict[str, object]:
    """Who, when and from where, as the history keeps it; what was not said is left out."""
    facts = {
        "at": change.at,
        "by": change.by,
        "key": change.key,
        "hash": change.request_hash,
        **proof_facts(change.proof),
    }
    return {name: value for name, value in facts.items() if value is not None}


def proof_facts(proof: Proof) -> dict[str, object]:
    """The proof as the history keeps it."""
    return {
        "source": proof.source,
        "observer": proof.observer,
        "observedAt": proof.observed_at,
        "confidence": proof.confidence,
    }


def _tail_row(path: str, given: Mapping[str, object]) -> Stage:
    # A field path to something unset leaves its key out, which is just what the history should say.
    row: Stage = {"path": {"$literal": path}, "old": f"${path}"}
    if path in given:
        row["new"] = {"$literal": given[path]}
    return row


def _literals(facts: Mapping[str, object]) -> Stage:
    return {name: {"$literal": value} for name, value in facts.items()}
