"""`extensions: {"cost": true}`: on every way that GraphQL is served, and only where it is asked for."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.api.toys import Signed, live_server, signed_app
from tests.house_rules import ROOT
from tests.served import Served, served

QUERY = "{ hello person }"
DATA = {"hello": "hello you", "person": "rm-001"}
WANTED = {"cost": True}
COST = {"cost": {"cost": 0.02, "limit": 5_000, "documents": 0, "leaves": 2, "commands": 0, "plan": []}}
ANSWER = {"data": DATA, "extensions": COST}
PAGE = """query Page($n: Int!) {
  clients(first: $n, orderBy: [{ field: DERIVED_CLIENT_VALUE }]) {
    totalCount
    nodes { number kind stage version profile { name } manager { name } }
  }
}"""


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, clients=5) as running:
        yield running


class TestPost:
    async def test_beside_the_data(self, client: httpx2.AsyncClient) -> None:
        response = await client.post("/graphql", json={"query": QUERY, "extensions": WANTED})
        assert response.json() == ANSWER

    @pytest.mark.parametrize("extensions", [None, {}, {"cost": False}, {"cost": "true"}, {"cost": 1}, {"other": True}])
    async def test_only_where_it_is_asked_for(self, client: httpx2.AsyncClient, extensions: object) -> None:
        response = await client.post("/graphql", json={"query": QUERY, "extensions": extensions})
        assert response.json() == {"data": DATA}

    async def test_of_the_operation_that_runs(self, client: httpx2.AsyncClient) -> None:
        query = "query A { hello } query B { hello person edition }"
        body = {"query": query, "operationName": "B", "extensions": WANTED}
        response = await client.post("/graphql", json=body)
        assert response.json()["extensions"]["cost"]["leaves"] == 3

    async def test_of_a_mutation(self, client: httpx2.AsyncClient) -> None:
        response = await client.post("/graphql", json={"query": "mutation { ping }", "extensions": WANTED})
        assert response.json()["extensions"]["cost"]["cost"] == 0.01

    async def test_beside_the_errors_of_fields(self, client: httpx2.AsyncClient) -> None:
        response = await client.post("/graphql", json={"query": "{ hello broken }", "extensions": WANTED})
        assert response.json()["extensions"] == COST
        assert [each["path"] for each in response.json()["errors"]] == [["broken"]]

    @pytest.mark.parametrize(
        ("query", "variables"),
        [("{ nothing }", None), ("query($n: String!) { hello(name: $n) }", {"n": 1})],
    )
    async def test_not_where_nothing_runs(self, client: httpx2.AsyncClient, query: str, variables: object) -> None:
        body = {"query": query, "variables": variables, "extensions": WANTED}
        response = await client.post("/graphql", json=body)
        assert response.json().keys() == {"errors"}


class TestGet:
    async def test_in_the_query_string(self, client: httpx2.AsyncClient) -> None:
        response = await client.get("/graphql", params={"query": QUERY, "extensions": '{"cost": true}'})
        assert response.json() == ANSWER


class TestEventStream:
    async def test_of_a_query(self, client: httpx2.AsyncClient) -> None:
        headers = {"accept": "text/event-stream"}
        response = await client.post("/graphql", json={"query": QUERY, "extensions": WANTED}, headers=headers)
        (line,) = [each for each in response.text.splitlines() if each.startswith("data: ")]
        assert json.loads(line.removeprefix("data: ")) == ANSWER

    async def test_of_a_subscription_with_every_event(self, client: httpx2.AsyncClient) -> None:
        headers = {"accept": "text/event-stream"}
        body = {"query": "subscription { count(to: 2) }", "extensions": WANTED}
        response = await client.post("/graphql", json=body, headers=headers)
        events = [json.loads(each[6:]) for each in response.text.splitlines() if each.startswith("data: ")]
        assert [each["data"]["count"] for each in events] == [0, 1]
        assert [each["extensions"]["cost"]["cost"] for each in events] == [0.01, 0.01]


class TestWebsocket:
    @pytest.fixture
    def live(self, tmp_path: Path) -> Iterator[tuple[Signed, str]]:
        signed = signed_app(tmp_path)
        with live_server(signed.app) as address:
            yield signed, address

    async def test_in_the_message(self, live: tuple[Signed, str]) -> None:
        signed, address = live
        async with connect(f"ws://{address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            authorization = f"Bearer {signed.token}"
            await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": authorization}}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            payload = {"query": QUERY, "extensions": WANTED}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            assert json.loads(await socket.recv()) == {"id": "1", "type": "next", "payload": ANSWER}


class TestPlan:
    async def test_of_the_documentation(self, book: Served) -> None:
        text = (ROOT / "docs" / "graphql.md").read_text("utf-8").partition("## What a query costs\n")[2]
        question, answer = (text.partition(f"```{each}\n")[2].partition("```")[0] for each in ("graphql", "json"))
        found = await book.ask(question, {}, {"cost": True})
        assert found["extensions"]["cost"] == json.loads(answer)

    async def test_of_the_book(self, book: Served) -> None:
        found: dict[str, Any] = await book.ask(PAGE, {"n": 50}, {"cost": True})
        assert len(found["data"]["clients"]["nodes"]) == 5
        row = {"documents": 50, "commands": 1}
        index = "order_derived.clientValue"
        total = {"field": "clients.totalCount", "reads": "clients", "documents": 0, "commands": 1, "index": None}
        assert found["extensions"]["cost"] == {
            "cost": 203.01,
            "limit": 5_000,
            "documents": 100,
            "leaves": 301,
            "commands": 3,
            "scans": 1,
            "plan": [
                {"field": "clients", "reads": "clients", **row, "index": index},
                {**total, "scans": True},
                {"field": "clients.nodes.manager", "reads": "managers", **row, "index": "_id_"},
            ],
        }

    async def test_follows_the_variables(self, book: Served) -> None:
        costs = [(await book.ask(PAGE, {"n": n}, {"cost": True}))["extensions"]["cost"]["documents"] for n in (1, 7)]
        assert costs == [2, 14]

    async def test_beside_a_page_that_is_refused(self, book: Served) -> None:
        found = await book.ask(PAGE, {"n": 900}, {"cost": True})
        assert found["errors"][0]["extensions"]["code"] == "PAGE_SIZE"
        assert found["extensions"]["cost"]["documents"] == 1_800
