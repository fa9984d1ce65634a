"""The audit on a real mongod: a failing insert, the rights of the documented role, kills and restarts."""

import asyncio
import json
import random
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from re import DOTALL, search
from typing import Any

import anyio
import httpx2
import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure
from typer.testing import CliRunner

from api import cli
from api.app import build_app
from api.settings import Settings
from api.tokens import LocalIssuer
from repositories.embedded import EmbeddedError, EmbeddedMongod
from repositories.embedded.binary import find_mongod
from tests.figures import Figure
from tests.house_rules import ROOT
from tests.servers import ask, kehu_serve

PAGE = "{ clients(first: 2) { nodes { number profile { name } } } }"
Client = AsyncMongoClient[dict[str, Any]]


@pytest.fixture(scope="module")
def failing_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A mongod that can be told to fail."""
    arguments = ("--setParameter", "enableTestCommands=1")
    mongod = EmbeddedMongod(tmp_path_factory.mktemp("failing"), cache_gb=0.25, extra_arguments=arguments)
    try:
        uri = anyio.run(mongod.start)
    except EmbeddedError as error:
        pytest.skip(f"no mongod: {error}")
    yield uri
    anyio.run(mongod.stop)


@pytest.fixture
async def admin(failing_mongod: str) -> AsyncIterator[Client]:
    client: Client = AsyncMongoClient(failing_mongod)
    yield client
    await client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    await client.close()


class TestFailingInsert:
    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param({"errorCode": 13}, id="unauthorised"),
            pytest.param({"errorCode": 112}, id="write conflict"),
            pytest.param({"errorCode": 91}, id="shutting down", marks=pytest.mark.long),
            pytest.param({"closeConnection": True}, id="connection lost", marks=pytest.mark.long),
        ],
    )
    async def test_no_answer_without_its_entry(
        self, failing_mongod: str, admin: Client, tmp_path: Path, fault: dict[str, Any]
    ) -> None:
        database = f"test_{uuid.uuid4().hex[:12]}"
        settings = Settings(mongodb_uri=failing_mongod, database=database, demo=20, data_dir=tmp_path, audit="strict")
        app = build_app(settings)
        headers = {"authorization": f"Bearer {LocalIssuer(settings).issue('ana', 'administrator', None, 10)}"}
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app), base_url="http://kehu.test", headers=headers
            ) as http,
        ):
            whole = await http.post("/graphql", json={"query": PAGE})
            assert whole.status_code == 200
            what = {"failCommands": ["insert"], "namespace": f"{database}.audit", **fault}
            await admin.admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": what})
            refused = await asyncio.gather(*(http.post("/graphql", json={"query": PAGE}) for _ in range(10)))
            assert {each.status_code for each in refused} == {503}
            assert {each.json()["errors"][0]["extensions"]["code"] for each in refused} == {"UNAVAILABLE"}
            assert not [each for each in refused if "K0000" in each.text or "data" in each.json()]
            await admin.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
            again = await http.post("/graphql", json={"query": PAGE})
            assert again.json() == whole.json()
        await admin.drop_database(database)


def documented_role() -> dict[str, Any]:
    """The role that docs/operations.md gives, as a command."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    found = search(r"```json\n(\{\s*\"createRole\".*?)```", text, DOTALL)
    assert found is not None
    role: dict[str, Any] = json.loads(found[1])
    return role


