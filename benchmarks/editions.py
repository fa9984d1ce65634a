"""2,000 attributes defined on a live server: how long an edition takes, and what requests notice meanwhile."""

import asyncio
import json
import re
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acts.checks import now
from acts.demo import load_demo
from benchmarks.connection import Connection
from benchmarks.errors import BenchmarkError
from benchmarks.kehu import kehu_target, mongod_for, open_book, store_for
from benchmarks.machine import SERVER_CPU, cpu_seconds, memory_mb
from benchmarks.processes import Running, start, stop
from benchmarks.workdir import WorkDir
from catalogue.attribute import Attribute
from catalogue.kinds import Kind
from repositories.attributes import DefinitionChange
from repositories.repositories import Repositories

CONNECTIONS = 8
CLIENTS = 2_000
ONE_BY_ONE = 20
"""Attributes defined on the server itself while the load runs; those before them come from beside it."""
DATABASE = "kehu_bench_editions"
CALM_SECONDS = 5.0
LIVE_SECONDS = 120.0
KEY = "benchmark"
"""What the keys of the attributes begin with."""
KINDS = ("STRING", "NUMBER", "LONG", "DATE", "BOOLEAN", "DATETIME", "DECIMAL", "TEXT")
FACETS = ("PROFILE", "BEHAVIOUR", "ATTITUDE", "DERIVED")
_BUILT = re.compile(r"edition \w+ is live; it took ([\d.]+) s to build")
_QUESTION = (
    "query Q1($number: String!) { client(number: $number) "
    "{ profile { name industry location { city } } derived { creditRating clientValue } } }"
)
_DEFINE = "mutation Define($input: AttributeDefineInput!) { attributeDefine(input: $input) { errors { message } } }"


@dataclass(slots=True)
class Watched:
    """What the requests of a load noticed.

    Units: waits in ms.
    """

    waits: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def figures(self) -> dict[str, Any]:
        """The waits in short."""
        waits = sorted(self.waits) or [0.0]
        return {
            "requests": len(self.waits),
            "rps": round(len(self.waits) / max(self.seconds, 1e-9)),
            "p50_ms": round(statistics.median(waits), 2),
            "p99_ms": round(waits[int(len(waits) * 0.99) - 1], 2),
            "slowest_ms": round(waits[-1], 1),
            "over_300_ms": sum(each > 300 for each in waits),
            "cpu_ms": round(self.cpu_seconds / max(len(self.waits), 1) * 1000, 3),
            "failed": len(self.failures),
        }


async def measure_editions(work: WorkDir, count: int) -> dict[str, Any]:
    """The figures of `--editions`; the database it uses is removed again."""
    async with mongod_for(work) as (uri, _), store_for(uri, DATABASE) as store:
        await store.drop_database()
        try:
            repositories = await open_book(store)
            await load_demo(repositories, CLIENTS, lambda _done, _count: None)
            log = work.log("kehu-editions")
            running = start(
                kehu_target(work, uri, DATABASE), log, [SERVER_CPU], json.dumps({"query": "{ __typename }"})
            )
            try:
                return await _measured(running, repositories, log, count)
            finally:
                stop(running)
        finally:
            await store.drop_database()


async def _measured(running: Running, repositories: Repositories, log: Path, count: int) -> dict[str, Any]:
    """The load before, while the last attributes come one by one, and after."""
    bodies = await _bodies(running)
    figures: dict[str, Any] = {"attributes": count, "memory_mb_before": round(memory_mb(running.pid))}
    figures["before"] = (await _calm(running, bodies)).figures()
    one_by_one = min(ONE_BY_ONE, count)
    await define_at_once(repositories, count - one_by_one)
    figures["live_after_many_s"] = round(await _wait_until_live(running, count - one_by_one - 1), 2)
    built = len(builds_from(log))
    meanwhile, ended = Watched(), asyncio.Event()
    load = asyncio.create_task(_load(running, bodies, meanwhile, ended))
    lives = [await _define_and_wait(running, place) for place in range(count - one_by_one, count)]
    ended.set()
    await load
    under_load = builds_from(log)[built:]
    figures |= {
        "meanwhile": meanwhile.figures(),
        "failures": meanwhile.failures[:5],
        "live_after_s": {"median": round(statistics.median(lives), 2), "longest": round(max(lives), 2)},
        "build_s_under_load": {"median": statistics.median(under_load), "longest": max(under_load)},
    }
    await _define_and_wait(running, count)
    figures["build_s_idle"] = builds_from(log)[-1]
    figures["after"] = (await _calm(running, bodies)).figures()
    figures["memory_mb_after"] = round(memory_mb(running.pid))
    return figures


