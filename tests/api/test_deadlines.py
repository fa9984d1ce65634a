"""One timer for many limits."""

import asyncio
import time

import pytest

from api.deadlines import Deadlines


class TestDeadlines:
    async def test_ends_what_takes_too_long(self) -> None:
        began = time.perf_counter()
        with pytest.raises(TimeoutError), Deadlines(0.1).limit():
            await asyncio.sleep(5)
        assert time.perf_counter() - began >= 0.1
        await asyncio.sleep(0)

    async def test_leaves_alone_what_is_quick(self) -> None:
        deadlines = Deadlines(0.05)
        with deadlines.limit() as limit:
            await asyncio.sleep(0)
        await asyncio.sleep(0.15)
        assert not limit.is_over

    async def test_each_from_its_own_beginning(self) -> None:
        deadlines = Deadlines(0.3)

        async def work(seconds: float) -> str:
            try:
                with deadlines.limit():
                    await asyncio.sleep(seconds)
            except TimeoutError:
                return "ended"
            return "done"

        async def later(seconds: float, work_seconds: float) -> str:
            await asyncio.sleep(seconds)
            return await work(work_seconds)

        found = await asyncio.gather(work(5), work(0.01), later(0.2, 0.2), later(0.2, 5))
        assert list(found) == ["ended", "done", "done", "ended"]

    async def test_a_cancellation_from_outside_stays_one(self) -> None:
        async def work() -> None:
            with Deadlines(5).limit():
                await asyncio.sleep(5)

        task = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_an_error_of_the_work_stays_one(self) -> None:
        with pytest.raises(ValueError, match="own"), Deadlines(5).limit():
            raise ValueError("own")

    async def test_has_one_timer_for_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        deadlines, timers = Deadlines(0.5), []
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "call_later", lambda *given: timers.append(given))
        for _ in range(100):
            with deadlines.limit():
                pass
        assert len(timers) == 1

    def test_serves_one_loop_after_another(self) -> None:
        deadlines = Deadlines(0.05)

        async def work() -> None:
            with pytest.raises(TimeoutError), deadlines.limit():
                await asyncio.sleep(5)

        asyncio.run(work())
        asyncio.run(work())
