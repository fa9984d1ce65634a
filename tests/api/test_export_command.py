"""The command as a person meets it: files, standard output, whose policy holds, and what is refused."""

import csv
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pymongo import MongoClient
from pymongo.database import Database
from typer.testing import CliRunner

from api.export_command import EXPORTED, FAILED, export_clients
from api.import_command import import_clients

MAP = """
[client]
number = "{id}"
kind = "ORGANISATION"
manager = "rm"
[proof]
source = "test"
[values]
"profile.name" = "name"
"""


@pytest.fixture
def book(mongod_uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Database[dict[str, Any]]]:
    """Three clients, one of them ana's."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    monkeypatch.setenv("KEHU_MONGODB_URI", mongod_uri)
    monkeypatch.setenv("KEHU_DATABASE", name)
    monkeypatch.setenv("KEHU_DATA_DIR", str(tmp_path / "data"))
    with MongoClient[dict[str, Any]](mongod_uri) as client:
        person = {"person": "ana", "name": "Ana", "roles": ["relationship_manager"], "isActive": True, "version": 1}
        client[name]["managers"].insert_one({"_id": "mg_1", **person})
        (tmp_path / "map.toml").write_text(MAP, "utf-8")
        (tmp_path / "in.csv").write_text("id,name,rm\nA1,=Alpha,mg_1\nB2,Beta,\nC3,Gamma,\n", "utf-8")
        assert _run(import_clients, tmp_path / "in.csv", "--map", tmp_path / "map.toml")[0] == 0
        yield client[name]
        client.drop_database(name)


def _run(command: Any, *arguments: object) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.exit_code, result.stdout, result.stderr


def _export(*arguments: object) -> tuple[int, str, str]:
    return _run(export_clients, *arguments)


class TestExportClients:
    def test_standard_output_and_files_of_each_format(self, book: Database[dict[str, Any]], tmp_path: Path) -> None:
        code, out, errors = _export("--attributes", "profile.name")
        assert (code, "3 clients to standard output" in errors) == (EXPORTED, True)
        rows = list(csv.reader(out.splitlines()))
        assert [row[5] for row in rows] == ["profile.name", "'=Alpha", "Beta", "Gamma"]
        for ending in ("csv", "jsonl", "parquet", "xlsx"):
            target = tmp_path / f"a.{ending}"
            assert _export("-o", target)[0] == EXPORTED
            assert target.stat().st_mode & 0o777 == 0o600
        assert json.loads((tmp_path / "a.jsonl").read_text("utf-8").splitlines()[0])["profile.name"] == "=Alpha"
        assert {each.name for each in tmp_path.iterdir()} >= {"a.csv", "a.xlsx"}
        assert [each.name for each in tmp_path.iterdir() if each.suffix in (".part", ".lines")] == []

    def test_the_map_reads_the_file_again_and_changes_nothing(
        self, book: Database[dict[str, Any]], tmp_path: Path
    ) -> None:
        target, by = tmp_path / "a.csv", tmp_path / "again.toml"
        assert _export("-o", target, "--map", by)[0] == EXPORTED
        code, out, _ = _run(import_clients, target, "--map", by)
        assert (code, out.split(";")[0]) == (0, "3 rows: 0 created, 0 changed, 3 unchanged, 0 refused")

    def test_a_person_takes_out_what_that_person_sees(self, book: Database[dict[str, Any]]) -> None:
        code, out, _ = _export("--person", "ana", "--attributes", "profile.name", "--where", '{"number": {"ne": "X"}}')
        assert (code, [line.split(",")[0] for line in out.splitlines()]) == (EXPORTED, ["number", "A1"])
        (entry,) = book["audit"].find({"operation": "export clients"})
        assert (entry["roles"], len(entry["clients"])) == (["relationship_manager"], 1)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--format", "xml"), "expected one of csv, jsonl, parquet, xlsx"),
            (("--format", "xlsx"), "name a file with -o"),
            (("--where", "{"), "expected JSON such as"),
            (("--where", '{"nobody": {"eq": 1}}'), "nobody"),
            (("--attributes", "profile.nothing,profile.name"), 'There is no attribute "profile.nothing"'),
            (("--attributes", "profile.taxId"), "leaves with an approval alone"),
            (("--person", "nobody"), "an active person of the directory"),
            (("--person", "ana", "--role", "administrator"), "one of ana's roles: relationship_manager"),
            (("--role", "auditor"), "name the person with --person"),
        ],
    )
    def test_what_cannot_be_done_says_why(
        self, book: Database[dict[str, Any]], arguments: tuple[str, ...], words: str
    ) -> None:
        code, out, errors = _export(*arguments)
        assert (code, out) == (FAILED, "")
        assert words in errors
