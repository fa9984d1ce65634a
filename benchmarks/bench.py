"""The main run: which servers stand on which data, what they are asked, what comes out."""

import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.book import is_kept, load_book, mend_satisfaction
from benchmarks.kehu import kehu_target, mongod_for, store_for
from benchmarks.machine import SERVER_CPU
from benchmarks.peers import FLOOR, NODE_PEERS, installed_peers, peer_questions, peer_target, seed_peers
from benchmarks.processes import Running, start, stop
from benchmarks.rounds import Bench, interleaved
from benchmarks.verify import NotOffered, verify
from benchmarks.workdir import WorkDir
from repositories.repositories import AREAS


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
    load_seconds: float | None = None
    """How long Kehu's book took to load; None if an earlier run had loaded it."""

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
                log = work.log(f"{target.name}-{self.bench.clients}")
                running.append(start(target, log, cpus, greeting(is_kehu=target.is_kehu)))
            yield running
        finally:
            for each in running:
                stop(each)


def greeting(*, is_kehu: bool) -> str:
    """The first body that a server is asked."""
    # the floor knows no GraphQL, only the names of the work
    if is_kehu:
        return json.dumps({"query": "{ __typename }"})
    variables = {"id": "650000000100000000000000"}
    query = "query Q1($id: ID!) { client(id: $id) { profile { name } } }"
    return json.dumps({"query": query, "operationName": "Q1", "variables": variables})


@asynccontextmanager
async def stages_for(
    work: WorkDir, choice: Choice, sizes: Sequence[int], areas: Sequence[str] = AREAS
) -> AsyncIterator[list[Stage]]:
    """Peers copied and installed, one mongod, and in it for each size both databases, filled with the same values."""
    work.copy_peers(choice.peers_dir)
    work.install_python_peers()
    if set(choice.peers) & set(NODE_PEERS):
        work.install_node_peers()
    async with mongod_for(work) as (uri, mongod), AsyncExitStack() as opened:
        yield [await _stage(work, opened, uri, mongod, clients, areas) for clients in sizes]


async def _stage(
    work: WorkDir, opened: AsyncExitStack, uri: str, mongod: int | None, clients: int, areas: Sequence[str]
) -> Stage:
    ours, theirs = f"kehu_bench_{clients}", f"peers_{clients}"
    peers = await opened.enter_async_context(store_for(uri, theirs))
    store = await opened.enter_async_context(store_for(uri, ours))
    await seed_peers(work, peers, uri, theirs, clients)
    kept, began = await is_kept(store, clients, areas), time.monotonic()
    await load_book(peers, store, clients, areas)
    seconds = None if kept else time.monotonic() - began
    await mend_satisfaction(peers, store, work.root / f"satisfaction-{clients}.bin")
    return Stage(Bench(work, store, clients, mongod, peer_questions(work)), uri, ours, theirs, seconds)


@asynccontextmanager
async def stage_for(work: WorkDir, choice: Choice) -> AsyncIterator[Stage]:
    """The same for the one book of a run."""
    async with stages_for(work, choice, [choice.clients]) as stages:
        yield stages[0]


def chosen_peers(work: WorkDir, named: Sequence[str]) -> tuple[str, ...]:
    """The named peers, or those that are installed; the floor always first."""
    return (FLOOR, *(each for each in (named or installed_peers(work)) if each != FLOOR))


async def measure_work(work: WorkDir, choice: Choice) -> dict[str, Any]:
    """The main run: every piece of work that Kehu's schema offers, on every server."""
    found: dict[str, Any] = {"work": {}, "skipped": {}, "clients": choice.clients, "rounds": choice.rounds}
    if choice.connections is not None:
        found["connections"] = choice.connections
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
