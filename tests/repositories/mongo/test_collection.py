"""The face of a collection, alike on all three drivers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne

from repositories.errors import AlreadyExists, IndexLimit, RepositoryFault
from repositories.mongo import Collection, IndexSpec, Store
from tests.conftest import CommandLog


@pytest.fixture
async def clients(store: Store) -> Collection:
    """Five clients, c0 to c4, of 0 to 40 employees."""
    collection = store.collection("clients")
    await collection.insert_many([{"_id": f"c{n}", "employees": n * 10, "odd": bool(n % 2)} for n in range(5)])
    return collection


@pytest.fixture
async def numbered(store: Store) -> Collection:
    """A collection whose `number` is unique where it is a text."""
    collection = store.collection("numbered")
    await collection.create_index([("number", 1)], "number", unique=True, partial={"number": {"$type": "string"}})
    return collection


class TestFind:
    async def test_filters_sorts_skips_limits_and_projects(self, clients: Collection) -> None:
        found = await clients.find({"employees": {"$gte": 10}}, {"employees": 1}, [("employees", -1)], limit=2, skip=1)
        assert found == [{"_id": "c3", "employees": 30}, {"_id": "c2", "employees": 20}]

    async def test_nothing_matches(self, clients: Collection) -> None:
        assert await clients.find({"_id": "none"}) == []

    async def test_a_hint_names_an_index(self, clients: Collection) -> None:
        await clients.create_index([("employees", 1)], "employees")
        assert [one["_id"] for one in await clients.find({"employees": {"$lt": 20}}, hint="employees")] == ["c0", "c1"]

    async def test_datetimes_come_back_in_utc(self, store: Store) -> None:
        noon_in_taipei = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=8)))
        await store.collection("clients").insert_one({"_id": "c1", "at": noon_in_taipei})
        (found,) = await store.collection("clients").find({})
        assert found["at"] == datetime(2026, 3, 1, 4, tzinfo=UTC)
        assert found["at"].utcoffset() == timedelta(0)

    @pytest.mark.real_drivers
    @pytest.mark.parametrize("limit", [0, 250, 300])
    async def test_is_one_command_however_many_documents(
        self, store: Store, command_log: CommandLog, limit: int
    ) -> None:
        collection = store.collection("clients")
        await collection.insert_many([{"_id": n} for n in range(300)])
        command_log.clear()
        assert len(await collection.find({}, limit=limit)) == (limit or 300)
        assert command_log.names == ["find"]


class TestFindOne:
    async def test_answers_the_selected_fields(self, clients: Collection) -> None:
        assert await clients.find_one({"_id": "c1"}, {"odd": 1}) == {"_id": "c1", "odd": True}

    async def test_answers_none(self, clients: Collection) -> None:
        assert await clients.find_one({"_id": "none"}) is None


class TestFindOneAndUpdate:
    async def test_answers_the_document_after_a_pipeline(self, clients: Collection) -> None:
        changed = await clients.find_one_and_update(
            {"_id": "c1"}, [{"$set": {"note": {"$literal": "$employees"}}}, {"$unset": ["odd"]}]
        )
        assert changed == {"_id": "c1", "employees": 10, "note": "$employees"}
        assert await clients.find_one({"_id": "c1"}) == changed

    async def test_answers_the_selected_fields(self, clients: Collection) -> None:
        changed = await clients.find_one_and_update({"_id": "c1"}, {"$inc": {"employees": 1}}, {"employees": 1})
        assert changed == {"_id": "c1", "employees": 11}

    async def test_answers_none_and_changes_nothing(self, clients: Collection) -> None:
        before = await clients.find({})
        assert await clients.find_one_and_update({"_id": "c1", "employees": 99}, {"$set": {"odd": None}}) is None
        assert await clients.find({}) == before

    async def test_inserts_by_upsert(self, clients: Collection) -> None:
        made = await clients.find_one_and_update({"_id": "c9"}, {"$set": {"employees": 9}}, upsert=True)
        assert made == {"_id": "c9", "employees": 9}

    async def test_a_taken_key(self, numbered: Collection) -> None:
        await numbered.insert_many([{"_id": 1, "number": "a"}, {"_id": 2, "number": "b"}])
        with pytest.raises(AlreadyExists) as caught:
            await numbered.find_one_and_update({"_id": 2}, {"$set": {"number": "a"}})
        assert (caught.value.field, caught.value.value) == ("number", "a")
        assert await numbered.find_one({"_id": 2}) == {"_id": 2, "number": "b"}


class TestInsertOne:
    async def test_answers_the_id(self, store: Store) -> None:
        assert await store.collection("clients").insert_one({"_id": "c1"}) == "c1"

    async def test_a_taken_id(self, clients: Collection) -> None:
        with pytest.raises(AlreadyExists) as caught:
            await clients.insert_one({"_id": "c1"})
        assert (caught.value.field, caught.value.value) == ("_id", "c1")

    async def test_a_value_that_bson_does_not_know(self, store: Store) -> None:
        with pytest.raises(RepositoryFault):
            await store.collection("clients").insert_one({"_id": "c1", "value": object()})


class TestInsertMany:
    async def test_the_good_ones_land_and_the_others_are_named(self, numbered: Collection) -> None:
        documents = [{"_id": n, "number": number} for n, number in enumerate(["a", "b", "a", "c"])]
        result = await numbered.insert_many(documents)
        assert result.inserted == 3
        (error,) = result.errors
        assert (error.index, error.code, error.key_value, error.is_duplicate) == (2, 11000, {"number": "a"}, True)
        assert [one["_id"] for one in await numbered.find({}, sort=[("_id", 1)])] == [0, 1, 3]

    async def test_ordered_stops_at_the_first_refusal(self, numbered: Collection) -> None:
        result = await numbered.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}], ordered=True)
        assert (result.inserted, [error.index for error in result.errors]) == (1, [1])
        assert await numbered.count({}) == 1

    async def test_nothing_to_insert(self, numbered: Collection) -> None:
        assert (await numbered.insert_many([])).inserted == 0

    async def test_taken_keys_can_be_what_was_expected(self, numbered: Collection) -> None:
        await numbered.insert_one({"_id": 1})
        assert (await numbered.insert_many([{"_id": 1}, {"_id": 2}], ignore_duplicates=True)).inserted == 1


class TestUpdateOne:
    async def test_counts_matched_and_modified(self, clients: Collection) -> None:
        assert await clients.update_one({"_id": "c1"}, {"$set": {"employees": 11}}) == (1, 1)
        assert await clients.update_one({"_id": "c1"}, {"$set": {"employees": 11}}) == (1, 0)
        assert await clients.update_one({"_id": "none"}, {"$set": {"employees": 11}}) == (0, 0)

    async def test_an_upsert_that_inserts(self, clients: Collection) -> None:
        assert await clients.update_one({"_id": "c9"}, {"$set": {"employees": 9}}, upsert=True) == (0, 0)
        assert await clients.find_one({"_id": "c9"}) == {"_id": "c9", "employees": 9}


class TestUpdateMany:
    async def test_counts_all(self, clients: Collection) -> None:
        assert await clients.update_many({"odd": True}, [{"$set": {"odd": "$employees"}}]) == (2, 2)
        assert (await clients.find_one({"_id": "c3"}) or {})["odd"] == 30


class TestBulkWrite:
    async def test_pairs_and_operations_together(self, clients: Collection) -> None:
        result = await clients.bulk_write(
            [
                ({"_id": "c0"}, {"$set": {"employees": 1}}),
                ({"_id": "none"}, {"$set": {"employees": 1}}),
                UpdateOne({"_id": "c8"}, [{"$set": {"employees": 8}}], upsert=True),
                UpdateMany({"odd": True}, {"$set": {"odd": None}}),
                ReplaceOne({"_id": "c2"}, {"employees": 2}),
                InsertOne({"_id": "c7"}),
                DeleteOne({"_id": "c4"}),
                DeleteMany({"_id": "none"}),
            ]
        )
        assert (result.inserted, result.matched, result.modified, result.upserted, result.deleted) == (1, 4, 4, 1, 1)
        assert result.errors == ()
        assert await clients.find({}, sort=[("_id", 1)]) == [
            {"_id": "c0", "employees": 1, "odd": False},
            {"_id": "c1", "employees": 10, "odd": None},
            {"_id": "c2", "employees": 2},
            {"_id": "c3", "employees": 30, "odd": None},
            {"_id": "c7"},
            {"_id": "c8", "employees": 8},
        ]

    async def test_a_taken_key_is_reported_and_the_rest_lands(self, numbered: Collection) -> None:
        await numbered.insert_many([{"_id": 1, "number": "a"}, {"_id": 2, "number": "b"}])
        result = await numbered.bulk_write(
            [
                ({"_id": 2}, {"$set": {"number": "a"}}),
                ({"_id": 1}, {"$set": {"seen": True}}),
                UpdateOne({"_id": 3}, {"$set": {"number": "b"}}, upsert=True),
            ]
        )
        assert [(error.index, error.key_value) for error in result.errors] == [
            (0, {"number": "a"}),
            (2, {"number": "b"}),
        ]
        assert (result.matched, result.modified, result.upserted) == (1, 1, 0)
        assert result.errors[0].message.startswith('number "a" is taken already.')
        assert await numbered.count({}) == 2

    @pytest.mark.real_drivers
    async def test_is_one_command(self, clients: Collection, command_log: CommandLog) -> None:
        command_log.clear()
        await clients.bulk_write([({"_id": f"c{n}"}, {"$set": {"seen": True}}) for n in range(5)])
        assert command_log.names == ["update"]


class TestDelete:
    async def test_one(self, clients: Collection) -> None:
        assert await clients.delete_one({"odd": True}) == 1
        assert await clients.delete_one({"_id": "none"}) == 0

    async def test_many(self, clients: Collection) -> None:
        assert await clients.delete_many({"odd": False}) == 3
        assert await clients.count({}) == 2


class TestCount:
    async def test_all_and_no_further_than_the_limit(self, clients: Collection) -> None:
        assert await clients.count({"odd": False}) == 3
        assert await clients.count({"odd": False}, limit=2) == 2

    async def test_estimated(self, clients: Collection) -> None:
        assert await clients.estimated_count() == 5


class TestAggregate:
    async def test_answers_a_list(self, clients: Collection) -> None:
        total = {"$group": {"_id": None, "sum": {"$sum": "$employees"}}}
        assert await clients.aggregate([{"$match": {"odd": False}}, total]) == [{"_id": None, "sum": 60}]

    async def test_a_hint_is_taken(self, clients: Collection) -> None:
        await clients.create_index([("employees", -1)], "employees")
        pipeline = [{"$match": {"employees": {"$gt": 10}}}]
        assert len(await clients.aggregate(pipeline, hint="employees")) == 3
        assert len(await clients.aggregate(pipeline, hint=[("employees", -1)])) == 3

    @pytest.mark.real_drivers
    async def test_is_one_command_however_many_documents(self, store: Store, command_log: CommandLog) -> None:
        await store.collection("clients").insert_many([{"_id": n} for n in range(300)])
        command_log.clear()
        assert len(await store.collection("clients").aggregate([{"$match": {}}])) == 300
        assert command_log.names == ["aggregate"]

    async def test_a_refused_stage_is_our_fault_without_the_server_words(self, clients: Collection) -> None:
        with pytest.raises(RepositoryFault) as caught:
            await clients.aggregate([{"$nonsense": 1}])
        assert "$nonsense" not in caught.value.message


class TestIterate:
    async def test_goes_through_all_batches_in_order(self, clients: Collection) -> None:
        seen = [one async for one in clients.iterate({}, {"_id": 1}, [("employees", -1)], batch_size=2)]
        assert [one["_id"] for one in seen] == ["c4", "c3", "c2", "c1", "c0"]

    async def test_can_be_left_early(self, clients: Collection) -> None:
        documents = clients.iterate({}, batch_size=2)
        async for one in documents:
            assert one["_id"] == "c0"
            break
        await documents.aclose()
        assert await clients.count({}) == 5


class TestIndexes:
    async def test_lists_what_was_created(self, numbered: Collection) -> None:
        await numbered.create_index([("team", 1), ("at", -1)], "team_at")
        assert await numbered.indexes() == {
            "_id_": IndexSpec(keys=(("_id", 1),)),
            "number": IndexSpec(keys=(("number", 1),), unique=True, partial={"number": {"$type": "string"}}),
            "team_at": IndexSpec(keys=(("team", 1), ("at", -1))),
        }

    async def test_of_a_collection_that_is_missing(self, store: Store) -> None:
        assert await store.collection("none").indexes() == {}

    async def test_creating_the_same_again_changes_nothing(self, numbered: Collection) -> None:
        before = await numbered.indexes()
        await numbered.create_index([("number", 1)], "number", unique=True, partial={"number": {"$type": "string"}})
        assert await numbered.indexes() == before

    async def test_a_partial_unique_index_leaves_out_what_it_does_not_cover(self, numbered: Collection) -> None:
        assert (await numbered.insert_many([{"_id": 1}, {"_id": 2}, {"_id": 3, "number": None}])).inserted == 3

    async def test_several_are_made_in_one_go(self, clients: Collection) -> None:
        specs = {"a": IndexSpec((("a", 1),)), "b": IndexSpec((("b", -1), ("c", 1)), unique=True, partial={"b": 1})}
        await clients.create_indexes(specs)
        await clients.create_indexes({})
        assert await clients.indexes() == {"_id_": IndexSpec((("_id", 1),)), **specs}

    async def test_a_unique_one_over_equal_values_is_refused(self, clients: Collection) -> None:
        with pytest.raises(AlreadyExists) as caught:
            await clients.create_index([("odd", 1)], "odd", unique=True)
        assert caught.value.field == "odd"
        assert set(await clients.indexes()) == {"_id_"}

    async def test_dropping_twice(self, numbered: Collection) -> None:
        await numbered.insert_one({"_id": 1})
        await numbered.drop_index("number")
        await numbered.drop_index("number")
        assert set(await numbered.indexes()) == {"_id_"}

    async def test_the_65th_is_refused_with_the_reason(self, clients: Collection) -> None:
        await clients.create_indexes({f"field{n}": IndexSpec(((f"field{n}", 1),)) for n in range(63)})
        with pytest.raises(IndexLimit, match=r"last cannot be made: clients would have more than 64 indexes"):
            await clients.create_index([("last", 1)], "last")
        await clients.create_index([("field0", 1)], "field0")
        assert len(await clients.indexes()) == 64
