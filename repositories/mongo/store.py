"""The database behind one face, whichever driver reaches it."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, TypeVar

from repositories.errors import NotSupported, RepositoryError, door, error_from
from repositories.mongo.collection import Collection
from repositories.mongo.results import Document
from repositories.mongo.settings import Driver, MongoSettings

Result = TypeVar("Result")
Events = AbstractAsyncContextManager[AsyncIterator[Document]]


class Transaction:
    """The collections as one transaction sees them; it ends when the work given to Store.transaction returns."""

    __slots__ = ("_session", "_store")

    def __init__(self, store: "Store", session: Any) -> None:
        self._store = store
        self._session = session

    def collection(self, name: str) -> Collection:
        return self._store.bound_collection(name, self._session)


Work = Callable[[Transaction], Awaitable[Result]]


class Store(ABC):
    """One database: its collections, transactions, change streams and validators.

    What the server behind it can do is known after the first ping; before that a real driver says yes.
    """

    driver: ClassVar[Driver]
    collection_class: ClassVar[type[Collection]]
    has_transactions: bool
    has_change_streams: bool
    has_validators: bool
    has_formulas = True
    """Whether it computes derived values in the same command as a change."""

    def __init__(self, settings: MongoSettings, client: Any) -> None:
        self.settings = settings
        self._client = client
        self._database = client.get_database(settings.database)

    def collection(self, name: str) -> Collection:
        return self.bound_collection(name, None)

    def bound_collection(self, name: str, session: Any) -> Collection:
        """The collection inside a driver's session (of a transaction), or outside of any."""
        return self.collection_class(name, self._database.get_collection(name), session)

    async def collection_names(self) -> list[str]:
        with door():
            return sorted(await self._database.list_collection_names())

    async def drop_database(self) -> None:
        """Removes the whole database: for tests and demonstrations."""
        with door():
            await self._client.drop_database(self.settings.database)

    @abstractmethod
    async def transaction(self, work: Work[Result]) -> Result:
        """What the work answers, all its writes or none; the work may run more than once, so it must be repeatable."""

    @abstractmethod
    def watch(
        self,
        collection_name: str,
        pipeline: Sequence[Mapping[str, Any]] = (),
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        beats: bool = False,
    ) -> Events:
        """Change events from the moment the context is entered (or after a resume token, an event's `_id`).

        With `beats` an empty event says, once a second while nothing changes, that all there was has been told.

        Raises: NotSupported where there is no change stream, FeedLost if the token is too old.
        """

    @abstractmethod
    async def set_validator(self, collection_name: str, schema: Mapping[str, Any]) -> None:
        """Makes the database refuse documents that break the JSON schema; the collection is made if it is missing.

        Raises: NotSupported on the memory driver.
        """

    async def explain(self, command: Mapping[str, Any], verbosity: str = "queryPlanner") -> Document:
        """How the server would carry out a read: the plan, and with verbosity executionStats what it cost.

        Raises: NotSupported where there is no planner.
        """
        raise NotSupported(f"{self.driver} has no planner. Use a real mongod (KEHU_MONGODB_URI).")

    async def scratch(self, documents: Sequence[Document]) -> Collection:
        """A collection of these documents that nobody else sees, gone when it is let go of.

        Raises: NotSupported on a server, where a pipeline does what it is for.
        """
        raise NotSupported(f"{self.driver} keeps no collections aside. Use a pipeline.")

    @abstractmethod
    async def ping(self) -> None:
        """Returns if the database can take writes now.

        Raises: Unavailable.
        """

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    def describe(self) -> str:
        """One line for people: driver, hosts, database and what cannot be done; no user, no password."""


async def driver_errors_of(work: Awaitable[Result]) -> Result:
    """What the work answers; our errors become the driver's again, which carry the labels its retry loop needs."""
    try:
        return await work
    except RepositoryError as error:
        cause = error.__cause__
        if cause is not None and error_from(cause) is not None:
            raise cause from None
        raise
