"""The further measurements: pages, workers, start and memory, sizes of the book, attributes of the catalogue."""

import json
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks.bench import Choice, Stage, stage_for, stages_for
from benchmarks.editions import KEY, define_at_once
from benchmarks.kehu import open_book
from benchmarks.machine import LOAD_CPU, SERVER_CPU, memory_mb, pin
from benchmarks.peers import FLOOR
from benchmarks.processes import Running
from benchmarks.questions import HABITS
from benchmarks.rounds import Asked, Bench, in_turn, interleaved
from benchmarks.sizes import sizes_of, write_out
from benchmarks.verify import NotOffered
from benchmarks.workdir import WorkDir
from catalogue.attribute import CLIENTS
from repositories.attributes import ATTRIBUTES
from repositories.managers import MANAGERS
from repositories.mongo import Store
from repositories.plan import ID

BOTH_CPUS = (SERVER_CPU, LOAD_CPU)
GROWTH = (10, 50, 200, 1_000)
WORKERS_WORK = ("Q1", "Q4")
BOOK_WORK = ("Q1", "Q2")
STARTS = 3


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
    """Point read and first page at one connection, in books of several sizes; both should stay flat.

    All books lie in one mongod and are asked in turn, so that a slow minute of the machine hits all of them.
    """
    async with stages_for(work, choice, sizes, (CLIENTS, MANAGERS)) as stages:
        with ExitStack() as opened:
            asked: dict[str, dict[str, Asked]] = {"kehu": {}, FLOOR: {}}
            for stage in stages:
                for running in opened.enter_context(stage.servers((FLOOR,))):
                    asked[running.target.name][str(stage.bench.clients)] = Asked(stage.bench, running)
            everybody = {f"{name} {size}": each for name, of in asked.items() for size, each in of.items()}
            found = {name: await in_turn(everybody, name, choice.rounds, connections=1) for name in BOOK_WORK}
        storage = {str(each.bench.clients): await _storage(each) for each in stages}
    return {"book": {str(size): _of_size(found, str(size)) for size in sizes}, "storage": storage}


def _of_size(found: Mapping[str, Any], size: str) -> dict[str, Any]:
    return {work: {name: figures[f"{name} {size}"] for name in ("kehu", FLOOR)} for work, figures in found.items()}


async def _storage(stage: Stage) -> dict[str, Any]:
    write_out(stage.uri)
    found = await sizes_of(stage.bench.store, CLIENTS)
    if stage.load_seconds is not None:
        found["clients_per_second"] = round(stage.bench.clients / stage.load_seconds)
    return found


async def measure_attributes(work: WorkDir, choice: Choice, counts: Sequence[int]) -> dict[str, Any]:
    """Q1 and Q4 beside the floor, with as many attributes defined besides the built-in ones; they should stay flat.

    The definitions are taken out of the kept book again.
    """
    found: dict[str, Any] = {}
    async with stage_for(work, choice) as stage:
        store = stage.bench.store
        await _undefine(store)  # of a run that was killed
        for count in counts:
            print(f"{count} attributes besides the built-in ones:", flush=True)
            try:
                await define_at_once(await open_book(store), count)
                with stage.servers((FLOOR,)) as servers:
                    found[str(count)] = {
                        name: await interleaved(
                            stage.bench, name, servers, choice.rounds, connections=choice.connections
                        )
                        for name in WORKERS_WORK
                    }
            finally:
                await _undefine(store)
    return {"attributes": found}


async def _undefine(store: Store) -> None:
    await store.collection(ATTRIBUTES).delete_many({ID: {"$regex": rf"^{CLIENTS}:[a-z]+\.{KEY}\d+$"}})
