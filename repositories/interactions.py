"""Contact records and visit reports: one document each, under a client."""

from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.levels import LevelReads
from repositories.mongo import IndexSpec, Store

INTERACTIONS = "interactions"
ID_PREFIX = "in_"
CLIENT_ID = "clientId"
INDEXES = {CLIENT_ID: IndexSpec(((CLIENT_ID, 1), ("at", -1), ("_id", -1)))}


class InteractionRepository(RecordRepository):
    """The contacts of all clients."""

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, INTERACTIONS, "interaction", cursors)
        self.levels = {CLIENT_ID: LevelReads(self, CLIENT_ID)}

    async def prepare(self) -> None:
        """The index by which the contacts of a client, or of a page of clients, are read newest first."""
        await self.collection.create_indexes(INDEXES)
