"""Reads by key that gather: which go out together, and that no caller suffers for another."""

import asyncio
from collections.abc import Mapping

import pytest

from repositories.batching import QUESTIONS_KEPT, BatchedReads, SharedReads


class Source:
    """Answers with the key in capitals, when it is let; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.second = asyncio.Event()
        """Set when it is asked for the second time."""
        self.gate.set()
        self.error: Exception | None = None

    async def fetch(self, keys: list[str]) -> Mapping[str, str]:
        self.asked.append(keys)
        if len(self.asked) == 2:
            self.second.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return {each: each.upper() for each in keys if each != "missing"}


async def settled() -> None:
    """Several turns of the loop."""
    for _ in range(10):
        await asyncio.sleep(0)


class TestLoad:
    async def test_wants_of_one_tick_are_one_fetch_and_each_key_is_in_it_once(self) -> None:
        source = Source()
        reads = BatchedReads(source.fetch)
        found = await asyncio.gather(reads.load("a"), reads.load("b"), reads.load("a"), reads.load("missing"))
        assert list(found) == ["A", "B", "A", None]
        assert source.asked == [["a", "b", "missing"]]
        assert reads.is_idle

    async def test_what_comes_while_others_are_under_way_gathers(self) -> None:
        source = Source()
        source.gate.clear()
        reads = BatchedReads(source.fetch, patience_seconds=60)
        first = reads.load("a")
        await settled()
        later = [reads.load("b"), reads.load("c")]
        await settled()
        assert source.asked == [["a"]]
        assert not reads.is_idle
        source.gate.set()
        assert await asyncio.gather(first, *later) == ["A", "B", "C"]
        assert source.asked == [["a"], ["b", "c"]]

    async def test_a_slow_fetch_holds_up_nobody_for_longer_than_the_patience(self) -> None:
        source = Source()
        source.gate.clear()
        reads = BatchedReads(source.fetch, patience_seconds=0.01)
        callers = [reads.load("a")]
        await settled()
        callers += [reads.load("b"), reads.load("c")]
        async with asyncio.timeout(5):
            await source.second.wait()
        assert source.asked == [["a"], ["b", "c"]]
        source.gate.set()
        assert list(await asyncio.gather(*callers)) == ["A", "B", "C"]

    async def test_a_full_batch_does_not_wait_but_for_room(self) -> None:
        source = Source()
        source.gate.clear()
        reads = BatchedReads(source.fetch, patience_seconds=60, in_flight=2, largest=2)
        callers = [reads.load("a")]
        await settled()
        callers += [reads.load(each) for each in "bcdef"]
        await settled()
        assert source.asked == [["a"], ["b", "c"]]
        source.gate.set()
        assert list(await asyncio.gather(*callers)) == ["A", "B", "C", "D", "E", "F"]
        assert sorted(map(tuple, source.asked[2:])) == [("d", "e"), ("f",)]

    async def test_the_next_fetch_sets_off_before_answers_are_taken_up(self) -> None:
        source = Source()
        source.gate.clear()
        reads = BatchedReads(source.fetch, patience_seconds=60)
        seen: list[int] = []

        async def ask(key: str) -> None:
            await reads.load(key)
            seen.append(len(source.asked))

        async with asyncio.TaskGroup() as group:
            group.create_task(ask("a"))
            await settled()
            group.create_task(ask("b"))
            await settled()
            source.gate.set()
        assert seen == [2, 2]

    async def test_no_more_than_the_largest_at_once(self) -> None:
        source = Source()
        reads = BatchedReads(source.fetch, in_flight=1, largest=2)
        found = await asyncio.gather(*(reads.load(each) for each in "abcde"))
        assert found == ["A", "B", "C", "D", "E"]
        assert source.asked == [["a", "b"], ["c", "d"], ["e"]]


class TestLoadMany:
    async def test_shares_the_fetch_with_single_ones(self) -> None:
        source = Source()
        reads = BatchedReads(source.fetch)
        many, one = await asyncio.gather(reads.load_many(("a", "b", "missing")), reads.load("b"))
        assert ({each: many.get(each) for each in ("a", "b", "missing")}, one) == (
            {"a": "A", "b": "B", "missing": None},
            "B",
        )
        assert source.asked == [["a", "b", "missing"]]

    async def test_nothing_asks_nothing(self) -> None:
        source = Source()
        assert await BatchedReads(source.fetch).load_many(()) == {}
        assert source.asked == []

    async def test_the_keys_of_one_caller_stay_together_however_many(self) -> None:
        source = Source()
        reads = BatchedReads(source.fetch, in_flight=1, largest=2)
        await asyncio.gather(reads.load("a"), reads.load_many(("b", "c", "d")), reads.load("e"))
        assert source.asked == [["a"], ["b", "c", "d"], ["e"]]


class TestTrouble:
    async def test_an_error_reaches_all_callers_of_the_batch_and_no_later_one(self) -> None:
        source = Source()
        source.error = LookupError("away")
        reads = BatchedReads(source.fetch)
        callers: list[asyncio.Future[object]] = [reads.load("a"), reads.load_many(("b",))]  # type: ignore[list-item]
        await asyncio.wait(callers)
        assert [each.exception() for each in callers] == [source.error, source.error]
        source.error = None
        assert await reads.load("a") == "A"

    async def test_the_cancellation_of_one_harms_no_other(self) -> None:
        source = Source()
        source.gate.clear()
        reads = BatchedReads(source.fetch)
        gone, stays = reads.load("a"), reads.load("b")
        await settled()
        gone.cancel()
        source.gate.set()
        assert await stays == "B"
        assert gone.cancelled()

    async def test_who_gave_up_before_the_fetch_is_not_read_for(self) -> None:
        source = Source()
        reads = BatchedReads(source.fetch)
        gone, stays = reads.load("a"), reads.load("b")
        gone.cancel()
        assert await stays == "B"
        alone = reads.load("c")
        alone.cancel()
        await settled()
        assert source.asked == [["b"]]
        assert reads.is_idle

    async def test_a_deadline_of_one_harms_no_other(self) -> None:
        source = Source()
        source.gate.clear()
        reads = BatchedReads(source.fetch)
        stays = reads.load("a")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await reads.load("a")
        source.gate.set()
        assert await stays == "A"

    async def test_who_waits_when_the_fetch_is_cancelled_waits_no_longer(self) -> None:
        source = Source()
        source.gate.clear()
        reads = BatchedReads(source.fetch)
        waiting = reads.load("a")
        await settled()
        await settled()
        for task in reads._running:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert reads.is_idle


class TestSharedReads:
    async def test_a_question_has_its_reads_and_others_have_theirs(self) -> None:
        shared: SharedReads[str] = SharedReads()
        source = Source()
        one = shared.of(("name",), source.fetch)
        assert shared.of(("name",), source.fetch) is one
        assert shared.of(("team",), source.fetch) is not one

    async def test_old_questions_are_forgotten_unless_somebody_waits(self) -> None:
        shared: SharedReads[str] = SharedReads()
        source = Source()
        source.gate.clear()
        awaited, idle = shared.of("awaited", source.fetch), shared.of("idle", source.fetch)
        future = awaited.load("a")
        await settled()
        for place in range(QUESTIONS_KEPT + 1):
            shared.of(place, source.fetch)
        assert shared.of("awaited", source.fetch) is awaited
        assert shared.of("idle", source.fetch) is not idle
        source.gate.set()
        assert await future == "A"
