"""Servers as child processes on one processor, stopped however the benchmark ends."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.machine import family, program

START_SECONDS = 60.0
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Target:
    """A server that can be started: how, and in which words it is asked."""

    name: str
    command: Sequence[str]
    """`{port}` stands for the port."""
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_kehu: bool = False


@dataclass(slots=True)
class Running:
    """A started server."""

    target: Target
    port: int
    process: "subprocess.Popen[bytes]"
    start_seconds: float = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    def post(self, body: str, timeout_seconds: float = 60.0) -> bytes:
        """The bytes that answer a request body, whatever the status."""
        headers = {"content-type": "application/json", "accept": "application/json", **self.target.headers}
        request = urllib.request.Request(self.url, body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as refusal:
            return refusal.read()


def start(target: Target, log: Path, cpus: Sequence[int], first_body: str) -> Running:
    """The server, when it has answered the first body.

    Raises: BenchmarkError if it ends or is not ready within 60 s.
    """
    port = _free_port()
    command = [each.replace("{port}", str(port)) for each in target.command]
    environment = {**os.environ, **target.environment, "PORT": str(port)}
    with log.open("wb") as stream:
        began = time.monotonic()
        process = subprocess.Popen(
            [program("taskset"), "-c", ",".join(map(str, cpus)), *command],
            cwd=target.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    running = Running(target, port, process)
    try:
        _await_answer(running, first_body, began + START_SECONDS, log)
    except BaseException:
        stop(running)
        raise
    running.start_seconds = time.monotonic() - began
    return running


def _await_answer(running: Running, body: str, deadline: float, log: Path) -> None:
    while True:
        with suppress(OSError):
            if b'"data":{' in running.post(body).replace(b" ", b""):
                return
        if running.process.poll() is not None or time.monotonic() > deadline:
            printed = log.read_text(errors="replace")[-2000:]
            raise BenchmarkError(f"{running.target.name} did not get ready. It printed:\n{printed}")
        time.sleep(0.01)


def stop(running: Running) -> None:
    """End a server and all it has started."""
    children = family(running.pid)
    running.process.send_signal(signal.SIGTERM)
    try:
        running.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        running.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
