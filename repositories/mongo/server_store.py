"""A real MongoDB server behind the face, by PyMongo Async or by Motor."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import anyio
import pymongo
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.asynchronous.change_stream import AsyncCollectionChangeStream
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from repositories.errors import NotSupported, Unavailable, door
from repositories.mongo.collection import Collection, MotorCollection
from repositories.mongo.results import Document
from repositories.mongo.settings import Driver, MongoSettings, client_options, hosts_of, watching_options
from repositories.mongo.store import Result, Store, Transaction, Work, driver_errors_of

_STREAM_WAIT_MS = 1_000
_COMMIT_LIMIT_MS = 1_000
# for an abort or a commit that began in time
_GRACE_SECONDS = 1.5
_NAMESPACE_EXISTS = 48


class PymongoStore(Store):
    """A database reached by PyMongo Async, the default driver.

    One store belongs to the event loop that first used it.
    """

    driver: ClassVar[Driver] = "pymongo"
    title: ClassVar[str] = "PyMongo Async"
    collection_class: ClassVar[type[Collection]] = Collection

    def __init__(self, settings: MongoSettings, listeners: Sequence[CommandListener]) -> None:
        self._listeners = list(listeners)
        self._watcher: AsyncMongoClient[Document] | None = None
        self.has_transactions = self.has_change_streams = self.has_validators = True
        super().__init__(settings, self._build_client(settings))

    def _build_client(self, settings: MongoSettings) -> Any:
        return AsyncMongoClient(settings.uri, event_listeners=self._listeners, **client_options(settings))

    async def _start_session(self) -> Any:
        return self._client.start_session()

    async def transaction(self, work: Work[Result]) -> Result:
        """What the work answers, all its writes or none; it runs again on a conflict, within one call's time limit.

        Raises: NotSupported on a server that is no member of a replica set.
        """
        if not self.has_transactions:
            raise NotSupported("Transactions need a replica set. Start mongod with --replSet, one member is enough.")

        deadline = anyio.current_time() + self.settings.timeout_seconds

        async def attempt(session: Any) -> Result:
            # the drivers take a timeout for a reason to try again, for 120 s
            remaining = deadline - anyio.current_time()
            if remaining <= 0:
                raise Unavailable
            with pymongo.timeout(remaining):
                return await driver_errors_of(work(Transaction(self, session)))

        try:
            # cancelled half way, or out of time also for its abort, a transaction would lock its documents for a minute
            with door(), anyio.CancelScope(shield=True):
                async with asyncio.timeout(self.settings.timeout_seconds + _GRACE_SECONDS):
                    done = await self._run_transaction(attempt)
        except TimeoutError as error:
            raise Unavailable from error
        return done

    async def _run_transaction(self, attempt: Callable[[Any], Awaitable[Result]]) -> Result:
        async with await self._start_session() as session:
            done: Result = await session.with_transaction(
                attempt,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", j=True),
                max_commit_time_ms=_COMMIT_LIMIT_MS,
            )
            return done

    @asynccontextmanager
    async def watch(
        self,
        collection_name: str,
        pipeline: Sequence[Mapping[str, Any]] = (),
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        beats: bool = False,
    ) -> AsyncIterator[AsyncIterator[Document]]:
        if not self.has_change_streams:
            raise NotSupported("Change streams need a replica set. Start mongod with --replSet, one member is enough.")
        if self._watcher is None:
            # Motor too watches by PyMongo Async: a waiting stream would hold one of Motor's few threads for good
            self._watcher = AsyncMongoClient(
                self.settings.uri, event_listeners=self._listeners, **watching_options(self.settings)
            )
        watched = self._watcher[self.settings.database][collection_name]
        with door():
            stream = await watched.watch(
                list(pipeline),
                full_document=full_document,
                resume_after=resume_after,
                max_await_time_ms=_STREAM_WAIT_MS,
            )
        try:
            yield _beating(stream) if beats else _events(stream)
        finally:
            await stream.close()

    async def set_validator(self, collection_name: str, schema: Mapping[str, Any]) -> None:
        validator = {"validator": {"$jsonSchema": dict(schema)}, "validationLevel": "strict"}
        with door():
            try:
                await self._database.command({"create": collection_name, **validator})
            except OperationFailure as error:
                if error.code != _NAMESPACE_EXISTS:
                    raise
                await self._database.command({"collMod": collection_name, **validator})

    async def ping(self) -> None:
        with door():
            hello = await self._client.admin.command("hello")
        self.has_transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
        self.has_change_streams = self.has_transactions

    async def explain(self, command: Mapping[str, Any], verbosity: str = "queryPlanner") -> Document:
        with door():
            plan: Document = await self._database.command({"explain": dict(command), "verbosity": verbosity})
        return plan

    async def close(self) -> None:
        if self._watcher is not None:
            await self._watcher.close()
        await self._client.close()

    def describe(self) -> str:
        return f"{self.title} at {hosts_of(self.settings.uri)}, database {self.settings.database}"


class MotorStore(PymongoStore):
    """The same by Motor, whose support has ended; it stays tested for those who have to keep it."""

    driver = "motor"
    title = "Motor"
    collection_class = MotorCollection

    def _build_client(self, settings: MongoSettings) -> Any:
        return AsyncIOMotorClient(settings.uri, event_listeners=self._listeners, **client_options(settings))

    async def _start_session(self) -> Any:
        return await self._client.start_session()

    async def close(self) -> None:
        if self._watcher is not None:
            await self._watcher.close()
        self._client.close()


async def _events(stream: AsyncCollectionChangeStream[Document]) -> AsyncIterator[Document]:
    with door():
        async for event in stream:
            yield dict(event)


async def _beating(stream: AsyncCollectionChangeStream[Document]) -> AsyncIterator[Document]:
    with door():
        while stream.alive:
            event = await stream.try_next()
            yield {} if event is None else dict(event)
