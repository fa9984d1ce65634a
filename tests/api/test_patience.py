"""Connections that would hold a place for nothing are answered and closed, on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from api import patience
from api.patience import HEAD_LIMIT_BYTES, PatientProtocol, PatientSocket
from api.settings import Settings
from tests.api.toys import Signed, signed_app

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
)


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    return signed_app(tmp_path, unread_answers_per_person=2)


@pytest.fixture
async def port(signed: Signed, tmp_path: Path) -> AsyncIterator[int]:
    settings = Settings(data_dir=tmp_path, request_read_seconds=0.5)
    config = uvicorn.Config(
        signed.app, port=0, lifespan="off", log_level="error", http=PatientProtocol.of(settings), ws=PatientSocket
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def answer_to(port: int, sent: bytes) -> bytes:
    """What comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        heard = await reader.read()
    writer.close()
    return heard


class TestHandshakes:
    @pytest.mark.parametrize(
        "more",
        [
            b"X-A: " + b"a" * 9_000,
            b"Sec-WebSocket-Protocol: " + b"p," * 5_000,
            b"Cookie: " + b"c" * 60_000,
            b"\r\n".join(b"X-%d: b" % place for place in range(300)),
        ],
        ids=["long line", "protocols", "cookie", "many lines"],
    )
    async def test_what_the_library_does_not_take_is_refused_and_closed(self, port: int, more: bytes) -> None:
        heard = await answer_to(port, HANDSHAKE + more + b"\r\n\r\n")
        assert heard.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))

    async def test_an_ordinary_one_is_accepted(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE + b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 101")
        writer.close()


class TestHeads:
    async def test_one_that_grows_on_is_refused_before_its_time_is_over(self, port: int) -> None:
        heard = await answer_to(port, b"GET /graphql HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * (HEAD_LIMIT_BYTES + 1_000))
        assert heard.startswith(b"HTTP/1.1 431")

    async def test_a_body_is_no_head(self, port: int, signed: Signed) -> None:
        body = json.dumps({"query": "{ hello }", "variables": {"n": "x" * (2 * HEAD_LIMIT_BYTES)}}).encode()
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {signed.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        assert b'"data"' in await answer_to(port, head.encode() + body)


class TestUnread:
    """Callers who ask and do not read."""

    REQUEST = json.dumps(
        {"query": "query($n: String!) { hello(name: $n) }", "variables": {"n": "x" * 500_000}}
    ).encode()

    def head(self, signed: Signed) -> bytes:
        return (
            f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {signed.token}\r\nContent-Length: {len(self.REQUEST)}\r\n\r\n"
        ).encode()

    async def test_have_a_few_answers_on_the_way_and_no_more(
        self, port: int, signed: Signed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(patience, "UNREAD_SECONDS", 2.0)
        writers = []
        for _ in range(2):
            # Many of them on one connection, none of which is read.
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            writer.write((self.head(signed) + self.REQUEST) * 40)
            writers.append(writer)
        small = b'{"query": "{ hello }"}'
        other = self.head(signed).replace(str(len(self.REQUEST)).encode(), str(len(small)).encode())
        closing = other.replace(b"Host: x", b"Host: x\r\nConnection: close") + small
        for _ in range(100):
            heard = await answer_to(port, closing)
            if b" 429 " in heard:
                break
            await asyncio.sleep(0.05)
        assert heard.startswith(b"HTTP/1.1 429")
        assert b"Read them first" in heard
        # Whoever goes on not to read loses the connections, and with them what was on the way.
        for _ in range(100):
            await asyncio.sleep(0.1)
            heard = await answer_to(port, closing)
            if heard.startswith(b"HTTP/1.1 200"):
                break
        assert heard.startswith(b"HTTP/1.1 200")
        for writer in writers:
            writer.close()
