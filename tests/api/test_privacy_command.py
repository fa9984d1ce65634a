"""`kehu privacy`: what each command prints, and how it ends."""

import json
import re
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from typer.testing import CliRunner

from acts.attributes import change_attribute
from acts.checks import now
from acts.demo import load_demo
from acts.erasure import ErasureProof, erase_client
from api import cli, privacy_command
from api.privacy_command import OFFICER, proof_lines
from catalogue.builtin import builtin_catalogue
from repositories.erasures import Left
from repositories.mongo import MongoSettings, connect
from repositories.repositories import Repositories, open_repositories
from tests.books import SECRET, master_key

CLIENTS = 6


async def demo_book() -> Repositories:
    store = connect(MongoSettings(driver="memory"))
    book = await open_repositories(store, builtin_catalogue(), SECRET, kms=master_key, key_cache_seconds=0.0)
    await book.prepare()
    await load_demo(book, CLIENTS, lambda _done, _count: None)
    return book


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repositories]:
    """A small demonstration book that the commands work on."""
    made = anyio.run(demo_book)

    @asynccontextmanager
    async def opened(*_given: Any, **_more: Any) -> Any:
        yield made

    monkeypatch.setattr(privacy_command, "open_repositories_of", opened)
    yield made
    anyio.run(made.store.close)


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("KEHU_DATA_DIR", str(tmp_path))
    return CliRunner()


def first_client(book: Repositories) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        rows = await book.clients.collection.find({"interactions": None}, sort=[("number", 1)], limit=1)
        return rows[0]

    return anyio.run(read)


class TestProve:
    def test_a_client_who_is_there_is_not_proven(self, runner: CliRunner, book: Repositories) -> None:
        client = first_client(book)
        done = runner.invoke(cli.app, ["privacy", "prove", client["_id"]])
        assert done.exit_code == 2
        assert "clients: 1 left" in done.stdout
        assert "data keys: 1 left" in done.stdout

    def test_an_erased_one_is(self, runner: CliRunner, book: Repositories) -> None:
        client = first_client(book)
        anyio.run(erase_client, OFFICER, book, client["_id"])
        done = runner.invoke(cli.app, ["privacy", "prove", client["_id"]])
        assert (done.exit_code, "Nothing of the client is left." in done.stdout) == (0, True)

    def test_it_says_until_when_a_key_may_be_kept(self) -> None:
        at = now()
        proof = ErasureProof("cl_1", at, (Left("changes", 2),), at + timedelta(seconds=60))
        lines = proof_lines(proof)
        assert lines[0] == "changes: 2 left"
        assert (at + timedelta(seconds=60)).isoformat() in lines[-1]
        assert not proof.is_proven(at + timedelta(seconds=61))


class TestExport:
    @pytest.mark.parametrize("by", ["_id", "number"])
    def test_everything_is_in_it(self, by: str, runner: CliRunner, book: Repositories, tmp_path: Path) -> None:
        client = first_client(book)
        file = tmp_path / "export.json"
        done = runner.invoke(cli.app, ["privacy", "export", client[by], "-o", str(file)])
        assert (done.exit_code, done.stdout) == (0, "")
        assert file.stat().st_mode & 0o777 == 0o600
        found = json.loads(file.read_text())
        assert (found["client"]["id"], found["client"]["number"]) == (client["_id"], client["number"])
        assert {key: set(found["client"][key]) for key in ("profile", "behaviour", "attitude", "derived")} == {
            key: set(client[key]) for key in ("profile", "behaviour", "attitude", "derived")
        }
        assert isinstance(found["client"]["profile"]["taxId"], str)
        assert len(found["changes"]) == client["version"]
        new = {row["path"]: row.get("new") for change in found["changes"] for row in change["values"]}
        assert new["profile.taxId"] == found["client"]["profile"]["taxId"]
        dates = [path for path in new if path.endswith("On") and new[path] is not None]
        assert dates
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", new[path]) for path in dates)
        assert found["interactions"]
        assert all(each["changes"] for each in found["interactions"])
        assert "Binary" not in file.read_text()

    def test_a_client_who_is_not_there(self, runner: CliRunner, book: Repositories) -> None:
        done = runner.invoke(cli.app, ["privacy", "export", "nobody"])
        assert done.exit_code == 1
        assert 'no client "nobody"' in done.stderr


class TestRotate:
    def test_says_how_many_keys(self, runner: CliRunner, book: Repositories) -> None:
        done = runner.invoke(cli.app, ["privacy", "rotate"])
        assert (done.exit_code, done.stdout) == (0, f"{CLIENTS + 1} data keys are wrapped anew.\n")


class TestMigrate:
    def test_where_all_is_as_it_should_be(self, runner: CliRunner, book: Repositories) -> None:
        done = runner.invoke(cli.app, ["privacy", "migrate", "profile.taxId"])
        assert (done.exit_code, done.stdout.split(";")[0]) == (0, "0 documents are rewritten")

    def test_a_path_without_an_attribute(self, runner: CliRunner, book: Repositories) -> None:
        done = runner.invoke(cli.app, ["privacy", "migrate", "profile.nothing"])
        assert (done.exit_code, "profile.nothing" in done.stderr) == (1, True)


class TestRetain:
    def test_says_what_is_kept_for_some_days(self, runner: CliRunner, book: Repositories) -> None:
        anyio.run(partial(change_attribute, OFFICER, book, "profile.overview", {"retain_days": 7}))
        done = runner.invoke(cli.app, ["privacy", "retain", "--dry-run"])
        line = "profile.overview (7 days): 0 values would be cleared, 0 changes forget one\n"
        assert (done.exit_code, done.stdout) == (0, line)


class TestEraseAgain:
    def test_who_came_back(self, runner: CliRunner, book: Repositories) -> None:
        client = first_client(book)
        anyio.run(erase_client, OFFICER, book, client["_id"])
        assert runner.invoke(cli.app, ["privacy", "erase-again"]).stdout == ""
        anyio.run(book.clients.collection.insert_one, client)
        assert runner.invoke(cli.app, ["privacy", "erase-again"]).stdout == f"{client['_id']}\n"
