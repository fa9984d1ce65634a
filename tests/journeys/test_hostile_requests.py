"""Hostile requests against a server in a process of its own: refused, cheaply, and nobody else notices."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from tests.figures import Figure
from tests.hostile import shapes
from tests.servers import Served, code_of, kehu_serve

TIMES = 3
CPU_SECONDS = 0.050
PROBE_SECONDS = 0.200
RSS_BYTES = 50_000_000
PAGE_BYTES = 4096


def cpu_seconds(pid: int) -> float:
    """What the server has worked, all threads together, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((each / "schedstat").read_text().split()[0]) for each in tasks) / 1e9


def rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


@asynccontextmanager
async def probing(served: Served) -> AsyncIterator[list[float]]:
    """How long each health probe took meanwhile."""
    took: list[float] = []

    async def probe() -> None:
        async with httpx2.AsyncClient(base_url=served.url) as client:
            while True:
                began = time.perf_counter()
                assert (await client.get("/healthz")).status_code == 200
                took.append(time.perf_counter() - began)
                await asyncio.sleep(0.05)

    task = asyncio.create_task(probe())
    try:
        yield took
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def send(client: httpx2.AsyncClient, body: bytes) -> httpx2.Response | None:
    """The answer; None where the server has hung up on a body that is too large."""
    headers = {"content-type": "application/json", "accept": "application/graphql-response+json"}
    try:
        return await client.post("/graphql", content=body, headers=headers)
    except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError):
        return None


def is_served(answer: httpx2.Response) -> bool:
    """Whether anything came out: a root field that is refused is null."""
    data = answer.json().get("data") or {}
    return any(value is not None for value in data.values())


class TestHostileRequests:
    async def test_refused_and_cheap(self, tmp_path: Path, mongod_uri: str, figure: Figure) -> None:
        settings = {"KEHU_MONGODB_URI": mongod_uri, "KEHU_DATABASE": f"hostile_{uuid.uuid4().hex[:12]}"}
        bodies = shapes()
        with kehu_serve(tmp_path, "--demo", "50", **settings) as served:
            pid = served.process.pid
            async with probing(served) as calm:
                await asyncio.sleep(2)
            async with served.client() as client, probing(served) as probes:
                # What a first request makes ready, and what large bodies leave to the allocator, is no growth.
                await send(client, b'{"query": "{ clients(first: 5) { nodes { number } } }"}')
                for body in bodies.values():
                    await send(client, body)
                before = rss_bytes(pid)
                cost: dict[str, float] = {}
                answered: list[str] = []
                for name, body in bodies.items():
                    began = cpu_seconds(pid)
                    for _ in range(TIMES):
                        answer = await send(client, body)
                        if answer is not None and (is_served(answer) or not code_of(answer)):
                            answered.append(name)
                    cost[name] = (cpu_seconds(pid) - began) / TIMES
                growth = rss_bytes(pid) - before
        dearest = sorted(cost, key=lambda name: -cost[name])[:3]
        figure(
            f"hostile requests: {len(bodies) - len(set(answered))} of {len(bodies)} refused; dearest "
            + ", ".join(f"{name} {cost[name] * 1000:.0f} ms" for name in dearest)
            + f"; slowest of {len(probes)} probes {max(probes) * 1000:.0f} ms; {growth / 1e6:+.1f} MB"
        )
        assert len(bodies) >= 60
        assert answered == []
        assert {name: each for name, each in cost.items() if each >= CPU_SECONDS} == {}
        # where other programs have the processors, a probe waits for its turn too
        assert max(probes) < PROBE_SECONDS + max(calm)
        assert growth < RSS_BYTES

    @pytest.mark.parametrize("name", ["a page of pages", "fragments that double, 30"])
    async def test_the_words_say_what_to_do(self, tmp_path: Path, name: str) -> None:
        body = shapes()[name]
        with kehu_serve(tmp_path, "--demo", "5", KEHU_MONGODB_DRIVER="memory") as served:
            async with served.client() as client:
                answer = await send(client, body)
        assert answer is not None
        assert "the limit is" in answer.json()["errors"][0]["message"]
