"""Ten times more than the server can do, and clients that dawdle: the rest goes on as before."""

import asyncio
import json
import os
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.figures import Figure
from tests.servers import Served, kehu_serve

LONG = bool(os.environ.get("KEHU_TEST_LONG"))
SECONDS, ROUNDS = 7.0, 3
FEW, MANY = 32, 200
SETTLING_SECONDS = 1.0
"""In which a burst may wait; what comes after it is the state that lasts."""
QUERY = (
    "{ clients(first: 50, orderBy: [{ field: PROFILE_NAME }]) { nodes { number stage profile { name industry } } } }"
)
PROBE_SECONDS = 0.2


@dataclass
class Tally:
    """What closed-loop clients met."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    others: list[int] = field(default_factory=list)

    def p99(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


class Line:
    """One connection that sends the same request again and again; a client of a library would take the server's CPU."""

    def __init__(self, served: Served, query: str, path: str = "/graphql") -> None:
        where = urlsplit(served.url)
        self._host, self._port = str(where.hostname), int(where.port or 0)
        body = json.dumps({"query": query}).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {where.netloc}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {served.tokens['administrator']}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.request = head.encode() + body
        if path != "/graphql":
            self.request = f"GET {path} HTTP/1.1\r\nhost: {where.netloc}\r\n\r\n".encode()

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def ask(self) -> tuple[int, dict[str, str]]:
        """The status and the headers of an answer, read to its end."""
        self._writer.write(self.request)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        await self._reader.readexactly(int(headers["content-length"]))
        return int(lines[0].split()[1]), headers

    def close(self) -> None:
        self._writer.close()


async def loop(served: Served, tally: Tally, since: float, until: float) -> None:
    """Ask again as soon as the answer is there; after a refusal when the server says."""
    line = Line(served, QUERY)
    await line.open()
    while time.perf_counter() < until:
        began = time.perf_counter()
        status, headers = await line.ask()
        if status == 200:
            if began >= since:
                tally.seconds.append(time.perf_counter() - began)
        elif status == 503:
            tally.refused += 1
            await asyncio.sleep(float(headers["retry-after"]))
        else:
            tally.others.append(status)
    line.close()


async def load(served: Served, clients: int, seconds: float) -> tuple[Tally, list[float]]:
    """What that many clients met, and how long each health probe took meanwhile."""
    since = time.perf_counter() + SETTLING_SECONDS
    tally, until = Tally(), since + seconds
    tasks = [asyncio.create_task(loop(served, tally, since, until)) for _ in range(clients)]
    probes: list[float] = []
    probe = Line(served, "", "/healthz")
    await probe.open()
    while time.perf_counter() < until:
        began = time.perf_counter()
        assert (await probe.ask())[0] == 200
        probes.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    probe.close()
    await asyncio.gather(*tasks)
    return tally, probes


def middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


class TestOverload:
    @pytest.mark.long
    async def test_what_is_accepted_is_answered_as_fast_as_before(
        self, tmp_path: Path, mongod_uri: str, figure: Figure
    ) -> None:
        """Few and many in turns, because the machine has other work too."""
        more = {"KEHU_COST_PER_MINUTE": "0", "KEHU_DATABASE": f"overload_{uuid.uuid4().hex[:12]}"}
        found: list[tuple[Tally, Tally, list[float]]] = []
        with kehu_serve(tmp_path, "--demo", "200", KEHU_MONGODB_URI=mongod_uri, **more) as served:
            for _ in range(ROUNDS):
                few, _ = await load(served, FEW, SECONDS)
                many, probes = await load(served, MANY, SECONDS)
                found.append((few, many, probes))
        goodput = middle([len(many.seconds) / len(few.seconds) for few, many, _ in found])
        slower = middle([many.p99() / few.p99() for few, many, _ in found])
        slowest = max(max(probes) for _, _, probes in found)
        figure(
            f"overload: {MANY} clients get {goodput:.0%} of the goodput of {FEW} "
            f"({middle([len(few.seconds) / SECONDS for few, _, _ in found]):,.0f}/s), "
            f"{sum(many.refused for _, many, _ in found)} refused; p99 of the accepted {slower:.1f} times "
            f"{middle([few.p99() for few, _, _ in found]) * 1000:.0f} ms; slowest probe {slowest * 1000:.0f} ms"
        )
        assert [status for few, many, _ in found for status in (*few.others, *many.others)] == []
        assert all(many.refused for _, many, _ in found)
        assert goodput >= 0.8
        assert slower < 2
        assert slowest < PROBE_SECONDS


class TestSlowClients:
    @pytest.mark.parametrize("patience", [10.0 if LONG else 2.0])
    async def test_are_closed_and_hold_up_nobody(self, tmp_path: Path, patience: float, figure: Figure) -> None:
        more = {"KEHU_COST_PER_MINUTE": "0", "KEHU_REQUEST_READ_SECONDS": str(patience)}
        with kehu_serve(tmp_path, "--demo", "50", KEHU_MONGODB_DRIVER="memory", **more) as served:
            line = Line(served, "{ __typename }")
            await line.open()
            before = await timed(line, 300)
            began = time.perf_counter()
            slow = [asyncio.create_task(dawdle(line, at % 3)) for at in range(MANY)]
            await asyncio.sleep(0.5)
            during = await timed(line, 300)
            await asyncio.wait_for(asyncio.gather(*slow), 15)
            took = time.perf_counter() - began
            line.close()
        figure(
            f"slow clients: {MANY} closed within {took:.1f} s; p99 of the others "
            f"{during[-4] * 1000:.1f} ms against {before[-4] * 1000:.1f} ms"
        )
        assert took < patience + 5
        # a probe of a millisecond doubles whenever another process of this machine has its turn
        assert during[-4] < max(2 * before[-4], 0.02)


async def timed(line: Line, times: int) -> list[float]:
    """How long each of so many requests took, the longest last."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        assert (await line.ask())[0] == 200
        found.append(time.perf_counter() - began)
    return sorted(found)


async def dawdle(line: Line, kind: int) -> None:
    """Nothing, half a head, or a body of a byte a second; until the server hangs up."""
    reader, writer = await asyncio.open_connection(line._host, line._port)
    head, _, body = line.request.partition(b"\r\n\r\n")
    if kind == 1:
        writer.write(head[:40])
    elif kind == 2:
        writer.write(head + b"\r\n\r\n")
    try:
        for at in range(60):
            if kind == 2 and not reader.at_eof():
                writer.write(body[at : at + 1])
            try:
                async with asyncio.timeout(1):
                    while await reader.read(1_000):
                        pass
                    return
            except TimeoutError:
                continue
        pytest.fail("the server waits for ever")
    except ConnectionError:
        return
    finally:
        writer.close()
