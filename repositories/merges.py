"""Two clients become one: every document that has to do with them in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS, Facet
from catalogue.filters import Filter
from repositories.base import target_query
from repositories.changes import CHANGES, PART_OF
from repositories.clients import MERGED, NUMBERS
from repositories.compile.changes import BEFORE, SEQUENCE, SHOWN, change_pipeline, proof_key, sequence_of
from repositories.compile.filters import query_from
from repositories.compile.records import FIRST
from repositories.cursors import value_at
from repositories.derivations import Derivations
from repositories.errors import NotFound, StaleVersion
from repositories.mongo import Collection, Store, Transaction
from repositories.owned import Reference
from repositories.plan import ID, Change, Proof
from repositories.rollups import Rollups
from repositories.vault import Vault

Document = dict[str, Any]

MERGED_LIMIT = 50
REFERRING_LIMIT = 1_000
"""Clients who point at a merged one, each of whom gets a change in the same transaction."""
_CORE = ("number", "kind", "stage", "managerId", "team", "region")


Related = Sequence[tuple[str, str]]
"""Collections whose documents follow a client, each with the path of the client's id."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What is to become of two clients, as they were read."""

    kept: Document
    merged: Document
    change: Change
    """Of the kept one; its key makes the merge one that happens once."""
    paths: tuple[str, ...]
    """The paths whose values come from the merged one."""
    leaves: tuple[str, ...]
    """The paths at which values of clients are stored."""
    references: tuple[Reference, ...]
    related: Related
    """Collections whose documents follow the client, each with the path of the client's id."""


class MergeRepository:
    """Merges clients; what it does is all done or not at all."""

    def __init__(self, store: Store, vault: Vault, derivations: Derivations, rollups: Rollups) -> None:
        self._store = store
        self._vault = vault
        self._derivations = derivations
        self._rollups = rollups

    async def read(self, client_id: str) -> Document | None:
        """A client as it is stored."""
        return await self._store.collection(CLIENTS).find_one({ID: {"$eq": client_id}})

    async def in_clear(self, client: Document, paths: Iterable[str]) -> Document:
        """The values of a client at some paths, decrypted.

        Raises: VaultAway: a value that cannot be read must not be taken for unset.
        """
        values: Document = {path: value_at(client, path) for path in paths}
        opened: Document = await self._vault.opened(values, must=True)
        return opened

    async def counts(self, client_id: str, merge: Merge, rows: Filter | None = None) -> dict[str, int]:
        """How many records would follow, by area, and how many clients among these rows point at the merged one."""
        found = {
            area: await self._store.collection(area).count({key: {"$eq": client_id}}) for area, key in merge.related
        }
        found["references"] = 0
        for area in {each.area for each in merge.references}:
            query: Document = {
                "$or": [{each.path: {"$eq": client_id}} for each in merge.references if each.area == area]
            }
            if rows is not None:
                query = {"$and": [query_from(rows), query]}
            found["references"] += await self._store.collection(area).count(query)
        return found

    async def carry_out(self, merge: Merge) -> tuple[int, int]:
        """The kept client's version and its place in the history, now that the other one is part of it.

        Raises: StaleVersion if one of the two has changed, NotFound if one is gone; nothing is changed then.
        Cost: one transaction; six commands, two for each area of related records, two for each client who points at
        the merged one; and what the rollups of the kept one cost.
        """
        kept = str(merge.kept[ID])
        (sealed,) = await self._vault.sealed([(kept, merge.change)])
        marks = {area: self._rollups.mark(area) for area, _ in merge.related}
        done = await self._store.transaction(lambda each: _carry_out(each, merge, sealed, self._derivations, marks))
        await self._let_follow(str(merge.merged[ID]), kept, _follows(merge), marks, merge.related)
        return done

    async def let_follow(self, merged: str, kept: str, related: Related) -> None:
        """Let records follow a merge that was done before, by whoever may have been stopped behind it.

        Cost: one command for each area, and one that finds the merge.
        """
        found = await self.read(kept) or {}
        for each in found.get(MERGED, ()):
            if each["id"] == merged:
                facts = _followed(str(each["by"]), each["at"], str(each["number"]), str(found["number"]))
                marks = {area: self._rollups.mark(area) for area, _ in related}
                await self._let_follow(merged, kept, facts, marks, related)

    async def _let_follow(
        self, merged: str, kept: str, facts: Change, marks: Mapping[str, Document], related: Related
    ) -> None:
        # What came in while the transaction ran it has not seen.
        await _move_records(self._store, merged, kept, facts, marks, related)
        for area, mark in marks.items():
            await self._rollups.follow(area, [kept], mark)


