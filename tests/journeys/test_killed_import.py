"""The real file of 45,211 rows, whose importer is killed with -9 again and again: complete in the end, no row twice."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from acts.checks import UNGUARDED
from acts.importing.asking import ImportRequest, ask_import
from acts.managers import enter_person
from api.database import open_repositories_of
from api.settings import load_settings
from policy.viewer import Viewer
from tests.figures import Figure

PROJECT = Path(__file__).parents[2]
DATA = PROJECT.parent / "shared" / "data"
ROWS, KILLS = 45_211, 5
ANA = Viewer("ana", frozenset(("administrator",)))

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not beside the project"),
]


@pytest.fixture
def book(mongod_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database[dict[str, Any]]]:
    """An empty book, and an environment in which commands use it."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    for variable, value in (
        ("MONGODB_URI", mongod_uri),
        ("DATABASE", name),
        ("DATA_DIR", str(tmp_path)),
        ("IMPORT_DIR", str(DATA)),
    ):
        monkeypatch.setenv(f"KEHU_{variable}", value)
    with MongoClient[dict[str, Any]](mongod_uri) as client:
        yield client[name]
        client.drop_database(name)


async def asked_for() -> str:
    """The id of a job that imports the file."""
    text = (PROJECT / "examples" / "bank_marketing.toml").read_text("utf-8")
    async with open_repositories_of(load_settings()) as book:
        await enter_person(book, ANA)
        job = await ask_import(ANA, book, ImportRequest(path="bank_marketing.csv", map_toml=text), UNGUARDED)
    return job.id


def killed_when(arguments: list[str], is_time: Callable[[], bool]) -> bool:
    """Whether the process was killed with -9 when the time came, and had not ended by itself before."""
    process = subprocess.Popen([sys.executable, "-m", "api.cli", *arguments], cwd=PROJECT, env=os.environ)
    try:
        while process.poll() is None:
            if is_time():
                process.send_signal(signal.SIGKILL)
                return process.wait() == -signal.SIGKILL
            time.sleep(0.02)
        return False
    finally:
        process.kill()
        process.wait()


def figures(book: Database[dict[str, Any]]) -> dict[str, int]:
    """What is in the book; an entry that was leaving its tail as the importer was killed is one, in two places."""
    clients = book["clients"]
    entries = {str(each["_id"]) for each in book["changes"].find({"area": "clients"}, {"_id": 1})}
    for each in clients.find({"tail": {"$ne": []}}, {"tail.version": 1}):
        entries |= {f"{each['_id']}:{entry['version']}" for entry in each["tail"]}
    return {
        "clients": clients.count_documents({}),
        "changed twice": clients.count_documents({"version": {"$ne": 1}}),
        "history": len(entries),
    }


def test_a_job_is_complete_after_five_kills(book: Database[dict[str, Any]], figure: Figure) -> None:
    job_id, draw = asyncio.run(asked_for()), random.Random(5)
    begun, kills, jobs = time.monotonic(), 0, book["jobs"]

    def stored() -> dict[str, Any]:
        return jobs.find_one({"_id": job_id}) or {}

    for _ in range(KILLS):
        # Somewhere in the two passes, and in the middle of a batch as likely as not.
        goal = stored()["done"] + draw.randrange(5_000, 15_000)
        kills += killed_when(["worker"], partial(lambda goal: stored()["done"] >= goal, goal))
        # The lease of a killed worker runs out by itself; here nobody waits for that.
        jobs.update_one({"_id": job_id}, {"$set": {"dueAt": datetime.now(UTC)}})
    assert killed_when(["worker"], lambda: stored()["state"] in ("DONE", "FAILED"))
    ended, found = stored(), figures(book)
    seconds = time.monotonic() - begun
    figure(f"{kills} kills, {ended['attempts']} attempts, {seconds:.0f} s: {ended['note']} {found}")
    assert kills == KILLS
    assert (ended["state"], ended["note"]) == (
        "DONE",
        f"{ROWS:,} rows: {ROWS:,} created, 0 changed, 0 unchanged, 0 refused.",
    )
    assert found == {"clients": ROWS, "changed twice": 0, "history": ROWS}


def test_the_command_goes_on_where_it_was_killed(book: Database[dict[str, Any]], figure: Figure) -> None:
    arguments = ["import", "clients", str(DATA / "bank_marketing.csv"), "--map", "examples/bank_marketing.toml"]
    kills, clients = 0, book["clients"]
    for goal in (3_500, 11_200, 19_900, 28_300, 36_600):
        kills += killed_when(arguments, partial(lambda goal: clients.count_documents({}) >= goal, goal))
    command = [sys.executable, "-m", "api.cli", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, text=True, capture_output=True, timeout=300, check=True)
    found = figures(book)
    figure(f"the command: {kills} kills; {done.stdout.strip()} {found}")
    assert kills == KILLS
    assert found == {"clients": ROWS, "changed twice": 0, "history": ROWS}
