"""Both real data sets through the shipped maps: counts, values, a second run, a dry run."""

import csv
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.figures import Figure

PROJECT = Path(__file__).parents[2]
DATA = PROJECT.parent / "shared" / "data"
EXAMPLES = PROJECT / "examples"
# The command as a process of its own, which says its peak memory at the end.
RUN = """
import resource, sys, typer
from api.import_command import import_clients
app = typer.Typer()
app.command()(import_clients)
code = 0
try:
    app()
except SystemExit as end:
    code = end.code
if sys.platform == "linux":
    # ru_maxrss would count what the test process had when it started this one
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("peak", peak, file=sys.stderr)
raise SystemExit(code)
"""

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not beside the project")


@pytest.fixture
def book(mongod_uri: str) -> Iterator[Database[dict[str, Any]]]:
    name = f"test_{uuid.uuid4().hex[:16]}"
    with MongoClient[dict[str, Any]](mongod_uri) as client:
        yield client[name]
        client.drop_database(name)


def _run(uri: str, book: Database[dict[str, Any]], file: str, map_name: str, *more: str) -> tuple[str, str]:
    done = _process(uri, book, DATA / file, EXAMPLES / map_name, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def _process(
    uri: str, book: Database[dict[str, Any]], file: Path, map_path: Path, *more: str
) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"KEHU_MONGODB_URI": uri, "KEHU_DATABASE": book.name}
    arguments = [sys.executable, "-c", RUN, str(file), "--map", str(map_path), *more]
    return subprocess.run(
        arguments, cwd=PROJECT, env=environment, text=True, capture_output=True, timeout=300, check=False
    )


def _counts(report: str) -> tuple[int, ...]:
    """Rows, created, changed, unchanged, refused."""
    line = next(each for each in report.splitlines() if "created" in each)
    return tuple(
        int(each.replace(",", "")) for each in re.findall(r"([\d,]+) (?:rows:|created|changed|unch|ref)", line)
    )


def _client(book: Database[dict[str, Any]], number: str) -> dict[str, Any]:
    found = book["clients"].find_one({"number": number})
    assert found is not None
    return found


class TestSp500:
    FILES = "sp500_companies.csv", "sp500.toml"

    def test_dry_run_import_and_second_run(self, mongod_uri: str, book: Database[dict[str, Any]]) -> None:
        out, _ = _run(mongod_uri, book, *self.FILES, "--dry-run")
        assert _counts(out) == (503, 503, 0, 0, 0)
        assert book["clients"].count_documents({}) == 0
        out, _ = _run(mongod_uri, book, *self.FILES)
        assert _counts(out) == (503, 503, 0, 0, 0)
        assert "38 rows have no row in sp500_financials.csv." in out
        assert book["clients"].count_documents({"kind": "ORGANISATION"}) == 503
        self._check_values(book)
        before = list(book["clients"].find().sort("_id"))
        out, _ = _run(mongod_uri, book, *self.FILES)
        assert _counts(out) == (503, 0, 0, 503, 0)
        assert list(book["clients"].find().sort("_id")) == before

    def _check_values(self, book: Database[dict[str, Any]]) -> None:
        apple, accenture, block = (_client(book, f"SP-{symbol}") for symbol in ("AAPL", "ACN", "XYZ"))
        assert apple["profile"]["location"] == {
            "city": "Cupertino",
            "province": "California",
            "country": "United States",
        }
        assert accenture["profile"]["location"] == {"city": "Dublin", "country": "Ireland"}
        assert "location" not in block["profile"]
        assert "sharePrice" not in block["behaviour"]["financials"]
        with (DATA / "sp500_financials.csv").open(encoding="utf-8", newline="") as text:
            rows = {row["Symbol"]: row for row in csv.DictReader(text)}
        assert apple["behaviour"]["financials"]["marketCap"] == float(rows["AAPL"]["Market Cap"])
        priced = book["clients"].count_documents({"behaviour.financials.sharePrice": {"$exists": True}})
        with (DATA / "sp500_companies.csv").open(encoding="utf-8", newline="") as text:
            symbols = [row["Symbol"] for row in csv.DictReader(text)]
        assert priced == sum(bool(rows[symbol]["Price"]) for symbol in symbols if symbol in rows)


class TestBankMarketing:
    FILES = "bank_marketing.csv", "bank_marketing.toml"

    def test_a_map_that_does_not_say_which_day_is_refused(
        self, mongod_uri: str, book: Database[dict[str, Any]], tmp_path: Path
    ) -> None:
        path = tmp_path / "map.toml"
        path.write_text((EXAMPLES / self.FILES[1]).read_text("utf-8").replace('"day#1"', '"day"'), "utf-8")
        done = _process(mongod_uri, book, DATA / self.FILES[0], path)
        assert done.returncode == 2
        assert "twice, at positions 10 and 17" in done.stderr
        assert book["clients"].count_documents({}) == 0
        assert book["attributes"].count_documents({}) == 0

    def test_the_first_rows_go_to_the_right_places(
        self, mongod_uri: str, book: Database[dict[str, Any]], tmp_path: Path
    ) -> None:
        with (DATA / self.FILES[0]).open(encoding="utf-8") as text:
            head = "".join(line for _, line in zip(range(87), text, strict=False))
        path = tmp_path / "bank_marketing.csv"
        path.write_text(head, "utf-8")
        out, _ = _run(mongod_uri, book, str(path), self.FILES[1])
        assert _counts(out) == (86, 86, 0, 0, 0)
        # the first row that ends in yes
        person = _client(book, "BM-000084")
        assert person["profile"]["age"] == 59
        assert person["profile"]["occupation"] == "ADMINISTRATION"
        assert person["behaviour"]["withUs"]["averageBalanceEur"] == 2343
        assert person["behaviour"]["campaign"] == {
            "contactDay": 5,
            "contactMonth": "MAY",
            "durationSeconds": 1042,
            "contactCount": 1,
            "previousContactCount": 0,
            "hasSubscribed": True,
        }

    @pytest.mark.long
    def test_all_rows_in_a_minute_and_300_mb(
        self, mongod_uri: str, book: Database[dict[str, Any]], figure: Figure
    ) -> None:
        out, _ = _run(mongod_uri, book, *self.FILES, "--dry-run")
        assert _counts(out) == (45_211, 45_211, 0, 0, 0)
        assert (book["clients"].count_documents({}), book["attributes"].count_documents({})) == (0, 0)
        start = time.monotonic()
        out, errors = _run(mongod_uri, book, *self.FILES)
        seconds = time.monotonic() - start
        peak = int(errors.split("peak ")[1])
        figure(f"bank_marketing.csv: {seconds:.1f} s, {peak / 1e6:.0f} MB")
        assert _counts(out) == (45_211, 45_211, 0, 0, 0)
        assert book["clients"].count_documents({"kind": "PERSON"}) == 45_211
        assert book["clients"].count_documents({"behaviour.campaign.hasSubscribed": True}) == 5_289
        assert seconds < 60
        assert peak < 300_000_000
        out, _ = _run(mongod_uri, book, *self.FILES)
        assert _counts(out) == (45_211, 0, 0, 45_211, 0)
