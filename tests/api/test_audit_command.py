"""`kehu audit`: what it prints, its exit codes, and the entries that other commands leave."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from acts.demo import load_demo
from api import cli
from api.audit_heads import audit_key_in
from api.database import open_repositories_of
from api.settings import SettingsError, load_settings
from repositories.audit import AUDIT
from repositories.compile.audit import Document
from repositories.mongo import MongoSettings, connect

MAP = """
[client]
number = "id"
kind = "ORGANISATION"
[proof]
source = "register"
[values]
"profile.name" = { column = "name" }
"""


@pytest.fixture
def data(mongod_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data directory of a small book on a real mongod."""
    database = f"test_{uuid.uuid4().hex[:16]}"
    for name, value in {"MONGODB_URI": mongod_uri, "DATABASE": database, "DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(f"KEHU_{name}", value)
    asyncio.run(_load())
    yield tmp_path
    asyncio.run(_drop(mongod_uri, database))


async def _load() -> None:
    async with open_repositories_of(load_settings(mongo_timeout_seconds=30)) as repositories:
        await load_demo(repositories, 10, lambda _done, _count: None)


async def _drop(uri: str, name: str) -> None:
    store = connect(MongoSettings(uri, database=name))
    await store.drop_database()
    await store.close()


def kehu(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, arguments)


async def entries() -> list[Document]:
    async with open_repositories_of(load_settings(), looks_only=True) as repositories:
        return [each async for each in repositories.audit.entries()]


async def change_one() -> None:
    """What somebody with the database does to the newest entry of a command."""
    async with open_repositories_of(load_settings(), looks_only=True) as repositories:
        await repositories.store.collection(AUDIT).update_one({"person": "kehu-explain"}, {"$set": {"person": "ana"}})


class TestVerify:
    def test_whole(self, data: Path) -> None:
        assert kehu("explain", "query Look { clients(first: 3) { nodes { number } } }").exit_code == 0
        result = kehu("audit", "verify")
        assert result.exit_code == 0, result.output
        assert "3 entries in 1 partitions, 3 heads." in result.stdout
        assert "Nothing was tampered with." in result.stdout

    def test_tampered_with(self, data: Path) -> None:
        kehu("explain", "query Look { clients(first: 3) { nodes { number } } }")
        asyncio.run(change_one())
        result = kehu("audit", "verify")
        assert result.exit_code == 1
        assert "entry 1: the entry is not as it was written." in result.stdout
        assert "TAMPERED WITH: 1 CHANGED" in result.stdout
        report = json.loads(kehu("audit", "verify", "--json").stdout)
        assert [(each["kind"], each["sequence"]) for each in report["findings"]] == [("CHANGED", 1)]

    def test_without_its_file_of_heads(self, data: Path) -> None:
        kehu("explain", "{ clients(first: 3) { nodes { number } } }")
        (data / "audit-heads.jsonl").rename(data / "elsewhere.jsonl")
        assert kehu("audit", "verify").exit_code == 1
        assert kehu("audit", "verify", "--heads", str(data / "elsewhere.jsonl")).exit_code == 0

    def test_by_somebody_who_has_the_public_key_alone(
        self, data: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        kehu("explain", "{ clients(first: 3) { nodes { number } } }")
        public = kehu("audit", "key").stdout.strip()
        assert public == audit_key_in(data).public
        elsewhere = str(tmp_path_factory.mktemp("auditor"))
        given = ("audit", "verify", "--data", elsewhere, "--heads", str(data / "audit-heads.jsonl"))
        assert kehu(*given, "--public-key", public).exit_code == 0
        other = audit_key_in(Path(elsewhere)).public
        assert kehu(*given, "--public-key", other).exit_code == 1

    def test_a_directory_without_a_key_gets_none(self, data: Path) -> None:
        result = kehu("audit", "verify")
        assert isinstance(result.exception, SettingsError)
        assert "where no server has kept a key of the audit" in str(result.exception)
        assert not (data / "audit.key").exists()

    def test_a_change_without_its_entry(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        kehu("explain", "{ clients(first: 3) { nodes { number } } }")
        file, map_file = data / "c.csv", data / "m.toml"
        file.write_text("id,name\nN1,New\n", "utf-8")
        map_file.write_text(MAP, "utf-8")
        monkeypatch.setenv("KEHU_AUDIT", "off")
        assert kehu("import", "clients", str(file), "--map", str(map_file)).exit_code == 0
        result = kehu("audit", "verify")
        assert result.exit_code == 3, result.output
        assert "1 of them have no entry" in result.stdout


class TestOtherCommands:
    def test_an_import_names_each_client_it_makes(self, data: Path) -> None:
        file, map_file = data / "c.csv", data / "m.toml"
        file.write_text("id,name\n" + "".join(f"N{each},New\n" for each in range(2_500)), "utf-8")
        map_file.write_text(MAP, "utf-8")
        result = kehu("import", "clients", str(file), "--map", str(map_file))
        assert result.exit_code == 0, result.output
        found = asyncio.run(entries())
        assert [each["kind"] for each in found] == ["opened", "command", "command", "command", "closed"]
        batches = found[1:-1]
        assert {(each["person"], each["operation"]) for each in batches} == {("kehu-import", "import clients")}
        assert [len(each["changes"]) for each in batches] == [1_000, 1_000, 500]
        assert batches[0]["written"] == ["profile.name", "stage"]
        assert kehu("audit", "verify").exit_code == 0
        assert kehu("import", "clients", str(file), "--map", str(map_file)).exit_code == 0
        again = [each for each in asyncio.run(entries()) if each["kind"] == "command"][3:]
        assert [len(each["clients"]) for each in again] == [1_000, 1_000, 500]
        assert not [each for each in again if "changes" in each]

    def test_explain_is_named_whoever_it_asks_for(self, data: Path) -> None:
        query = "query Look { clients(first: 3) { nodes { number } } }"
        assert kehu("explain", query, "--person", "M001", "--role", "auditor").exit_code == 0
        _, entry, _ = asyncio.run(entries())
        assert (entry["person"], entry["roles"], entry["operation"]) == ("kehu-explain", ["auditor"], "Look")
        assert len(entry["clients"]) == 3
