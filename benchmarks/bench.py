"""The main run and its further measurements: which servers stand, what they are asked, what comes out."""

import json
import statistics
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.book import load_book, mend_satisfaction
from benchmarks.kehu import kehu_target, mongod_for, store_for
from benchmarks.machine import LOAD_CPU, SERVER_CPU, memory_mb, pin
from benchmarks.peers import FLOOR, NODE_PEERS, installed_peers, peer_questions, peer_target, seed_peers
from benchmarks.processes import Running, start, stop
from benchmarks.questions import HABITS
from benchmarks.rounds import Bench, interleaved
from benchmarks.verify import NotOffered, verify
from benchmarks.workdir import WorkDir

BOTH_CPUS = (SERVER_CPU, LOAD_CPU)
GROWTH = (10, 50, 200, 1_000)
WORKERS_WORK = ("Q1", "Q4")
STARTS = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """What the caller wants measured."""

    work: tuple[str, ...]
    peers: tuple[str, ...]
    rounds: int
    clients: int
    connections: int | None
    peers_dir: Path


@dataclass(frozen=True, slots=True)
class Stage:
    """The databases, filled, and how servers are started on them."""

    bench: Bench
    uri: str
    kehu_database: str
    peers_database: str

    @contextmanager
    def servers(
        self, peers: Sequence[str], *, workers: int = 1, page_limit: int | None = None, cpus: Sequence[int] = ()
    ) -> Iterator[list[Running]]:
        """Kehu and the peers, all running; stopped afterwards."""
        work, cpus = self.bench.work, cpus or (SERVER_CPU,)
        ours = kehu_target(work, self.uri, self.kehu_database, workers=workers, page_limit=page_limit)
        targets = [ours, *(peer_target(each, work, self.uri, self.peers_database) for each in peers)]
        running: list[Running] = []
        try:
            for target in targets:
                # one by one: what has started must be known when the next one fails
                running.append(start(target, work.log(target.name), cpus, _greeting(target.is_kehu)))  # noqa: PERF401
            yield running
        finally:
            for each in running:
                stop(each)


def _greeting(is_kehu: bool) -> str:
    # the floor knows no GraphQL, only the names of the work
    if is_kehu:
        return json.dumps({"query": "{ __typename }"})
    variables = {"id": "650000000100000000000000"}
    query = "query Q1($id: ID!) { client(id: $id) { profile { name } } }"
    return json.dumps({"query": query, "operationName": "Q1", "variables": variables})


@asynccontextmanager
async def stage_for(work: WorkDir, choice: Choice, clients: int | None = None) -> AsyncIterator[Stage]:
    """Peers copied and installed, a mongod, both databases filled with the same values."""
    count = clients or choice.clients
    work.copy_peers(choice.peers_dir)
    work.install_python_peers()
    if set(choice.peers) & set(NODE_PEERS):
        work.install_node_peers()
    ours, theirs = f"kehu_bench_{count}", f"peers_{count}"
    async with mongod_for(work) as (uri, mongod), store_for(uri, theirs) as peers, store_for(uri, ours) as store:
        await seed_peers(work, peers, uri, theirs, count)
        await load_book(peers, store, count)
        await mend_satisfaction(peers, store, work.root / f"satisfaction-{count}.bin")
        yield Stage(Bench(work, store, count, mongod, peer_questions(work)), uri, ours, theirs)


def chosen_peers(work: WorkDir, named: Sequence[str]) -> tuple[str, ...]:
    """The named peers, or those that are installed; the floor always first."""
    return (FLOOR, *(each for each in (named or installed_peers(work)) if each != FLOOR))


async def measure_work(work: WorkDir, choice: Choice) -> dict[str, Any]:
    """The main run: every piece of work that Kehu's schema offers, on every server."""
    found: dict[str, Any] = {"work": {}, "skipped": {}, "clients": choice.clients, "rounds": choice.rounds}
    async with stage_for(work, choice) as stage:
        with stage.servers(choice.peers) as servers:
            for name in choice.work:
                try:
                    await verify(stage.bench, name, servers)
                except NotOffered as lack:
                    print(f"{name} is left out: Kehu's schema does not have it yet ({lack}).", flush=True)
                    found["skipped"][name] = str(lack)
                    continue
                print(f"{name}: the answers of all servers are equal.", flush=True)
                found["work"][name] = await interleaved(
                    stage.bench, name, servers, choice.rounds, connections=choice.connections
                )
    return found


