"""Relationship managers: who is accountable."""

from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.mongo import Store

MANAGERS = "managers"
ID_PREFIX = "mg_"


class ManagerRepository(RecordRepository):
    """The bank's own directory of relationship managers."""

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, MANAGERS, "manager", cursors)

    async def prepare(self) -> None:
        """The index that code owns; the one by team is the catalogue's, because managers are sorted by it."""
        await self.collection.create_index([("person", 1)], "person", unique=True)
