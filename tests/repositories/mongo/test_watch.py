"""Change streams on a client of their own."""

import anyio

from repositories.mongo import MongoSettings, Store, connect


class TestWatch:
    async def test_sees_what_happens_after_it_began(self, store: Store) -> None:
        clients = store.collection("clients")
        await clients.insert_one({"_id": "before"})
        with anyio.fail_after(10):
            async with store.watch("clients") as events:
                await clients.insert_one({"_id": "c1"})
                await store.collection("others").insert_one({"_id": "o1"})
                await clients.delete_one({"_id": "c1"})
                first, second = await anext(events), await anext(events)
        assert [(one["operationType"], one["documentKey"]) for one in (first, second)] == [
            ("insert", {"_id": "c1"}),
            ("delete", {"_id": "c1"}),
        ]

    async def test_filters_and_brings_the_whole_document(self, store: Store) -> None:
        clients = store.collection("clients")
        await clients.insert_one({"_id": "c1", "name": "Ada"})
        only_updates = [{"$match": {"operationType": "update"}}]
        with anyio.fail_after(10):
            async with store.watch("clients", only_updates, full_document="updateLookup") as events:
                await clients.insert_one({"_id": "c2"})
                await clients.update_one({"_id": "c1"}, {"$set": {"age": 36}})
                event = await anext(events)
        assert event["fullDocument"] == {"_id": "c1", "name": "Ada", "age": 36}

    async def test_goes_on_after_a_token(self, store: Store) -> None:
        clients = store.collection("clients")
        with anyio.fail_after(10):
            async with store.watch("clients") as events:
                await clients.insert_one({"_id": "c1"})
                token = (await anext(events))["_id"]
            await clients.insert_one({"_id": "c2"})
            async with store.watch("clients", resume_after=token) as events:
                assert (await anext(events))["documentKey"] == {"_id": "c2"}

    async def test_waits_longer_than_the_time_limit_of_a_request(
        self, store: Store, store_settings: MongoSettings
    ) -> None:
        hasty = connect(
            MongoSettings(
                uri=store_settings.uri,
                driver=store_settings.driver,
                database=store_settings.database,
                timeout_seconds=0.5,
            )
        )
        with anyio.fail_after(10):
            async with hasty.watch("clients") as events, anyio.create_task_group() as tasks:
                tasks.start_soon(_insert_later, store)
                assert (await anext(events))["documentKey"] == {"_id": "late"}
        await hasty.close()

    async def test_ends_when_the_watcher_is_cancelled(self, store: Store) -> None:
        async def watch_for_ever() -> None:
            async with store.watch("clients") as events:
                async for event in events:
                    raise AssertionError(event)

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch_for_ever)
                await anyio.sleep(0.3)
                tasks.cancel_scope.cancel()
        await store.collection("clients").insert_one({"_id": "c1"})

    async def test_beats_while_nothing_happens(self, store: Store) -> None:
        clients = store.collection("clients")
        await clients.insert_one({"_id": "before"})
        with anyio.fail_after(10):
            async with store.watch("clients", beats=True) as events:
                assert await anext(events) == {}
                await clients.insert_one({"_id": "c1"})
                while not (event := await anext(events)):
                    pass
                assert event["documentKey"] == {"_id": "c1"}
                assert await anext(events) == {}


async def _insert_later(store: Store) -> None:
    await anyio.sleep(1.2)
    await store.collection("clients").insert_one({"_id": "late"})
