"""What may run, and for how long: the same by HTTP, event stream and websocket."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect

from api.settings import Settings
from api.tokens import LocalIssuer
from tests.api.test_websocket import PROTOCOL, close_code, heard, opened, say, subscribe
from tests.api.toys import Signed, live_server, signed_app
from tests.figures import Figure
from tests.served import Served, served

GRAPHQL = "application/graphql-response+json"
DEAR = "{ clients(first: 200) { totalCount nodes { number interactions(first: 50) { nodes { at } } } } }"
IDS = 1_000


def client_of(signed: Signed) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=signed.app)
    return httpx2.AsyncClient(transport=transport, base_url="http://kehu.test", headers=signed.headers)


async def ask(client: httpx2.AsyncClient, query: str, accept: str = GRAPHQL, **more: Any) -> httpx2.Response:
    return await client.post("/graphql", json={"query": query, **more}, headers={"accept": accept})


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    body = answer.json()
    assert "data" not in body
    (error,) = body["errors"]
    found: dict[str, Any] = error
    return found


class TestCost:
    @pytest.fixture
    async def book(self, tmp_path: Path) -> AsyncIterator[Served]:
        async with served(tmp_path, clients=5) as running:
            yield running

    async def test_what_is_too_dear_does_not_run(self, book: Served) -> None:
        answer = await ask(book.client, DEAR)
        assert answer.status_code == 400
        error = error_of(answer)
        cost = 10_200 + 10_201 / 100 + 100
        assert error["extensions"] == {
            "code": "TOO_EXPENSIVE",
            "cost": cost,
            "limit": 5_000,
            "dearest": "clients.nodes.interactions",
            "page": "/docs/errors/TOO_EXPENSIVE",
        }
        figures = "costs 10,402.01 (10,200 documents + 10,201 leaves / 100 + 1 x 100 for scans); the limit is 5,000"
        assert figures in error["message"]
        assert "Most of it is read for clients.nodes.interactions." in error["message"]

    async def test_by_event_stream(self, book: Served) -> None:
        answer = await ask(book.client, DEAR, "text/event-stream")
        (line,) = [each[6:] for each in answer.text.splitlines() if each.startswith("data: ")]
        assert json.loads(line)["errors"][0]["extensions"]["code"] == "TOO_EXPENSIVE"

    async def test_follows_the_variables(self, book: Served) -> None:
        query = DEAR.replace("{ clients(first: 200)", "query($n: Int!) { clients(first: $n)", 1)
        codes = [(await ask(book.client, query, variables={"n": n})).status_code for n in (10, 200, 10, 199, 1)]
        assert codes == [200, 400, 200, 400, 200]

    async def test_before_anything_is_compiled(self, book: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        called: list[object] = []
        monkeypatch.setattr("api.answers._compiled", lambda *given: called.append(given))
        assert (await ask(book.client, DEAR)).status_code == 400
        assert called == []

    async def test_the_limit_is_told(self, book: Served) -> None:
        found = await book.ask("{ clients(first: 5) { nodes { number } } }", None, {"cost": True})
        cost = found["extensions"]["cost"]
        assert (cost["cost"], cost["limit"]) == (5.05, 5_000)

    async def test_a_filter_that_no_index_serves_is_dearer(self, book: Served) -> None:
        costs = {}
        for where in (
            'number: { startsWith: "K" }',
            'profile: { name: { startsWith: "a" } }',
            'behaviour: { financials: { auditor: { gte: "a" } } }',
            'behaviour: { financials: { auditor: { gte: "a" } } }, number: { eq: "K" }',
            'or: [{ number: { eq: "K" } }, { behaviour: { financials: { auditor: { eq: "a" } } } }]',
        ):
            query = f"{{ clients(first: 5, where: {{ {where} }}) {{ nodes {{ number }} }} }}"
            costs[where] = (await book.ask(query, None, {"cost": True}))["extensions"]["cost"]["cost"]
        assert list(costs.values()) == [5.05, 5.05, 105.05, 5.05, 105.05]

    async def test_of_a_minute(self, tmp_path: Path) -> None:
        async with served(tmp_path, clients=5, cost_per_minute=50) as running:
            query = "{ clients(first: 10) { nodes { number } } }"
            answers = [await ask(running.client, query) for _ in range(6)]
        assert [each.status_code for each in answers] == [200, 200, 200, 200, 429, 429]
        assert error_of(answers[-1])["extensions"]["code"] == "RATE_LIMITED"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


class TestLookups:
    """A thousand guesses, ten in a request."""

    async def test_at_most_three_hundred_are_answered(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, figure: Figure
    ) -> None:
        answered, statuses = 0, set()
        async with served(tmp_path, clients=5) as running:
            with caplog.at_level(logging.WARNING, "kehu.limits"):
                for start in range(0, IDS, 10):
                    looks = (f'a{at}: client(id: "cl_{at:024x}") {{ number }}' for at in range(start, start + 10))
                    answer = await ask(running.client, f"{{ {' '.join(looks)} }}")
                    statuses.add(answer.status_code)
                    answered += len(answer.json().get("data") or {})
            # Whoever guessed is not told of what there is either, and sees the lists as before.
            held = await ask(running.client, '{ client(number: "K000001") { number } }')
            listed = await ask(running.client, "{ clients(first: 1) { nodes { number } } }")
        figure(f"look-ups: {answered} of {IDS} guesses answered")
        assert answered == 300
        assert statuses == {200, 429}
        assert (held.status_code, listed.status_code) == (429, 200)
        assert [getattr(each, "alert", None) for each in caplog.records] == ["rate_limited"]

    @pytest.mark.parametrize(
        "query",
        [
            '{ client(number: "X%d") { number } }',
            '{ node(id: "mg_%024x") { id } }',
            '{ nodes(ids: ["cl_%024x"]) { id } }',
            '{ manager(id: "mg_%024x") { name } }',
            '{ approval(id: "ap_%024x") { id } }',
            'mutation { clientChange(input: {id: "cl_%024x", changes: {attitude: {nps: 1}}}) { errors { code } } }',
        ],
    )
    async def test_every_way_to_try_an_id_is_counted(self, tmp_path: Path, query: str) -> None:
        async with served(tmp_path, clients=1, missed_lookups_per_minute=3) as running:
            answers = [(await ask(running.client, query % at)).json() for at in range(4)]
        codes = [each["errors"][0]["extensions"]["code"] for each in answers if "errors" in each]
        assert codes == ["RATE_LIMITED"]

    async def test_numbers_that_are_taken_are_counted(self, tmp_path: Path) -> None:
        """Of a client that is another's they tell that it is there; the rows of one request are one try each."""
        token = LocalIssuer(Settings(data_dir=tmp_path)).issue("ana", "relationship_manager", None, 5)
        headers = {"authorization": f"Bearer {token}"}
        rows = ", ".join(f'{{number: "K00000{at}", kind: PERSON, profile: {{name: "A"}}}}' for at in (1, 2, 3, 4))
        many = (
            f"mutation {{ clientsUpsert(input: {{clients: [{rows}]}}) {{ report {{ refused }} errors {{ code }} }} }}"
        )
        given = '{number: "K000001", kind: PERSON, profile: {name: "A"}}'
        one = f"mutation {{ clientCreate(input: {given}) {{ errors {{ code }} }} }}"
        async with served(tmp_path, clients=4, missed_lookups_per_minute=3) as running:
            post = running.client.post
            answers = [await post("/graphql", json={"query": each}, headers=headers) for each in (many, one)]
        first, second = (each.json() for each in answers)
        assert first["data"]["clientsUpsert"] == {"report": {"refused": 4}, "errors": [{"code": "ALREADY_EXISTS"}] * 4}
        assert second["errors"][0]["extensions"]["code"] == "RATE_LIMITED"

    async def test_what_is_found_is_not(self, tmp_path: Path) -> None:
        async with served(tmp_path, clients=1, missed_lookups_per_minute=1) as running:
            answers = [await running.ask('{ client(number: "K000001") { number } }') for _ in range(5)]
        assert answers == [{"data": {"client": {"number": "K000001"}}}] * 5


