"""Values that have been kept for as long as they may: which clients have them, and what the history forgets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS
from repositories.changes import CHANGES
from repositories.clients import MERGED
from repositories.compile.changes import SEQUENCE, proof_key
from repositories.mongo import Store
from repositories.plan import ID

Document = dict[str, Any]

BATCH = 200


class RetentionRepository:
    """What of one attribute was observed before a moment."""

    def __init__(self, store: Store) -> None:
        self._clients = store.collection(CLIENTS)
        self._changes = store.collection(CHANGES)

    async def expired(self, path: str, before: datetime, after_id: str = "") -> list[Document]:
        """Clients, by id, whose present value was observed before the moment, each with its place in its history.

        Cost: one pass through the clients behind an id, until a batch is full.
        """
        proof = f"proof.{proof_key(path)}"
        seen = [{f"{proof}.o": {"$lt": before}}, {proof: {"$exists": False}, "proof.first.o": {"$lt": before}}]
        query = {ID: {"$gt": after_id}, path: {"$ne": None}, "$or": seen}
        return await self._clients.find(query, {"version": 1, SEQUENCE: 1}, sort=[(ID, 1)], limit=BATCH)

    async def forget(self, path: str, before: datetime, *, dry_run: bool) -> int:
        """How many changes no longer say the values that were observed before the moment; that they were is kept.

        Cost: one pass through the clients; two commands for 200 of them, and one for each that has something to forget.
        """
        done = 0
        batch: list[Document] = []
        rows = self._clients.iterate({}, {"tail": 1, SEQUENCE: 1, "moved": 1, f"{MERGED}.id": 1}, sort=[(ID, 1)])
        async for client in rows:
            batch.append(client)
            if len(batch) == BATCH:
                done += await self._forget(batch, path, before, dry_run)
                batch = []
        return done + await self._forget(batch, path, before, dry_run)

    async def _forget(self, clients: Sequence[Document], path: str, before: datetime, dry_run: bool) -> int:
        if not clients:
            return 0
        # Who became part of a client has the history that was his, and no document.
        former = [str(each["id"]) for client in clients for each in client.get(MERGED, ())]
        ids = [*(each[ID] for each in clients), *former]
        query = {"recordId": {"$in": ids}, "values.path": {"$eq": path}}
        moved: dict[str, list[Document]] = {}
        for entry in await self._changes.find(query, sort=[("version", 1)]):
            moved.setdefault(str(entry["recordId"]), []).append(entry)
        done = 0
        for client in clients:
            older = moved.get(str(client[ID]), [])
            forgetful = forgotten([*older, *client["tail"]], path, before)
            done += len(forgetful)
            if not dry_run:
                await self._store(client, [each for each in older if each["version"] in forgetful], forgetful)
        for each in former:
            entries = moved.get(each, [])
            forgetful = forgotten(entries, path, before)
            done += len(forgetful)
            if not dry_run:
                await self._store_moved([entry for entry in entries if entry["version"] in forgetful])
        return done

    async def _store(self, client: Document, older: Sequence[Document], forgetful: frozenset[int]) -> None:
        await self._store_moved(older)
        if any(each["version"] in forgetful for each in client["tail"]):
            query = {ID: client[ID], SEQUENCE: client.get(SEQUENCE), "moved": client.get("moved")}
            await self._clients.update_one(query, {"$set": {"tail": client["tail"]}})

    async def _store_moved(self, entries: Sequence[Document]) -> None:
        for entry in entries:
            await self._changes.update_one({ID: entry[ID]}, {"$set": {"values": entry["values"]}})


def forgotten(entries: Sequence[Document], path: str, before: datetime) -> frozenset[int]:
    """The versions of the changes that lose a value; the entries are changed.

    Order: the entries are those of one client, oldest first. A change knows the value before it too, which is as old as
    the change that set it.
    """
    versions: set[int] = set()
    was_expired = False
    for entry in entries:
        for row in entry["values"]:
            if row["path"] != path:
                continue
            is_expired = (entry.get("observedAt") or entry["at"]) < before
            for name, is_old in (("old", was_expired), ("new", is_expired)):
                if is_old and name in row:
                    del row[name]
                    versions.add(int(entry["version"]))
            was_expired = is_expired
    return frozenset(versions)
