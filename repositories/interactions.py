"""Contact records and visit reports: one document each, under a client."""

from collections.abc import Collection as Some

from catalogue.attribute import CLIENTS
from repositories.access import AuthorisedPlan
from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.levels import LevelReads
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID
from repositories.reading import Document
from repositories.rollups import Rollups

INTERACTIONS = "interactions"
ID_PREFIX = "in_"
CLIENT_ID = "clientId"
INDEXES = {CLIENT_ID: IndexSpec(((CLIENT_ID, 1), ("at", -1), ("_id", -1)))}


class InteractionRepository(RecordRepository):
    """The contacts of all clients."""

    def __init__(self, store: Store, cursors: Cursors, clients: RecordRepository, rollups: Rollups) -> None:
        super().__init__(store, INTERACTIONS, "interaction", cursors, owner_key=CLIENT_ID, owners=clients)
        self._clients = clients
        self.rollups = rollups
        self.levels = {CLIENT_ID: LevelReads(self, CLIENT_ID)}

    def _noted(self, authorised: AuthorisedPlan, documents: Some[Document]) -> None:
        super()._noted(authorised, documents)
        if authorised.touched is not None:
            authorised.touched.note(CLIENTS, (each[CLIENT_ID] for each in documents if CLIENT_ID in each))

    async def settle(self, record_id: str, client_id: str) -> str | None:
        """The client whom a record that was just put in belongs to: who had become part of another meanwhile has it.

        None where the client was erased meanwhile: the record is gone again then.
        Cost: one command; three more where the client is gone.
        """
        if await self._clients.existing({client_id}, None):
            return client_id
        kept = await self._clients.history.part_of(client_id)
        if kept is None:
            await self.collection.delete_one({ID: {"$eq": record_id}})
            return None
        # The merge moves what it finds; if it has found this one too, nothing is left to do.
        mark = self._mark()
        mine = {ID: {"$eq": record_id}, CLIENT_ID: {"$eq": client_id}}
        await self.collection.update_one(mine, {"$set": {CLIENT_ID: kept, **mark}})
        await self._follow(({CLIENT_ID: kept},), mark)
        return kept

    async def prepare(self) -> None:
        """The index by which the contacts of a client, or of a page of clients, are read newest first."""
        await self.collection.create_indexes(INDEXES)