class TestDeadline:
    async def test_of_a_query(self, tmp_path: Path) -> None:
        async with client_of(signed_app(tmp_path, operation_seconds=0.1)) as client:
            answer = await ask(client, "{ slow(seconds: 5) }")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            error = error_of(answer)
            assert error["extensions"]["code"] == "UNAVAILABLE"
            assert "took longer than 0.1 s. Ask for less" in error["message"]
            assert (await ask(client, "{ slow(seconds: 0) }")).json() == {"data": {"slow": "done"}}

    async def test_of_a_mutation_nobody_is_left_in_doubt(self, tmp_path: Path) -> None:
        async with client_of(signed_app(tmp_path, operation_seconds=0.1)) as client:
            error = error_of(await ask(client, "mutation { slowPing(seconds: 5) }"))
        assert "is not known: send it again with the same idempotencyKey" in error["message"]

    async def test_not_of_a_subscription(self, tmp_path: Path) -> None:
        signed = signed_app(tmp_path, operation_seconds=0.1)
        with live_server(signed.app) as address:
            async with opened(address, signed.token) as socket:
                await subscribe(socket, "1", "subscription { forever }")
                assert (await heard(socket))["type"] == "next"
                await asyncio.sleep(0.4)
                await subscribe(socket, "2", "{ slow(seconds: 5) }")
                message = await heard(socket)
                assert (message["id"], message["type"]) == ("2", "error")
                assert message["payload"][0]["extensions"]["code"] == "UNAVAILABLE"


