"""Starting mongod as a child that does not outlive its parent, and saying why it did not start."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from repositories.embedded.directory import LOOPBACK, MongodDirectory
from repositories.embedded.errors import OTHER_WAYS, MongodFailed, MongodUnloadable

REPLICA_SET = "kehu"
PORT_TAKEN = 48
_CANNOT_LOAD = 127
_PR_SET_PDEATHSIG = 1
# looked up before any fork: between fork and exec only calls that take no lock are safe
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def arguments(binary: Path, directory: MongodDirectory, port: int, cache_gb: float, extra: Sequence[str]) -> list[str]:
    """The command line: loopback only, no compressors (MongoBleed), no server-side javascript.

    Slow operations stay out of the log: their lines quote filters, and so client data.
    """
    return [
        str(binary),
        *("--dbpath", str(directory.database)),
        *("--logpath", str(directory.log), "--logappend", "--quiet", "--slowms", "60000"),
        *("--bind_ip", LOOPBACK, "--port", str(port), "--nounixsocket"),
        *("--replSet", REPLICA_SET, "--oplogSize", "512"),
        *("--wiredTigerCacheSizeGB", f"{max(cache_gb, 0.25):g}"),
        # making an index waits for the next turn of the journal: 100 ms each time by default
        *("--journalCommitInterval", "5"),
        *("--networkMessageCompressors", "disabled", "--noscripting"),
        # a lone member has nobody to hand over to, so the grace of 15 s would only delay each stop
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *extra,
    ]


def spawn(
    command: Sequence[str], directory: MongodDirectory, *, is_thread_lasting: bool = False
) -> "subprocess.Popen[bytes]":
    """The running child, in a session of its own so that Ctrl-C reaches the server first.

    `is_thread_lasting` says that the calling thread, if it is not the main one, ends with the process alone.

    Raises: MongodUnloadable if the system cannot execute the file at all.
    """
    try:
        with directory.stderr.open("wb") as stderr:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
                preexec_fn=_end_with_parent(is_thread_lasting=is_thread_lasting),  # noqa: PLW1509 - see there: it takes no lock
            )
    except OSError as error:
        raise MongodUnloadable(
            f"{command[0]} cannot be executed on this machine ({error.strerror}): it is for another processor or needs "
            f"the GNU C library. Install a MongoDB made for this system. {OTHER_WAYS}"
        ) from error


def _end_with_parent(*, is_thread_lasting: bool) -> Callable[[], None] | None:
    # The kernel sends the signal when the THREAD that forked ends. From another thread than the main one a live
    # server could lose its mongod, so there only the next start's search for orphans is left.
    libc = _LIBC
    is_lasting = is_thread_lasting or threading.current_thread() is threading.main_thread()
    if libc is None or not is_lasting:
        return None
    parent = os.getpid()

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def failure(binary: Path, exit_code: int, directory: MongodDirectory) -> MongodFailed | MongodUnloadable:
    """Why mongod ended with this code, in words that say what to do."""
    printed = directory.stderr.read_text(errors="replace")
    library = re.search(r"error while loading shared libraries: ([^:\s]+)", printed)
    if library is not None:
        return _missing_library(binary, library[1])
    version = re.search(r"version `([^']+)' not found", printed)
    if exit_code == _CANNOT_LOAD or version is not None:
        needed = f" It needs {version[1]}." if version else ""
        first = next(iter(printed.splitlines()), f"exit code {exit_code}")
        return MongodUnloadable(
            f"{binary} cannot be loaded on this system: {first}.{needed} Install a MongoDB made for this system. "
            f"{OTHER_WAYS}"
        )
    if exit_code == -signal.SIGILL:
        return MongodUnloadable(
            f"{binary} uses instructions (AVX) that this processor does not have; MongoDB does so since version 5. "
            f"{OTHER_WAYS}"
        )
    ended = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with code {exit_code}"
    return MongodFailed(
        f"mongod {ended} while it was starting. The last lines of {directory.log}:\n"
        f"{directory.log_tail()}\n{OTHER_WAYS}"
    )


def _missing_library(binary: Path, library: str) -> MongodUnloadable:
    return MongodUnloadable(
        f"{binary} cannot be loaded: the shared library {library} is missing. mongod needs libcurl 4 and OpenSSL 3. "
        f"On Debian 12 or Ubuntu 22.04 and later: apt-get install libcurl4 libssl3. {OTHER_WAYS}"
    )
