"""The deadline of an operation reaches its commands, and no others."""

import asyncio
import time
from typing import Any

import pymongo
import pytest

from repositories.batching import BatchedReads
from repositories.deadline import EndingWithin, seconds_left
from repositories.errors import Unavailable, door
from repositories.group_cache import GroupCache
from repositories.mongo import Store


class TestSecondsLeft:
    def test_none_without_a_deadline(self) -> None:
        assert seconds_left() is None

    def test_only_when_it_is_near(self) -> None:
        with EndingWithin(5, 3):
            assert seconds_left() is None
        with EndingWithin(1, 3):
            left = seconds_left()
            assert left is not None
            assert 1 < left < 1.3
        assert seconds_left() is None

    async def test_of_tasks_too(self) -> None:
        async def left() -> float | None:
            return seconds_left()

        with EndingWithin(1, 3):
            found = await asyncio.gather(left(), left())
        assert None not in found

    def test_the_driver_is_told(self) -> None:
        with EndingWithin(1, 3), door():
            told = pymongo._csot.remaining()
            assert told is not None
            assert 1 < told < 1.3
        with EndingWithin(60, 3), door():
            assert pymongo._csot.remaining() is None


class TestCommands:
    @pytest.mark.real_drivers
    async def test_a_slow_command_ends_with_its_operation(self, store: Store) -> None:
        collection = store.collection("slow")
        await collection.insert_many([{"_id": at} for at in range(10_000)])
        match = {"$expr": {"$eq": ["$x", "$$a"]}}
        heavy: list[dict[str, Any]] = [
            {"$lookup": {"from": "slow", "let": {"a": "$_id"}, "pipeline": [{"$match": match}], "as": "all"}},
            {"$count": "n"},
        ]
        began = time.perf_counter()
        with EndingWithin(0.2, 30), pytest.raises(Unavailable):
            await collection.aggregate(heavy)
        # Half of what a command would have without its operation.
        assert time.perf_counter() - began < 15
        assert await collection.count({}, limit=5) == 5


class TestSharedWork:
    """What several operations share is not ended by the deadline of the one that began it."""

    async def test_batched_reads(self) -> None:
        seen: list[float | None] = []

        async def fetch(keys: list[str]) -> dict[str, str]:
            seen.append(seconds_left())
            await asyncio.sleep(0.01)
            return dict.fromkeys(keys, "value")

        reads: BatchedReads[str] = BatchedReads(fetch)
        with EndingWithin(0.5, 3):
            first = reads.load("a")
            await asyncio.sleep(0.002)
            later = reads.load("b")
            assert list(await asyncio.gather(first, later)) == ["value", "value"]
        assert seen == [None, None]

    async def test_kept_answers(self) -> None:
        seen: list[float | None] = []

        async def question() -> Any:
            seen.append(seconds_left())
            return (), None

        with EndingWithin(0.5, 3):
            assert await GroupCache(None, 2.0).answer(b"key", question) == ((), None)
        assert seen == [None]
