"""Interleaved rounds: every server in turn, again and again, so that a slow minute of the machine hits all."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.load import Slice, run_slice
from benchmarks.machine import LOAD_CPU
from benchmarks.processes import Running
from benchmarks.questions import HABITS, KEHU_QUERIES, bodies
from benchmarks.workdir import WorkDir
from benchmarks.writes import count_written, peer_write_bodies, write_bodies
from repositories.mongo import Store

WARM_SECONDS = 2
SLOW = {"naive": 3, "tuned": 2, "apollo": 1}
"""Seconds added where few requests fit, so that those in flight at the end weigh little."""
EACH_ROUND = ("cpu_ms", "rps", "p50_ms")
# more than a server on one processor can answer
_WRITES_A_SECOND = 4_000


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs."""

    work: WorkDir
    store: Store
    clients: int
    mongod: int | None
    peer_queries: Mapping[str, str]
    load_cpus: Sequence[int] = (LOAD_CPU,)
    kehu_queries: Mapping[str, str] = field(default_factory=lambda: KEHU_QUERIES)

    def query(self, work: str, running: Running) -> str:
        """The question in the words of a server."""
        return self.kehu_queries[work] if running.target.is_kehu else self.peer_queries[work]

    def bodies(self, work: str, running: Running, first: int | None = None) -> list[str]:
        """The request bodies of anything but W1, whose bodies are made anew for each slice."""
        query = self.query(work, running)
        return bodies(work, query, self.clients, is_kehu=running.target.is_kehu, first=first)

    async def slice(
        self, work: str, running: Running, connections: int, seconds: int, first: int | None = None
    ) -> Slice:
        """One slice of a piece of work.

        Raises: BenchmarkError where writes were answered that did not happen.
        """
        file = self.work.bodies(f"{work}-{first or 0}-{'kehu' if running.target.is_kehu else 'peers'}")
        if work == "W1" and running.target.is_kehu:
            made, expected = await write_bodies(self.store, self.clients, _WRITES_A_SECOND * seconds)
            file.write_text("\n".join(made) + "\n")
            found = run_slice(running, self.mongod, file, connections, seconds, self.load_cpus)
            await self._check_writes(found, expected, connections)
            return found
        if work == "W1":
            made = peer_write_bodies(self.peer_queries[work], self.clients, _WRITES_A_SECOND * seconds)
        else:
            made = self.bodies(work, running, first)
        file.write_text("\n".join(made) + "\n")
        return run_slice(running, self.mongod, file, connections, seconds, self.load_cpus)

    async def _check_writes(self, found: Slice, expected: dict[str, int], connections: int) -> None:
        written = await count_written(self.store, expected)
        if found.requests > len(expected) or not found.requests <= written <= found.requests + connections:
            raise BenchmarkError(
                f"W1: {found.requests} requests were answered and {written} of {len(expected)} clients were changed "
                "once. Look at a single answer with --verify."
            )


@dataclass(frozen=True, slots=True)
class Asked:
    """A server and how it is asked."""

    bench: Bench
    running: Running


async def interleaved(
    bench: Bench,
    work: str,
    servers: Sequence[Running],
    rounds: int,
    *,
    connections: int | None = None,
    first: int | None = None,
) -> dict[str, dict[str, Any]]:
    """The medians by server's name."""
    asked = {each.target.name: Asked(bench, each) for each in servers}
    return await in_turn(asked, work, rounds, connections=connections, first=first)


async def in_turn(
    asked: Mapping[str, Asked],
    work: str,
    rounds: int,
    *,
    connections: int | None = None,
    first: int | None = None,
    more_seconds: int | None = None,
) -> dict[str, dict[str, Any]]:
    """The medians by the names that are given; one server may be asked in several ways."""
    habit = HABITS[work]
    wide = connections or habit.connections
    found: dict[str, list[Slice]] = {name: [] for name in asked}
    for each in asked.values():
        await each.bench.slice(work, each.running, wide, WARM_SECONDS, first)
    for turn in range(rounds):
        for name, each in asked.items():
            slow = SLOW.get(each.running.target.name, 0) if work in ("Q2", "Q3", "Q4") and wide > 1 else 0
            seconds = habit.seconds + (slow if more_seconds is None else more_seconds)
            part = await each.bench.slice(work, each.running, wide, seconds, first)
            found[name].append(part)
            print(line_of(work, turn, name, part), flush=True)
    return {name: medians(slices) for name, slices in found.items()}


def line_of(work: str, turn: int, name: str, each: Slice) -> str:
    """One slice as a line for people."""
    wrong = f"  {each.errors} ERRORS" if each.errors else ""
    return (
        f"{work} round {turn + 1}  {name:<10} {each.cpu_ms:8.3f} ms CPU  {each.rps:8.1f}/s  p50 {each.p50_ms:7.2f}  "
        f"p99 {each.p99_ms:7.2f} ms  mongod {each.mongod_ms:6.3f} ms  {each.memory_mb:4.0f} MB  "
        f"others {each.others_share:4.0%}{wrong}"
    )


def medians(slices: Sequence[Slice]) -> dict[str, Any]:
    """The middle value of each figure; of errors the sum; of what ratios are made of, each round's value besides."""
    names = [each.name for each in dataclasses.fields(Slice)]
    middle = {name: round(statistics.median(getattr(each, name) for each in slices), 4) for name in names}
    each_round = {f"{name}_rounds": [round(getattr(each, name), 4) for each in slices] for name in EACH_ROUND}
    return middle | each_round | {"errors": sum(each.errors for each in slices)}
