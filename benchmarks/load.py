"""One slice of load by wrk on one server, with what it cost."""

import json
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.machine import LOAD_CPU, busy_seconds, cpu_seconds, memory_mb, program, settle
from benchmarks.processes import Running

SCRIPT = Path(__file__).with_name("load.lua")
_RESULT = re.compile(r"^RESULT (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Slice:
    """A few seconds of one kind of request.

    Units: cpu_ms and mongod_ms are CPU time a request; others_share is of one processor, by programs that are
    neither the server, the database nor the load.
    """

    cpu_ms: float
    rps: float
    p50_ms: float
    p99_ms: float
    mongod_ms: float
    memory_mb: float
    bytes: float
    requests: int
    errors: int
    others_share: float


def run_slice(
    running: Running,
    mongod: int | None,
    bodies: Path,
    connections: int,
    seconds: int,
    cpus: Sequence[int] = (LOAD_CPU,),
) -> Slice:
    """The figures of one slice; when it returns, the server is idle again.

    Raises: BenchmarkError if wrk fails.
    """
    headers = [f"{name}: {value}" for name, value in running.target.headers.items()]
    command = [
        *(program("taskset"), "-c", ",".join(map(str, cpus))),
        *(program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"),
        *("-s", str(SCRIPT), running.url, "--", str(bodies), *headers),
    ]
    before = (cpu_seconds(running.pid), _mongod_seconds(mongod), busy_seconds(), time.monotonic())
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as wrk:
        printed, load_seconds = _watched(wrk)
    after = (cpu_seconds(running.pid), _mongod_seconds(mongod), busy_seconds(), time.monotonic())
    server, database, busy, passed = (new - old for new, old in zip(after, before, strict=True))
    found = _RESULT.search(printed)
    if found is None:
        raise BenchmarkError(f"wrk failed on {running.target.name}:\n{printed[-2000:]}")
    result = json.loads(found[1])
    count = max(result["requests"], 1)
    memory = memory_mb(running.pid)
    settle(running.pid)
    return Slice(
        cpu_ms=server / count * 1000,
        rps=result["requests"] / result["seconds"],
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
        mongod_ms=database / count * 1000,
        memory_mb=memory,
        bytes=result["bytes"] / count,
        requests=result["requests"],
        errors=result["errors"],
        others_share=max(0.0, (busy - server - database - load_seconds) / passed),
    )


def _watched(wrk: "subprocess.Popen[str]") -> tuple[str, float]:
    """What wrk printed, and the CPU seconds it had used shortly before its end."""
    used = 0.0
    while True:
        try:
            printed, _ = wrk.communicate(timeout=0.1)
        except subprocess.TimeoutExpired:
            used = cpu_seconds(wrk.pid)
            continue
        return printed, used


def _mongod_seconds(mongod: int | None) -> float:
    return 0.0 if mongod is None else cpu_seconds(mongod)
