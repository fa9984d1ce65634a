"""The memory driver: mongomock-motor in front, mongomock-ng behind it. For trials and tests, never for a bank."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import mongomock_ng
from mongomock_motor import AsyncMongoMockClient
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.errors import WriteError

from repositories.errors import IndexLimit, door
from repositories.mongo.collection import Collection, Hint, Operation, Projection, Sort, Where
from repositories.mongo.results import BulkError, BulkResult, Document, IndexSpec, bulk_error_from
from repositories.mongo.trace import CommandTrace

_MOST_INDEXES = 64


def memory_client() -> Any:
    """A client with an empty database of its own, gone when it is closed."""
    return AsyncMongoMockClient(mock_mongo_client=mongomock_ng.MongoClient(tz_aware=True))


class MemoryCollection(Collection):
    """The same face over the mock: it knows no hints, and its sessions are for writes only.

    Bulk writes go one by one, because the mock's own bulk forgets which key was taken.
    """

    __slots__ = ("_traces",)

    def __init__(self, name: str, raw: Any, session: Any = None, traces: Sequence[CommandTrace] = ()) -> None:
        super().__init__(name, raw, session)
        self._traces = traces

    def _tell(self, operation: str, **asked: Any) -> None:
        """Tell who looks what a server would be asked."""
        for each in self._traces:
            if each.is_on:
                # The mock writes into what it is given.
                each.take(deepcopy({operation: self.name, **{key: value for key, value in asked.items() if value}}))

    async def find(
        self,
        where: Where,
        projection: Projection = None,
        sort: Sort = None,
        limit: int = 0,
        skip: int = 0,
        hint: Hint = None,
    ) -> list[Document]:
        self._tell("find", filter=where, sort=dict(sort or ()), projection=projection, limit=limit)
        with door():
            found: list[Document] = await self._raw.find(where, projection, skip, limit, sort=sort).to_list(None)
            return found

    async def find_one(self, where: Where, projection: Projection = None) -> Document | None:
        self._tell("find", filter=where, projection=projection, limit=1)
        with door():
            found: Document | None = await self._raw.find_one(where, projection)
            return found

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]], hint: Hint = None) -> list[Document]:
        self._tell("aggregate", pipeline=pipeline)
        with door():
            try:
                found: list[Document] = await self._raw.aggregate(list(pipeline)).to_list(None)
            except TypeError as error:
                # It compares no decimals, nor what is of different kinds.
                raise NotImplementedError(str(error)) from error
            return found

    async def count(self, where: Where, limit: int | None = None) -> int:
        self._tell("count", query=where, limit=limit)
        return await super().count(where, limit)

    async def iterate(
        self, where: Where, projection: Projection = None, sort: Sort = None, batch_size: int = 1_000
    ) -> AsyncGenerator[Document, None]:
        for document in await self.find(where, projection, sort):
            yield document

    async def bulk_write(self, operations: Sequence[Operation], ordered: bool = False) -> BulkResult:
        totals: Counter[str] = Counter()
        errors: list[BulkError] = []
        for index, operation in enumerate(operations):
            with door():
                try:
                    totals.update(await self._write(operation))
                except WriteError as error:
                    details = {"code": error.code, "errmsg": str(error), **(error.details or {})}
                    errors.append(bulk_error_from(index, details))
                    if ordered:
                        break
        return BulkResult(**totals, errors=tuple(errors))

    async def _write(self, operation: Operation) -> dict[str, int]:
        match operation:
            case InsertOne():
                await self._raw.insert_one(operation._doc, session=self._session)
                return {"inserted": 1}
            case DeleteOne() | DeleteMany():
                delete = self._raw.delete_one if isinstance(operation, DeleteOne) else self._raw.delete_many
                return {"deleted": (await delete(operation._filter, session=self._session)).deleted_count}
            case tuple():
                return await self._update(self._raw.update_one, operation[0], operation[1])
        # pymongo's operations have no public fields; these names are the same in every release since 3.0
        write = {UpdateOne: "update_one", UpdateMany: "update_many", ReplaceOne: "replace_one"}[type(operation)]
        return await self._update(getattr(self._raw, write), operation._filter, operation._doc, bool(operation._upsert))

    async def _update(self, update: Any, where: Where, change: Any, upsert: bool = False) -> dict[str, int]:
        done = await update(where, change, upsert=upsert, session=self._session)
        upserted = int(done.upserted_id is not None)
        return {"matched": done.matched_count, "modified": done.modified_count, "upserted": upserted}

    async def create_indexes(self, specs: Mapping[str, IndexSpec]) -> None:
        known = await self.indexes()
        if len(known.keys() | specs.keys() | {"_id_"}) > _MOST_INDEXES:
            raise IndexLimit(self.name, list(specs)[-1])
        await super().create_indexes(specs)

    async def drop_index(self, name: str) -> None:
        if name in await self.indexes():
            await super().drop_index(name)
