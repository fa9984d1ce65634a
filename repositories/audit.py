"""The audit: who read and changed what, in entries that are inserted and never touched again."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any

from repositories.compile.pages import beyond, full_order, sort_from
from repositories.cursors import Cursors
from repositories.errors import RepositoryFault
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID, Order, Page, Slice

Document = dict[str, Any]

AUDIT = "audit"
READ, CHANGED = "clients", "changed"
"""The lists of ids in an entry by which the accesses to one client are found."""
CLIENT_INDEX, CHANGED_INDEX = "clients", "changed"
NEWEST_FIRST = (Order("at", is_descending=True),)
_INDEXES = {
    CLIENT_INDEX: IndexSpec(((READ, 1), ("at", -1), (ID, -1)), partial={READ: {"$exists": True}}),
    CHANGED_INDEX: IndexSpec(((CHANGED, 1), ("at", -1), (ID, -1)), partial={CHANGED: {"$exists": True}}),
}
_SHOWN = ("at", "person", "roles", "purpose", "operation", "kind", "attributes", "written", "outcome")


class AuditRepository:
    """The entries of every server and command.

    It sends `insert` and `find` alone, but for the indexes at the start: the database need allow no more.
    """

    def __init__(self, store: Store, cursors: Cursors) -> None:
        self._collection = store.collection(AUDIT)
        self._cursors = cursors

    async def prepare(self) -> None:
        """The indexes by which the entries about one client are found, newest first."""
        await self._collection.create_indexes(_INDEXES)

    async def append(self, entries: Sequence[Document]) -> None:
        """Put entries in, in order; one command.

        Raises: Unavailable; RepositoryFault if an entry was refused, an id that is taken included.
        """
        done = await self._collection.insert_many(entries, ordered=True)
        if done.errors:
            raise RepositoryFault(f"{AUDIT} refused an entry: {done.errors[0].message}")

    async def read_page(
        self, client_id: str, role: str, page: Page, principal: str, since: datetime | None = None
    ) -> Slice:
        """The entries that name a client as read, or as changed.

        Order: newest first by the clock of the server that wrote each; within one server's moment by its sequence.
        Raises: BadCursor.
        Cost: one command.
        """
        query: Document = {role: {"$eq": client_id}}
        parts: list[Document] = [query]
        if since is not None:
            query["at"] = {"$gte": since}
        order = full_order(NEWEST_FIRST)
        if page.after is not None:
            position = self._cursors.open(self._binding(client_id, role, principal), page.after, len(order))
            parts.append(beyond(order, position))
        found = await self._collection.find(
            {"$and": parts} if len(parts) > 1 else query, dict.fromkeys(_SHOWN, 1), sort_from(order), page.limit + 1
        )
        return Slice(found[: page.limit], len(found) > page.limit, page.after is not None)

    def seal(self, client_id: str, role: str, principal: str, entries: Sequence[Document]) -> list[str]:
        """The cursors of entries of a page."""
        binding = self._binding(client_id, role, principal)
        return [self._cursors.seal(binding, [each["at"], each[ID]]) for each in entries]

    def _binding(self, client_id: str, role: str, principal: str) -> bytes:
        return self._cursors.bound_to((AUDIT, role, client_id, principal))

    def entries(self) -> AsyncIterator[Document]:
        """Every entry, a partition after the other, in the order of each chain.

        Cost: flat memory, however many there are.
        """
        return self._collection.iterate({}, sort=[(ID, 1)])

    async def count(self) -> int:
        """About how many entries there are."""
        return await self._collection.estimated_count()

    async def hashes(self, ids: Collection[str]) -> dict[str, str]:
        """The hashes of entries, by id; an entry that is not there is left out."""
        rows = await self._collection.find({ID: {"$in": sorted(ids)}}, {"hash": 1})
        return {str(row[ID]): str(row.get("hash")) for row in rows}

    async def changes_of(self, record_ids: Collection[str]) -> set[str]:
        """The changes of records that have an entry, as `<record>:<version>`."""
        query = {CHANGED: {"$in": sorted(record_ids)}}
        found: set[str] = set()
        async for row in self._collection.iterate(query, {"changes": 1}):
            found.update(row.get("changes", ()))
        return found
