"""The trace of commands: the reads of the moment, on every driver."""

from collections.abc import AsyncIterator

import pytest

from repositories.mongo import CommandTrace, MongoSettings, Store, connect


@pytest.fixture
def trace() -> CommandTrace:
    return CommandTrace()


@pytest.fixture
async def traced(store_settings: MongoSettings, trace: CommandTrace) -> AsyncIterator[Store]:
    opened = connect(store_settings, [trace])
    try:
        yield opened
        await opened.drop_database()
    finally:
        await opened.close()


class TestCommandTrace:
    async def test_reads_while_it_is_on(self, traced: Store, trace: CommandTrace) -> None:
        things = traced.collection("things")
        await things.find({"a": {"$eq": 0}})
        trace.is_on = True
        await things.insert_one({"_id": "x", "a": 1})
        await things.find({"a": {"$eq": 1}}, {"a": 1}, [("a", 1), ("_id", -1)], limit=2)
        await things.find_one({"_id": {"$eq": "x"}})
        await things.aggregate([{"$match": {"a": {"$eq": 1}}}])
        await things.count({"a": {"$eq": 1}})
        trace.is_on = False
        await things.find({"a": {"$eq": 2}})
        names = [next(iter(each)) for each in trace.commands]
        assert names[:3] == ["find", "find", "aggregate"]
        assert names[3:] in (["aggregate"], ["count"])
        page = trace.commands[0]
        asked = {name: page[name] for name in ("find", "filter", "projection", "sort", "limit")}
        assert asked == {
            "find": "things",
            "filter": {"a": {"$eq": 1}},
            "projection": {"a": 1},
            "sort": {"a": 1, "_id": -1},
            "limit": 2,
        }
        assert trace.commands[2]["pipeline"] == [{"$match": {"a": {"$eq": 1}}}]
        assert not {"lsid", "$db", "maxTimeMS"} & {name for each in trace.commands for name in each}

    @pytest.mark.parametrize("stage", [{"$collStats": {}}, {"$changeStream": {}}])
    def test_questions_about_the_server_are_none(self, trace: CommandTrace, stage: dict[str, object]) -> None:
        trace.is_on = True
        trace.take({"aggregate": "things", "pipeline": [stage]})
        trace.take({"aggregate": "things", "pipeline": []})
        assert trace.commands == [{"aggregate": "things", "pipeline": []}]
