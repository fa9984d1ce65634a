"""A real mongod of our own: its life, its death, and what is said when it cannot live."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from repositories.embedded import (
    DirectoryInUse,
    EmbeddedMongod,
    MongodFailed,
    MongodMissing,
    MongodUnloadable,
    embedded_mongod,
    find_mongod,
)
from repositories.embedded.directory import MongodDirectory
from repositories.mongo import MongoSettings, connect

ROOT = Path(__file__).parents[3]
SERVER = """
import sys, anyio
from pathlib import Path
from repositories.embedded import EmbeddedMongod

async def serve():
    mongod = EmbeddedMongod(Path(sys.argv[1]), cache_gb=0.25)
    await mongod.start()
    print(mongod.pid, flush=True)
    await anyio.sleep_forever()

anyio.run(serve)
"""


@pytest.fixture(autouse=True)
def _needs_mongod(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("no_mongod_needed"):
        return
    try:
        find_mongod()
    except MongodMissing as error:
        pytest.skip(error.message)


def is_alive(pid: int) -> bool:
    try:
        # a zombie that nobody has waited for has no command line
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


async def wait_for_end(pid: int, seconds: float = 10) -> None:
    with anyio.fail_after(seconds):
        while is_alive(pid):  # noqa: ASYNC110
            await anyio.sleep(0.05)


async def write(uri: str, identifier: str) -> None:
    store = connect(MongoSettings(uri=uri, timeout_seconds=20))
    await store.collection("clients").insert_one({"_id": identifier})
    await store.close()


async def written(uri: str) -> list[str]:
    store = connect(MongoSettings(uri=uri, timeout_seconds=20))
    await store.ping()
    assert store.has_transactions
    found = await store.collection("clients").find({}, sort=[("_id", 1)])
    await store.close()
    return [one["_id"] for one in found]


def fake_mongod(tmp_path: Path, script: str) -> Path:
    file = tmp_path / "fake-mongod"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


class TestEmbeddedMongod:
    async def test_data_outlives_it_on_the_same_and_on_another_port(self, tmp_path: Path) -> None:
        async with embedded_mongod(tmp_path, cache_gb=0.25) as first:
            await write(first, "c1")
        async with embedded_mongod(tmp_path, cache_gb=0.25) as second:
            assert await written(second) == ["c1"]
            await write(second, "c2")
        (tmp_path / "mongod" / "port").unlink()
        async with embedded_mongod(tmp_path, cache_gb=0.25) as third:
            assert await written(third) == ["c1", "c2"]
        assert first == second
        assert third != first

    async def test_a_second_on_the_same_directory_is_refused_and_the_first_goes_on(self, tmp_path: Path) -> None:
        async with embedded_mongod(tmp_path, cache_gb=0.25) as uri:
            with pytest.raises(DirectoryInUse, match=f"process {os.getpid()}"):
                await EmbeddedMongod(tmp_path).start()
            await write(uri, "c1")
            assert await written(uri) == ["c1"]

    async def test_stop_leaves_nothing_running(self, tmp_path: Path) -> None:
        mongod = EmbeddedMongod(tmp_path, cache_gb=0.25)
        await mongod.start()
        pid = mongod.pid
        assert pid is not None
        assert mongod.is_running
        await mongod.stop()
        assert not is_alive(pid)
        assert not mongod.is_running

    async def test_is_closed_to_scripts_and_other_hosts(self, tmp_path: Path) -> None:
        mongod = EmbeddedMongod(tmp_path, cache_gb=0.25)
        await mongod.start()
        command = (await anyio.Path(f"/proc/{mongod.pid}/cmdline").read_text()).split("\0")
        await mongod.stop()
        assert "--noscripting" in command
        for option, value in {
            "--bind_ip": "127.0.0.1",
            "--networkMessageCompressors": "disabled",
            "--wiredTigerCacheSizeGB": "0.25",
        }.items():
            assert command[command.index(option) + 1] == value


class TestKilledServer:
    @pytest.fixture
    def server(self, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        yield process
        process.kill()
        process.communicate()

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    async def test_leaves_no_mongod_and_no_lock(
        self, server: "subprocess.Popen[str]", tmp_path: Path, number: signal.Signals
    ) -> None:
        assert server.stdout is not None
        mongod_pid = int(await anyio.to_thread.run_sync(server.stdout.readline))
        assert is_alive(mongod_pid)
        with pytest.raises(DirectoryInUse, match=f"process {server.pid}"):
            await EmbeddedMongod(tmp_path).start()
        server.send_signal(number)
        await wait_for_end(mongod_pid)
        async with embedded_mongod(tmp_path, cache_gb=0.25) as uri:
            assert await written(uri) == []

    async def test_an_orphan_is_ended_by_the_next_server_and_its_writes_are_there(self, tmp_path: Path) -> None:
        orphan = EmbeddedMongod(tmp_path, cache_gb=0.25)
        await write(await orphan.start(), "c1")
        # as after a kill on a system that does not end children with their parent: the lock is gone, mongod is not
        orphan.directory.release()
        async with embedded_mongod(tmp_path, cache_gb=0.25) as uri:
            assert not orphan.is_running
            assert await written(uri) == ["c1"]

    async def test_a_killed_mongod_is_started_again_with_every_acknowledged_write(self, tmp_path: Path) -> None:
        mongod = EmbeddedMongod(tmp_path, cache_gb=0.25)
        await write(await mongod.start(), "c1")
        assert mongod.pid is not None
        os.kill(mongod.pid, signal.SIGKILL)
        with anyio.fail_after(10):
            while mongod.is_running:  # noqa: ASYNC110
                await anyio.sleep(0.02)
        await mongod.stop()
        async with embedded_mongod(tmp_path, cache_gb=0.25) as uri:
            assert await written(uri) == ["c1"]


@pytest.mark.no_mongod_needed
class TestFailure:
    async def test_a_missing_library_names_the_packages_and_the_other_ways(self, tmp_path: Path) -> None:
        said = (
            "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file: No such file"
        )
        binary = fake_mongod(tmp_path, f"echo '{said}' >&2; exit 127")
        with pytest.raises(MongodUnloadable) as caught:
            await EmbeddedMongod(tmp_path, binary=binary).start()
        for words in ("libcurl.so.4 is missing", "libcurl4 libssl3", "KEHU_MONGODB_URI", "KEHU_MONGODB_DRIVER=memory"):
            assert words in caught.value.message

    async def test_an_older_c_library_is_named(self, tmp_path: Path) -> None:
        binary = fake_mongod(
            tmp_path, 'echo "mongod: version \\`GLIBC_2.34\' not found (required by mongod)" >&2; exit 1'
        )
        with pytest.raises(MongodUnloadable, match=r"It needs GLIBC_2\.34\."):
            await EmbeddedMongod(tmp_path, binary=binary).start()

    async def test_a_processor_without_the_instructions(self, tmp_path: Path) -> None:
        with pytest.raises(MongodUnloadable, match="AVX"):
            await EmbeddedMongod(tmp_path, binary=fake_mongod(tmp_path, "kill -ILL $$")).start()

    async def test_a_file_that_is_no_program(self, tmp_path: Path) -> None:
        binary = tmp_path / "no-program"
        binary.write_bytes(b"\x7fELF nothing")
        binary.chmod(0o755)
        with pytest.raises(MongodUnloadable, match="cannot be executed on this machine"):
            await EmbeddedMongod(tmp_path, binary=binary).start()

    async def test_the_last_words_of_one_that_ends_are_shown(self, tmp_path: Path) -> None:
        log = tmp_path / "mongod" / "mongod.log"
        line = '{"s":"F", "msg":"Failed to start up WiredTiger under any compatibility version"}'
        binary = fake_mongod(tmp_path, f"echo '{line}' >> '{log}'; exit 100")
        with pytest.raises(MongodFailed, match=r"ended with code 100 (.|\n)*under any compatibility version") as caught:
            await EmbeddedMongod(tmp_path, binary=binary).start()
        assert "KEHU_MONGODB_URI" in caught.value.message

    async def test_one_that_never_answers_is_ended_at_the_deadline(self, tmp_path: Path) -> None:
        mongod = EmbeddedMongod(tmp_path, binary=fake_mongod(tmp_path, "exec sleep 60"), start_timeout_seconds=0.3)
        began = time.monotonic()
        with pytest.raises(MongodFailed, match=r"did not take writes within 0\.3 s"):
            await mongod.start()
        assert time.monotonic() - began < 30
        assert not mongod.is_running
        MongodDirectory(tmp_path).claim()

    async def test_a_taken_port_is_left_for_another(self, tmp_path: Path) -> None:
        tries = tmp_path / "tries"
        binary = fake_mongod(tmp_path, f"echo x >> '{tries}'; exit 48")
        with pytest.raises(MongodFailed, match="code 48"):
            await EmbeddedMongod(tmp_path, binary=binary).start()
        assert tries.read_text().split() == ["x", "x", "x"]
