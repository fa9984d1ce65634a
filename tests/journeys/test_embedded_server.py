"""`kehu serve` with a mongod of its own: started, used, stopped, started again; and with several processes."""

import os
import signal
import socket
import subprocess
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import anyio
import httpx2
import pytest
from pymongo import MongoClient

from policy.viewer import ROLES
from repositories.embedded.directory import MongodDirectory
from tests.figures import Figure
from tests.servers import KEHU, ROOT, ask, code_of, do, environment, kehu_serve

WORDS = {"kind": "STRING", "label": "Motto", "description": "Words of the house."}


def kehu(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*KEHU, *arguments],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def mongod_of(data: Path) -> int:
    return int((MongodDirectory(data).database / "mongod.lock").read_text())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class TestMongodDies:
    """A mongod that ends by itself is a fault of minutes at most, and holds up no end."""

    PATIENCE = {"KEHU_MONGO_TIMEOUT_SECONDS": "3", "KEHU_OPERATION_SECONDS": "5"}

    async def test_it_is_started_again_with_all_that_was_acknowledged(self, data: Path, figure: Figure) -> None:
        with kehu_serve(data, "--demo", "10", **self.PATIENCE) as served:
            async with served.client() as client:
                for place in range(2):
                    number = f"D{place}"
                    await do(
                        client, "clientCreate", "client { id }", number=number, kind="PERSON", profile={"name": number}
                    )
                    first, began = mongod_of(data), anyio.current_time()
                    os.kill(first, signal.SIGKILL)
                    with anyio.fail_after(20):
                        while (await client.get("/readyz")).status_code == 200 and mongod_of(data) == first:  # noqa: ASYNC110
                            await anyio.sleep(0.02)
                        while not await has(client, number):  # noqa: ASYNC110
                            await anyio.sleep(0.05)
                    figure(f"mongod killed: the book answers again after {anyio.current_time() - began:.1f} s")
                    assert mongod_of(data) != first
            assert served.stop() == 0
            assert "mongod ended (signal 9" in served.err.read_text()
            assert not is_alive(mongod_of(data) if mongod_lock(data) else 0)

    @pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
    async def test_the_server_ends_in_time(self, data: Path, how: signal.Signals) -> None:
        with kehu_serve(data, "--demo", "10", KEHU_JOBS="inside", KEHU_AUDIT="strict", **self.PATIENCE) as served:
            await anyio.sleep(2)
            mongod = mongod_of(data)
            workers = [pid for pid in children_of(served.process.pid) if pid != mongod]
            async with served.client() as client, anyio.create_task_group() as asking:
                os.kill(mongod, how)
                for _ in range(5):
                    asking.start_soon(quietly, client)
                await anyio.sleep(0.3)
                served.process.send_signal(signal.SIGTERM)
                code = await anyio.to_thread.run_sync(lambda: served.process.wait(10))
            assert code == 0
            assert [pid for pid in (mongod, *workers) if is_alive(pid)] == []


async def has(client: httpx2.AsyncClient, number: str) -> bool:
    answer = await client.post("/graphql", json={"query": f'{{ client(number: "{number}") {{ number }} }}'})
    return bool((answer.json().get("data") or {}).get("client"))


async def quietly(client: httpx2.AsyncClient) -> None:
    with suppress(httpx2.HTTPError):
        await client.post("/graphql", json={"query": "{ clients(first: 1) { totalCount } }"})


def mongod_lock(data: Path) -> str:
    return (MongodDirectory(data).database / "mongod.lock").read_text()


