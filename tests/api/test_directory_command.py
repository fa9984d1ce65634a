"""`kehu enter` and `kehu service-account create`, on a mongod that outlives the command."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from typer.testing import CliRunner

from acts.service_accounts import hash_of
from api import cli
from api.database import mongo_settings
from api.settings import Settings
from repositories.mongo import connect


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.fixture
def book(mongod_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of an empty database, which the environment says too."""
    settings = Settings(mongodb_uri=mongod_uri, database=f"enter_{uuid.uuid4().hex[:12]}", mongo_timeout_seconds=30)
    monkeypatch.setenv("KEHU_MONGODB_URI", settings.mongodb_uri)
    monkeypatch.setenv("KEHU_DATABASE", settings.database)
    monkeypatch.setenv("KEHU_MONGO_TIMEOUT_SECONDS", "30")
    yield settings
    anyio.run(drop, settings)


async def drop(settings: Settings) -> None:
    store = connect(mongo_settings(settings, settings.mongodb_uri))
    await store.drop_database()
    await store.close()


def stored(settings: Settings, name: str) -> list[dict[str, Any]]:
    """Every document of a collection."""

    async def read() -> list[dict[str, Any]]:
        store = connect(mongo_settings(settings, settings.mongodb_uri))
        try:
            return await store.collection(name).find({})
        finally:
            await store.close()

    return anyio.run(read)


class TestEnter:
    def test_the_first_administrator(self, runner: CliRunner, book: Settings) -> None:
        options = ["--person", "ana@bank.example", "--role", "administrator", "--role", "auditor", "--team", "north"]
        done = runner.invoke(cli.app, ["enter", *options])
        assert (done.exit_code, done.stdout) == (0, "ana@bank.example is entered: administrator, auditor.\n")
        (row,) = stored(book, "managers")
        assert (row["person"], row["roles"], row["team"]) == ("ana@bank.example", ["administrator", "auditor"], "north")
        assert row["tail"][0]["by"] == "kehu-enter"
        (entry,) = [each for each in stored(book, "audit") if each["kind"] == "command"]
        assert entry["operation"] == "enter ana@bank.example as administrator, auditor"
        assert entry["changed"] == [row["_id"]]
        again = runner.invoke(cli.app, ["enter", *options])
        assert again.exit_code == 1
        assert 'The directory has "ana@bank.example" already' in again.stderr
        assert stored(book, "managers") == [row]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--person", "ana", "--role", "king"], '--role: got "king"; expected one of relationship_manager'),
            (["--person", "ana", "--role", "system"], '--role: got "system"'),
            (["--person", " ", "--role", "auditor"], '--person: got " "; expected the name that tokens give'),
        ],
    )
    def test_refusals(self, runner: CliRunner, options: list[str], words: str) -> None:
        done = runner.invoke(cli.app, ["enter", *options])
        assert (done.exit_code, done.stdout) == (1, "")
        assert words in done.stderr


class TestCreate:
    def test_the_token_is_alone_on_the_line(self, runner: CliRunner, book: Settings) -> None:
        options = ["--scope", "clients:all", "--scope", "read:PUBLIC", "--days", "90", "--purpose", "AUDIT"]
        done = runner.invoke(cli.app, ["service-account", "create", "crm", *options])
        assert done.exit_code == 0
        assert re.fullmatch(r"kehu_sa_[\w-]{43}\n", done.stdout)
        (row,) = stored(book, "service_accounts")
        assert (row["name"], row["scopes"], row["purpose"]) == ("crm", ["clients:all", "read:PUBLIC"], "AUDIT")
        assert row["tokenHash"] == hash_of(done.stdout.strip())
        assert row["createdBy"] == "kehu-service-account"

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--scope", "clients:all", "--days", "0"], "--days: got 0; expected 1 to 366"),
            (["--scope", "clients:mine", "--days", "9"], "scopes takes clients:all,"),
        ],
    )
    def test_refusals(self, runner: CliRunner, book: Settings, options: list[str], words: str) -> None:
        done = runner.invoke(cli.app, ["service-account", "create", "crm", *options])
        assert (done.exit_code, done.stdout) == (1, "")
        assert words in done.stderr
        assert stored(book, "service_accounts") == []
