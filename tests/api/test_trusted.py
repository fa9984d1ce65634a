"""Documents that a server trusts, in its four modes."""

import logging
import string
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from graphql import GraphQLError

from api.errors import HttpRefusal
from api.execution import text_digest
from api.settings import Settings
from api.trusted import ENTRIES_KEPT, FRESH_SECONDS, TrustedDocuments, digest_of, normal_form
from repositories.errors import Unavailable
from tests.api.test_websocket import heard, opened, say
from tests.api.toys import Signed, live_server, signed_app
from tests.figures import Figure

COUNT = 50


class Shelf:
    """Registered documents, and how often they were looked for."""

    def __init__(self, settings: Settings, texts: list[str]) -> None:
        self.texts: dict[str, str] = {}
        self.asked: list[str] = []
        self.is_away = False
        for text in texts:
            self.texts[digest_of(normal_form(text, settings))] = normal_form(text, settings)

    async def find(self, key: str) -> str | None:
        self.asked.append(key)
        if self.is_away:
            raise Unavailable
        return self.texts.get(key)


@pytest.fixture
def registered() -> list[str]:
    return [f'query Q{at} {{ hello(name: "name{at}") person }}' for at in range(COUNT)]


@pytest.fixture
def shelf(tmp_path: Path, registered: list[str]) -> Shelf:
    return Shelf(Settings(data_dir=tmp_path), registered)


def trusted(tmp_path: Path, shelf: Shelf, now: list[float]) -> TrustedDocuments:
    return TrustedDocuments(Settings(data_dir=tmp_path, trusted_documents="enforce"), shelf.find, lambda: now[0])


def client_of(signed: Signed) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=signed.app)
    return httpx2.AsyncClient(transport=transport, base_url="http://kehu.test", headers=signed.headers)


async def ask(client: httpx2.AsyncClient, **body: Any) -> httpx2.Response:
    return await client.post("/graphql", json=body, headers={"accept": "application/graphql-response+json"})


