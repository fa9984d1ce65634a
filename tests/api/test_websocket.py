"""GraphQL over websockets, against a live server."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from api.claims import LEEWAY_SECONDS
from tests.api.toys import SECRET, LaterQuery, Signed, edition_of, live_server, signed_app

PROTOCOL = Subprotocol("graphql-transport-ws")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Signed, str]]:
    signed = signed_app(
        tmp_path_factory.mktemp("data"),
        socket_init_seconds=0.3,
        stream_heartbeat_seconds=0.1,
        socket_operations=2,
        allowed_origins="https://crm.example.com",
    )
    with live_server(signed.app) as address:
        yield signed, address


@asynccontextmanager
async def opened(address: str, token: str | None = None, **more: Any) -> AsyncIterator[ClientConnection]:
    """A socket, initialised if there is a token."""
    more.setdefault("subprotocols", [PROTOCOL])
    async with connect(f"ws://{address}/graphql", **more) as socket:
        if token is not None:
            await say(socket, type="connection_init", payload={"authorization": f"Bearer {token}"})
            assert (await heard(socket))["type"] == "connection_ack"
        yield socket


async def say(socket: ClientConnection, **message: object) -> None:
    await socket.send(json.dumps(message))


async def subscribe(socket: ClientConnection, name: str, query: str, **more: object) -> None:
    await say(socket, id=name, type="subscribe", payload={"query": query, **more})


async def heard(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        message = await socket.recv()
    assert isinstance(message, str)
    found: dict[str, Any] = json.loads(message)
    return found


async def close_code(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(5):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


class TestInit:
    async def test_token_in_the_payload(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await subscribe(socket, "1", "{ person }")
            assert await heard(socket) == {"id": "1", "type": "next", "payload": {"data": {"person": "rm-001"}}}
            assert await heard(socket) == {"id": "1", "type": "complete"}

    async def test_token_in_the_header(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, additional_headers=signed.headers) as socket:
            await say(socket, type="connection_init")
            assert (await heard(socket))["payload"] == {"edition": signed.editions.current.version}

    @pytest.mark.parametrize(
        "payload", [None, {}, {"authorization": "Bearer x.y.z"}, {"authorization": 1}, {"token": "x"}]
    )
    async def test_no_valid_token(self, served: tuple[Signed, str], payload: object) -> None:
        async with opened(served[1]) as socket:
            await say(socket, type="connection_init", payload=payload)
            assert await close_code(socket) == 4401

    async def test_silence(self, served: tuple[Signed, str]) -> None:
        async with opened(served[1]) as socket:
            await say(socket, type="ping")
            assert await close_code(socket) == 4408

    async def test_subscribe_before_init(self, served: tuple[Signed, str]) -> None:
        async with opened(served[1]) as socket:
            await subscribe(socket, "1", "{ person }")
            assert await close_code(socket) == 4401

    async def test_twice(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await say(socket, type="connection_init")
            assert await close_code(socket) == 4429

    async def test_other_subprotocol(self, served: tuple[Signed, str]) -> None:
        async with opened(served[1], subprotocols=None) as socket:
            assert await close_code(socket) == 4406

    async def test_foreign_page(self, served: tuple[Signed, str]) -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with opened(served[1], origin="https://evil.example"):
                pass
        assert refused.value.response.status_code == 403

    async def test_page_of_an_allowed_origin(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token, origin="https://crm.example.com") as socket:
            await say(socket, type="ping")
            assert await heard(socket) == {"type": "pong"}

    async def test_token_expires_while_open(self, tmp_path: Path) -> None:
        now = [1_000_000.0]
        signed = signed_app(tmp_path, clock=lambda: now[0], socket_init_seconds=0.2, stream_heartbeat_seconds=0.1)
        with live_server(signed.app) as address:
            async with opened(address, signed.token) as socket:
                await subscribe(socket, "1", "subscription { forever }")
                assert (await heard(socket))["type"] == "next"
                now[0] += 10 * 60
                assert await close_code(socket) == 4403

    async def test_opened_when_only_the_leeway_was_left(self, tmp_path: Path) -> None:
        now = [1_000_000.0]
        signed = signed_app(tmp_path, clock=lambda: now[0], stream_heartbeat_seconds=0.05)
        now[0] += 10 * 60 + 1
        with live_server(signed.app) as address:
            async with opened(address, signed.token) as socket:
                await asyncio.sleep(0.2)
                await say(socket, type="ping")
                assert await heard(socket) == {"type": "pong"}
                now[0] += LEEWAY_SECONDS
                assert await close_code(socket) == 4403


class TestMessages:
    @pytest.mark.parametrize(
        "message",
        [
            "",
            "{",
            "[]",
            "1",
            b"{}",
            "{}",
            '{"type": "start"}',
            "[" * 2000,
            '{"type": "subscribe", "payload": {"query": "{ hello }"}}',
            '{"type": "subscribe", "id": "1"}',
            '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "variables": []}}',
        ],
    )
    async def test_malformed(self, served: tuple[Signed, str], message: str | bytes) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await socket.send(message)
            assert await close_code(socket) == 4400

    async def test_too_big(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await socket.send("x" * 1_000_001)
            assert await close_code(socket) == 1009


class TestOperations:
    async def test_subscription(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await subscribe(socket, "1", "subscription($to: Int!) { count(to: $to) }", variables={"to": 2})
            assert [(await heard(socket)).get("payload") for _ in range(3)] == [
                {"data": {"count": 0}},
                {"data": {"count": 1}},
                None,
            ]

    @pytest.mark.parametrize(
        ("query", "code"),
        [("{", "GRAPHQL_PARSE_FAILED"), ("{ nothing }", "GRAPHQL_VALIDATION_FAILED")],
    )
    async def test_invalid_document(self, served: tuple[Signed, str], query: str, code: str) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await subscribe(socket, "1", query)
            message = await heard(socket)
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", code)

    async def test_variables_of_the_wrong_kind(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await subscribe(socket, "1", "query($n: String!) { hello(name: $n) }", variables={"n": 1})
            message = await heard(socket)
            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BAD_USER_INPUT")

    async def test_failing_source_is_masked(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await subscribe(socket, "1", "subscription { fails }")
            messages = [await heard(socket), await heard(socket)]
            assert messages[1]["payload"][0]["extensions"]["code"] == "INTERNAL"
            assert SECRET not in json.dumps(messages)

    async def test_id_in_use(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await subscribe(socket, "1", "subscription { forever }")
            await subscribe(socket, "1", "{ hello }")
            assert await close_code(socket) == 4409

    async def test_id_is_free_again_after_complete(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            await subscribe(socket, "1", "subscription { forever }")
            assert (await heard(socket))["type"] == "next"
            await say(socket, id="1", type="complete")
            await subscribe(socket, "1", "{ hello }")
            assert (await heard(socket))["payload"] == {"data": {"hello": "hello you"}}

    async def test_too_many(self, served: tuple[Signed, str]) -> None:
        signed, address = served
        async with opened(address, signed.token) as socket:
            for name in ("1", "2", "3"):
                await subscribe(socket, name, "subscription { forever }")
            messages = [await heard(socket) for _ in range(3)]
            errors = [each for each in messages if each["type"] == "error"]
            assert [each["id"] for each in errors] == ["3"]
            assert errors[0]["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"

    async def test_open_socket_keeps_its_edition(self, tmp_path: Path) -> None:
        signed = signed_app(tmp_path)
        with live_server(signed.app) as address:
            async with opened(address, signed.token) as socket:
                signed.editions.current = edition_of(LaterQuery, "b" * 64)
                await subscribe(socket, "1", "{ edition }")
                assert (await heard(socket))["payload"]["data"] == {"edition": "a" * 64}
            async with opened(address, signed.token) as socket:
                await subscribe(socket, "1", "{ edition added }")
                assert (await heard(socket))["payload"]["data"] == {"edition": "b" * 64, "added": "new"}
