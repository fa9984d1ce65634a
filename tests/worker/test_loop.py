"""The worker as it runs: several at once, slots, its end, and what it does on schedule."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from acts.jobs import JobRun, enqueue
from policy.jobs import JobState
from policy.viewer import Viewer
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.worker.hands import ROBOT, Gate, Hands, handler_of
from worker.attempt import Manner
from worker.loop import Worker
from worker.schedules import Schedule

JOBS, STEPS = 60, 3
NO_WAIT = timedelta()


def worker(book: Repositories, handlers: Mapping[str, Any], **more: Any) -> Worker:
    made: dict[str, Any] = {"schedules": (), "idle_seconds": 0.005, "manner": Manner(wait=lambda _: NO_WAIT)}
    return Worker(lambda: book, handlers, **made | more)


async def states(book: Repositories) -> Counter[str]:
    return Counter(each["state"] for each in await book.jobs.collection.find({}))


async def until_finished(book: Repositories) -> None:
    async with asyncio.timeout(60):
        while await book.jobs.collection.count({"state": {"$nin": ["DONE", "FAILED"]}}):  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)


class TestThreeAtOnce:
    async def test_each_step_of_each_job_is_done_once_though_workers_end_and_steps_fail(
        self, book: Repositories
    ) -> None:
        effects: Counter[tuple[str, int]] = Counter()
        chance = random.Random(5)

        async def walk(_viewer: Viewer, _book: Repositories, run: JobRun) -> None:
            if run.job.input["number"] % 10 == 0:
                raise ValueError("never done")
            for at in range(run.job.checkpoint.get("at", 0), STEPS):
                if chance.random() < 0.1:
                    raise ValueError("this time")
                await asyncio.sleep(0)
                effects[run.job.id, at] += 1
                await run.report(at + 1, STEPS, checkpoint={"at": at + 1})

        for number in range(JOBS):
            await enqueue(ROBOT, book, "walk", {"number": number})
        handlers = {"walk": handler_of(walk)}
        stops = [asyncio.Event() for _ in range(3)]
        tasks = [asyncio.create_task(worker(book, handlers, slots=3).run(stop)) for stop in stops]
        # One of them ends in the middle, and another one comes.
        await asyncio.sleep(0.02)
        stops[0].set()
        await tasks[0]
        stops.append(asyncio.Event())
        tasks.append(asyncio.create_task(worker(book, handlers, slots=3).run(stops[-1])))
        await until_finished(book)
        for stop in stops:
            stop.set()
        await asyncio.gather(*tasks)
        found = await states(book)
        assert found == {"DONE": JOBS * 9 // 10, "FAILED": JOBS // 10}
        assert len(effects) == JOBS * 9 // 10 * STEPS
        assert set(effects.values()) == {1}


class TestSlots:
    async def test_a_long_job_does_not_hold_up_the_short_ones(self, book: Repositories) -> None:
        gate = Gate()

        async def short(*_: object) -> None:
            return None

        long_job = await enqueue(ROBOT, book, "long", {})
        for _ in range(5):
            await enqueue(ROBOT, book, "short", {})
        stop = asyncio.Event()
        handlers = {"long": handler_of(gate), "short": handler_of(short)}
        task = asyncio.create_task(worker(book, handlers).run(stop))
        async with asyncio.timeout(20):
            await gate.reached.wait()
            while (await states(book))["DONE"] < 5:  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.005)
        gate.open.set()
        await until_finished(book)
        stop.set()
        await task
        assert (await book.jobs.collection.find_one({ID: long_job.id}) or {})["state"] == JobState.DONE


class TestEnd:
    @pytest.mark.parametrize("grace", [5.0, 0.0])
    async def test_what_is_in_hand_goes_back_to_the_queue(self, book: Repositories, grace: float) -> None:
        gate = asyncio.Event()

        async def walk(_viewer: Viewer, _book: Repositories, run: JobRun) -> None:
            await run.report(1, checkpoint={"at": 1})
            gate.set()
            while grace:
                await asyncio.sleep(0.005)
                await run.report(2)
            await asyncio.Event().wait()

        job = await enqueue(ROBOT, book, "walk", {})
        stop = asyncio.Event()
        task = asyncio.create_task(worker(book, {"walk": handler_of(walk)}, grace_seconds=grace).run(stop))
        async with asyncio.timeout(20):
            await gate.wait()
            stop.set()
            await task
        found = await book.jobs.collection.find_one({ID: job.id}) or {}
        assert (found["state"], found["attempts"], found["checkpoint"]) == ("QUEUED", 0, '{"at": 1}')
        assert "lease" not in found


class TestRounds:
    async def test_does_what_is_due(self, book: Repositories) -> None:
        ran = asyncio.Event()

        async def often(*_: object) -> None:
            ran.set()

        await book.jobs.note_moment("often", Hands(book).at.replace(year=2020))
        stop = asyncio.Event()
        schedule = Schedule("often", "* * * * *", "Every minute.")
        made = worker(book, {"often": handler_of(often)}, schedules=(schedule,))
        task = asyncio.create_task(made.run(stop))
        async with asyncio.timeout(20):
            await ran.wait()
        stop.set()
        await task
        assert len(await book.jobs.collection.find({})) == 1
