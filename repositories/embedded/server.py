"""A mongod of Kehu's own: started, made a replica set, stopped."""

import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from repositories.embedded.binary import find_mongod
from repositories.embedded.directory import LOOPBACK, MongodDirectory
from repositories.embedded.errors import MongodFailed
from repositories.embedded.process import PORT_TAKEN, REPLICA_SET, arguments, failure, spawn
from repositories.embedded.replica_set import make_primary

_PORT_ATTEMPTS = 3
_POLL_SECONDS = 0.05


class EmbeddedMongod:
    """One mongod on one data directory.

    Order: start and stop are called by the main thread; they may run in different event loops.
    Units: cache_gb is mongod's cache in GB, at least 0.25.
    """

    def __init__(
        self,
        data_dir: Path,
        cache_gb: float = 0.5,
        binary: str | Path | None = None,
        start_timeout_seconds: float = 60.0,
        stop_timeout_seconds: float = 20.0,
        extra_arguments: Sequence[str] = (),
    ) -> None:
        self.directory = MongodDirectory(data_dir)
        self.cache_gb = cache_gb
        self.binary = binary
        self.start_timeout_seconds = start_timeout_seconds
        self.stop_timeout_seconds = stop_timeout_seconds
        self.extra_arguments = tuple(extra_arguments)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def uri(self) -> str:
        return f"mongodb://{LOOPBACK}:{self._port}/?replicaSet={REPLICA_SET}"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> str:
        """The URI, when the server takes writes.

        Raises: MongodMissing, MongodUnloadable, MongodFailed, DirectoryInUse; nothing is left running then.
        """
        binary = find_mongod(self.binary)
        self.directory.claim()
        try:
            await anyio.to_thread.run_sync(self.directory.stop_orphan, self.stop_timeout_seconds)
            self.directory.begin_log()
            for attempts_left in reversed(range(_PORT_ATTEMPTS)):
                code = await self._attempt(binary)
                if code is None:
                    return self.uri
                # another program can take the port between our look and mongod's
                if code != PORT_TAKEN or attempts_left == 0:
                    raise failure(binary, code, self.directory)
        except BaseException:
            await self.stop()
            raise
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, binary: Path) -> int | None:
        """None when the server takes writes, its exit code if it ended instead."""
        self._port = self.directory.choose_port()
        command = arguments(binary, self.directory, self._port, self.cache_gb, self.extra_arguments)
        process = self._process = spawn(command, self.directory)
        with anyio.move_on_after(self.start_timeout_seconds):
            if await make_primary(self._port, lambda: process.poll() is None):
                return None
        code = process.poll()
        if code is None:
            raise MongodFailed(
                f"mongod did not take writes within {self.start_timeout_seconds:g} s. Look at the last lines of "
                f"{self.directory.log}:\n{self.directory.log_tail()}"
            )
        return code

    def how_it_ended(self) -> str:
        """Why the server runs no longer, in a few words; the end of its log says more."""
        code = None if self._process is None else self._process.poll()
        how = "it was never started" if code is None else f"exit code {code}" if code >= 0 else f"signal {-code}"
        return f"{how}; its log is {self.directory.log}"

    async def revive(self, is_wanted: Callable[[], bool]) -> bool:
        """Whether a server that has ended by itself takes writes again, where it did before.

        May be called by another thread than the main one, which has to live as long as this process.
        Raises: EmbeddedError; it is tried again by calling once more.
        """
        binary = find_mongod(self.binary)
        command = arguments(binary, self.directory, self._port, self.cache_gb, self.extra_arguments)
        process = self._process = spawn(command, self.directory, is_thread_lasting=True)
        with anyio.move_on_after(self.start_timeout_seconds):
            if await make_primary(self._port, lambda: process.poll() is None and is_wanted()):
                return True
        if not is_wanted():
            return False
        code = process.poll()
        if code is None:
            process.kill()
            process.wait()
            raise MongodFailed(f"mongod did not take writes within {self.start_timeout_seconds:g} s.")
        raise failure(binary, code, self.directory)

    async def stop(self, patience_seconds: float | None = None) -> None:
        """Ends the server cleanly and gives the directory back; kills it if it takes too long.

        Nothing that was acknowledged is lost by that: it is in the journal.
        """
        process, self._process = self._process, None
        patience_seconds = self.stop_timeout_seconds if patience_seconds is None else patience_seconds
        with anyio.CancelScope(shield=True):
            if process is not None:
                for number, patience in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 5.0)):
                    process.send_signal(number)
                    with anyio.move_on_after(patience):
                        await _exit_of(process)
                        break
        self.directory.release()


def running_uri(data_dir: Path) -> str:
    """The URI of the mongod that another process runs on a data directory.

    Raises: MongodFailed if it has not said its port yet.
    """
    directory = MongodDirectory(data_dir)
    try:
        port = int(directory.port_file.read_text())
    except (OSError, ValueError):
        raise MongodFailed(
            f"The mongod in {directory.data_dir} is only starting. Try again in a few seconds."
        ) from None
    return f"mongodb://{LOOPBACK}:{port}/?replicaSet={REPLICA_SET}"


async def _exit_of(process: "subprocess.Popen[bytes]") -> int:
    # polled, because an asyncio child belongs to the loop that started it and this one outlives its loop
    while (code := process.poll()) is None:  # noqa: ASYNC110
        await anyio.sleep(_POLL_SECONDS)
    return code


@asynccontextmanager
async def embedded_mongod(
    data_dir: Path,
    cache_gb: float = 0.5,
    binary: str | Path | None = None,
    start_timeout_seconds: float = 60.0,
    extra_arguments: Sequence[str] = (),
) -> AsyncIterator[str]:
    """The URI of a mongod of our own while the context lasts; its data stays for the next time.

    Raises: MongodMissing, MongodUnloadable, MongodFailed, DirectoryInUse.
    """
    mongod = EmbeddedMongod(data_dir, cache_gb, binary, start_timeout_seconds, extra_arguments=extra_arguments)
    uri = await mongod.start()
    try:
        yield uri
    finally:
        await mongod.stop()
