"""A database in memory behind the face: for trying Kehu out where no mongod runs, and for the fast tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from repositories.errors import NotSupported, door
from repositories.mongo.collection import Collection
from repositories.mongo.memory import MemoryCollection, memory_client
from repositories.mongo.results import Document
from repositories.mongo.settings import MongoSettings
from repositories.mongo.store import Events, Result, Store, Transaction, Work, driver_errors_of
from repositories.mongo.trace import CommandTrace


class MemoryStore(Store):
    """One process's own database, gone when it ends."""

    driver = "memory"
    collection_class = MemoryCollection
    has_transactions = False
    has_change_streams = False
    has_validators = False
    has_formulas = False

    def __init__(self, settings: MongoSettings, traces: Sequence[CommandTrace] = ()) -> None:
        super().__init__(settings, memory_client())
        self._one_transaction = anyio.Lock()
        self._traces = tuple(traces)

    def bound_collection(self, name: str, session: Any) -> Collection:
        return MemoryCollection(name, self._database.get_collection(name), session, self._traces)

    async def transaction(self, work: Work[Result]) -> Result:
        """What the work answers; if it raises, the collections it wrote to are as they were before.

        It runs rather than refuses, so that handing over, merging and erasing can be tried out. It is no transaction
        of a bank: others see its writes before it ends, and what they write meanwhile to the same collections is undone
        with it. has_transactions is therefore False.
        """
        async with self._one_transaction:
            with door(), self._client.start_session() as session, session.start_transaction():
                return await driver_errors_of(work(Transaction(self, session)))

    def watch(
        self,
        collection_name: str,
        pipeline: Sequence[Mapping[str, Any]] = (),
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        beats: bool = False,
    ) -> Events:
        raise NotSupported("The memory driver has no change streams. Poll the collection, or use a real mongod.")

    async def set_validator(self, collection_name: str, schema: Mapping[str, Any]) -> None:
        raise NotSupported("The memory driver has no validators. Use a real mongod where the database must check.")

    async def scratch(self, documents: Sequence[Document]) -> Collection:
        made = MemoryCollection("scratch", memory_client().get_database("scratch").get_collection("scratch"))
        await made.insert_many(documents)
        return made

    async def ping(self) -> None:
        return None

    async def close(self) -> None:
        self._client.close()

    def describe(self) -> str:
        return (
            f"mongomock-motor in the memory of this process, database {self.settings.database}: nothing outlives the "
            "process, no second process sees it, no isolation between transactions, no change streams, no validators"
        )
