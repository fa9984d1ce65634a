"""What processes cost, read from /proc: CPU seconds, memory; and which processor runs what."""

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.errors import BenchmarkError

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SERVER_CPU, LOAD_CPU = 0, 1
_NODE = "apt-get install nodejs npm"
PROGRAMS = {"wrk": "apt-get install wrk", "taskset": "apt-get install util-linux", "npm": _NODE, "node": _NODE}
_MEMORY = re.compile(r"^VmRSS:\s+(\d+)", re.MULTILINE)


def program(name: str) -> str:
    """The path of a program.

    Raises: BenchmarkError that names what installs it.
    """
    found = shutil.which(name)
    if found is None:
        raise BenchmarkError(f"{name} is not on PATH and the benchmark needs it. On Debian or Ubuntu: {PROGRAMS[name]}")
    return found


def check_machine() -> None:
    """Nothing, where the benchmark can run.

    Raises: BenchmarkError on a machine without /proc or with one processor only.
    """
    if not Path("/proc/self/stat").exists():
        raise BenchmarkError("The benchmark reads CPU seconds from /proc, which only Linux has. Run it on Linux.")
    if len(os.sched_getaffinity(0)) <= LOAD_CPU:
        raise BenchmarkError("The benchmark needs two processors: one for the server, one for load and database.")


def pin(pid: int, cpus: set[int]) -> None:
    """Keep a process, with all its threads, on some processors."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # the thread has ended meanwhile
            os.sched_setaffinity(int(thread.name), cpus)


def family(pid: int) -> list[int]:
    """A process and all it has started, as far as they live."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            names = children.read_text().split()
        except OSError:  # the thread has ended meanwhile
            continue
        for name in names:
            found += family(int(name))
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and all it has started have used.

    Units: seconds, user and system together.
    """
    return sum(cpu_seconds_from(_read(f"/proc/{each}/stat")) for each in family(pid))


def cpu_seconds_from(stat: str) -> float:
    """The CPU time in the text of a /proc/PID/stat; 0 for the empty text of a process that is gone."""
    # the name of the program stands in brackets and may hold spaces and brackets itself
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND if fields else 0.0


def memory_mb(pid: int) -> float:
    """Resident memory of a process and all it has started."""
    return sum(memory_mb_from(_read(f"/proc/{each}/status")) for each in family(pid))


def memory_mb_from(status: str) -> float:
    """The resident memory in the text of a /proc/PID/status; 0 where it has none."""
    found = _MEMORY.search(status)
    return int(found[1]) / 1024 if found else 0.0


def busy_seconds() -> float:
    """Seconds that all processors together have worked, or that the host took away from them."""
    first = _read("/proc/stat").splitlines()[0].split()
    user, nice, system, _idle, _waiting, hard, soft, stolen = (int(each) for each in first[1:9])
    return (user + nice + system + hard + soft + stolen) / TICKS_PER_SECOND


def settle(pid: int) -> None:
    """Wait until a process has worked off what a stopped load left behind; 20 s at most."""
    for _ in range(100):
        before = cpu_seconds(pid)
        time.sleep(0.2)
        if cpu_seconds(pid) - before < 0.03:
            return


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # the process has ended meanwhile
        return ""