class TestEmbedded:
    async def test_data_survives_and_nothing_is_left_running(self, data: Path) -> None:
        with kehu_serve(data, "--demo", "30") as served:
            assert tuple(served.tokens) == ROLES
            assert "30 clients" in served.err.read_text()
            mongod = mongod_of(data)
            assert is_alive(mongod)
            seen: dict[str, int] = {}
            for role in ROLES:
                async with served.client(role) as client:
                    answer = await ask(client, "{ viewer { roles } clients(first: 1) { totalCount } }")
                    assert answer["viewer"]["roles"] == [role]
                    seen[role] = answer["clients"]["totalCount"]
            assert 0 < seen.pop("relationship_manager") <= seen.pop("team_lead") < 30
            assert seen.pop("integration") == 0
            assert set(seen.values()) == {30}
            async with served.client() as client:
                await do(client, "attributeDefine", "attribute { path }", facet="PROFILE", key="motto", **WORDS)
                with anyio.fail_after(20):
                    while "motto" not in (await client.get("/schema.graphql")).text:  # noqa: ASYNC110
                        await anyio.sleep(0.05)
                given = {"number": "S1", "kind": "PERSON", "profile": {"name": "Li", "motto": "Steel"}}
                await do(client, "clientCreate", "client { id }", **given)
            arguments = ["--person", "P7", "--role", "auditor", "--team", "east", "--data", str(data)]
            with ThreadPoolExecutor() as both:
                serving = both.submit(kehu, "serve", "--port", "0", "--data", str(data))
                printing = both.submit(kehu, "token", *arguments)
            second, printed = serving.result(), printing.result()
            assert second.returncode == 1
            assert f"is in use by the process {served.process.pid}" in second.stderr
            assert "Traceback" not in second.stderr
            assert "KEHU_MONGODB_URI" in second.stderr
            assert printed.returncode == 0
            headers = {"authorization": f"Bearer {printed.stdout.strip()}"}
            async with httpx2.AsyncClient(base_url=served.url, headers=headers, timeout=30.0) as client:
                found = await ask(client, "{ managers(first: 50) { nodes { person team roles } } }")
                assert {"person": "P7", "team": "east", "roles": ["auditor"]} in found["managers"]["nodes"]
            async with httpx2.AsyncClient(base_url=served.url, timeout=30.0) as nobody:
                refused = await nobody.post("/graphql", json={"query": "{ __typename }"})
                assert (refused.status_code, code_of(refused)) == (401, "UNAUTHENTICATED")
            assert served.stop(signal.SIGTERM) == 0
        assert not is_alive(mongod)
        assert "Traceback" not in served.words
        with kehu_serve(data) as served:
            async with served.client() as client:
                query = '{ client(number: "S1") { profile { motto } } clients(first: 1) { totalCount } }'
                expected = {"client": {"profile": {"motto": "Steel"}}, "clients": {"totalCount": 31}}
                assert await ask(client, query) == expected
            mongod = mongod_of(data)
            assert served.stop(signal.SIGINT) == 0
        assert not is_alive(mongod)

    def test_a_taken_port_leaves_no_mongod(self, data: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            refused = kehu("serve", "--port", str(port), "--data", str(data), "--demo", "0")
        assert refused.returncode == 1
        assert f"127.0.0.1:{port} cannot be listened on" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert MongodDirectory(data).find_orphan() is None


class TestMemory:
    async def test_serves_and_says_what_it_cannot_do(self, data: Path) -> None:
        with kehu_serve(data, "--demo", "10", KEHU_MONGODB_DRIVER="memory") as served:
            async with served.client() as client:
                assert (await ask(client, "{ clients(first: 1) { totalCount } }"))["clients"]["totalCount"] == 10
            assert "all is lost at the end" in served.err.read_text()
            assert served.stop() == 0
        assert not (data / "mongod").exists()


class TestWorkers:
    @pytest.mark.parametrize("workers", [2])
    async def test_every_process_answers_the_same(self, mongod_uri: str, data: Path, workers: int) -> None:
        name = f"test_{uuid.uuid4().hex[:16]}"
        settings = {"KEHU_MONGODB_URI": mongod_uri, "KEHU_DATABASE": name}
        editions: Counter[str] = Counter()
        with kehu_serve(data, "--workers", str(workers), "--demo", "20", **settings) as served:
            headers = {"authorization": f"Bearer {served.tokens['administrator']}"}

            async def asked(query: str) -> httpx2.Response:
                async with httpx2.AsyncClient(base_url=served.url, headers=headers, timeout=30.0) as client:
                    return await client.post("/graphql", json={"query": query})

            async with served.client() as client:
                await do(client, "attributeDefine", "attribute { path }", facet="PROFILE", key="motto", **WORDS)
            query = "{ clients(first: 1) { totalCount nodes { profile { motto } } } }"
            with anyio.fail_after(30):
                while sum(editions.values()) < 30:
                    answer = await asked(query)
                    if "errors" in answer.json():
                        editions.clear()
                        await anyio.sleep(0.05)
                    else:
                        assert answer.json()["data"]["clients"]["totalCount"] == 20
                        editions[answer.headers["kehu-edition"]] += 1
            assert len(editions) == 1
            children = children_of(served.process.pid)
            assert len(children) >= workers
            assert served.stop() == 0
        # multiprocessing's own tracker ends when its parent has gone, so a moment later
        with anyio.fail_after(5):
            while any(is_alive(pid) for pid in children):  # noqa: ASYNC110 - a process of another is only seen to have ended
                await anyio.sleep(0.05)
        with MongoClient[dict[str, object]](mongod_uri) as database:
            database.drop_database(name)
