"""The three stores, each test on a database of its own, and the log of the commands that went out."""

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from acts.rooms.keeping import KEEPER
from repositories.embedded import EmbeddedError, EmbeddedMongod
from repositories.mongo import MongoSettings, Store, connect
from tests import figures
from tests.figures import Figures
from tests.memory_skips import MEMORY_SKIPS
from tests.rooms import RoomHere

DRIVERS = ("memory", "motor", "pymongo")
# two busy processors can hold a test up for longer than a request may take
PATIENCE = MongoSettings(
    driver="memory",
    timeout_seconds=30.0,
    server_selection_timeout_seconds=15.0,
    connect_timeout_seconds=10.0,
    wait_queue_timeout_seconds=10.0,
)
# of each command, what the driver adds for its own bookkeeping
_ENVELOPE = frozenset({"lsid", "$clusterTime", "$db", "$readPreference", "txnNumber", "maxTimeMS", "readConcern"})
# The files of dropped databases stay open until a checkpoint, every 60 seconds, and for as long as snapshots are kept,
# 5 minutes: in that time a run of many small databases comes to 20,000 of them, the most a process may have here.
SHORT_HISTORY = ("--setParameter", "minSnapshotHistoryWindowInSeconds=5", "--syncdelay", "5")
ROOM_BYTES = 6_000_000_000
"""The memory that is free where databases of tests are kept in it; two of the long tier come to 2 GB."""
_HANDSHAKE = frozenset({"hello", "ping", "endSessions", "killCursors", "dropDatabase"})


TWICE_ENOUGH = re.compile(r"^tests/(acts|schema|api|worker)/")
"""What stands on the repositories, whose own tests tell the drivers apart: here Motor is left to the long tier."""


class CommandLog(CommandListener):
    """The commands sent to the server, in order, without the driver's envelope; empty on the memory driver."""

    def __init__(self) -> None:
        self.commands: list[dict[str, object]] = []

    @property
    def names(self) -> list[str]:
        return [next(iter(command)) for command in self.commands]

    def clear(self) -> None:
        self.commands.clear()

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name not in _HANDSHAKE:
            self.commands.append({key: value for key, value in event.command.items() if key not in _ENVELOPE})

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Only what was asked counts."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Only what was asked counts."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Figures())
    config.pluginmanager.register(figures)
    config.addinivalue_line("markers", "real_drivers: needs a real mongod; not run on the memory driver")
    config.addinivalue_line("markers", "no_mongod_needed: runs where no mongod can")
    config.addinivalue_line("markers", "rooms: starts child processes as a server does")
    # PyMongo Async 4.20 forgets to close a socket when a client is closed while one of its monitors connects
    config.addinivalue_line(
        "filterwarnings", "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
    )


def _driver_of(item: pytest.Item) -> str | None:
    call = getattr(item, "callspec", None)
    return None if call is None else call.params.get("driver")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not os.environ.get("KEHU_TEST_LONG"):
        later = [each for each in items if _driver_of(each) == "motor" and TWICE_ENOUGH.search(each.nodeid)]
        config.hook.pytest_deselected(items=later)
        left = set(later)
        items[:] = [each for each in items if each not in left]
    for item in items:
        if _driver_of(item) != "memory":
            continue
        if item.get_closest_marker("real_drivers"):
            item.add_marker(pytest.mark.skip(reason="the memory driver sends no commands to a server"))
        for part, reason in MEMORY_SKIPS.items():
            if part in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=f"memory driver: {reason}"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def rooms_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens in child processes happens here, but for the tests that are about them."""
    if request.node.get_closest_marker("rooms") is None:
        monkeypatch.setattr(KEEPER, "build", RoomHere)
        monkeypatch.setattr(KEEPER, "_spare", None)


def _memory() -> Path | None:
    """A directory in memory, if there is room: there a database of a test is made in a quarter of the time."""
    directory = Path("/dev/shm")
    if not directory.is_dir():
        return None
    for left in directory.glob("kehu-tests-*-*"):
        # of a run that was killed
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    available = next((int(each.split()[1]) * 1024 for each in lines if each.startswith("MemAvailable:")), 0)
    return directory if min(available, shutil.disk_usage(directory).free) >= ROOM_BYTES else None


@pytest.fixture(scope="session")
def mongod_uri() -> Iterator[str]:
    """The URI of one mongod for the whole run; tests that need it are skipped, with the reason, where none can run."""
    # short and outside pytest's own directory, which keeps the 300 MB of the last three runs
    directory = Path(tempfile.mkdtemp(prefix=f"kehu-tests-{os.getpid()}-", dir=_memory()))
    mongod = EmbeddedMongod(directory, cache_gb=0.25, extra_arguments=SHORT_HISTORY)
    try:
        try:
            uri = anyio.run(mongod.start)
        except EmbeddedError as error:
            pytest.skip(f"no mongod: {error}")
        yield uri
        anyio.run(mongod.stop)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    """Each driver in turn; a test that asks for `store` runs once on each."""
    name: str = request.param
    return name


@pytest.fixture
def store_settings(driver: str, request: pytest.FixtureRequest) -> MongoSettings:
    """Settings of a database that no other test has; a second store on them is a second process's view."""
    database = f"test_{uuid.uuid4().hex[:16]}"
    if driver == "memory":
        return replace(PATIENCE, database=database)
    uri = request.getfixturevalue("mongod_uri")
    return replace(PATIENCE, uri=uri, driver="motor" if driver == "motor" else "pymongo", database=database)


@pytest.fixture
def command_log() -> CommandLog:
    return CommandLog()


@pytest.fixture
async def store(store_settings: MongoSettings, command_log: CommandLog) -> AsyncIterator[Store]:
    """A store on an empty database, on each driver in turn; the database is dropped afterwards."""
    opened = connect(store_settings, listeners=[command_log])
    try:
        yield opened
        await opened.drop_database()
    finally:
        await opened.close()
