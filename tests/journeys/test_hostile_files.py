"""Maps and files that would take a server or a worker down: each is refused, and everybody else is served."""

import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.figures import Figure
from tests.servers import Served, ask, attempt, do, kehu_serve

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="Linux holds all limits")]
HEAD = '[client]\nnumber = "n"\nkind = "ORGANISATION"\n[proof]\nsource = "x"\n[values]\n'
NOWHERE = "fl_000000000000000000000000"


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    with kehu_serve(tmp_path_factory.mktemp("hostile"), "--demo", "0", KEHU_JOBS="inside") as server:
        yield server


async def _job(http: httpx2.AsyncClient, data: bytes, toml: str, name: str = "a.csv") -> dict[str, Any]:
    """What becomes of an import that only checks."""
    file = (await do(http, "fileUpload", "file { id address }", name=name, size=len(data)))["file"]
    assert (await http.put(file["address"], content=data)).is_success
    job = (await do(http, "clientsImport", "job { id }", fileId=file["id"], map=toml, dryRun=True))["job"]
    query = "query($id: ID!) { job(id: $id) { state attempts error errorCode progress { note } } }"
    with anyio.fail_after(60):
        while True:
            found: dict[str, Any] = (await ask(http, query, id=job["id"]))["job"]
            if found["state"] not in ("QUEUED", "RUNNING"):
                return found
            await anyio.sleep(0.1)


def _memory(process: int) -> int:
    """Of a process and its children. Units: bytes."""
    threads = Path(f"/proc/{process}/task").iterdir()
    children = [int(each) for thread in threads for each in (thread / "children").read_text().split()]
    own = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return own + sum(_memory(each) for each in children if "mongod" not in Path(f"/proc/{each}/comm").read_text())


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("a" + ".a" * 20_000 + "=1", "The map was not read: it took"),
        ("a=" + "9" * 5_000, "The map is not TOML"),
        ("a=" + "[" * 60_000, "The map is not TOML: it nests too deep"),
        (HEAD.replace('"n"', '{column="n",match="' + "(" * 9_000 + '"}', 1), "does not compile"),
        (HEAD.replace('"n"', '{column="n",match="x{99999999999}"}', 1), "does not compile"),
        (HEAD + "".join(f'"profile.a{at}" = "n"\n' for at in range(9_000)), "up to 2,000 attributes"),
    ],
    ids=["dotted key", "digits", "brackets", "match", "repeat", "attributes"],
)
async def test_a_map_refuses_itself(served: Served, toml: str, words: str) -> None:
    async with served.client() as http:
        slowest = 0.0
        is_answered = anyio.Event()
        payload: dict[str, Any] = {}

        async def look() -> None:
            nonlocal slowest
            while not is_answered.is_set():
                begun = time.monotonic()
                assert (await http.get("/healthz")).status_code == 200
                slowest = max(slowest, time.monotonic() - begun)
                await anyio.sleep(0.05)

        async with anyio.create_task_group() as group:
            group.start_soon(look)
            payload |= await attempt(http, "clientsImport", "job { id }", fileId=NOWHERE, map=toml)
            is_answered.set()
    (error,) = payload["errors"]
    assert error["code"] == "INVALID_VALUE"
    assert words in error["message"]
    # The machine of the tests is busy; a server that parses such a map itself is away for a minute.
    assert slowest < 5.0


@pytest.mark.parametrize(
    ("rows", "values"),
    [
        ("ZZ1,1e999999\nZZ2,5\n", '"behaviour.financials.revenue" = { column = "a", scale = 1000000 }'),
        (f"ZZ1,{'9' * 5_000}\nZZ2,5\n", '"profile.employees" = "a"'),
        (f"ZZ1,{'x' * 100_000}\nZZ2,5\n", '"profile.name" = { template = "' + "{a}" * 100 + '" }'),
        (f"ZZ1,{'x' * 130_000}\nZZ2,5\n", '"profile.name" = "a"'),
        ("ZZ1,9999-99\nZZ2,2020-11\n", '"behaviour.becameClientOn" = { column = "a", format = "%Y-%m" }'),
        ("ZZ1,#REF!\nZZ2,5\n", '"profile.name" = "a"'),
    ],
    ids=["exponent", "digits", "template", "cell", "date", "error"],
)
async def test_a_value_refuses_its_row(served: Served, rows: str, values: str) -> None:
    async with served.client() as http:
        if "profile.name" not in values:
            values += '\n"profile.name" = "n"'
        found = await _job(http, f"n,a\n{rows}".encode(), HEAD + values)
    assert (found["state"], found["attempts"]) == ("DONE", 1), found
    assert "2 rows: 1 created, 0 changed, 0 unchanged, 1 refused." in found["progress"]["note"]


async def test_a_format_that_names_a_part_twice_refuses_the_map(served: Served) -> None:
    async with served.client() as http:
        found = await _job(
            http, b"n,a\nZZ1,11\n", HEAD + '"behaviour.becameClientOn" = { column = "a", format = "%d%d" }'
        )
    assert (found["state"], found["attempts"], found["errorCode"]) == ("FAILED", 1, "INVALID_VALUE")
    assert 'with each part once; got "%d%d"' in found["error"]


async def test_a_match_that_never_ends_fails_its_job_and_no_other(served: Served, figure: Figure) -> None:
    slow = HEAD + '"profile.name" = { column = "a", match = "x*x*x*x*y" }'
    data = ("n,a\n" + "".join(f"Z{at},{'x' * 3_000}\n" for at in range(200))).encode()
    found: dict[str, Any] = {}
    most = before = _memory(served.process.pid)
    async with served.client() as http, anyio.create_task_group() as group:

        async def hostile() -> None:
            file = (await do(http, "fileUpload", "file { id address }", name="a.csv", size=len(data)))["file"]
            await http.put(file["address"], content=data)
            found["job"] = (await do(http, "clientsImport", "job { id }", fileId=file["id"], map=slow))["job"]["id"]

        group.start_soon(hostile)
        begun = time.monotonic()
        other = await _job(http, b"n,a\nZ1,fine\n", HEAD + '"profile.name" = "a"')
        figure(f"another job was done after {time.monotonic() - begun:.1f} s")
        most = max(most, _memory(served.process.pid))
        await anyio.sleep(1.0)
        payload = await attempt(http, "jobCancel", "job { state }", id=found["job"])
        assert payload["errors"] == []
    figure(f"{(most - before) / 1e6:.0f} MB more of memory, rooms included")
    assert "1 created" in other["progress"]["note"]
    assert most - before < 300_000_000