async def _carry_out(
    transaction: Transaction, merge: Merge, change: Change, derivations: Derivations, marks: Mapping[str, Document]
) -> tuple[int, int]:
    clients = transaction.collection(CLIENTS)
    kept, merged = str(merge.kept[ID]), str(merge.merged[ID])
    await _archive(transaction, merge)
    if not await clients.delete_one(target_query(merged, replace(change, expected_sequence=sequence_of(merge.merged)))):
        raise await _stale(clients, merged, merge.merged["version"])
    query = target_query(kept, replace(change, expected_sequence=sequence_of(merge.kept)))
    stages: list[Mapping[str, Any]] = [*derivations.pipeline(change), {"$set": _marks(merge)}]
    done = await clients.find_one_and_update(query, stages, {"version": 1, SEQUENCE: 1})
    if done is None:
        raise await _stale(clients, kept, merge.kept["version"])
    facts = _follows(merge)
    await _move_records(transaction, merged, kept, facts, marks, merge.related)
    for reference in merge.references:
        await _point(transaction.collection(reference.area), reference, merged, kept, facts, derivations)
    return int(done["version"]), sequence_of(done)


async def _move_records(
    place: Transaction | Store, merged: str, kept: str, facts: Change, marks: Mapping[str, Document], related: Related
) -> None:
    """Let what belongs to the merged client, grants and walls too, belong to the kept one."""
    for area, key in related:
        # Whoever is stopped before the rollups are computed leaves the marks, by which the worker finds these records.
        pipeline: list[Mapping[str, Any]] = [*change_pipeline(replace(facts, values={key: kept}))]
        if mark := marks.get(area):
            pipeline.append({"$set": {name: {"$literal": each} for name, each in mark.items()}})
        await place.collection(area).update_many({key: {"$eq": merged}}, pipeline)


async def _stale(clients: Collection, client_id: str, version: int) -> Exception:
    present = await clients.find_one({ID: {"$eq": client_id}}, {"version": 1})
    return NotFound("client", client_id) if present is None else StaleVersion("client", version, present["version"])


async def _archive(transaction: Transaction, merge: Merge) -> None:
    """Keep the history of the merged client with all that it had: its changes stay its own, under its own id."""
    changes, merged = transaction.collection(CHANGES), merge.merged
    entries = [*merged.get("tail", ()), _last_entry(merge)]
    rows = [
        {ID: f"{merged[ID]}:{each['version']}", "recordId": merged[ID], "area": CLIENTS, **each} for each in entries
    ]
    # One that was moved out by somebody who then stopped is there already; in a transaction no insert may fail.
    there = await changes.find({ID: {"$in": [each[ID] for each in rows]}}, {ID: 1})
    known = {each[ID] for each in there}
    await changes.insert_many([each for each in rows if each[ID] not in known], ordered=True)


def _last_entry(merge: Merge) -> Document:
    """The change that ends the merged client: it says what every value was, so that nothing is lost with it."""
    merged, change = merge.merged, merge.change
    stored = [(path, value_at(merged, path)) for path in (*_CORE, *merge.leaves)]
    rows = [{"path": path, "old": value} for path, value in stored if value is not None]
    entry: Document = {
        "version": sequence_of(merged) + 1,
        SHOWN: merged["version"] + 1,
        BEFORE: {"v": merged["version"], "at": merged["updatedAt"]},
        "at": change.at,
        "by": change.by,
        "source": f"became part of client {merge.kept['number']}",
        "values": rows,
        PART_OF: merge.kept[ID],
        "proof": merged.get("proof", {}),
    }
    rest = {facet: without(merged.get(facet), facet, frozenset(merge.leaves)) for facet in Facet}
    # No attribute explains these, so no rule says who may see them: they are kept, and shown to nobody.
    unexplained = {str(facet): value for facet, value in rest.items() if value}
    return entry | ({"unexplained": unexplained} if unexplained else {})