class TestRoom:
    async def test_what_is_too_much_is_refused_at_once(self, tmp_path: Path) -> None:
        signed = signed_app(tmp_path, interactive_operations=2, waiting_operations=1)
        async with client_of(signed) as client:
            answers = await asyncio.gather(*(ask(client, "{ slow(seconds: 0.3) }") for _ in range(6)))
            codes = sorted(each.status_code for each in answers)
            assert codes == [200, 200, 200, 503, 503, 503]
            refused = next(each for each in answers if each.status_code == 503)
            assert refused.headers["retry-after"] in {"1", "2", "3"}
            assert error_of(refused)["extensions"]["code"] == "UNAVAILABLE"
            assert (await ask(client, "{ slow(seconds: 0) }")).status_code == 200

    async def test_slow_bulk_does_not_hold_up_the_rest(self, tmp_path: Path, figure: Figure) -> None:
        """Twelve long ones on two places: interactive ones take no longer."""
        signed = signed_app(tmp_path, bulk_operations=2, waiting_operations=4, waiting_seconds=0.5)
        long = "mutation { slowPing(seconds: 1) clientsUpsert(rows: []) }"
        async with client_of(signed) as client:
            loop = asyncio.get_running_loop()
            bulk = [asyncio.create_task(ask(client, long)) for _ in range(12)]
            await asyncio.sleep(0.05)
            took = []
            for _ in range(100):
                began = loop.time()
                assert (await ask(client, "{ slow(seconds: 0.001) }")).status_code == 200
                took.append(loop.time() - began)
            codes = sorted(each.status_code for each in await asyncio.gather(*bulk))
        figure(f"bulk beside interactive: p99 {sorted(took)[98] * 1000:.0f} ms, {codes.count(503)} of 12 refused")
        # One that waited for a bulk one would take its second.
        assert sorted(took)[98] < 0.9
        assert codes == [200] * 2 + [503] * 10

    async def test_a_place_comes_back_however_it_ends(self, tmp_path: Path) -> None:
        signed = signed_app(tmp_path, interactive_operations=1, waiting_operations=0, operation_seconds=0.1)
        async with client_of(signed) as client:
            for query in ("{ must }", "{ slow(seconds: 5) }", "{ hello }", "query($n: Int!) { slow(seconds: $n) }"):
                await ask(client, query)
            task = asyncio.create_task(ask(client, "{ slow(seconds: 5) }"))
            await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert (await ask(client, "{ hello }")).status_code == 200

    async def test_a_subscription_keeps_its_place(self, tmp_path: Path) -> None:
        signed = signed_app(tmp_path, stream_operations=1, waiting_operations=0)
        with live_server(signed.app) as address:
            async with opened(address, signed.token) as socket:
                await subscribe(socket, "1", "subscription { forever }")
                assert (await heard(socket))["type"] == "next"
                await subscribe(socket, "2", "subscription { forever }")
                message = await heard(socket)
                assert (message["id"], message["payload"][0]["extensions"]["code"]) == ("2", "UNAVAILABLE")
                await say(socket, id="1", type="complete")
                await subscribe(socket, "3", "subscription { forever }")
                assert (await heard(socket))["type"] == "next"


class TestSockets:
    @pytest.fixture
    def live(self, tmp_path: Path) -> Iterator[tuple[Signed, str]]:
        signed = signed_app(tmp_path)
        with live_server(signed.app) as address:
            yield signed, address

    async def test_five_of_one_person(self, live: tuple[Signed, str]) -> None:
        signed, address = live
        other = signed.issuer.issue("rm-002", "relationship_manager", None, 10)
        sockets = [await connect(f"ws://{address}/graphql", subprotocols=[PROTOCOL]) for _ in range(6)]
        for socket in sockets:
            await say(socket, type="connection_init", payload={"authorization": f"Bearer {signed.token}"})
            if socket is not sockets[5]:
                assert (await heard(socket))["type"] == "connection_ack"
        assert await close_code(sockets[5]) == 1013
        async with opened(address, other):
            pass
        await sockets[0].close()
        await asyncio.sleep(0.1)
        async with opened(address, signed.token):
            pass
        for socket in sockets:
            await socket.close()
