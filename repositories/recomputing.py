"""Values of the whole book computed anew: by the database itself, a range of ids at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS
from repositories.changes import TAIL_LIMIT, ChangeHistory
from repositories.compile.changes import STORED_AT
from repositories.compile.derivations import NEXT, next_path
from repositories.errors import DocumentTooLarge, RepositoryFault
from repositories.mongo import Store
from repositories.plan import ID

BATCH = 1_000
STATE = "builtInRules"

Stages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of some clients."""

    changed: int
    too_large: tuple[str, ...] = ()
    """The ids of those who would become larger than a document may be: they have stayed as they were."""


class RecomputingRepository:
    """Runs stages over the clients, in order of their ids."""

    def __init__(self, store: Store, history: ChangeHistory) -> None:
        self._clients = store.collection(CLIENTS)
        self._state = store.collection("settings")
        self._history = history

    async def count(self) -> int:
        """How many clients there are, roughly."""
        return await self._clients.estimated_count()

    async def knows(self, rules: str) -> bool:
        """Whether the book has been computed by these built-in rules, or that was asked for."""
        found = await self._state.find_one({ID: STATE})
        return found is not None and found["version"] == rules

    async def note_rules(self, rules: str) -> None:
        """Note that the book is computed by these built-in rules."""
        await self._state.update_one({ID: STATE}, {"$set": {"version": rules}}, upsert=True)

    async def end_of_batch(self, after: str, size: int) -> str | None:
        """The last id of the batch behind an id; None where no more than a batch is left.

        Cost: one walk through the keys of the ids.
        """
        rows = await self._clients.find({ID: {"$gt": after}}, {ID: 1}, [(ID, 1)], limit=1, skip=size - 1)
        return str(rows[0][ID]) if rows else None

    async def run(self, stages: Stages, after: str, until: str | None, at: datetime) -> Ran:
        """What became of the clients of one range; those that are right stay as they are, bytes and all.

        `at` is when the stages say that they ran: by it those are counted who have become others.
        Cost: one command that the database answers by itself; one more for tails, and three for each that is full.
        Where a client would become too large, one command for each client of the range, all in one message.
        """
        ids = {"$gt": after} if until is None else {"$gt": after, "$lte": until}
        try:
            ran = Ran((await self._clients.update_many({ID: ids}, list(stages)))[1])
        except DocumentTooLarge:
            left = await self._each({ID: ids}, stages)
            ran = Ran(await self._clients.count({ID: ids, STORED_AT: at}), left)
        full = await self._clients.find({ID: ids, f"tail.{TAIL_LIMIT}": {"$exists": True}}, {"tail.version": 1})
        for each in full:
            await self._history.move_when_full(str(each[ID]), each)
        return ran

    async def run_missing(self, stages: Stages, path: str, revision: int, but: Collection[str]) -> Ran:
        """How many clients had no value of the new formula beside the old one, and have it now; not those left out."""
        where: dict[str, Any] = {f"{next_path(path)}.r": {"$ne": revision}, ID: {"$nin": sorted(but)}}
        try:
            return Ran((await self._clients.update_many(where, list(stages)))[0])
        except DocumentTooLarge:
            left = await self._each(where, stages)
            # Those before the one that was too large have it too: somebody was missing, so it is looked once more.
            return Ran(1, left)

    async def _each(self, where: Mapping[str, Any], stages: Stages) -> tuple[str, ...]:
        """The ids of the clients who would become too large and stay as they are; the stages run on each of the others.

        Raises: RepositoryFault for any other refusal.
        """
        rows = await self._clients.find(where, {ID: 1}, [(ID, 1)])
        full = await self._one_by_one([str(each[ID]) for each in rows], stages)
        # Without its history there may be room.
        relieved = await self._history.relieve(full)
        left = await self._one_by_one(sorted(relieved), stages)
        return tuple(each for each in full if each not in relieved or each in left)

    async def _one_by_one(self, ids: Sequence[str], stages: Stages) -> list[str]:
        """The ids of the clients who would become too large."""
        done = await self._clients.bulk_write([({ID: {"$eq": each}}, list(stages)) for each in ids])
        if others := [each for each in done.errors if not each.is_too_large]:
            raise RepositoryFault(others[0].message)
        return [ids[each.index] for each in done.errors]

    async def drop_upcoming(self, path: str) -> int:
        """How many clients lose a value that was put beside and is not wanted any more."""
        where = {next_path(path): {"$exists": True}}
        _, changed = await self._clients.update_many(where, {"$unset": {next_path(path): ""}})
        await self._clients.update_many({NEXT: {"$eq": {}}}, {"$unset": {NEXT: ""}})
        return changed
