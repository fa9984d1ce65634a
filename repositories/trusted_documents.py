"""GraphQL documents that the bank's own programs send: registered once, known to every server."""

import re
from collections.abc import Collection as Some
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogue.attribute import enum_name_from
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID

TRUSTED_DOCUMENTS = "trusted_documents"
_WORD = re.compile(r"\w+")
INDEXES = {"ids": IndexSpec((("ids", 1),))}


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """A registered document; the digest is that of its normal form, the ids are those of the programs that send it."""

    digest: str
    text: str
    name: str | None
    ids: tuple[str, ...]
    registered_by: str
    at: datetime
    uses: tuple[str, ...] = ()
    """The attributes that it names, by their qualified paths."""


class TrustedDocumentRepository:
    """The registered documents.

    Raises: Unavailable.
    """

    def __init__(self, store: Store) -> None:
        self._collection = store.collection(TRUSTED_DOCUMENTS)

    async def prepare(self) -> None:
        """The index by which a program's own id is found."""
        await self._collection.create_indexes(INDEXES)

    async def register(self, document: TrustedDocument) -> bool:
        """Whether anything changed: a document that is registered takes on the new ids, and stays as it is.

        Cost: one command.
        """
        fields: dict[str, Any] = {"text": document.text, "name": document.name}
        fields |= {"registeredBy": document.registered_by, "at": document.at}
        change: dict[str, Any] = {"$setOnInsert": fields, "$addToSet": {"ids": {"$each": list(document.ids)}}}
        change["$set"] = {"uses": list(document.uses)}
        matched, modified = await self._collection.update_one({ID: {"$eq": document.digest}}, change, upsert=True)
        return not matched or bool(modified)

    async def find_text(self, key: str) -> str | None:
        """The text of the document with this digest, or with this id of a program's."""
        found = await self._collection.find_one({"$or": [{ID: {"$eq": key}}, {"ids": {"$eq": key}}]}, {"text": 1})
        return None if found is None else str(found["text"])

    async def using(self, paths: Some[str]) -> list[str]:
        """What the documents are called that use one of these attributes: by their names, else by their digests.

        Of one that was registered before uses were kept, the words of its text tell.
        Cost: one command.
        """
        rows = await self._collection.find({"$or": [{"uses": {"$in": sorted(paths)}}, {"uses": {"$exists": False}}]})
        keys = {word for path in paths for word in (path.rpartition(".")[2], enum_name_from(path))}
        found = (row for row in rows if "uses" in row or keys.intersection(_WORD.findall(row["text"])))
        return sorted(row["name"] or f"sha256:{str(row[ID])[:12]}" for row in found)

    async def taken(self, ids: Some[str]) -> dict[str, str]:
        """The digests that these ids stand for already."""
        rows = await self._collection.find({"ids": {"$in": sorted(ids)}}, {"ids": 1})
        return {each: str(row[ID]) for row in rows for each in row["ids"] if each in ids}

    async def all(self) -> list[TrustedDocument]:
        """Every document, the oldest first."""
        rows = await self._collection.find({}, sort=[("at", 1), (ID, 1)])
        return [
            TrustedDocument(
                row[ID],
                row["text"],
                row["name"],
                tuple(row["ids"]),
                row["registeredBy"],
                row["at"],
                tuple(row.get("uses", ())),
            )
            for row in rows
        ]

    async def remove(self, key: str) -> bool:
        """Whether there was a document with this digest, or with this id of a program's; it is gone now."""
        return bool(await self._collection.delete_one({"$or": [{ID: {"$eq": key}}, {"ids": {"$eq": key}}]}))
