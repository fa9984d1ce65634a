"""Several documents, all or none."""

import anyio
import pytest

from repositories.errors import AlreadyExists, StaleVersion, Unavailable
from repositories.mongo import MongoSettings, Store, Transaction, connect


@pytest.fixture
async def accounts(store: Store) -> Store:
    await store.collection("accounts").insert_many([{"_id": "a", "sum": 10}, {"_id": "b", "sum": 0}])
    await store.collection("entries").insert_one({"_id": "e0"})
    return store


async def sums(store: Store) -> list[int]:
    return [one["sum"] for one in await store.collection("accounts").find({}, sort=[("_id", 1)])]


class TestTransaction:
    async def test_all_writes_land(self, accounts: Store) -> None:
        async def move(transaction: Transaction) -> str:
            await transaction.collection("accounts").update_one({"_id": "a"}, {"$inc": {"sum": -4}})
            await transaction.collection("accounts").bulk_write([({"_id": "b"}, {"$inc": {"sum": 4}})])
            seen = await transaction.collection("accounts").find({"_id": "b"})
            await transaction.collection("entries").insert_one({"_id": "e1", "seen": seen[0]["sum"]})
            return "moved"

        assert await accounts.transaction(move) == "moved"
        assert await sums(accounts) == [6, 4]
        assert await accounts.collection("entries").find_one({"_id": "e1"}) == {"_id": "e1", "seen": 4}

    async def test_none_lands_if_the_work_refuses(self, accounts: Store) -> None:
        async def refuse(transaction: Transaction) -> None:
            await transaction.collection("accounts").update_one({"_id": "a"}, {"$set": {"sum": 0}})
            raise StaleVersion("account", 1, 2)

        with pytest.raises(StaleVersion):
            await accounts.transaction(refuse)
        assert await sums(accounts) == [10, 0]

    async def test_none_lands_if_a_key_is_taken(self, accounts: Store) -> None:
        async def take(transaction: Transaction) -> None:
            await transaction.collection("accounts").update_one({"_id": "a"}, {"$set": {"sum": 0}})
            await transaction.collection("entries").insert_one({"_id": "e0"})

        with pytest.raises(AlreadyExists) as caught:
            await accounts.transaction(take)
        assert caught.value.value == "e0"
        assert await sums(accounts) == [10, 0]

    async def test_others_do_not_see_it_before_its_end(self, accounts: Store) -> None:
        async def look_from_outside(transaction: Transaction) -> list[int]:
            await transaction.collection("accounts").update_one({"_id": "a"}, {"$set": {"sum": 99}})
            return await sums(accounts)

        assert await accounts.transaction(look_from_outside) == [10, 0]
        assert await sums(accounts) == [99, 0]

    async def test_retries_a_conflict_and_loses_no_write(self, accounts: Store) -> None:
        attempts = 0

        async def add(transaction: Transaction) -> None:
            nonlocal attempts
            attempts += 1
            found = await transaction.collection("accounts").find_one({"_id": "a"})
            await anyio.sleep(0.005)
            await transaction.collection("accounts").update_one(
                {"_id": "a"}, {"$set": {"sum": (found or {})["sum"] + 1}}
            )

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(accounts.transaction, add)
        assert attempts > 4
        assert await sums(accounts) == [14, 0]

    @pytest.mark.real_drivers
    async def test_stops_retrying_at_the_time_limit(self, accounts: Store, store_settings: MongoSettings) -> None:
        hasty = connect(
            MongoSettings(
                uri=store_settings.uri,
                driver=store_settings.driver,
                database=store_settings.database,
                timeout_seconds=0.7,
            )
        )
        # connects before the clock runs
        await hasty.ping()

        async def conflict(transaction: Transaction) -> None:
            await transaction.collection("accounts").find_one({"_id": "a"})
            await accounts.collection("accounts").update_one({"_id": "a"}, {"$inc": {"sum": 1}})
            await transaction.collection("accounts").update_one({"_id": "a"}, {"$inc": {"sum": 1}})

        try:
            with anyio.fail_after(5), pytest.raises(Unavailable):
                await hasty.transaction(conflict)
            # it was aborted, so it holds no lock
            with anyio.fail_after(5):
                assert await accounts.collection("accounts").update_one({"_id": "a"}, {"$set": {"sum": 1}}) == (1, 1)
        finally:
            await hasty.close()

    @pytest.mark.real_drivers
    async def test_a_cancelled_caller_leaves_no_lock(self, accounts: Store) -> None:
        is_inside = anyio.Event()

        async def dawdle(transaction: Transaction) -> None:
            await transaction.collection("accounts").update_one({"_id": "a"}, {"$inc": {"sum": 1}})
            is_inside.set()
            await anyio.sleep(0.3)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(accounts.transaction, dawdle)
            await is_inside.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(5):
            assert await accounts.collection("accounts").update_one({"_id": "a"}, {"$set": {"sum": 99}}) == (1, 1)