@pytest.fixture(scope="module")
def guarded_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a mongod that knows users, and lets the first one in to make them."""
    directory = tmp_path_factory.mktemp("guarded")
    try:
        binary = find_mongod(None)
    except EmbeddedError as error:
        pytest.skip(f"no mongod: {error}")
    with anyio.from_thread.start_blocking_portal() as portal:
        process, port = portal.call(_guarded, str(binary), directory)
        yield f"127.0.0.1:{port}"
        process.terminate()
        portal.call(process.wait)


async def _guarded(binary: str, directory: Path) -> tuple[asyncio.subprocess.Process, int]:
    for _ in range(3):
        port = random.randrange(20_000, 30_000)
        arguments = ("--auth", "--dbpath", str(directory), "--port", str(port), "--bind_ip", "127.0.0.1")
        process = await asyncio.create_subprocess_exec(
            binary, *arguments, "--wiredTigerCacheSizeGB", "0.25", stdout=asyncio.subprocess.DEVNULL
        )
        client: Client = AsyncMongoClient("127.0.0.1", port, serverSelectionTimeoutMS=20_000)
        try:
            await client.admin.command("ping")
        finally:
            await client.close()
        if process.returncode is None:
            return process, port
    raise RuntimeError("no port was free")


class TestDocumentedRole:
    async def test_kehu_runs_with_it_and_the_entries_are_safe_from_it(
        self, guarded_mongod: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await self._make_users(guarded_mongod)
        uri = f"mongodb://kehu:secret@{guarded_mongod}/?authSource=kehu"
        settings = Settings(mongodb_uri=uri, demo=20, data_dir=tmp_path, audit="strict")
        app = build_app(settings)
        headers = {"authorization": f"Bearer {LocalIssuer(settings).issue('ana', 'administrator', None, 10)}"}
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app), base_url="http://kehu.test", headers=headers
            ) as http,
        ):
            found = (await http.post("/graphql", json={"query": "{ clients(first: 2) { nodes { id } } }"})).json()
            one = found["data"]["clients"]["nodes"][0]["id"]
            change = 'mutation { clientChange(input: {id: "%s", changes: {stage: LOST}}) { client { version } } }'
            assert (await http.post("/graphql", json={"query": change % one})).json()["data"]["clientChange"]["client"]
        client: Client = AsyncMongoClient(uri)
        audit = client.kehu.audit
        try:
            assert [each["kind"] async for each in audit.find()] == ["opened", "query", "mutation", "closed"]
            for forbidden in (
                audit.update_one({}, {"$set": {"person": "nobody"}}),
                audit.delete_one({}),
                audit.replace_one({}, {"person": "nobody"}),
                audit.drop(),
                audit.rename("other"),
                client.drop_database("kehu"),
                client.kehu.clients.aggregate([{"$out": "audit"}]),
            ):
                with pytest.raises(OperationFailure, match="not authorized"):
                    await forbidden
        finally:
            await client.close()

    async def _make_users(self, address: str) -> None:
        first: Client = AsyncMongoClient(f"mongodb://{address}/")
        await first.admin.command({"createUser": "root", "pwd": "secret", "roles": ["root"]})
        await first.close()
        root: Client = AsyncMongoClient(f"mongodb://root:secret@{address}/")
        await root.kehu.command(documented_role())
        await root.kehu.command({"createUser": "kehu", "pwd": "secret", "roles": [documented_role()["createRole"]]})
        await root.close()


class TestKilled:
    @pytest.mark.parametrize(("kills", "changes"), [(3, 40), pytest.param(50, 500, marks=pytest.mark.long)])
    async def test_every_change_has_its_entry_after_kills_and_the_same_requests_again(
        self,
        mongod_uri: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        kills: int,
        changes: int,
        figure: Figure,
    ) -> None:
        """Kills while changes are on their way; each change is sent until it is answered."""
        environment = {
            "KEHU_MONGODB_URI": mongod_uri,
            "KEHU_DATABASE": f"test_{uuid.uuid4().hex[:12]}",
            "KEHU_AUDIT": "strict",
        }
        left = [f"key-{each}" for each in range(changes)]
        for round_ in range(kills + 1):
            with kehu_serve(tmp_path, "--demo", "20", **environment) as served:
                async with served.client() as http:
                    found = await ask(http, "{ clients(first: 20) { nodes { id } } }")
                    clients = [each["id"] for each in found["clients"]["nodes"]]
                    wanted = 2 * changes // kills if round_ < kills else changes
                    sending = [asyncio.create_task(_change(http, clients, key)) for key in left[:wanted]]
                    if round_ < kills:
                        await asyncio.sleep(random.Random(round_).uniform(0.0, 0.06))
                        served.process.send_signal(signal.SIGKILL)
                    done = await asyncio.gather(*sending)
                    left = [key for key in left if key not in done]
                    # a busy server refuses some of many at once; whoever sent them sends them again
                    for _ in range(20 if round_ == kills else 0):
                        done = await asyncio.gather(*(_change(http, clients, key) for key in left[:50]))
                        left = [key for key in left if key not in done]
        assert left == []
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        result = await asyncio.to_thread(
            CliRunner().invoke, cli.app, ["audit", "verify", "--json", "--data", str(tmp_path)]
        )
        report = json.loads(result.stdout)
        without = report["without_entry_count"]
        figure(f"audit: {report['changes']} changes after {kills} kills, {without} without entry")
        assert (result.exit_code, report["findings"], report["without_entry_count"]) == (0, [], 0)
        assert report["changes"] == changes
        assert report["partitions"] == kills + 1


async def _change(http: httpx2.AsyncClient, clients: list[str], key: str) -> str | None:
    """The key of a change that was answered."""
    one = clients[int(key.partition("-")[2]) % len(clients)]
    query = (
        "mutation($id: ID!, $key: String) {"
        " clientChange(input: {id: $id, changes: {profile: {name: $key}}, idempotencyKey: $key}) { errors { code } } }"
    )
    try:
        answer = await http.post("/graphql", json={"query": query, "variables": {"id": one, "key": key}})
    except httpx2.TransportError:
        return None
    return key if answer.status_code == 200 and answer.json()["data"]["clientChange"]["errors"] == [] else None
