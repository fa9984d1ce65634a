"""Erasure: what is deleted of a client, the tombstone that stays, and what a proof looks for."""

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS
from repositories.changes import CHANGES
from repositories.clients import MERGED, NUMBERS
from repositories.interactions import CLIENT_ID, INTERACTIONS
from repositories.mongo import Store
from repositories.plan import ID
from repositories.segment_members import CLIENT_ID as MEMBER_ID
from repositories.segment_members import MEMBERS
from repositories.vault import ERASURES, Vault

Document = dict[str, Any]

BATCH = 500


@dataclass(frozen=True, slots=True)
class Left:
    """Something of a client that is still there."""

    place: str
    count: int


class ErasureRepository:
    """Deletes a client for good, step by step; every step may be done twice."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._tombstones = store.collection(ERASURES)
        self._clients = store.collection(CLIENTS)
        self._changes = store.collection(CHANGES)
        self._interactions = store.collection(INTERACTIONS)
        self._members = store.collection(MEMBERS)
        self._vault = vault

    async def find(self, client_id: str) -> Document | None:
        """The tombstone of a client; without erasedAt the erasure has begun and not ended."""
        return await self._tombstones.find_one({ID: {"$eq": client_id}})

    async def begin(self, client: Document, facts: Mapping[str, object]) -> None:
        """Set the tombstone up: from now on the client gets no key again. It names those who had become part of him.

        Of the numbers only keyed hashes stay, so that a known number can be asked for and no number be read.
        """
        client_id, number = client[ID], str(client["number"])
        hashed = await self._vault.digest("number", number)
        former = [await self._vault.digest("number", each) for each in client.get(NUMBERS, ()) if each != number]
        given = {key: value for key, value in facts.items() if value is not None}
        merged = [each["id"] for each in client.get(MERGED, ())]
        more = {"merged": merged, "formerNumberHashes": former} if merged else {}
        update = {"$setOnInsert": {**given, **more, "numberHash": hashed}}
        await self._tombstones.update_one({ID: {"$eq": client_id}}, update, upsert=True)

    async def reopen(self, client_id: str) -> None:
        """The erasure has to be done again: something has come back with a backup."""
        await self._tombstones.update_one({ID: {"$eq": client_id}}, {"$unset": {"erasedAt": ""}})

    async def was_erased(self, number: str) -> bool:
        """Whether a client of this number was erased once."""
        hashed = await self._vault.digest("number", number)
        query = {"$or": [{"numberHash": {"$eq": hashed}}, {"formerNumberHashes": {"$eq": hashed}}]}
        return await self._tombstones.count(query, limit=1) > 0

    async def delete_key(self, client_id: str) -> None:
        """From now on nothing RESTRICTED of the client can be read, in no copy, but by who keeps the key in memory."""
        for each in await self._all_of(client_id):
            await self._vault.keys.delete(each)

    async def delete_record(self, client_id: str) -> None:
        """The document goes, with its look-ups and the tail of its history; then its older changes, and its stays.

        A snapshot of segments that still has it in hand takes it out again the next day.
        """
        ids = await self._all_of(client_id)
        await self._clients.delete_many({ID: {"$in": ids}})
        await self._changes.delete_many({"recordId": {"$in": ids}})
        await self._members.delete_many({MEMBER_ID: {"$in": ids}})

    async def _all_of(self, client_id: str) -> list[str]:
        """The id of a client, and the ids of those who had become part of him."""
        tombstone = await self.find(client_id) or {}
        return [client_id, *tombstone.get("merged", ())]

    async def delete_interactions(self, client_id: str) -> None:
        """The contacts go with their changes; the tombstone knows them by their ids, so that they can be looked for."""
        query = {CLIENT_ID: {"$eq": client_id}}
        while found := await self._interactions.find(query, {ID: 1}, limit=BATCH):
            ids = [str(each[ID]) for each in found]
            update = {"$addToSet": {"interactions": {"$each": ids}}}
            await self._tombstones.update_one({ID: {"$eq": client_id}}, update)
            await self._interactions.delete_many({ID: {"$in": ids}})
        if known := (await self.find(client_id) or {}).get("interactions"):
            await self._changes.delete_many({"recordId": {"$in": known}})

    async def is_pointed_at(self, client_id: str, paths: Some[str]) -> bool:
        """Whether anybody points at the client at any of the paths.

        Cost: one pass through the clients, however many paths.
        """
        query = {"$or": [{path: {"$eq": client_id}} for path in sorted(paths)]}
        return bool(paths) and await self._clients.count(query, limit=1) > 0

    async def pointing(self, client_id: str, path: str, holder: str) -> list[Document]:
        """Clients who point at the client at a path, each with its version and what is stored at the holder of it."""
        projection = {"version": 1, "kind": 1, holder: 1}
        return await self._clients.find({path: {"$eq": client_id}}, projection, limit=BATCH)

    async def note_reference(self, client_id: str, other_id: str, path: str) -> None:
        """Let the tombstone know who pointed at the client."""
        update = {"$addToSet": {"references": {"client": other_id, "path": path}}}
        await self._tombstones.update_one({ID: {"$eq": client_id}}, update)

    async def end(self, client_id: str, at: datetime) -> None:
        """The erasure is complete; the first one that says so stays."""
        await self._tombstones.update_one(
            {ID: {"$eq": client_id}, "erasedAt": {"$exists": False}}, {"$set": {"erasedAt": at}}
        )

    async def left(self, client_id: str, references: Some[str]) -> list[Left]:
        """What is still there of a client, in every place that has anything to do with clients."""
        tombstone = await self.find(client_id) or {}
        ids = [client_id, *tombstone.get("merged", ())]
        gone = [*ids, *tombstone.get("interactions", ())]
        counts = {
            "data keys": len(await self._vault.keys.find_by_names(ids)),
            "clients": await self._clients.count({ID: {"$in": ids}}),
            "changes": await self._changes.count({"recordId": {"$in": gone}}),
            "interactions": await self._interactions.count({CLIENT_ID: {"$eq": client_id}}),
            "segment members": await self._members.count({MEMBER_ID: {"$in": ids}}),
        }
        for path in sorted(references) if await self.is_pointed_at(client_id, references) else ():
            counts[f"references at {path}"] = await self._clients.count({path: {"$eq": client_id}})
        return [Left(place, count) for place, count in counts.items() if count]

    async def all(self) -> AsyncIterator[str]:
        """The ids of everybody who was erased, or is being erased: for a restored backup."""
        async for each in self._tombstones.iterate({}, {ID: 1}, sort=[(ID, 1)]):
            yield str(each[ID])


def without_reference(value: Any, keys: Sequence[str], client_id: str) -> Any:
    """What is stored at the holder of a reference, without the reference; None where nothing is left.

    Shape: the keys lead from the holder to the reference, through lists of groups; none for the reference itself.
    """
    if isinstance(value, list):
        kept = [each for each in value if each != client_id]
        return [without_reference(each, keys, client_id) for each in kept] or None
    if not isinstance(value, dict):
        return None if value == client_id else value
    done = {}
    for key, each in value.items():
        left = without_reference(each, keys[1:], client_id) if keys and key == keys[0] else each
        if left is not None or each is None:
            done[key] = left
    return done
