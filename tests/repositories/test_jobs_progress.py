"""Waiting for jobs: one look for everybody, and none when nobody waits."""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack

from repositories.errors import Unavailable
from repositories.jobs_progress import Changed, JobProgress


class Versions:
    """What the database would say, and what it was asked."""

    def __init__(self) -> None:
        self.now = {"a": 1, "b": 1}
        self.asked: list[list[str]] = []
        self.is_away = False

    async def __call__(self, ids: Collection[str]) -> dict[str, int]:
        self.asked.append(sorted(ids))
        if self.is_away:
            raise Unavailable
        return {each: self.now[each] for each in ids if each in self.now}


async def within(changed: Changed, seconds: float = 5.0) -> bool:
    """Whether something has changed by then."""
    try:
        async with asyncio.timeout(seconds):
            await changed()
    except TimeoutError:
        return False
    return True


class TestWatching:
    async def test_one_look_for_all_who_wait(self) -> None:
        versions = Versions()
        progress = JobProgress(versions, poll_seconds=0.001)
        async with AsyncExitStack() as stack:
            waiting = [await stack.enter_async_context(progress.watching(each)) for each in ("a", "a", "b")]
            assert [await within(each) for each in waiting] == [True] * 3
            versions.now["a"] = 2
            assert [await within(each) for each in waiting[:2]] == [True, True]
            assert not await within(waiting[2], 0.01)
        assert {tuple(each) for each in versions.asked} == {("a", "b")}

    async def test_nobody_looks_when_nobody_waits(self) -> None:
        versions = Versions()
        progress = JobProgress(versions, poll_seconds=0.001)
        async with progress.watching("a") as changed:
            assert await within(changed)
        before = len(versions.asked)
        await asyncio.sleep(0.01)
        assert len(versions.asked) == before
        async with progress.watching("a") as changed:
            assert await within(changed)

    async def test_a_job_that_is_gone_has_changed(self) -> None:
        versions = Versions()
        async with JobProgress(versions, poll_seconds=0.001).watching("a") as changed:
            await changed()
            del versions.now["a"]
            assert await within(changed)

    async def test_a_database_that_is_away_ends_nothing(self) -> None:
        versions = Versions()
        versions.is_away = True
        async with JobProgress(versions, poll_seconds=0.001).watching("a") as changed:
            assert not await within(changed, 0.01)
            versions.is_away = False
            assert await within(changed)