async def measure_growth(work: WorkDir, choice: Choice) -> dict[str, Any]:
    """Q4 with pages of 10 to 1,000 clients, and what one further document costs."""
    found: dict[str, Any] = {}
    async with stage_for(work, choice) as stage:
        with stage.servers(choice.peers, page_limit=max(GROWTH)) as servers:
            for first in GROWTH:
                print(f"Q4, pages of {first}:", flush=True)
                found[str(first)] = await interleaved(
                    stage.bench, "Q4", servers, choice.rounds, connections=choice.connections or 4, first=first
                )
    return {"growth": found, "document_us": document_costs(found)}


def document_costs(growth: dict[str, Any]) -> dict[str, float]:
    """CPU of one further document by server, between the smallest and the greatest page.

    Units: microseconds.
    """
    small, great = min(growth, key=int), max(growth, key=int)
    return {
        name: round(
            (growth[great][name]["cpu_ms"] - growth[small][name]["cpu_ms"]) / (int(great) - int(small)) * 1e3, 1
        )
        for name in growth[small]
    }


async def measure_workers(work: WorkDir, choice: Choice, counts: Sequence[int]) -> dict[str, Any]:
    """Q1 and Q4 with several workers; nothing is pinned, since two workers need both processors."""
    found: dict[str, Any] = {}
    async with stage_for(work, choice) as stage:
        bench = stage.bench
        if bench.mongod is not None:
            pin(bench.mongod, set(BOTH_CPUS))
        free = Bench(work, bench.store, bench.clients, bench.mongod, bench.peer_queries, BOTH_CPUS)
        for count in counts:
            with stage.servers((), workers=count, cpus=BOTH_CPUS) as servers:
                print(f"{count} workers:", flush=True)
                found[str(count)] = {
                    name: (await interleaved(free, name, servers, choice.rounds, connections=8))["kehu"]
                    for name in WORKERS_WORK
                }
    return {"workers": found}


async def measure_memory(work: WorkDir, choice: Choice) -> dict[str, Any]:
    """Seconds to the first answer on a warm database, and memory when fresh and after each piece of work."""
    starts, fresh = [], []
    async with stage_for(work, choice) as stage:
        for _ in range(STARTS):
            with stage.servers(()) as servers:
                starts.append(servers[0].start_seconds)
                fresh.append(memory_mb(servers[0].pid))
        after = {}
        with stage.servers(()) as servers:
            for name in choice.work:
                try:
                    await verify_alone(stage.bench, name, servers[0])
                except NotOffered:
                    continue
                await stage.bench.slice(name, servers[0], HABITS[name].connections, HABITS[name].seconds)
                after[name] = round(memory_mb(servers[0].pid))
    return {
        "startup_s": round(statistics.median(starts), 2),
        "memory_mb": {"fresh": round(statistics.median(fresh)), "after": after},
    }


async def verify_alone(bench: Bench, work: str, running: Running) -> None:
    """Nothing, where Kehu's schema has what a piece of work asks for.

    Raises: NotOffered.
    """
    answer = json.loads(running.post(bench.bodies(work, running)[0]))
    if answer.get("errors") and work != "W1":
        raise NotOffered(answer["errors"][0]["message"])


async def measure_book(work: WorkDir, choice: Choice, sizes: Sequence[int]) -> dict[str, Any]:
    """Point read and first page at one connection, in books of several sizes; both should stay flat."""
    found: dict[str, Any] = {}
    for clients in sizes:
        async with stage_for(work, choice, clients) as stage:
            with stage.servers((FLOOR,)) as servers:
                print(f"{clients} clients:", flush=True)
                found[str(clients)] = {
                    name: await interleaved(stage.bench, name, servers, choice.rounds, connections=1)
                    for name in ("Q1", "Q2")
                }
    return {"book": found}
