"""kill -9 of the server while clients are changed: what was acknowledged is there, and nothing twice."""

import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.figures import Figure
from tests.servers import ask, do, kehu_serve

CLIENTS = 10
WRITERS = 8


@dataclass
class Calls:
    """Changes of a few clients: each call has a key, sets its own number and names itself as its source."""

    clients: list[str]
    count: int
    acknowledged: set[int] = field(default_factory=set)
    begun: set[int] = field(default_factory=set)

    def client_of(self, number: int) -> str:
        return self.clients[number % len(self.clients)]

    async def send(self, client: httpx2.AsyncClient, number: int) -> None:
        self.begun.add(number)
        await do(
            client,
            "clientChange",
            "client { version }",
            id=self.client_of(number),
            changes={"profile": {"employees": number}},
            proof={"source": f"call {number}"},
            idempotencyKey=f"call {number}",
        )
        self.acknowledged.add(number)

    async def send_until_killed(self, client: httpx2.AsyncClient, left: list[int], stop_at: int, kill: Any) -> None:
        """Send what is left, several at once; the server is killed in the middle of it."""

        async def work() -> None:
            while left:
                number = left.pop(0)
                try:
                    await self.send(client, number)
                except httpx2.TransportError:
                    left.insert(0, number)
                    return
                if len(self.acknowledged) >= stop_at:
                    kill()

        async with anyio.create_task_group() as group:
            for _ in range(WRITERS):
                group.start_soon(work)


async def history_of(client: httpx2.AsyncClient, one: str) -> tuple[int, list[dict[str, Any]]]:
    """The version of a client, and every change of it, newest first."""
    query = """query($id: ID!, $after: String) { client(id: $id) { version history(first: 200, after: $after) {
        nodes { version source values { path old new } } pageInfo { hasNextPage endCursor } } } }"""
    nodes: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        found = (await ask(client, query, id=one, after=after))["client"]
        nodes += found["history"]["nodes"]
        after = found["history"]["pageInfo"]["endCursor"]
        if not found["history"]["pageInfo"]["hasNextPage"]:
            return found["version"], nodes


async def check(client: httpx2.AsyncClient, calls: Calls) -> int:
    """How many calls were carried out; every acknowledged one is among them, none is there twice."""
    seen: Counter[int] = Counter()
    for one in calls.clients:
        version, nodes = await history_of(client, one)
        assert [each["version"] for each in nodes] == list(range(version, 0, -1))
        values = [each["values"][0]["new"] for each in nodes[:-1]]
        assert [each["source"] for each in nodes[:-1]] == [f"call {value}" for value in values]
        assert [each["values"][0]["old"] for each in nodes[:-1]] == [*values, None][1:]
        shown = await ask(client, "query($id: ID!) { client(id: $id) { profile { employees } } }", id=one)
        assert shown["client"]["profile"]["employees"] == (values[0] if values else None)
        seen.update(values)
    assert calls.acknowledged <= set(seen) <= calls.begun
    assert set(seen.values()) <= {1}
    return len(seen)


@pytest.mark.parametrize(("count", "kills"), [(150, 1), pytest.param(1_000, 4, marks=pytest.mark.long)])
async def test_every_acknowledged_change_is_there_once(data: Path, count: int, kills: int, figure: Figure) -> None:
    calls = Calls([], count)
    left = list(range(count))
    for kill in range(kills):
        with kehu_serve(data, "--demo", "0") as served:
            async with served.client() as client:
                for number in range(CLIENTS if kill == 0 else 0):
                    given = {"number": f"C{number}", "kind": "ORGANISATION", "profile": {"name": f"C{number}"}}
                    calls.clients.append((await do(client, "clientCreate", "client { id }", **given))["client"]["id"])
                await check(client, calls)
                stop_at = count * (kill + 1) // (kills + 1)
                await calls.send_until_killed(
                    client, left, stop_at, lambda process=served.process: process.send_signal(signal.SIGKILL)
                )
            assert served.process.wait(10) == -signal.SIGKILL
            assert left
    with kehu_serve(data, "--demo", "0") as served:
        async with served.client() as client:
            survived = await check(client, calls)
            figure(f"{len(calls.acknowledged)} acknowledged before {kills} kills, {survived} carried out, none twice")
            # whoever got no answer sends the same again
            for number in range(count):
                await calls.send(client, number)
            assert await check(client, calls) == count
        assert served.stop() == 0
