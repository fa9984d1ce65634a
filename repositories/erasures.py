"""Erasure: what is deleted of a client, the tombstone that stays, and what a proof looks for."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from policy.files import FILES
from repositories.changes import CHANGES
from repositories.clients import MERGED, NUMBERS
from repositories.compile.changes import SEQUENCE
from repositories.compile.forgetting import Names, reference_query, without_free_texts, without_references
from repositories.merges import followed_source
from repositories.mongo import Collection, Store
from repositories.owned import Held, Reference, held, records_of_clients, references_of
from repositories.plan import ID
from repositories.vault import ERASURES, Vault

Document = dict[str, Any]

BATCH = 500


@dataclass(frozen=True, slots=True)
class Left:
    """Something of a client that is still there."""

    place: str
    count: int


class ErasureRepository:
    """Deletes a client for good, step by step; every step may be done twice. It goes over the list in `owned`."""

    def __init__(self, store: Store, vault: Vault, newest: Callable[[], Catalogue]) -> None:
        self._store = store
        self._tombstones = store.collection(ERASURES)
        self._clients = store.collection(CLIENTS)
        self._changes = store.collection(CHANGES)
        self._vault = vault
        self._newest = newest

    async def find(self, client_id: str) -> Document | None:
        """The tombstone of a client; without erasedAt the erasure has begun and not ended."""
        return await self._tombstones.find_one({ID: {"$eq": client_id}})

    async def begin(self, client: Document, facts: Mapping[str, object]) -> None:
        """Set the tombstone up: from now on the client gets no key again. It names those who had become part of it.

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

    async def forget_names(self, client_id: str) -> None:
        """Take the client out of what people have written elsewhere, and out of the history of those who pointed at it.

        It has to come before the document is gone, for only that knows the numbers.
        Cost: one pass through segments, jobs, files and approvals, and one through the clients and all moved changes.
        """
        ids = await self._all_of(client_id)
        found = await self._clients.find_one({ID: {"$eq": client_id}}, {"number": 1, NUMBERS: 1, f"{MERGED}.number": 1})
        numbers = [found["number"], *found.get(NUMBERS, ())] if found else []
        numbers += [each["number"] for each in (found or {}).get(MERGED, ())]
        names = Names(tuple(ids), tuple(dict.fromkeys(str(each) for each in numbers)))
        for each in held(self._newest()):
            if each.may_name:
                await self._forget_in(self._store.collection(each.collection), {}, names, each.keeps_id)
                await self._forget_in(self._changes, {"area": {"$eq": each.collection}}, names, each.keeps_id)
        await self._forget_history(names)

    async def _forget_in(self, collection: Collection, query: Document, names: Names, keeps_id: bool) -> None:
        async for document in collection.iterate(query):
            without = {key: names.taken_out(value, keeps_id=keeps_id) for key, value in document.items() if key != ID}
            if keeps_id and names.is_in(document):
                without = without_free_texts(without)
            other = {key: value for key, value in without.items() if value != document[key]}
            if other:
                # Who has written it anew meanwhile is met by the next pass; the proof would find what is left.
                as_read = {key: {"$eq": document[key]} for key in other}
                await collection.update_one({ID: document[ID], **as_read}, {"$set": other})

    async def _forget_history(self, names: Names) -> None:
        """Let the changes of others not say that they pointed at the client, nor that it became part of another one."""
        references = references_of(self._newest())
        for area in sorted({each.area for each in references}):
            collection = self._store.collection(area)
            async for document in collection.iterate(_pointed("tail.", references, names), _TAIL):
                tail = [_forgetful(each, references, names) for each in document["tail"]]
                is_unchanged = {
                    "version": document["version"],
                    SEQUENCE: document.get(SEQUENCE),
                    "moved": document.get("moved"),
                }
                if tail != document["tail"]:
                    await collection.update_one({ID: document[ID], **is_unchanged}, {"$set": {"tail": tail}})
        async for change in self._changes.iterate(_pointed("", references, names)):
            other = _forgetful(change, references, names)
            if other != change:
                values = {key: other[key] for key in ("values", "source") if key in other}
                await self._changes.update_one({ID: change[ID]}, {"$set": values})

    async def delete_records(self, client_id: str) -> None:
        """Everything that belongs to the client goes, with its changes; at last its document and its older changes.

        The tombstone knows the records by their ids, so that they can be looked for. A snapshot of segments that still
        has the client in hand takes it out again the next day.
        """
        ids = await self._all_of(client_id)
        for each, key in records_of_clients(self._newest()):
            await self._delete_of(client_id, each, {key: {"$in": ids}})
        await self._clients.delete_many({ID: {"$in": ids}})
        await self._changes.delete_many({"recordId": {"$in": ids}})

    async def _delete_of(self, client_id: str, place: Held, query: Document) -> None:
        collection, known = self._store.collection(place.collection), f"records.{place.collection}"
        while place.has_changes and (found := await collection.find(query, {ID: 1}, limit=BATCH)):
            ids = [str(each[ID]) for each in found]
            await self._tombstones.update_one({ID: {"$eq": client_id}}, {"$addToSet": {known: {"$each": ids}}})
            await collection.delete_many({ID: {"$in": ids}})
        await collection.delete_many(query)
        if place.has_changes:
            tombstone = await self.find(client_id) or {}
            if ids := tombstone.get("records", {}).get(place.collection):
                await self._changes.delete_many({"recordId": {"$in": ids}})

    async def _all_of(self, client_id: str) -> list[str]:
        """The id of a client, and the ids of those who had become part of it."""
        tombstone = await self.find(client_id) or {}
        return [client_id, *tombstone.get("merged", ())]

    async def references_to(self, client_id: str) -> list[Reference]:
        """The attributes by which somebody points at the client.

        Cost: one pass through the records of each area that can point at clients, however many paths; one count more
        for each path where somebody does.
        """
        references = references_of(self._newest())
        found: list[Reference] = []
        for area in sorted({each.area for each in references}):
            own = [each for each in references if each.area == area]
            collection = self._store.collection(area)
            if await collection.count({"$or": [{each.path: {"$eq": client_id}} for each in own]}, limit=1):
                found += [each for each in own if await collection.count({each.path: {"$eq": client_id}}, limit=1)]
        return found

    async def pointing(self, client_id: str, reference: Reference) -> list[Document]:
        """Records that point at the client, with their places in the history and what the reference's holder has."""
        projection = {"version": 1, SEQUENCE: 1, "kind": 1, reference.holder: 1}
        collection = self._store.collection(reference.area)
        return await collection.find({reference.path: {"$eq": client_id}}, projection, limit=BATCH)

    async def note_reference(self, client_id: str, other_id: str, path: str) -> None:
        """Let the tombstone know who pointed at the client."""
        update = {"$addToSet": {"references": {"client": other_id, "path": path}}}
        await self._tombstones.update_one({ID: {"$eq": client_id}}, update)

    async def end(self, client_id: str, at: datetime) -> None:
        """The erasure is complete; the first one that says so stays."""
        await self._tombstones.update_one(
            {ID: {"$eq": client_id}, "erasedAt": {"$exists": False}}, {"$set": {"erasedAt": at}}
        )

    async def left(self, client_id: str) -> list[Left]:
        """What is still there of a client, in every place that has anything to do with clients.

        Cost: as that of `forget_names`.
        """
        tombstone = await self.find(client_id) or {}
        ids = [client_id, *tombstone.get("merged", ())]
        names = Names(tuple(ids))
        known = [each for records in tombstone.get("records", {}).values() for each in records]
        catalogue = self._newest()
        references = references_of(catalogue)
        counts = {
            "data keys": len(await self._vault.keys.find_by_names(ids)),
            "changes": await self._changes.count({"recordId": {"$in": [*ids, *known]}}),
        }
        for each in held(catalogue):
            collection = self._store.collection(each.collection)
            if each.key is not None:
                counts[each.label] = await collection.count({each.key: {"$in": ids}})
            elif each.may_name and not each.keeps_id:
                counts[each.label] = await _naming(collection, {}, names)
                counts[f"changes of {each.label}"] = await _naming(
                    self._changes, {"area": {"$eq": each.collection}}, names
                )
        for reference in await self.references_to(client_id):
            collection = self._store.collection(reference.area)
            counts[f"references at {reference.name}"] = await collection.count({reference.path: {"$eq": client_id}})
        counts["history of others"] = await self._told_by_others(references, names)
        return [Left(place, count) for place, count in counts.items() if count]

    async def _told_by_others(self, references: Sequence[Reference], names: Names) -> int:
        """How many records and moved changes of others say that they pointed at the client."""
        ids = list(names.ids)
        found = 0
        for area in sorted({each.area for each in references}):
            query = {"$and": [_pointed("tail.", references, names), {ID: {"$nin": ids}}]}
            found += await self._store.collection(area).count(query)
        query = {"$and": [_pointed("", references, names), {"recordId": {"$nin": ids}}]}
        return found + await self._changes.count(query)

    async def copies_until(self, client_id: str) -> datetime | None:
        """When the last file is gone that was made before the client was erased, and may hold what was known of it."""
        tombstone = await self.find(client_id) or {}
        if (erased_at := tombstone.get("erasedAt")) is None:
            return None
        query = {"createdAt": {"$lte": erased_at}, "expiresAt": {"$gt": erased_at}}
        rows = await self._store.collection(FILES).find(query, {"expiresAt": 1}, sort=[("expiresAt", -1)], limit=1)
        return rows[0]["expiresAt"] if rows else None

    async def all(self) -> AsyncIterator[str]:
        """The ids of everybody who was erased, or is being erased: for a restored backup."""
        async for each in self._tombstones.iterate({}, {ID: 1}, sort=[(ID, 1)]):
            yield str(each[ID])


MERGED_SOURCE = "a client became part of another one"
_TAIL = {"tail": 1, "version": 1, SEQUENCE: 1, "moved": 1}


async def _naming(collection: Collection, query: Document, names: Names) -> int:
    return sum([names.is_in(document) async for document in collection.iterate(query)])


def _pointed(prefix: str, references: Sequence[Reference], names: Names) -> Document:
    parts = reference_query(prefix, names.ids, [each.keys for each in references])
    merged = [followed_source(one, other) for one in names.numbers for other in names.numbers if one != other]
    return {"$or": [*parts, {f"{prefix}source": {"$in": merged}}]}


def _forgetful(change: Document, references: Sequence[Reference], names: Names) -> Document:
    by_holder: dict[str, list[list[str]]] = {}
    for each in references:
        by_holder.setdefault(each.holder, []).append(each.keys)
    other = without_references(change, by_holder, names.ids)
    merged = {followed_source(one, another) for one in names.numbers for another in names.numbers}
    return other | ({"source": MERGED_SOURCE} if change.get("source") in merged else {})
