"""Workers as processes: many on one queue, one killed; and the one beside a server."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from acts.jobs import enqueue
from policy.viewer import program
from repositories.mongo import MongoSettings, connect
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import open_book
from tests.figures import Figure
from tests.house_rules import ROOT
from tests.journeys.counting_worker import EFFECTS, NEVER_DONE, SLOTS, STEPS
from tests.servers import environment, kehu_serve

ROBOT = program("robot")
WORKERS = 3
SECONDS = 300.0


@pytest.fixture
async def book(mongod_uri: str) -> AsyncIterator[Repositories]:
    store = connect(MongoSettings(mongod_uri, database=f"test_{os.urandom(8).hex()}", timeout_seconds=30.0))
    try:
        yield await open_book(store)
        await store.drop_database()
    finally:
        await store.close()


def start(book: Repositories) -> "subprocess.Popen[bytes]":
    settings = book.store.settings
    command = [sys.executable, "-m", "tests.journeys.counting_worker", settings.uri, settings.database]
    return subprocess.Popen(command, cwd=ROOT, env=environment())


async def until(happens: Callable[[], Any], seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not await happens():  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.05)


class TestThreeWorkers:
    @pytest.mark.parametrize("count", [60, pytest.param(1_000, marks=pytest.mark.long)])
    async def test_one_killed_and_each_job_done_once_or_visibly_failed(
        self, book: Repositories, count: int, figure: Figure
    ) -> None:
        for number in range(count):
            await enqueue(ROBOT, book, "count", {"number": number})
        jobs = book.jobs.collection

        async def some_are_done() -> bool:
            return await jobs.count({"state": "DONE"}) >= count // 10

        async def all_are_finished() -> bool:
            return await jobs.count({"state": {"$in": ["DONE", "FAILED"]}}) == count

        begun = time.monotonic()
        workers = [start(book) for _ in range(WORKERS)]
        try:
            await until(some_are_done)
            workers[0].send_signal(signal.SIGKILL)
            await until(all_are_finished)
            for each in workers[1:]:
                each.terminate()
            assert [each.wait(30) for each in workers] == [-signal.SIGKILL, 0, 0]
        finally:
            for each in workers:
                each.kill()
        effects = {each[ID]: each for each in await book.store.collection(EFFECTS).find({})}
        rows = await jobs.find({})
        taken = Counter(times for each in effects.values() for times in each["taken"].values())
        states = Counter(each["state"] for each in rows)
        resumed = sum(each["attempts"] > 1 for each in rows if each["state"] == "DONE")
        figure(
            f"{WORKERS} workers, {count} jobs of {STEPS} steps, one worker killed: {dict(states)} in "
            f"{time.monotonic() - begun:.0f} s; {resumed} went on with another worker; steps by how often they were "
            f"taken: {dict(taken)}"
        )
        assert states == {"DONE": count - count // NEVER_DONE, "FAILED": count // NEVER_DONE}
        assert all(each["error"] for each in rows if each["state"] == "FAILED")
        assert effects.keys() == {each[ID] for each in rows if each["state"] == "DONE"}
        assert all(sorted(each["steps"]) == list(range(STEPS)) for each in effects.values())
        # What the killed one had done and could not say: at most a step in each of its slots.
        assert set(taken) <= {1, 2}
        assert taken[2] <= SLOTS


def worker_of(server: int) -> int | None:
    """The process of the worker beside a server."""
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[-3:-1] == [b"--beside", str(server).encode()]:
            return int(each.parent.name)
    return None


class TestBesideAServer:
    @pytest.mark.parametrize("ending", [pytest.param(signal.SIGTERM, marks=pytest.mark.long), signal.SIGKILL])
    async def test_it_is_there_and_goes_with_the_server(
        self, mongod_uri: str, data: Path, ending: signal.Signals
    ) -> None:
        settings = {"KEHU_MONGODB_URI": mongod_uri, "KEHU_DATABASE": f"test_{os.urandom(8).hex()}"}
        with kehu_serve(data, KEHU_JOBS="inside", **settings) as served:
            server = served.process.pid
            store = connect(MongoSettings(mongod_uri, database=settings["KEHU_DATABASE"], timeout_seconds=30.0))
            book = await open_book(store)
            job = await enqueue(ROBOT, book, "jobs", {})

            async def is_done() -> bool:
                return await book.jobs.collection.count({ID: job.id, "state": "DONE"}) == 1

            await until(is_done, 60)
            assert worker_of(server) is not None
            served.stop(ending)

            async def is_gone() -> bool:
                return worker_of(server) is None

            await until(is_gone, 30)
            await store.drop_database()
            await store.close()
