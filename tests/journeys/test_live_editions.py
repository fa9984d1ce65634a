"""Attributes that come and go while requests and sockets are open, and between two server processes."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx2
import pytest
import uvicorn
from pymongo import MongoClient
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from api import editions
from api.app import build_app
from api.settings import Settings
from api.tokens import LocalIssuer
from catalogue.catalogue import Catalogue
from repositories.mongo import Collection
from schema.build import build_schema
from tests.figures import Figure
from tests.servers import ask, code_of, do, kehu_serve, kehu_starting, retire

ANSWERS_WITHIN_SECONDS = 2.0
WORDS = {"kind": "STRING", "label": "Motto", "description": "Words of the house."}
QUERY = '{ client(number: "E1") { profile { %s } } }'


async def define(client: httpx2.AsyncClient, key: str) -> None:
    await do(client, "attributeDefine", "attribute { path }", facet="PROFILE", key=key, **WORDS)


async def make(client: httpx2.AsyncClient, **profile: str) -> None:
    await do(client, "clientCreate", "client { id }", number="E1", kind="PERSON", profile={"name": "Li"} | profile)


class Fresh(NamedTuple):
    """A server, by two people."""

    client: httpx2.AsyncClient
    address: str
    second: httpx2.AsyncClient


@pytest.fixture
async def fresh(mongod_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fresh]:
    """A server of this process that really listens, with the address of its websocket, and two signed-in people."""
    settings = Settings(
        data_dir=tmp_path, mongodb_uri=mongod_uri, database=f"test_{uuid.uuid4().hex[:16]}", mongo_timeout_seconds=30.0
    )
    issuer = LocalIssuer(settings)
    first, other = (
        {"authorization": f"Bearer {issuer.issue(person, 'administrator', None, 60)}"}
        for person in ("admin-1", "admin-2")
    )
    async with listening(settings) as address:
        url = f"http://{address}"
        async with (
            httpx2.AsyncClient(base_url=url, headers=first, timeout=30.0) as client,
            httpx2.AsyncClient(base_url=url, headers=other, timeout=30.0) as second,
        ):
            yield Fresh(client, f"ws://{address}/graphql", second)
    with MongoClient[dict[str, object]](mongod_uri) as database:
        database.drop_database(settings.database)


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[str]:
    config = uvicorn.Config(
        build_app(settings), host="127.0.0.1", port=0, log_level="critical", lifespan="on", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done()
        await anyio.sleep(0.01)
    try:
        yield "{}:{}".format(*server.servers[0].sockets[0].getsockname())
    finally:
        server.should_exit = True
        await running


class TestOpenRequests:
    async def test_a_request_ends_on_the_edition_it_began_with(
        self, fresh: Fresh, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client, _, _ = fresh
        await define(client, "motto")
        await make(client, motto="Steel")
        first = (await client.post("/graphql", json={"query": "{ __typename }"})).headers["kehu-edition"]
        is_reading, may_go_on = anyio.Event(), anyio.Event()

        def held(name: str) -> None:
            original = getattr(Collection, name)

            async def read(self: Collection, *given: Any, **named: Any) -> Any:
                if self.name == "clients" and not is_reading.is_set():
                    is_reading.set()
                    await may_go_on.wait()
                return await original(self, *given, **named)

            monkeypatch.setattr(Collection, name, read)

        for name in ("find", "find_one", "aggregate"):
            held(name)
        answers: list[httpx2.Response] = []

        async def send() -> None:
            answers.append(await client.post("/graphql", json={"query": QUERY % "motto"}))

        async with anyio.create_task_group() as group:
            group.start_soon(send)
            with anyio.fail_after(20):
                await is_reading.wait()
            await retire(client, fresh.second, "profile.motto")
            later = await client.post("/graphql", json={"query": QUERY % "motto"})
            may_go_on.set()
        assert code_of(later) == "GRAPHQL_VALIDATION_FAILED"
        assert later.headers["kehu-edition"] != first
        assert answers[0].json() == {"data": {"client": {"profile": {"motto": "Steel"}}}}
        assert answers[0].headers["kehu-edition"] == first

    async def test_a_socket_ends_on_the_edition_it_began_with(self, fresh: Fresh) -> None:
        client, address, _ = fresh
        await define(client, "motto")
        await make(client, motto="Steel")

        async def asked(socket: Any, name: str, query: str) -> Any:
            await socket.send(json.dumps({"type": "subscribe", "id": name, "payload": {"query": query}}))
            with anyio.fail_after(20):
                found = json.loads(await socket.recv())
                if found["type"] == "next":
                    assert json.loads(await socket.recv())["type"] == "complete"
            return found

        headers = {"authorization": client.headers["authorization"]}
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(address, subprotocols=protocols, additional_headers=headers) as socket:
            await socket.send('{"type": "connection_init"}')
            begun = json.loads(await socket.recv())
            answer = {"data": {"client": {"profile": {"motto": "Steel"}}}}
            assert (await asked(socket, "1", QUERY % "motto"))["payload"] == answer
            await retire(client, fresh.second, "profile.motto")
            await define(client, "slogan")
            fresh_answer = await client.post("/graphql", json={"query": QUERY % "slogan"})
            assert fresh_answer.json() == {"data": {"client": {"profile": {"slogan": None}}}}
            assert fresh_answer.headers["kehu-edition"] != begun["payload"]["edition"]
            assert (await asked(socket, "2", QUERY % "motto"))["payload"] == answer
            assert (await asked(socket, "3", QUERY % "slogan"))["type"] == "error"
        async with connect(address, subprotocols=protocols, additional_headers=headers) as socket:
            await socket.send('{"type": "connection_init"}')
            await socket.recv()
            assert (await asked(socket, "1", QUERY % "slogan"))["type"] == "next"


class TestBadEdition:
    async def test_the_last_good_one_goes_on_answering(self, fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
        client, _, _ = fresh
        await define(client, "motto")
        await make(client, motto="Steel")
        good = (await client.post("/graphql", json={"query": "{ __typename }"})).headers["kehu-edition"]

        def refuse(_catalogue: Catalogue) -> Any:
            raise RuntimeError("no schema of this")

        monkeypatch.setattr(editions, "build_schema", refuse)
        monkeypatch.setattr(editions, "SETTLE_SECONDS", 0.5)
        await define(client, "slogan")
        answer = await client.post("/graphql", json={"query": QUERY % "motto"})
        assert answer.json() == {"data": {"client": {"profile": {"motto": "Steel"}}}}
        assert answer.headers["kehu-edition"] == good
        assert code_of(await client.post("/graphql", json={"query": QUERY % "slogan"})) == "GRAPHQL_VALIDATION_FAILED"
        assert (await client.get("/readyz")).status_code == 200
        monkeypatch.setattr(editions, "build_schema", build_schema)
        monkeypatch.setattr(editions, "SETTLE_SECONDS", 30.0)
        await define(client, "creed")
        assert await ask(client, QUERY % "slogan creed") == {"client": {"profile": {"slogan": None, "creed": None}}}


async def seconds_until(client: httpx2.AsyncClient, query: str) -> float:
    """How long until the query is valid on this server."""
    began = time.monotonic()
    with anyio.fail_after(30):
        while "errors" in (await client.post("/graphql", json={"query": query})).json():  # noqa: ASYNC110
            await anyio.sleep(0.02)
    return time.monotonic() - began


class TestTwoServers:
    async def test_both_answer_a_new_attribute_within_two_seconds(
        self, mongod_uri: str, data: Path, figure: Figure
    ) -> None:
        name = f"test_{uuid.uuid4().hex[:16]}"
        settings = {"KEHU_MONGODB_URI": mongod_uri, "KEHU_DATABASE": name}
        seconds: list[float] = []
        with kehu_starting(data, **settings) as one, kehu_serve(data, **settings) as two:
            one.wait_until_ready()
            async with one.client() as first, two.client() as second:
                await make(first)
                for number in range(4):
                    writer, reader = (first, second) if number % 2 == 0 else (second, first)
                    await define(writer, f"motto{number}")
                    seconds.append(await seconds_until(reader, QUERY % f"motto{number}"))
                    assert await seconds_until(writer, QUERY % f"motto{number}") < ANSWERS_WITHIN_SECONDS
                changes = {"profile": {"motto0": "Steel"}}
                client = (await ask(second, '{ client(number: "E1") { id } }'))["client"]["id"]
                await do(second, "clientChange", "client { version }", id=client, changes=changes)
                assert await ask(first, QUERY % "motto0") == {"client": {"profile": {"motto0": "Steel"}}}
                heads = [await each.post("/graphql", json={"query": "{ __typename }"}) for each in (first, second)]
                assert len({each.headers["kehu-edition"] for each in heads}) == 1
                page = "{ clients(first: 1, orderBy: [{field: PROFILE_NAME}]%s) { pageInfo { endCursor } } }"
                cursor = (await ask(first, page % ""))["clients"]["pageInfo"]["endCursor"]
                behind = await ask(second, page % f', after: "{cursor}"')
                assert behind == {"clients": {"pageInfo": {"endCursor": None}}}
        with MongoClient[dict[str, object]](mongod_uri) as database:
            database.drop_database(name)
        figure("seconds until the other server answers: " + ", ".join(f"{each:.2f}" for each in seconds))
        # three of four, because a machine that runs everybody's tests may stop for a second
        assert sorted(seconds)[2] < ANSWERS_WITHIN_SECONDS