def builds_from(log: Path) -> list[float]:
    """Seconds that each edition took to build, as the server's log says."""
    return [float(seconds) for seconds in _BUILT.findall(log.read_text(errors="replace"))]


async def define_at_once(repositories: Repositories, count: int) -> None:
    """Definitions as another node would store them, as fast as the database takes them."""
    head = await repositories.attributes.head()
    for place in range(count):
        given = definition(place)
        attribute = Attribute(
            path=f"{given['facet'].lower()}.{given['key']}",
            kind=Kind(given["kind"]),
            label=given["label"],
            description=given["description"],
        )
        await repositories.attributes.write(attribute, DefinitionChange("benchmark", now()), head + place)


async def _bodies(running: Running) -> list[bytes]:
    query = "{ clients(first: 200) { nodes { number } } }"
    async with Connection(running.port, running.target.headers) as connection:
        reply = await connection.post(json.dumps({"query": query}).encode())
    numbers = [each["number"] for each in reply.json["data"]["clients"]["nodes"]]
    return [json.dumps({"query": _QUESTION, "variables": {"number": each}}).encode() for each in numbers]


async def _calm(running: Running, bodies: list[bytes]) -> Watched:
    watched, ended = Watched(), asyncio.Event()
    asyncio.get_running_loop().call_later(CALM_SECONDS, ended.set)
    await _load(running, bodies, watched, ended)
    return watched


async def _load(running: Running, bodies: list[bytes], watched: Watched, ended: asyncio.Event) -> None:
    """Eight connections that ask one question after the other until the end."""

    async def ask(place: int) -> None:
        async with Connection(running.port, running.target.headers) as connection:
            while not ended.is_set():
                place = (place + 1) % len(bodies)
                began = time.perf_counter()
                reply = await connection.post(bodies[place])
                watched.waits.append((time.perf_counter() - began) * 1000)
                if reply.status != 200 or not reply.body.startswith(b'{"data":{"client":{"profile"'):
                    watched.failures.append(f"{reply.status} {reply.body[:200]!r}")

    began, used = time.monotonic(), cpu_seconds(running.pid)
    outcomes = await asyncio.gather(*(ask(place * 20) for place in range(CONNECTIONS)), return_exceptions=True)
    watched.failures += [repr(each) for each in outcomes if each is not None]
    watched.seconds += time.monotonic() - began
    watched.cpu_seconds += cpu_seconds(running.pid) - used


def definition(place: int) -> dict[str, Any]:
    """One of the attributes, in turn of each kind and in each facet."""
    return {
        "facet": FACETS[place % len(FACETS)],
        "key": f"{KEY}{place}",
        "kind": KINDS[place % len(KINDS)],
        "label": f"Benchmark {place}",
        "description": "Stands in for an attribute of a data team.",
    }


async def _define_and_wait(running: Running, place: int) -> float:
    """Define one attribute on the server; seconds until it can be asked for."""
    began = time.monotonic()
    async with Connection(running.port, running.target.headers) as connection:
        await _define_by(connection, place)
    await _wait_until_live(running, place)
    return time.monotonic() - began


async def _define_by(connection: Connection, place: int) -> None:
    body = json.dumps({"query": _DEFINE, "variables": {"input": definition(place)}})
    reply = (await connection.post(body.encode())).json
    done = (reply.get("data") or {}).get("attributeDefine")
    if done is None or done["errors"]:
        raise BenchmarkError(f"attributeDefine of {definition(place)['key']} was refused: {reply}")


async def _wait_until_live(running: Running, place: int) -> float:
    """Seconds until a question for the attribute is answered.

    Raises: BenchmarkError after two minutes.
    """
    given = definition(place)
    query = f"{{ clients(first: 1) {{ nodes {{ {given['facet'].lower()} {{ {given['key']} }} }} }} }}"
    began = time.monotonic()
    async with Connection(running.port, running.target.headers) as connection:
        while (passed := time.monotonic() - began) < LIVE_SECONDS:
            reply = await connection.post(json.dumps({"query": query}).encode())
            if b'"errors"' not in reply.body:
                return passed
            await asyncio.sleep(0.02)
    raise BenchmarkError(f"{given['key']} was not in the schema {LIVE_SECONDS:g} s after its definition.")