def code(answer: httpx2.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


def one_byte_changes(texts: list[str]) -> Iterator[str]:
    """Each document with one letter or digit exchanged."""
    random = Random(7)
    for text in texts:
        at = random.choice([place for place, each in enumerate(text) if each in string.ascii_letters + string.digits])
        other = random.choice([each for each in string.ascii_letters if each != text[at]])
        yield text[:at] + other + text[at + 1 :]


class TestNormalForm:
    def test_is_the_same_however_it_is_written(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path)
        first = normal_form('query A{hello(name:"x"),person}', settings)
        assert first == normal_form('# why\nquery A {\n  hello(name: "x")\n  person\n}\n', settings)
        assert first != normal_form('query A{hello(name:"X"),person}', settings)

    def test_of_what_is_no_document(self, tmp_path: Path) -> None:
        with pytest.raises(GraphQLError):
            normal_form("{", Settings(data_dir=tmp_path))


class TestModes:
    """Fifty documents that are not registered, and fifty that differ from registered ones by a byte."""

    @pytest.fixture
    def foreign(self, registered: list[str]) -> list[str]:
        return [f"query X{at} {{ edition }}" for at in range(COUNT)] + list(one_byte_changes(registered))

    async def test_enforce(
        self, tmp_path: Path, shelf: Shelf, registered: list[str], foreign: list[str], figure: Figure
    ) -> None:
        signed = signed_app(tmp_path, trusted_documents="enforce", find_document=shelf.find)
        async with client_of(signed) as client:
            own = [await ask(client, query=each) for each in registered]
            refused = [await ask(client, query=each) for each in foreign]
        figure(f"trusted documents: {sum(each.status_code == 400 for each in refused)} of {len(foreign)} refused")
        assert {each.status_code for each in own} == {200}
        assert [(each.status_code, code(each)) for each in refused] == [(400, "DOCUMENT_NOT_REGISTERED")] * 2 * COUNT

    async def test_log(
        self,
        tmp_path: Path,
        shelf: Shelf,
        registered: list[str],
        foreign: list[str],
        caplog: pytest.LogCaptureFixture,
        figure: Figure,
    ) -> None:
        signed = signed_app(tmp_path, trusted_documents="log", find_document=shelf.find)
        with caplog.at_level(logging.WARNING, "kehu.documents"):
            async with client_of(signed) as client:
                for each in (*registered, *foreign, *foreign):
                    answer = await ask(client, query=each)
                    assert answer.status_code in (200, 400)
                    assert "DOCUMENT_NOT_REGISTERED" not in answer.text
        digests = [getattr(each, "digest", None) for each in caplog.records]
        figure(f"trusted documents: {len(set(digests))} of {len(foreign)} logged")
        assert len(digests) == len(set(digests)) == len(set(foreign))

    async def test_id_only(self, tmp_path: Path, shelf: Shelf, registered: list[str]) -> None:
        signed = signed_app(tmp_path, trusted_documents="id-only", find_document=shelf.find)
        digest = next(iter(shelf.texts))
        async with client_of(signed) as client:
            assert code(await ask(client, query=registered[0])) == "DOCUMENT_NOT_REGISTERED"
            answer = await ask(client, documentId=f"sha256:{digest}")
        assert answer.json()["data"]["person"] == "rm-001"

    async def test_off(self, tmp_path: Path, shelf: Shelf, registered: list[str]) -> None:
        signed = signed_app(tmp_path, find_document=shelf.find)
        async with client_of(signed) as client:
            assert (await ask(client, query="{ edition }")).status_code == 200
            assert shelf.asked == []
            assert (await ask(client, documentId=next(iter(shelf.texts)))).status_code == 200

    @pytest.mark.parametrize("query", ["{ __schema { types { name } } }", "{", "{ nothing }", "mutation { ping }"])
    async def test_enforce_says_nothing_of_the_schema(self, tmp_path: Path, shelf: Shelf, query: str) -> None:
        signed = signed_app(tmp_path, trusted_documents="enforce", find_document=shelf.find)
        async with client_of(signed) as client:
            assert code(await ask(client, query=query)) == "DOCUMENT_NOT_REGISTERED"


class TestDocumentId:
    @pytest.mark.parametrize("document_id", ["", "sha256:", "nobody", "x" * 10_000, "$ne"])
    async def test_unknown(self, tmp_path: Path, shelf: Shelf, document_id: str) -> None:
        async with client_of(signed_app(tmp_path, find_document=shelf.find)) as client:
            assert code(await ask(client, documentId=document_id)) == "DOCUMENT_NOT_REGISTERED"

    @pytest.mark.parametrize("body", [{"documentId": 1}, {"documentId": {}}, {"documentId": "a", "query": "{ hello }"}])
    async def test_malformed(self, tmp_path: Path, body: dict[str, Any]) -> None:
        async with client_of(signed_app(tmp_path)) as client:
            assert code(await ask(client, **body)) == "BAD_REQUEST"

    async def test_a_hash_with_a_text_registers_nothing(self, tmp_path: Path, shelf: Shelf) -> None:
        """What Apollo calls automatic persisted queries is not served."""
        signed = signed_app(tmp_path, trusted_documents="enforce", find_document=shelf.find)
        digest = text_digest("{ edition }")
        more = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
        async with client_of(signed) as client:
            assert code(await ask(client, query="{ edition }", extensions=more)) == "DOCUMENT_NOT_REGISTERED"
            assert code(await ask(client, documentId=digest)) == "DOCUMENT_NOT_REGISTERED"

    async def test_by_get(self, tmp_path: Path, shelf: Shelf) -> None:
        async with client_of(signed_app(tmp_path, find_document=shelf.find)) as client:
            answer = await client.get("/graphql", params={"documentId": next(iter(shelf.texts))})
        assert answer.json()["data"]["person"] == "rm-001"

    async def test_by_websocket(self, tmp_path: Path, shelf: Shelf) -> None:
        signed = signed_app(tmp_path, trusted_documents="id-only", find_document=shelf.find)
        with live_server(signed.app) as address:
            async with opened(address, signed.token) as socket:
                await say(socket, id="1", type="subscribe", payload={"documentId": next(iter(shelf.texts))})
                assert (await heard(socket))["payload"]["data"]["person"] == "rm-001"
                await heard(socket)
                await say(socket, id="2", type="subscribe", payload={"query": "{ edition }"})
                message = await heard(socket)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "DOCUMENT_NOT_REGISTERED")


class TestKept:
    async def test_learns_within_two_seconds(self, tmp_path: Path, shelf: Shelf) -> None:
        now = [0.0]
        made = trusted(tmp_path, shelf, now)
        with pytest.raises(HttpRefusal):
            await made.check("{ edition }", "ana")
        shelf.texts[digest_of("{\n  edition\n}")] = "{ edition }"
        now[0] += FRESH_SECONDS
        await made.check("{ edition }", "ana")
        shelf.texts.clear()
        now[0] += FRESH_SECONDS
        with pytest.raises(HttpRefusal):
            await made.check("{ edition }", "ana")
        assert FRESH_SECONDS < 2

    async def test_is_asked_for_once_in_a_while(self, tmp_path: Path, shelf: Shelf, registered: list[str]) -> None:
        made = trusted(tmp_path, shelf, [0.0])
        for _ in range(5):
            await made.check(registered[0], "ana")
            with pytest.raises(HttpRefusal):
                await made.check("{ edition }", "ana")
        assert len(shelf.asked) == 2

    async def test_goes_on_while_the_database_is_away(
        self, tmp_path: Path, shelf: Shelf, registered: list[str]
    ) -> None:
        now = [0.0]
        made = trusted(tmp_path, shelf, now)
        await made.check(registered[0], "ana")
        shelf.is_away = True
        now[0] += 60
        await made.check(registered[0], "ana")
        with pytest.raises(Unavailable):
            await made.check(registered[1], "ana")

    async def test_what_is_not_registered_takes_little_room(self, tmp_path: Path, shelf: Shelf) -> None:
        made = trusted(tmp_path, shelf, [0.0])
        for at in range(ENTRIES_KEPT + 500):
            with pytest.raises(HttpRefusal):
                await made.text_of(f"guess{at}")
        assert len(made._known) == ENTRIES_KEPT
        assert all(each.text is None for each in made._known.values())