def without(value: object, path: str, leaves: frozenset[str]) -> Any:
    """What is left of an object at a path when the values at the leaves are taken out; None where nothing is."""
    if path in leaves:
        return None
    if not isinstance(value, dict):
        return value
    left = {key: without(each, f"{path}.{key}", leaves) for key, each in value.items()}
    return {key: each for key, each in left.items() if each is not None} or None


def _marks(merge: Merge) -> Document:
    """What the kept client has besides its values: its numbers, whom it has taken in, and when values were observed."""
    kept, merged = merge.kept, merge.merged
    numbers = [kept["number"], *kept.get(NUMBERS, ()), merged["number"], *merged.get(NUMBERS, ())]
    facts = {
        "id": merged[ID],
        "number": merged["number"],
        "version": merged["version"] + 1,
        "at": merge.change.at,
        "by": merge.change.by,
    }
    marks: Document = {
        NUMBERS: {"$literal": list(dict.fromkeys(numbers))},
        MERGED: {"$literal": [*kept.get(MERGED, ()), facts, *merged.get(MERGED, ())]},
    }
    proofs = merged.get("proof") or {}
    for path in merge.paths:
        observed = _observed(proofs, path)
        if observed is not None and merge.change.values.get(path) is not None:
            marks[f"proof.{proof_key(path)}.o"] = {"$literal": observed}
    return marks


def _observed(proofs: Mapping[str, Any], path: str) -> datetime | None:
    """When a value was observed: it is no younger for standing in another document."""
    found = proofs.get(proof_key(path)) or proofs.get(FIRST) or {}
    seen: datetime | None = found.get("o")
    return seen


def _follows(merge: Merge) -> Change:
    """A change of a record that follows the merged client."""
    return _followed(merge.change.by, merge.change.at, str(merge.merged["number"]), str(merge.kept["number"]))


def _followed(by: str, at: datetime, merged: str, kept: str) -> Change:
    return Change({}, by, at, Proof(followed_source(merged, kept)))


def followed_source(merged: str, kept: str) -> str:
    """What the changes of those who follow a merge have for a source, by the numbers of the two."""
    return f"client {merged} became part of {kept}"


async def _point(
    collection: Collection, reference: Reference, old: str, new: str, facts: Change, derivations: Derivations
) -> None:
    """Let the records that point at the merged client point at the kept one."""
    query: Document = {reference.path: {"$eq": old}, ID: {"$ne": new}}
    found = await collection.find(query, {"version": 1, SEQUENCE: 1, reference.holder: 1}, limit=REFERRING_LIMIT)
    for each in found:
        value = pointing_at(value_at(each, reference.holder), reference.keys, old, new)
        # A version that moved would tell that this client pointed at the merged one.
        change = replace(facts, values={reference.holder: value}, expected_sequence=sequence_of(each), is_silent=True)
        pipeline = derivations.pipeline(change) if reference.area == CLIENTS else change_pipeline(change)
        await collection.update_one(target_query(str(each[ID]), change), pipeline)


def pointing_at(value: Any, keys: Sequence[str], old: str, new: str) -> Any:
    """What is stored at the holder of a reference, with another client in the place of one; in a list each once."""
    if isinstance(value, list):
        return [*_once(pointing_at(each, keys, old, new) for each in value)]
    if not isinstance(value, dict):
        return new if value == old else value
    return {
        key: pointing_at(each, keys[1:], old, new) if keys and key == keys[0] else each for key, each in value.items()
    }


def _once(values: Iterable[Any]) -> Iterable[Any]:
    seen: set[str] = set()
    for each in values:
        if not isinstance(each, str) or each not in seen:
            yield each
        if isinstance(each, str):
            seen.add(each)
