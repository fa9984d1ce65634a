"""Registered models: one document a version with the file in it, never changed; and how far each was run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson import Binary

from catalogue.attribute import CLIENTS
from catalogue.model_use import ModelUse
from repositories.compile.changes import STORED_AT
from repositories.mongo import Store
from repositories.plan import ID

MODELS = "models"
Document = dict[str, Any]
_WITHOUT_FILE = {"file": 0}


class ModelRepository:
    """Versions of models by name and version."""

    def __init__(self, store: Store) -> None:
        self._models = store.collection(MODELS)
        self._clients = store.collection(CLIENTS)

    async def add(self, name: str, version: str, facts: Document, file: bytes) -> None:
        """Store a version.

        Raises: AlreadyExists if there is one of this name and number.
        """
        await self._models.insert_one({ID: _key(name, version), **facts, "file": Binary(file)})

    async def find(self, name: str, version: str | None = None) -> Document | None:
        """A version without its file; the one registered last, if none is named."""
        query: Document = {"name": {"$eq": name}} if version is None else {ID: {"$eq": _key(name, version)}}
        rows = await self._models.find(query, _WITHOUT_FILE, [("registeredAt", -1), (ID, -1)], limit=1)
        return rows[0] if rows else None

    async def find_many(self, uses: Sequence[ModelUse]) -> list[Document | None]:
        """The versions that are used, without their files, in the order of the uses.

        Cost: one command.
        """
        wanted = [_key(each.name, each.version) for each in uses]
        rows = await self._models.find({ID: {"$in": sorted(set(wanted))}}, _WITHOUT_FILE)
        found = {str(each[ID]): each for each in rows}
        return [found.get(each) for each in wanted]

    async def read(self, name: str, version: str) -> bytes | None:
        """The file of a version."""
        found = await self._models.find_one({ID: {"$eq": _key(name, version)}}, {"file": 1})
        return None if found is None else bytes(found["file"])

    async def every(self) -> list[Document]:
        """All versions without their files.

        Order: by name, the newest version first.
        """
        return await self._models.find({}, _WITHOUT_FILE, [("name", 1), ("registeredAt", -1), (ID, -1)])

    async def note_scored(self, name: str, version: str, up_to: datetime) -> None:
        """Note that results follow what was changed before a moment."""
        await self._models.update_one({ID: {"$eq": _key(name, version)}}, {"$max": {"scoredUpTo": up_to}})

    async def note_error(self, name: str, version: str, error: str | None, *, tells: bool = False) -> None:
        """Note why a version could not be run; None: it could. `tells`: whether values of clients are the reason."""
        change: Document = {"$unset": {"error": "", "errorTells": ""}}
        if error is not None:
            change = {"$set": {"error": error, "errorTells": tells}}
        await self._models.update_one({ID: {"$eq": _key(name, version)}}, change)

    async def is_changed_since(self, moments: Sequence[datetime | None]) -> bool:
        """Whether a client was changed since the earliest of some moments; None stands for the beginning.

        Cost: one look into the index.
        """
        if not moments:
            return False
        known = [each for each in moments if each is not None]
        query: Document = {STORED_AT: {"$gte": min(known)}} if len(known) == len(moments) else {}
        return bool(await self._clients.find(query, {ID: 1}, limit=1))


def _key(name: str, version: str) -> str:
    return f"{name}:{version}"
