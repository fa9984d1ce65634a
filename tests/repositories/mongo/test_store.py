"""The store itself: what it says of itself, and what only a server can do."""

import pytest

from repositories.errors import NotSupported, RepositoryFault, Unavailable
from repositories.mongo import MongoSettings, Store, connect

CLOSED_PORT = "mongodb://kehu:s3cret@127.0.0.1:9/?serverSelectionTimeoutMS=50&timeoutMS=200"


class TestConnect:
    async def test_says_what_it_can_do(self, store: Store, driver: str) -> None:
        await store.ping()
        able = driver != "memory"
        assert store.driver == driver
        assert (store.has_transactions, store.has_change_streams, store.has_validators) == (able, able, able)

    async def test_a_second_store_sees_the_same_database(self, store: Store, store_settings: MongoSettings) -> None:
        if store.driver == "memory":
            assert "no second process sees it" in store.describe()
            return
        await store.collection("clients").insert_one({"_id": "c1"})
        other = connect(store_settings)
        assert await other.collection("clients").find({}) == [{"_id": "c1"}]
        await other.close()

    async def test_two_memory_stores_share_nothing(self) -> None:
        one, other = (connect(MongoSettings(driver="memory")) for _ in range(2))
        await one.collection("clients").insert_one({"_id": "c1"})
        assert await other.collection("clients").find({}) == []

    async def test_names_of_collections(self, store: Store) -> None:
        await store.collection("b").insert_one({})
        await store.collection("a").insert_one({})
        assert await store.collection_names() == ["a", "b"]


class TestPing:
    @pytest.mark.parametrize("name", ["pymongo", "motor"])
    async def test_a_database_that_is_away(self, name: str) -> None:
        store = connect(MongoSettings(uri=CLOSED_PORT, driver="motor" if name == "motor" else "pymongo"))
        with pytest.raises(Unavailable) as caught:
            await store.ping()
        assert "127.0.0.1" not in caught.value.message
        with pytest.raises(Unavailable):
            await store.collection("clients").find({})
        await store.close()


class TestDescribe:
    async def test_has_host_and_database_and_no_secret(self) -> None:
        store = connect(MongoSettings(uri=CLOSED_PORT))
        assert store.describe() == "PyMongo Async at 127.0.0.1:9, database kehu"
        await store.close()


class TestSetValidator:
    SCHEMA = {"bsonType": "object", "required": ["version"], "properties": {"version": {"bsonType": "int"}}}

    async def test_refuses_what_breaks_the_schema(self, store: Store) -> None:
        await store.set_validator("clients", self.SCHEMA)
        clients = store.collection("clients")
        await clients.insert_one({"_id": "c1", "version": 1})
        with pytest.raises(RepositoryFault):
            await clients.insert_one({"_id": "c2", "version": "1"})
        with pytest.raises(RepositoryFault):
            await clients.insert_many([{"_id": "c3"}], ignore_duplicates=True)
        (error,) = (await clients.insert_many([{"_id": "c3"}])).errors
        assert (error.code, error.is_duplicate) == (121, False)
        assert await clients.count({}) == 1

    async def test_replaces_an_earlier_one(self, store: Store) -> None:
        await store.set_validator("clients", self.SCHEMA)
        await store.set_validator("clients", {"bsonType": "object", "required": ["number"]})
        await store.collection("clients").insert_one({"_id": "c1", "number": "1"})
        assert await store.collection("clients").count({}) == 1


class TestMemoryStore:
    async def test_says_what_it_cannot_do(self) -> None:
        store = connect(MongoSettings(driver="memory"))
        with pytest.raises(NotSupported, match="change streams"):
            store.watch("clients")
        with pytest.raises(NotSupported, match="validators"):
            await store.set_validator("clients", {})
        assert "nothing outlives the process" in store.describe()
