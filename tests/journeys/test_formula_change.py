"""A formula changed over a whole book: computed by the database, its worker killed half way, read all the while."""

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from acts.attributes import change_attribute, define_attribute
from acts.jobs import Job, job_from
from acts.recomputing import job_of, recompute_formula
from catalogue.builtin import builtin_catalogue
from catalogue.kinds import Kind
from policy.jobs import JobState
from repositories.mongo import connect
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import AT, VIEWER, attribute, open_book
from tests.conftest import PATIENCE
from tests.figures import Figure
from tests.servers import KEHU

CLIENTS = 100_000
PATH = "derived.visitValue"
FIRST = {"$multiply": ["$profile.employees", 2]}
SECOND = {"$divide": [{"$multiply": ["$profile.employees", 3]}, 2]}
WAIT_SECONDS = 240


@contextmanager
def worker(uri: str, database: str, data: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker as a process of its own."""
    environment = os.environ | {"KEHU_MONGODB_URI": uri, "KEHU_DATABASE": database, "KEHU_DATA_DIR": str(data)}
    process = subprocess.Popen([*KEHU, "worker"], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def filled(book: Repositories) -> None:
    core = {"kind": "ORGANISATION", "stage": "ACTIVE", "version": 1, "createdAt": AT, "updatedAt": AT}
    tail = [{"version": 1, "at": AT, "by": "loader", "values": []}]
    for start in range(0, CLIENTS, 5_000):
        rows: list[dict[str, Any]] = [
            {ID: f"cl_{at:024d}", "number": f"N{at}", **core, "profile": {"employees": at}, "derived": {}, "tail": tail}
            for at in range(start, start + 5_000)
        ]
        await book.clients.collection.insert_many(rows)


async def job_now(book: Repositories) -> Job | None:
    await book.feed.refresh()
    found = book.feed.catalogue.find(PATH)
    assert found is not None
    stored = await book.jobs.collection.find_one({ID: job_of(found)})
    return None if stored is None else job_from(stored)


async def until_done(book: Repositories, share: float) -> Job:
    """The job, once so much of it is done."""
    with anyio.fail_after(WAIT_SECONDS):
        while True:
            job = await job_now(book)
            total = 0 if job is None else job.progress.total or 0
            if job is not None and (job.state is JobState.DONE or (total and job.progress.done >= share * total)):
                return job
            await anyio.sleep(0.05)


@pytest.mark.long
async def test_a_formula_change_survives_a_killed_worker(mongod_uri: str, tmp_path: Path, figure: Figure) -> None:
    database = f"test_{uuid.uuid4().hex[:16]}"
    store = connect(replace(PATIENCE, uri=mongod_uri, driver="pymongo", database=database))
    try:
        book = await open_book(store, builtin_catalogue())
        await filled(book)
        await define_attribute(VIEWER, book, attribute(PATH, Kind.NUMBER, formula=json.dumps(FIRST)))
        await book.jobs.collection.delete_many({})
        begun = time.monotonic()
        await recompute_formula(book, PATH, 1, _unheard, {}, settle_seconds=0)
        first_seconds = time.monotonic() - begun
        await change_attribute(VIEWER, book, PATH, {"formula": json.dumps(SECOND)})
        reads: list[float] = []
        wrong: list[object] = []

        async def read_on() -> None:
            while True:
                at = time.monotonic()
                found = await book.clients.collection.find({PATH: {"$gte": 0}, "number": {"$in": ["N7", "N99999"]}})
                reads.append(time.monotonic() - at)
                for each in found:
                    employees = each["profile"]["employees"]
                    if each["derived"]["visitValue"] not in (employees * 2.0, employees * 1.5):
                        wrong.append(each)
                await anyio.sleep(0.05)

        async with anyio.create_task_group() as group:
            group.start_soon(read_on)
            with worker(mongod_uri, database, tmp_path) as process:
                half = await until_done(book, 0.25)
                process.send_signal(signal.SIGKILL)
            filled_already = await book.clients.collection.count({f"next.{PATH.replace('.', '/')}.r": 2})
            untouched = await book.clients.collection.count({PATH: {"$exists": True}, "sequence": 2})
            begun = time.monotonic()
            with worker(mongod_uri, database, tmp_path):
                done = await until_done(book, 2.0)
            second_seconds = time.monotonic() - begun
            group.cancel_scope.cancel()
        assert half.state is not JobState.DONE
        assert (done.state, done.attempts) == (JobState.DONE, 2)
        assert 0 < filled_already < CLIENTS
        assert untouched == CLIENTS, "while new values are put beside them, the old ones stay"
        assert wrong == []
        await book.feed.refresh()
        found = book.feed.catalogue.find(PATH)
        assert found is not None
        assert found.formula_state is None
        assert await book.clients.collection.count({"next": {"$exists": True}}) == 0
        assert await book.clients.collection.count({"$expr": _differs()}) == 0
        # The client with nothing to multiply has the same value by both formulas, and no entry for it.
        assert await book.clients.collection.count({"sequence": {"$ne": 3}}) == 1
        figure(
            f"{CLIENTS:,} clients: a first formula in {first_seconds:.1f} s; a changed one, its worker killed -9 "
            f"at {filled_already:,}, resumed and switched in {second_seconds:.1f} s, the lease of the dead one "
            f"included; {len(reads):,} reads meanwhile, the slowest {max(reads) * 1000:.0f} ms"
        )
    finally:
        await store.drop_database()
        await store.close()


def _differs() -> dict[str, Any]:
    return {"$ne": [f"${PATH}", {"$divide": [{"$multiply": ["$profile.employees", 3]}, 2]}]}


async def _unheard(done: int, total: int, *, checkpoint: object) -> None:
    """Nobody listens."""
