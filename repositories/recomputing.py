"""Values of the whole book computed anew: by the database itself, a range of ids at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalogue.attribute import CLIENTS
from repositories.changes import TAIL_LIMIT, ChangeHistory
from repositories.compile.derivations import NEXT, next_path
from repositories.mongo import Store
from repositories.plan import ID

BATCH = 1_000

Stages = Sequence[Mapping[str, Any]]


class RecomputingRepository:
    """Runs stages over the clients, in order of their ids."""

    def __init__(self, store: Store, history: ChangeHistory) -> None:
        self._clients = store.collection(CLIENTS)
        self._history = history

    async def count(self) -> int:
        """How many clients there are, roughly."""
        return await self._clients.estimated_count()

    async def end_of_batch(self, after: str, size: int) -> str | None:
        """The last id of the batch behind an id; None where no more than a batch is left.

        Cost: one walk through the keys of the ids.
        """
        rows = await self._clients.find({ID: {"$gt": after}}, {ID: 1}, [(ID, 1)], limit=1, skip=size - 1)
        return str(rows[0][ID]) if rows else None

    async def run(self, stages: Stages, after: str, until: str | None) -> int:
        """How many clients have become other documents; those that are right stay as they are, bytes and all.

        Cost: one command that the database answers by itself; one more for tails, and three for each that is full.
        """
        ids = {"$gt": after} if until is None else {"$gt": after, "$lte": until}
        _, changed = await self._clients.update_many({ID: ids}, list(stages))
        full = await self._clients.find({ID: ids, f"tail.{TAIL_LIMIT}": {"$exists": True}}, {"tail.version": 1})
        for each in full:
            await self._history.move_when_full(str(each[ID]), each)
        return changed

    async def run_missing(self, stages: Stages, path: str, revision: int) -> int:
        """How many clients had no value of the new formula beside the old one, and have it now."""
        where = {f"{next_path(path)}.r": {"$ne": revision}}
        matched, _ = await self._clients.update_many(where, list(stages))
        return matched

    async def drop_upcoming(self, path: str) -> int:
        """How many clients lose a value that was put beside and is not wanted any more."""
        where = {next_path(path): {"$exists": True}}
        _, changed = await self._clients.update_many(where, {"$unset": {next_path(path): ""}})
        await self._clients.update_many({NEXT: {"$eq": {}}}, {"$unset": {NEXT: ""}})
        return changed
