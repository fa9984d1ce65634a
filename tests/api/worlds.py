"""A live server with its directory, an identity provider beside it, and the three ways to ask it something."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api.app import build_app
from api.settings import Settings
from api.tokens import KEY_FILE, LocalIssuer, secret_in
from tests.api.providers import AUDIENCE, FakeProvider, ec_key, provider, public, rsa_key
from tests.api.toys import live_server
from tests.servers import do

PROTOCOL = Subprotocol("graphql-transport-ws")
CANARY = "CANARY-TAX-1"
SHORT_SECONDS = 3
"""Long enough for a busy machine to take the request in."""
QUESTION = "{ viewer { person } clients(first: 5) { nodes { number profile { name } } } }"
Header = tuple[str, str]
Heard = tuple[int, bytes]
"""Status and body of an answer, or close code and all that was said of a socket."""


@dataclass
class World:
    """A server, and what can be held against it."""

    address: str
    local: LocalIssuer
    key: bytes
    fake: FakeProvider
    good: str
    """A token of the provider's, for a person of the directory."""
    administrator: str
    accounts: dict[str, str]
    """Tokens of service accounts, by what has become of them."""

    def provided(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        return self.fake.token(rsa_key("first"), header, **claims)


@contextmanager
def living_world(data: Path) -> Iterator[World]:
    """A server that runs with an empty memory store, a directory of a few, and a provider."""
    with provider() as fake:
        fake.now = int(time.time())
        fake.keys.append(public(ec_key("elliptic")))
        settings = Settings(
            data_dir=data, mongodb_driver="memory", demo=0, oidc_issuer=(fake.url,), oidc_audience=(AUDIENCE,)
        )
        local = LocalIssuer(settings)
        with live_server(build_app(settings), "on") as address:
            administrator = local.issue("root", "administrator", None, 60)
            accounts = anyio.run(prepared, address, administrator)
            made = World(
                address, local, secret_in(data, KEY_FILE), fake, fake.token(rsa_key("first")), administrator, accounts
            )
            yield made


def talking(address: str, token: str) -> httpx2.AsyncClient:
    headers = {"authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(base_url=f"http://{address}", headers=headers, timeout=30.0)


async def prepared(address: str, token: str) -> dict[str, str]:
    """The tokens of service accounts, after the directory has its people and the book its client."""
    async with talking(address, token) as http:
        assert (await http.get("/readyz")).status_code == 200
        people = {person: await entered(http, person, active) for person, active in (("ana", True), ("gone", False))}
        client = {"number": "C1", "kind": "ORGANISATION", "stage": "ACTIVE", "profile": {"name": CANARY}}
        await do(http, "clientCreate", "client { id }", managerId=people["ana"], **client)
        made = {name: await new_account(http, name, 3_600) for name in ("good", "revoked")}
        await do(http, "serviceAccountRevoke", "serviceAccount { revokedAt }", id=made["revoked"][0])
        made["expired"] = await new_account(http, "expired", SHORT_SECONDS)
    await anyio.sleep(SHORT_SECONDS)
    return {name: token for name, (_, token) in made.items()}


async def entered(http: httpx2.AsyncClient, person: str, is_active: bool) -> str:
    """The id of a new relationship manager."""
    given = {"person": person, "name": person, "roles": ["relationship_manager"], "isActive": is_active}
    answer = await do(http, "managerCreate", "manager { id }", team="north", region="华东", **given)
    return str(answer["manager"]["id"])


async def new_account(http: httpx2.AsyncClient, name: str, seconds: float, **more: Any) -> tuple[str, str]:
    """Id and token of a new service account."""
    expires_at = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    given = {"name": name, "scopes": ["clients:all", "read:PUBLIC"], "expiresAt": expires_at, **more}
    answer = await do(http, "serviceAccountCreate", "serviceAccount { id } token", **given)
    return answer["serviceAccount"]["id"], answer["token"]


SPOOFED: tuple[Header, ...] = (
    ("X-Role", "administrator"),
    ("X-User", "root"),
    ("Kehu-Role", "administrator"),
    ("Cookie", "authorization=root"),
)
SPOOFED_PATH = "/graphql?role=administrator&access_token=root&person=root"


def bearer(token: str) -> tuple[Header, ...]:
    return (("Authorization", f"Bearer {token}"),) if token else SPOOFED


async def by_post(world: World, headers: tuple[Header, ...], accept: str = "application/json") -> Heard:
    async with httpx2.AsyncClient(timeout=30.0) as http:
        url = f"http://{world.address}{SPOOFED_PATH}"
        answer = await http.post(url, json={"query": QUESTION}, headers=[*headers, ("Accept", accept)])
    return answer.status_code, answer.content


async def by_stream(world: World, headers: tuple[Header, ...]) -> Heard:
    return await by_post(world, headers, "text/event-stream")


async def by_socket(world: World, headers: tuple[Header, ...]) -> Heard:
    said = b""
    async with connect(
        f"ws://{world.address}{SPOOFED_PATH}", subprotocols=[PROTOCOL], additional_headers=list(headers)
    ) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        try:
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": QUESTION}}))
            with anyio.fail_after(10):
                while b'"complete"' not in said:
                    said += str(await socket.recv()).encode()
        except ConnectionClosed as closed:
            return _code_of(closed), said + (closed.rcvd.reason if closed.rcvd else "").encode()
    return 1000, said


TRANSPORTS = {"http": by_post, "stream": by_stream, "socket": by_socket}
REFUSED = {"http": 401, "stream": 401, "socket": 4401}


def _code_of(closed: ConnectionClosed) -> int:
    return closed.rcvd.code if closed.rcvd else 0


async def closing(world: World, token: str, opened: anyio.Event) -> tuple[int, float]:
    """The close code of a socket that stays open as long as it may, and the moment."""
    async with connect(f"ws://{world.address}/graphql", subprotocols=[PROTOCOL]) as socket:
        payload = {"authorization": f"Bearer {token}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        await socket.recv()
        opened.set()
        try:
            with anyio.fail_after(20):
                await socket.recv()
        except ConnectionClosed as closed:
            return _code_of(closed), time.time()
    raise AssertionError("the socket said something")
