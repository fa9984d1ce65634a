"""graphql-transport-ws, message by message: twelve checks of what the protocol says."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator

import pytest
from websockets.asyncio.client import ClientConnection

from tests.api.test_websocket import close_code, heard, opened, say, subscribe
from tests.api.toys import Signed, live_server, signed_app

Live = tuple[Signed, str]
Check = Callable[[Live], Awaitable[None]]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    signed = signed_app(tmp_path_factory.mktemp("data"), socket_init_seconds=0.3, stream_heartbeat_seconds=0.1)
    with live_server(signed.app) as address:
        yield signed, address


async def types_of(socket: ClientConnection, count: int) -> list[str]:
    return [(await heard(socket))["type"] for _ in range(count)]


async def subprotocol_is_chosen(live: Live) -> None:
    async with opened(live[1]) as socket:
        assert socket.subprotocol == "graphql-transport-ws"


async def init_is_acknowledged(live: Live) -> None:
    async with opened(live[1]) as socket:
        await say(socket, type="connection_init", payload={"authorization": f"Bearer {live[0].token}"})
        assert await types_of(socket, 1) == ["connection_ack"]


async def init_comes_in_time(live: Live) -> None:
    async with opened(live[1]) as socket:
        assert await close_code(socket) == 4408


async def init_comes_once(live: Live) -> None:
    async with opened(live[1], live[0].token) as socket:
        await say(socket, type="connection_init")
        assert await close_code(socket) == 4429


async def nothing_is_subscribed_before_init(live: Live) -> None:
    async with opened(live[1]) as socket:
        await subscribe(socket, "1", "{ hello }")
        assert await close_code(socket) == 4401


async def ping_is_answered_at_any_time(live: Live) -> None:
    async with opened(live[1]) as socket:
        await say(socket, type="ping", payload={"x": 1})
        assert await heard(socket) == {"type": "pong"}
        await say(socket, type="connection_init", payload={"authorization": f"Bearer {live[0].token}"})
        await say(socket, type="ping")
        assert await types_of(socket, 2) == ["connection_ack", "pong"]


async def pong_needs_no_ping(live: Live) -> None:
    async with opened(live[1], live[0].token) as socket:
        await say(socket, type="pong")
        await subscribe(socket, "1", "{ hello }")
        assert await types_of(socket, 2) == ["next", "complete"]


async def results_come_in_order_and_end(live: Live) -> None:
    async with opened(live[1], live[0].token) as socket:
        await subscribe(socket, "1", "subscription { count(to: 5) }")
        messages = [await heard(socket) for _ in range(6)]
        assert [each["type"] for each in messages] == ["next"] * 5 + ["complete"]
        assert [each["payload"]["data"]["count"] for each in messages[:5]] == [0, 1, 2, 3, 4]


async def an_error_ends_its_operation_only(live: Live) -> None:
    async with opened(live[1], live[0].token) as socket:
        await subscribe(socket, "1", "{ nothing }")
        message = await heard(socket)
        assert (message["type"], message["id"], type(message["payload"])) == ("error", "1", list)
        await subscribe(socket, "1", "{ hello }")
        assert await types_of(socket, 2) == ["next", "complete"]


async def an_id_is_used_once_at_a_time(live: Live) -> None:
    async with opened(live[1], live[0].token) as socket:
        await subscribe(socket, "1", "subscription { forever }")
        await subscribe(socket, "1", "subscription { forever }")
        assert await close_code(socket) == 4409


async def complete_ends_an_operation_and_nothing_follows(live: Live) -> None:
    async with opened(live[1], live[0].token) as socket:
        await subscribe(socket, "1", "subscription { forever }")
        assert await types_of(socket, 1) == ["next"]
        await say(socket, id="1", type="complete")
        await say(socket, id="nobody", type="complete")
        await asyncio.sleep(0.1)
        await say(socket, type="ping")
        assert await types_of(socket, 1) == ["pong"]


async def whatever_is_no_message_ends_the_socket(live: Live) -> None:
    for text in ("{", "[]", '{"type": "start"}', '{"id": "1"}', json.dumps({"type": "subscribe", "id": 1})):
        async with opened(live[1], live[0].token) as socket:
            await socket.send(text)
            assert await close_code(socket) == 4400


CHECKS: tuple[Check, ...] = (
    subprotocol_is_chosen,
    init_is_acknowledged,
    init_comes_in_time,
    init_comes_once,
    nothing_is_subscribed_before_init,
    ping_is_answered_at_any_time,
    pong_needs_no_ping,
    results_come_in_order_and_end,
    an_error_ends_its_operation_only,
    an_id_is_used_once_at_a_time,
    complete_ends_an_operation_and_nothing_follows,
    whatever_is_no_message_ends_the_socket,
)


class TestProtocol:
    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    async def test_check(self, live: Live, check: Check) -> None:
        await check(live)

    def test_there_are_twelve(self) -> None:
        assert len(CHECKS) == 12
