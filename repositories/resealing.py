"""Values of clients that were stored in clear and are to be encrypted, with all that the history has of them."""

from collections.abc import Sequence
from typing import Any

from catalogue.attribute import CLIENTS
from repositories.changes import CHANGES
from repositories.compile.changes import SEALED, SEQUENCE, lookup_path
from repositories.mongo import Store
from repositories.plan import ID
from repositories.vault import Vault
from repositories.vault.places import Slot, plain_at

Document = dict[str, Any]

BATCH = 200


class Resealing:
    """Rewrites what is stored at one path; every document by itself, only if nobody has changed it meanwhile."""

    def __init__(self, store: Store, vault: Vault, path: str, inside: Sequence[str]) -> None:
        self._clients = store.collection(CLIENTS)
        self._changes = store.collection(CHANGES)
        self._vault = vault
        self._path = path
        self._inside = inside
        """The paths in the value that are to be encrypted; "" is all of it."""

    async def run(self, *, has_lookup: bool) -> int:
        """How many documents and moved changes were rewritten; 0 when all is as it is to be.

        Cost: one pass over those that have, or had, the value; two commands for 200 of them that need it, one each.
        """
        has_value = {"$or": [{self._path: {"$ne": None}}, {"tail.values.path": {"$eq": self._path}}]}
        done = 0
        batch: list[Document] = []
        async for client in self._clients.iterate(has_value, sort=[(ID, 1)]):
            batch.append(client)
            if len(batch) == BATCH:
                done += await self._rewrite(batch, has_lookup)
                batch = []
        done += await self._rewrite(batch, has_lookup)
        moved: list[Document] = []
        async for entry in self._changes.iterate({"area": CLIENTS, "values.path": {"$eq": self._path}}):
            moved.append(entry)
            if len(moved) == BATCH:
                done += await self._rewrite_moved(moved)
                moved = []
        return done + await self._rewrite_moved(moved)

    async def _rewrite(self, clients: Sequence[Document], has_lookup: bool) -> int:
        lookups = {str(each[ID]): await self._lookup(each, has_lookup) for each in clients}
        entries = [(str(each[ID]), entry) for each in clients for entry in each["tail"]]
        values = [(str(each[ID]), each) for each in clients]
        touched = await self._turn(values, entries)
        for client in clients:
            client_id = str(client[ID])
            lookup = lookups[client_id]
            if client_id in touched or lookup:
                await self._store(client, lookup, is_turned=client_id in touched)
                touched.add(client_id)
        return len(touched)

    async def _lookup(self, client: Document, has_lookup: bool) -> Document:
        """What is to be set or unset for the look-up; nothing where it is right."""
        place = lookup_path(self._path)
        known = _value_at(client, place)
        value = await self._vault.opened(_value_at(client, self._path), must=True) if has_lookup else None
        wanted = None if value is None else await self._vault.digest(self._path, str(value))
        if wanted == known:
            return {}
        return {"$unset": {place: ""}} if wanted is None else {"$set": {place: wanted}}

    async def _turn(
        self, documents: Sequence[tuple[str, Document]], entries: Sequence[tuple[str, Document]]
    ) -> set[str]:
        """The ids of the clients of whom something was encrypted, in these documents and entries."""
        holders: list[tuple[str, Any, str]] = []
        for client_id, document in documents:
            *outer, key = self._path.split(".")
            holder = _value_at(document, ".".join(outer))
            if isinstance(holder, dict) and key in holder:
                holders.append((client_id, holder, key))
        for client_id, entry in entries:
            rows = [row for row in entry["values"] if row["path"] == self._path]
            holders += [(client_id, row, name) for row in rows for name in ("old", "new") if name in row]
        slots: list[tuple[str, Slot]] = []
        for client_id, holder, key in holders:
            box = {key: holder[key]}
            found = plain_at(box, key, self._inside)
            slots += [(client_id, (holder, key) if place is box else (place, name)) for place, name in found]
        await self._vault.seal(slots)
        return {client_id for client_id, _ in slots}

    async def _store(self, client: Document, lookup: Document, *, is_turned: bool) -> None:
        update: Document = {name: dict(each) for name, each in lookup.items()}
        if is_turned:
            value = _value_at(client, self._path)
            assigned = update.setdefault("$set", {})
            assigned |= {"tail": client["tail"], SEALED: True} | ({} if value is None else {self._path: value})
            # The words that search found it by are of the value in clear.
            update["$pull"] = {"words": {"p": self._path}}
        query = {ID: client[ID], SEQUENCE: client.get(SEQUENCE), "moved": client.get("moved")}
        await self._clients.update_one(query, update)

    async def _rewrite_moved(self, entries: Sequence[Document]) -> int:
        pairs = [(str(each["recordId"]), each) for each in entries]
        turned = await self._turn((), pairs)
        touched = [each for client_id, each in pairs if client_id in turned]
        for each in touched:
            await self._changes.update_one({ID: each[ID]}, {"$set": {"values": each["values"]}})
        return len(touched)


def _value_at(document: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document
