"""GraphQL over server-sent events."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from api.settings import Settings
from api.tokens import LocalIssuer
from tests.api.toys import SECRET, LaterQuery, Signed, edition_of, live_server, signed_app
from tests.figures import Figure

STREAM = {"accept": "text/event-stream"}


@pytest.fixture
def clock() -> list[float]:
    return [1_000_000.0]


@pytest.fixture
def served(tmp_path: Path, clock: list[float]) -> Iterator[tuple[Signed, str]]:
    signed = signed_app(tmp_path, clock=lambda: clock[0], stream_heartbeat_seconds=0.05)
    with live_server(signed.app) as address:
        yield signed, f"http://{address}/graphql"


class TestStreamOf:
    @pytest.mark.parametrize("accept", ["text/event-stream", "application/json, text/event-stream, multipart/mixed"])
    async def test_subscription(self, client: httpx2.AsyncClient, accept: str) -> None:
        query = {"query": "subscription { count(to: 2) }"}
        response = await client.post("/graphql", json=query, headers={"accept": accept})
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["kehu-edition"] == "a" * 64
        assert response.text == (
            'event: next\ndata: {"data":{"count":0}}\n\n'
            'event: next\ndata: {"data":{"count":1}}\n\n'
            "event: complete\ndata:\n\n"
        )

    async def test_query(self, client: httpx2.AsyncClient) -> None:
        response = await client.get("/graphql", params={"query": "{ hello }"}, headers=STREAM)
        assert response.text == 'event: next\ndata: {"data":{"hello":"hello you"}}\n\nevent: complete\ndata:\n\n'

    async def test_query_that_may_be_json_is_json(self, client: httpx2.AsyncClient) -> None:
        headers = {"accept": "application/json, text/event-stream"}
        response = await client.post("/graphql", json={"query": "{ hello }"}, headers=headers)
        assert response.json() == {"data": {"hello": "hello you"}}

    async def test_invalid_document(self, client: httpx2.AsyncClient) -> None:
        response = await client.post("/graphql", json={"query": "{ nothing }"}, headers=STREAM)
        assert response.status_code == 200
        assert response.text.startswith('event: next\ndata: {"errors":[')
        assert response.text.endswith("event: complete\ndata:\n\n")

    async def test_failing_source_is_masked(self, client: httpx2.AsyncClient) -> None:
        response = await client.post("/graphql", json={"query": "subscription { fails }"}, headers=STREAM)
        assert '"code":"INTERNAL"' in response.text
        assert SECRET not in response.text

    async def test_no_token(self, client: httpx2.AsyncClient) -> None:
        headers = {**STREAM, "authorization": ""}
        response = await client.post("/graphql", json={"query": "subscription { forever }"}, headers=headers)
        assert response.status_code == 401

    async def test_heartbeats_then_expiry(self, served: tuple[Signed, str], clock: list[float]) -> None:
        signed, url = served
        text = ""
        headers = {**STREAM, **signed.headers}
        async with (
            asyncio.timeout(5),
            httpx2.AsyncClient() as client,
            client.stream("POST", url, json={"query": "subscription { forever }"}, headers=headers) as response,
        ):
            async for part in response.aiter_text():
                text += part
                signed.editions.current = edition_of(LaterQuery, "b" * 64)
                if ":\n\n" in text.partition("\n\n")[2]:
                    clock[0] += 10 * 60
        assert text.startswith(f'event: next\ndata: {{"data":{{"forever":"{"a" * 64}"}}}}\n\n')
        assert '"code":"UNAUTHENTICATED"' in text
        assert text.endswith("event: complete\ndata:\n\n")

    async def test_ends_as_the_token_expires(self, tmp_path: Path, figure: Figure) -> None:
        signed = signed_app(tmp_path)
        # Its clock is behind, so that a minute of its tokens is three seconds of ours.
        late = LocalIssuer(Settings(data_dir=tmp_path), lambda: time.time() - 57)
        token = late.issue("rm-001", "auditor", None, 1)
        expires_at = late.verify(token).expires_at
        headers = {**STREAM, "authorization": f"Bearer {token}"}
        with live_server(signed.app) as address:
            async with httpx2.AsyncClient(timeout=10) as client:
                query = {"query": "subscription { forever }"}
                response = await client.post(f"http://{address}/graphql", json=query, headers=headers)
        late_by = time.time() - expires_at
        figure(f"the stream ended {late_by:.2f} s after its token expired")
        assert '"code":"UNAUTHENTICATED"' in response.text
        assert 0 <= late_by < 1
