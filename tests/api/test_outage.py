"""A database that does not answer is HTTP 503 at every door, and after a while at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

import api.app as module
from api.app import Application, build_app
from api.settings import Settings
from api.tokens import LocalIssuer
from repositories.errors import Unavailable
from repositories.mongo.memory import MemoryCollection

MUTATION = 'mutation { clientCreate(input: { number: "X", kind: PERSON, profile: { name: "X" } }) { errors { code } } }'
DEFINITION = (
    'mutation { attributeDefine(input: { facet: PROFILE, key: "x", kind: STRING, label: "X" }) { errors { code } } }'
)


class Away:
    """A served book whose database goes away and comes back."""

    def __init__(self, app: Application, http: httpx2.AsyncClient, patch: pytest.MonkeyPatch) -> None:
        self.app = app
        self.http = http
        self._patch = patch
        self.asked = 0

    async def ask(self, query: str, path: str = "/graphql") -> httpx2.Response:
        return await self.http.post(path, json={"query": query})

    def goes(self) -> None:
        async def silent(*_: object, **__: object) -> None:
            self.asked += 1
            raise Unavailable

        for name in ("find", "find_one", "aggregate", "count", "bulk_write", "find_one_and_update", "insert_one"):
            if hasattr(MemoryCollection, name):
                self._patch.setattr(MemoryCollection, name, silent)
        self._patch.setattr(type(self.app.server.store), "ping", silent)

    def comes_back(self) -> None:
        self._patch.undo()


@pytest.fixture
async def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Away]:
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(module, "AWAY_SECONDS", 0.2)
    settings = Settings(mongodb_driver="memory", demo=3, data_dir=tmp_path)
    app = build_app(settings)
    assert isinstance(app, Application)
    token = LocalIssuer(settings).issue("root", "administrator", None, 60)
    async with app.router.lifespan_context(app):
        http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url="http://kehu.test",
            headers={"authorization": f"Bearer {token}"},
        )
        with pytest.MonkeyPatch.context() as patch:
            yield Away(app, http, patch)
        await http.aclose()


def seen(answer: httpx2.Response) -> tuple[int, str, bool]:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"], "retry-after" in answer.headers


async def until(book: Away, *, is_away: bool) -> None:
    async with asyncio.timeout(10):
        while book.app.server.is_away is not is_away:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


AWAY = (503, "UNAVAILABLE", True)


class TestOutage:
    @pytest.mark.parametrize(
        "query",
        [
            "{ clients(first: 1) { totalCount } }",
            '{ client(number: "K000001") { number } }',
            "{ a: clients(first: 1) { totalCount } b: managers(first: 1) { totalCount } }",
            '{ node(id: "cl_1") { id } }',
            MUTATION,
            DEFINITION,
        ],
    )
    async def test_is_503_whatever_was_asked(self, book: Away, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "AWAY_SECONDS", 60.0)
        assert (await book.ask("{ clients(first: 1) { totalCount } }")).status_code == 200
        book.goes()
        assert seen(await book.ask(query)) == AWAY

    async def test_after_a_while_nobody_waits_and_the_token_is_not_looked_at(self, book: Away) -> None:
        book.goes()
        await until(book, is_away=True)
        before = book.asked
        began = time.process_time()
        answers = [await book.ask("{ clients(first: 1) { totalCount } }") for _ in range(20)]
        assert {seen(answer) for answer in answers} == {AWAY}
        assert (await book.http.get("/schema.graphql")).status_code == 503
        assert (await book.http.post("/graphql", content=b"x", headers={"authorization": "no"})).status_code == 503
        assert time.process_time() - began < 5
        # Only the watch goes on asking.
        assert book.asked - before < 20
        assert (await book.http.get("/healthz")).status_code == 200
        assert (await book.http.get("/readyz")).status_code == 503
        book.comes_back()
        await until(book, is_away=False)
        assert (await book.ask("{ clients(first: 1) { totalCount } }")).status_code == 200

    async def test_a_short_silence_refuses_nobody_in_advance(self, book: Away, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "AWAY_SECONDS", 60.0)
        book.goes()
        await asyncio.sleep(0.2)
        assert not book.app.server.is_away
