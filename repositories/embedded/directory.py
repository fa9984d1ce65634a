"""The directory of an embedded mongod: its files, its lock, and mongods that an earlier server left behind."""

import fcntl
import os
import signal
import socket
import time
from pathlib import Path

from repositories.embedded.errors import DirectoryInUse, EmbeddedError

_LOG_LIMIT_BYTES = 10_000_000
LOOPBACK = "127.0.0.1"


class MongodDirectory:
    """DIR/mongod and what is in it; one process at a time may claim it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.root = self.data_dir / "mongod"
        self.database = self.root / "db"
        self.log = self.root / "mongod.log"
        self.stderr = self.root / "mongod.stderr"
        self.port_file = self.root / "port"
        self.lock_file = self.root / "lock"
        self._lock: int | None = None
        self._log_begin = 0

    def claim(self) -> None:
        """Makes the directory this process's own until release, or until the process ends, however it ends.

        Raises: DirectoryInUse, EmbeddedError if it cannot be written to.
        """
        try:
            self.database.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(
                f"The data directory {self.data_dir} cannot be written to ({error.strerror}). "
                "Give a directory that this user may write (--data or KEHU_DATA_DIR)."
            ) from error
        try:
            # the kernel drops the lock with its holder, so a lock left by a killed server needs no healing
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
            os.close(lock)
            raise DirectoryInUse(self.data_dir, int(holder) if holder.isdecimal() else None) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def begin_log(self) -> None:
        """Keeps the log of the last runs under twice 10 MB, and notes where this run's begins."""
        size = self.log.stat().st_size if self.log.exists() else 0
        if size > _LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
            size = 0
        self._log_begin = size

    def log_tail(self, lines: int = 12) -> str:
        """The errors of this run's log, or its last lines if it has none, and what mongod printed outside of it."""
        written = []
        for file, begin in ((self.stderr, 0), (self.log, self._log_begin)):
            if file.exists():
                with file.open("rb") as stream:
                    stream.seek(begin)
                    written += stream.read().decode(errors="replace").splitlines()
        # a fatal error is followed by a hundred lines of stack, so the very last lines say little
        errors = [line for line in written if '"s":"E"' in line or '"s":"F"' in line]
        return "\n".join((errors or written)[-lines:]) or "(mongod wrote nothing)"

    def choose_port(self) -> int:
        """The port of the last run if it is free, else a free one; the replica set remembers its address."""
        try:
            last = int(self.port_file.read_text())
        except (OSError, ValueError):
            last = 0
        for port in (last, 0):
            with socket.socket() as probe:
                # as mongod does: a port whose last connections are still being forgotten is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((LOOPBACK, port))
                except (OSError, OverflowError):
                    continue
                chosen: int = probe.getsockname()[1]
                self.port_file.write_text(str(chosen))
                return chosen
        raise EmbeddedError(f"There is no free port on {LOOPBACK}. Stop a server that listens there.")

    def find_orphan(self) -> int | None:
        """The pid of a mongod that runs on this directory's database, though no server holds the directory."""
        try:
            pid = int((self.database / "mongod.lock").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self.database) in command else None

    def stop_orphan(self, wait_seconds: float) -> int | None:
        """Ends the mongod of a server that was killed; its pid, None if there was none.

        Order: asked to end first, for a clean shutdown; killed if it takes longer than that.
        """
        orphan = self.find_orphan()
        if orphan is None:
            return None
        for number, patience in ((signal.SIGTERM, wait_seconds), (signal.SIGKILL, 5.0)):
            try:
                os.kill(orphan, number)
            except ProcessLookupError:
                return orphan
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if _has_ended(orphan):
                    return orphan
                time.sleep(0.05)
        raise DirectoryInUse(self.data_dir, orphan)


def _has_ended(pid: int) -> bool:
    # an ending process loses its command line before its file locks, so only its state tells
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return True
