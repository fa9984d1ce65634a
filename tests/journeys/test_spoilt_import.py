"""The real file of 45,211 rows with a tenth of them spoilt: the good land, the bad come back, are mended and land."""

import csv
import io
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import anyio
import httpx2
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.figures import Figure
from tests.servers import ROOT, ask, do, kehu_serve

DATA = ROOT.parent / "shared" / "data"
ROWS, BAD = 45_211, 4_521
WAIT_SECONDS = 240
Cells = list[str]


def _with(place: int, cell: str) -> Callable[[Cells], Cells]:
    return lambda cells: [*cells[:place], cell, *cells[place + 1 :]]


SPOILT: tuple[tuple[str, Callable[[Cells], Cells], str], ...] = (
    ("a word for a number", _with(0, "many"), 'column "age"'),
    ("beyond the maximum", _with(0, "431"), 'column "age"'),
    ("a code that nobody knows", _with(1, "astronaut"), 'column "job"'),
    ("bytes that are no text", _with(1, "g\udcffrtner"), "line "),
    ("neither yes nor no", _with(4, "perhaps"), 'column "default"'),
    ("half a euro for a whole one", _with(5, "12.5"), 'column "balance"'),
    ("a formula", _with(5, "=1+1"), 'column "balance"'),
    ("a day that no month has", _with(9, "42"), 'column "day'),
    ("below the minimum", _with(11, "-1"), 'column "duration"'),
    ("cells are missing", lambda cells: cells[:7], "cells"),
    ("a cell too many", lambda cells: [*cells, "more"], "cells"),
)
"""How a row is spoilt, and a part of the reason that it comes back with."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not beside the project"),
]


@pytest.fixture
def book(mongod_uri: str) -> Iterator[Database[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongod_uri) as client:
        name = f"test_{uuid.uuid4().hex[:16]}"
        yield client[name]
        client.drop_database(name)


def spoilt(rows: list[Cells], random: Random) -> tuple[list[Cells], dict[int, int]]:
    """The rows with some of them spoilt, and how each of these is, by its number."""
    how = {number: random.randrange(len(SPOILT)) for number in random.sample(range(1, ROWS + 1), BAD)}
    made = [SPOILT[how[at]][1](cells) if at in how else cells for at, cells in enumerate(rows, 1)]
    return made, how


def bytes_of(rows: list[Cells]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def rows_of(content: bytes) -> list[Cells]:
    return list(csv.reader(io.StringIO(content.decode("utf-8", "surrogateescape"), newline="")))


async def imported(http: httpx2.AsyncClient, content: bytes) -> tuple[dict[str, Any], bytes]:
    """The job that imported a file which was sent, and its file of refused rows, if there is one."""
    file = (await do(http, "fileUpload", "file { id address }", name="bank.csv", size=len(content)))["file"]
    assert (await http.put(file["address"], content=content)).is_success
    toml = (ROOT / "examples" / "bank_marketing.toml").read_text("utf-8")
    job = (await do(http, "clientsImport", "job { id }", fileId=file["id"], map=toml))["job"]
    with anyio.fail_after(WAIT_SECONDS):
        while True:
            query = "query($id: ID!) { job(id: $id) { state error progress { note } } }"
            done = (await ask(http, query, id=job["id"]))["job"]
            if done["state"] not in ("QUEUED", "RUNNING"):
                break
            await anyio.sleep(0.2)
    query = "query($id: ID!) { files(jobId: $id, first: 1) { nodes { rows address } } }"
    files = (await ask(http, query, id=job["id"]))["files"]["nodes"]
    return done, (await http.get(files[0]["address"])).content if files else b""


def checked(refused: list[Cells], rows: list[Cells], how: dict[int, int]) -> list[Cells]:
    """The refused rows, mended: exactly the spoilt ones, each with its reason, its good cells as they were."""
    head, *bad = refused
    assert head[:2] == ["kehu_row", "kehu_problem"]
    assert [int(each[0]) for each in bad] == sorted(how)
    for number, problem, *cells in bad:
        name, spoil, reason = SPOILT[how[int(number)]]
        assert reason in problem, (name, problem)
        given = spoil(rows[int(number) - 1])
        assert [each.removeprefix("'") if "=" in each else each for each in cells] == given, (name, cells)
    return [head, *([number, problem, *rows[int(number) - 1]] for number, problem, *_ in bad)]


def stored(book: Database[dict[str, Any]]) -> dict[str, tuple[object, ...]]:
    """Version, age, balance and duration of each client, by number."""
    found: dict[str, tuple[object, ...]] = {}
    for each in book["clients"].find({}):
        behaviour = each["behaviour"]
        values = (each["profile"]["age"], behaviour["withUs"]["averageBalanceEur"], behaviour["campaign"])
        found[each["number"]] = (each["version"], *values[:2], values[2]["durationSeconds"])
    return found


async def test_the_good_land_and_the_bad_come_back_and_are_mended(
    mongod_uri: str, book: Database[dict[str, Any]], tmp_path: Path, figure: Figure
) -> None:
    rows = rows_of((DATA / "bank_marketing.csv").read_bytes())
    head = rows.pop(0)
    given, how = spoilt(rows, Random(10))
    settings = {"KEHU_MONGODB_URI": mongod_uri, "KEHU_DATABASE": book.name, "KEHU_JOBS": "inside"}
    whole = {f"BM-{at:06}": (1, *(int(each[place]) for place in (0, 5, 11))) for at, each in enumerate(rows, 1)}
    with kehu_serve(tmp_path, "--demo", "0", **settings) as served:
        async with served.client() as http:
            begun = time.monotonic()
            first, refused = await imported(http, bytes_of([head, *given]))
            first_seconds = time.monotonic() - begun
            good = stored(book)
            begun = time.monotonic()
            mended = checked(rows_of(refused), rows, how)
            second, nothing = await imported(http, bytes_of(mended))
            second_seconds = time.monotonic() - begun
            found = stored(book)
    kinds = Counter(SPOILT[each][0] for each in how.values())
    wrong = sum(each != whole.get(number) for number, each in found.items())
    figure(
        f"{BAD:,} rows spoilt in {len(kinds)} ways: {first['progress']['note']} ({first_seconds:.0f} s) Mended: "
        f"{second['progress']['note']} ({second_seconds:.0f} s) {len(found):,} clients, {wrong} of them wrong"
    )
    assert (first["state"], first["progress"]["note"]) == (
        "DONE",
        f"{ROWS:,} rows: {ROWS - BAD:,} created, 0 changed, 0 unchanged, {BAD:,} refused.",
    )
    assert good == {number: each for number, each in whole.items() if int(number[3:]) not in how}
    assert (second["state"], second["progress"]["note"]) == (
        "DONE",
        f"{BAD:,} rows: {BAD:,} created, 0 changed, 0 unchanged, 0 refused.",
    )
    assert nothing == b""
    assert found == whole
