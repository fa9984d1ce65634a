"""The worker around its loop: opened on the settings, following policy and catalogue, ended with its parent."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from acts.jobs import JobRun, enqueue
from api import working
from api.app import build_app
from api.serving import environment_of
from api.settings import Settings
from api.working import LiveBook, work, worker_beside
from policy.jobs import JobState
from policy.rules import BUILT_IN
from policy.viewer import Viewer, program
from repositories.mongo import MongoSettings, connect
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import SMALL, open_book
from worker import handlers

ROBOT = program("robot")


class TestEnvironmentOf:
    def test_no_secret_but_by_the_environment_that_is_inherited(self, tmp_path: Path) -> None:
        secrets: dict[str, Any] = {"kms_credentials": "{}", "cursor_secret": "s" * 40}
        settings = Settings(data_dir=tmp_path, job_slots=5, **secrets)
        found = environment_of(settings, "mongodb://here/")
        assert (found["KEHU_JOB_SLOTS"], found["KEHU_MONGODB_URI"], found["KEHU_DEMO"]) == ("5", "mongodb://here/", "0")
        assert not {"KEHU_KMS_CREDENTIALS", "KEHU_CURSOR_SECRET"} & found.keys()


class TestLiveBook:
    async def test_what_is_begun_next_goes_by_the_newest(self) -> None:
        store = connect(MongoSettings(driver="memory"))
        book = LiveBook(await open_book(store))
        newer = BUILT_IN.model_copy(update={"revision": 1})
        await book.change(SMALL.with_attributes(()), newer)
        assert book.repositories.access.policy is newer
        await store.close()


class TestInside:
    async def test_a_server_whose_book_is_in_its_memory_does_its_jobs(self, tmp_path: Path) -> None:
        app: Any = build_app(Settings(mongodb_driver="memory", demo=0, data_dir=tmp_path), has_worker=True)
        async with app.router.lifespan_context(app):
            book = app.server.repositories()
            job = await enqueue(ROBOT, book, "jobs", {})
            await finished(book, job.id)
        assert app.server.worker.done()


async def finished(book: Repositories, job_id: str) -> Mapping[str, Any]:
    async with asyncio.timeout(20):
        while True:
            found = await book.jobs.collection.find_one({ID: job_id}) or {}
            if found["state"] == JobState.DONE:
                return found
            await asyncio.sleep(0.02)


class TestWork:
    async def test_until_a_signal_comes(self, mongod_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        begun = asyncio.Event()

        async def long(_viewer: Viewer, _book: Repositories, run: JobRun) -> Mapping[str, Any]:
            await run.report(1, checkpoint={"at": 1})
            begun.set()
            while True:
                await asyncio.sleep(0.01)
                await run.report(2)

        monkeypatch.setitem(handlers.HANDLERS, "long", long)
        settings = Settings(data_dir=tmp_path, mongodb_uri=mongod_uri, database=f"test_{os.urandom(8).hex()}")
        store = connect(MongoSettings(mongod_uri, database=settings.database, timeout_seconds=30.0))
        book = await open_book(store)
        job = await enqueue(ROBOT, book, "long", {})
        task = asyncio.create_task(work(settings, mongod_uri))
        async with asyncio.timeout(30):
            await begun.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await task
        found = await book.jobs.collection.find_one({ID: job.id}) or {}
        assert (found["state"], found["attempts"], found["checkpoint"]) == ("QUEUED", 0, '{"at": 1}')
        await store.drop_database()
        await store.close()

    async def test_a_parent_that_is_gone(self, mongod_uri: str, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path, mongodb_uri=mongod_uri, database=f"test_{os.urandom(8).hex()}")
        async with asyncio.timeout(30):
            await work(settings, mongod_uri, parent=1)


CHILD = """
import os, sys, time
open(sys.argv[1], "a").write(os.environ["KEHU_HERE"])
time.sleep(float(sys.argv[2]))
"""


class TestWorkerBeside:
    def test_begins_when_it_is_wanted_and_is_started_again_when_it_dies(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        starts, wanted = tmp_path / "starts", threading.Event()
        monkeypatch.setattr(working, "worker_command", lambda: [sys.executable, "-c", CHILD, str(starts), "0"])
        monkeypatch.setattr(working, "RETRY_SECONDS", 0.01)
        with worker_beside({"KEHU_HERE": "yes"}, wanted):
            assert not starts.exists()
            wanted.set()
            while not starts.exists() or starts.read_text().count("yes") < 3:
                threading.Event().wait(0.02)

    def test_ends_with_the_context(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        starts, wanted = tmp_path / "starts", threading.Event()
        monkeypatch.setattr(working, "worker_command", lambda: [sys.executable, "-c", CHILD, str(starts), "600"])
        wanted.set()
        with worker_beside({"KEHU_HERE": "yes"}, wanted):
            while not starts.exists():
                threading.Event().wait(0.02)
        assert threading.active_count() == len([each for each in threading.enumerate() if each.name != "kehu-worker"])

    def test_one_that_was_never_wanted_never_begins(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        starts = tmp_path / "starts"
        monkeypatch.setattr(working, "worker_command", lambda: [sys.executable, "-c", CHILD, str(starts), "0"])
        with worker_beside({"KEHU_HERE": "yes"}, threading.Event()):
            pass
        assert not starts.exists()
