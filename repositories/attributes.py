"""Stored definitions: what data teams have defined and changed, each write one step of one sequence."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.filters import Filter
from repositories.changes import CHANGES
from repositories.compile.filters import query_from
from repositories.compile.indexes import PREFIX, order_index
from repositories.compile.misfits import misfit_query
from repositories.errors import AlreadyExists
from repositories.mongo import IndexSpec, Store

ATTRIBUTES = "attributes"
_INDEXES = {
    "sequence": IndexSpec((("sequence", 1),), unique=True),
    "change_key": IndexSpec((("changes.key", 1),)),
}


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """Who changes a definition, when and under which idempotency key."""

    by: str
    at: datetime
    key: str | None = None
    request_hash: str | None = None
    approval: str | None = None
    """The id of the approval by which it is done."""
    proposed_by: str | None = None


class OutrunByAnother(Exception):
    """Another definition was written since the catalogue was read; read it again and check anew."""


class AttributeRepository:
    """Definitions by area and path.

    Every write takes the next number of a sequence that is unique, so writes follow one another: what was checked
    against the catalogue at number n holds when n + 1 is written.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._collection = store.collection(ATTRIBUTES)

    async def prepare(self) -> None:
        await self._collection.create_indexes(_INDEXES)

    async def head(self) -> int:
        """The number of the newest write; 0 before the first.

        Cost: one covered read of one index key.
        """
        newest = await self._collection.find({}, {"_id": 0, "sequence": 1}, [("sequence", -1)], limit=1)
        return int(newest[0]["sequence"]) if newest else 0

    async def read_since(self, sequence: int) -> tuple[list[Attribute], int]:
        """The definitions written after a number, and the newest number among them."""
        rows = await self._collection.find({"sequence": {"$gt": sequence}}, {"definition": 1, "sequence": 1})
        return (
            [Attribute.model_validate(row["definition"]) for row in rows],
            max((int(row["sequence"]) for row in rows), default=sequence),
        )

    async def write(self, attribute: Attribute, change: DefinitionChange, sequence: int) -> None:
        """Store a definition as the write after `sequence`.

        Raises: OutrunByAnother if that number is taken.
        """
        definition = attribute.canonical()
        entry = {"revision": attribute.revision, "at": change.at, "by": change.by, "definition": definition}
        if change.key is not None:
            entry |= {"key": change.key, "hash": change.request_hash}
        if change.approval is not None:
            entry |= {"approval": change.approval, "proposedBy": change.proposed_by}
        update: dict[str, Any] = {
            "$set": {"definition": definition, "sequence": sequence + 1},
            "$push": {"changes": entry},
        }
        # The row may not have moved on either: two changes of one attribute would otherwise both find it by its id.
        where = {"_id": f"{attribute.area}:{attribute.path}", "sequence": {"$lte": sequence}}
        try:
            await self._collection.update_one(where, update, upsert=True)
        except AlreadyExists:
            raise OutrunByAnother from None

    async def find_by_key(self, key: str) -> tuple[Attribute, str] | None:
        """The definition that an idempotency key wrote, and the hash of its request."""
        rows = await self._collection.find({"changes.key": {"$eq": key}}, {"changes": 1}, limit=1)
        for row in rows:
            for entry in row["changes"]:
                if entry.get("key") == key:
                    return Attribute.model_validate(entry["definition"]), str(entry["hash"])
        return None

    async def make_index(self, attribute: Attribute) -> None:
        """The index that serves a sortable attribute; nothing happens if it is there.

        Raises: IndexLimit.
        """
        await self._store.collection(attribute.area).create_index(*order_index(attribute))

    async def drop_index(self, attribute: Attribute) -> None:
        """Away with the index of an attribute that is no longer sortable, if it had one."""
        await self._store.collection(attribute.area).drop_index(order_index(attribute)[1])

    async def sync_indexes(self, catalogue: Catalogue, areas: Iterable[str]) -> None:
        """Make the indexes that the catalogue asks for, and drop those it no longer does."""
        for area in areas:
            wanted = {order_index(each)[1]: each for each in catalogue.sortable(area)}
            present = await self._store.collection(area).indexes()
            for name, attribute in wanted.items():
                if name not in present:
                    await self.make_index(attribute)
            for name in present:
                if name.startswith(PREFIX) and name not in wanted:
                    await self._store.collection(area).drop_index(name)

    async def has_values(self, path: str) -> bool:
        """Whether a client has, or in the history had, a value at a path.

        Cost: up to two looks through a collection.
        """
        query = {"$or": [{path: {"$ne": None}}, {"tail.values.path": {"$eq": path}}]}
        if await self._store.collection(CLIENTS).count(query, limit=1):
            return True
        return await self._store.collection(CHANGES).count({"values.path": {"$eq": path}}, limit=1) > 0

    async def count_misfits(
        self, attribute: Attribute, rows: Filter | None = None, *, within: str = "", is_encrypted: bool = False
    ) -> int:
        """How many of the records hold a value that the definition would refuse today, as far as the database can tell.

        `within` is the list of groups that the attribute stands in.
        Cost: one count over the collection.
        """
        misfits = misfit_query(attribute, within=within, is_encrypted=is_encrypted)
        query = misfits if rows is None else {"$and": [query_from(rows), misfits]}
        return await self._store.collection(attribute.area).count(query)
