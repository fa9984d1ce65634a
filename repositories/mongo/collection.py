"""One collection behind one face: PyMongo Async as it is, Motor where it differs."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import pymongo
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, ReturnDocument, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError, OperationFailure

from repositories.errors import IndexLimit, RepositoryFault, door, is_index_limit
from repositories.mongo.results import (
    BulkResult,
    Document,
    IndexSpec,
    bulk_result_from,
    bulk_result_from_error,
    index_model_from,
    index_specs_from,
)

Where = Mapping[str, Any]
Projection = Mapping[str, Any] | Sequence[str] | None
Sort = Sequence[tuple[str, int]] | None
Keys = Sequence[tuple[str, int | str]]
Hint = str | Keys | None
Change = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Operation = (
    InsertOne[Document] | UpdateOne | UpdateMany | ReplaceOne[Document] | DeleteOne | DeleteMany | tuple[Where, Change]
)
# A whole list is wanted, so a first batch of 101 would only add round trips; the server still cuts at 16 MB.
_WHOLE_BATCH = 100_000
_INDEX_NOT_FOUND = 27


class Collection:
    """Reads and writes of one collection; plain values in and out, our errors only.

    Raises: AlreadyExists, DocumentTooLarge, Unavailable, RepositoryFault.
    Cost: one command a call (reads of more than 16 MB take one more per 16 MB); nothing is left open.
    """

    __slots__ = ("_raw", "_session", "name")

    # raw is Any because the three drivers share no base class; what differs between them stands in the subclasses
    def __init__(self, name: str, raw: Any, session: Any = None) -> None:
        self.name = name
        self._raw = raw
        self._session = session

    async def find(
        self,
        where: Where,
        projection: Projection = None,
        sort: Sort = None,
        limit: int = 0,
        skip: int = 0,
        hint: Hint = None,
    ) -> list[Document]:
        """The documents that match, at most `limit` of them unless it is 0."""
        with door():
            cursor = self._raw.find(
                where,
                projection,
                skip,
                limit,
                sort=sort,
                hint=hint,
                batch_size=limit or _WHOLE_BATCH,
                session=self._session,
            )
            found: list[Document] = await cursor.to_list(None)
            return found

    async def find_one(self, where: Where, projection: Projection = None) -> Document | None:
        with door():
            found: Document | None = await self._raw.find_one(where, projection, session=self._session)
            return found

    async def find_one_and_update(
        self, where: Where, change: Change, projection: Projection = None, upsert: bool = False, sort: Sort = None
    ) -> Document | None:
        """The document as it is after the change, None if none matched; the first by the order, where there is one."""
        with door():
            found: Document | None = await self._raw.find_one_and_update(
                where,
                change,
                projection,
                sort=sort,
                upsert=upsert,
                return_document=ReturnDocument.AFTER,
                session=self._session,
            )
            return found

    async def insert_one(self, document: Document) -> Any:
        """The id of the inserted document."""
        with door():
            return (await self._raw.insert_one(document, session=self._session)).inserted_id

    async def insert_many(
        self, documents: Sequence[Document], ordered: bool = False, ignore_duplicates: bool = False
    ) -> BulkResult:
        """Counts and refusals; the good documents land also when others are refused (unless ordered).

        Raises: RepositoryFault, with ignore_duplicates, if a document was refused for anything but a taken key:
        who does not look at refusals must not lose any.
        """
        result = await self.bulk_write([InsertOne(document) for document in documents], ordered)
        if ignore_duplicates and not all(error.is_duplicate for error in result.errors):
            raise RepositoryFault(f"{self.name} refused {len(result.errors)} of {len(documents)} documents.")
        return result

    async def update_one(self, where: Where, change: Change, upsert: bool = False) -> tuple[int, int]:
        """How many documents matched and how many were modified; an upsert that inserted says (0, 0)."""
        with door():
            done = await self._raw.update_one(where, change, upsert=upsert, session=self._session)
            return done.matched_count, done.modified_count

    async def update_many(self, where: Where, change: Change, upsert: bool = False) -> tuple[int, int]:
        """How many documents matched and how many were modified; an upsert that inserted says (0, 0)."""
        with door():
            done = await self._raw.update_many(where, change, upsert=upsert, session=self._session)
            return done.matched_count, done.modified_count

    async def bulk_write(self, operations: Sequence[Operation], ordered: bool = False) -> BulkResult:
        """Counts and refusals (taken keys, failed validators) by index; a pair is an update of one document.

        Raises: Unavailable if the server could not confirm what landed.
        """
        if not operations:
            return BulkResult()
        requests = [UpdateOne(*one) if isinstance(one, tuple) else one for one in operations]
        with door():
            try:
                return bulk_result_from(await self._raw.bulk_write(requests, ordered=ordered, session=self._session))
            except BulkWriteError as error:
                return bulk_result_from_error(error)

    async def delete_one(self, where: Where) -> int:
        """How many documents were deleted: 0 or 1."""
        with door():
            deleted: int = (await self._raw.delete_one(where, session=self._session)).deleted_count
            return deleted

    async def delete_many(self, where: Where) -> int:
        """How many documents were deleted."""
        with door():
            deleted: int = (await self._raw.delete_many(where, session=self._session)).deleted_count
            return deleted

    async def count(self, where: Where, limit: int | None = None) -> int:
        """How many documents match, counted no further than `limit`."""
        bounds = {} if limit is None else {"limit": limit}
        with door():
            counted: int = await self._raw.count_documents(where, session=self._session, **bounds)
            return counted

    async def estimated_count(self) -> int:
        """How many documents there are, from the collection's own figures: fast, and rough after a crash."""
        with door():
            counted: int = await self._raw.estimated_document_count()
            return counted

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]], hint: Hint = None) -> list[Document]:
        with door():
            cursor = await self._raw.aggregate(pipeline, session=self._session, **_aggregate_options(hint))
            found: list[Document] = await cursor.to_list(None)
            return found

    async def iterate(
        self, where: Where, projection: Projection = None, sort: Sort = None, batch_size: int = 1_000
    ) -> AsyncGenerator[Document, None]:
        """The documents that match, one after the other, with one batch in memory at a time."""
        with door():
            cursor = self._raw.find(where, projection, sort=sort, batch_size=batch_size, session=self._session)
            try:
                async for document in cursor:
                    yield document
            finally:
                await cursor.close()

    async def indexes(self) -> dict[str, IndexSpec]:
        """The indexes by name, `_id_` included; none if the collection does not exist."""
        with door():
            return index_specs_from(await self._raw.index_information())

    async def create_index(
        self, keys: Keys, name: str, unique: bool = False, partial: Mapping[str, Any] | None = None
    ) -> None:
        """Makes one index; nothing changes if it is there already. Raises as create_indexes does."""
        await self.create_indexes({name: IndexSpec(tuple(keys), unique, None if partial is None else dict(partial))})

    async def create_indexes(self, specs: Mapping[str, IndexSpec]) -> None:
        """Makes the indexes that are missing, all in one pass over the documents.

        Raises: IndexLimit if the collection would have more than 64, AlreadyExists if a unique one meets equal values;
        none of them is made then.
        """
        if not specs:
            return
        models = [index_model_from(name, spec) for name, spec in specs.items()]
        # building an index on a full collection takes as long as it takes: the limit per operation is for requests
        with door(), pymongo.timeout(None):
            try:
                await self._raw.create_indexes(models)
            except OperationFailure as error:
                if is_index_limit(error):
                    raise IndexLimit(self.name, list(specs)[-1]) from error
                raise

    async def drop_index(self, name: str) -> None:
        """Drops the index if it exists."""
        with door():
            try:
                await self._raw.drop_index(name)
            except OperationFailure as error:
                if error.code != _INDEX_NOT_FOUND:
                    raise


class MotorCollection(Collection):
    """The same over Motor, whose aggregate answers a cursor without being awaited."""

    __slots__ = ()

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]], hint: Hint = None) -> list[Document]:
        with door():
            cursor = self._raw.aggregate(pipeline, session=self._session, **_aggregate_options(hint))
            found: list[Document] = await cursor.to_list(None)
            return found


def _aggregate_options(hint: Hint) -> dict[str, Any]:
    options: dict[str, Any] = {"batchSize": _WHOLE_BATCH}
    if hint is not None:
        options["hint"] = hint if isinstance(hint, str) else dict(hint)
    return options
