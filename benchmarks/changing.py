"""Q5 while clients change: groups over the whole book, with ten changes a second from beside."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.bench import Choice, stage_for
from benchmarks.errors import BenchmarkError
from benchmarks.processes import Running
from benchmarks.questions import HABITS
from benchmarks.rounds import Bench, medians
from benchmarks.workdir import WorkDir
from benchmarks.writes import peer_write_bodies, write_bodies

WORK = "Q5"
CHANGES_PER_SECOND = 10
SECONDS = 6


async def measure_changing(work: WorkDir, choice: Choice) -> dict[str, Any]:
    """Q5 of every server, asked in turn, each while it changes ten clients a second."""
    found: dict[str, list[Any]] = {}
    async with stage_for(work, choice) as stage:
        with stage.servers(choice.peers) as servers:
            for _ in range(choice.rounds):
                for running in servers:
                    name = running.target.name
                    with changes(running, await _bodies(stage.bench, running)):
                        each = await stage.bench.slice(WORK, running, HABITS[WORK].connections, SECONDS)
                    found.setdefault(name, []).append(each)
                    print(f"{WORK} with changes  {name:<10} {each.rps:8.1f}/s  p50 {each.p50_ms:7.2f} ms", flush=True)
    return {"changing": {WORK: {name: medians(slices) for name, slices in found.items()}}}


async def _bodies(bench: Bench, running: Running) -> Sequence[str]:
    # more than a slice takes, with the warm end of its load
    count = 3 * CHANGES_PER_SECOND * SECONDS
    if running.target.is_kehu:
        return (await write_bodies(bench.store, bench.clients, count))[0]
    return peer_write_bodies(bench.peer_queries["W1"], bench.clients, count)


@contextmanager
def changes(running: Running, bodies: Sequence[str]) -> Iterator[None]:
    """Ten changes a second, from a thread, as long as the context lasts.

    Raises: BenchmarkError if one was refused.
    """
    stop, refused = threading.Event(), list[bytes]()

    def send() -> None:
        began = time.monotonic()
        for number, body in enumerate(bodies):
            if stop.wait(max(0.0, began + number / CHANGES_PER_SECOND - time.monotonic())):
                return
            answer = running.post(body)
            if json.loads(answer).get("errors"):
                refused.append(answer)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    try:
        yield
    finally:
        stop.set()
        sender.join()
    if refused:
        raise BenchmarkError(f"{running.target.name} refused a change: {refused[0][:600]!r}")
