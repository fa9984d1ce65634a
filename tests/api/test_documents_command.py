"""`kehu documents`."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from typer.testing import CliRunner

from api import cli
from api.documents_command import BadFile, documents_in

QUERY = "query Names { clients(first: 3) { nodes { number profile { name } } } }"


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner(env={"COLUMNS": "300"}).invoke(cli.app, ["documents", *arguments])
    return done.exit_code, done.stdout, done.stderr


class TestDocumentsIn:
    def test_graphql(self, tmp_path: Path) -> None:
        file = tmp_path / "names.graphql"
        file.write_text(QUERY)
        assert [(each.text, each.id) for each in documents_in(file)] == [(QUERY, None)]

    def test_manifest(self, tmp_path: Path) -> None:
        file = tmp_path / "persisted.json"
        file.write_text(json.dumps({"a": QUERY, "b": "{ __typename }"}))
        assert [(each.text, each.id) for each in documents_in(file)] == [(QUERY, "a"), ("{ __typename }", "b")]

    @pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}', '{"": "{ a }"}'])
    def test_other_json(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "persisted.json"
        file.write_text(text)
        with pytest.raises(BadFile, match="expected"):
            list(documents_in(file))

    def test_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "x.graphql").write_bytes(b"\xff")
        for file in (tmp_path / "x.graphql", tmp_path / "missing.graphql"):
            with pytest.raises(BadFile, match="cannot be read as UTF-8"):
                list(documents_in(file))


class TestOnADatabase:
    @pytest.fixture
    def data(self, tmp_path: Path, mongod_uri: str, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("KEHU_MONGODB_URI", mongod_uri)
        monkeypatch.setenv("KEHU_DATABASE", f"documents_{tmp_path.name[-20:]}"[:60].replace("-", "_"))
        return tmp_path

    def test_register_list_remove(self, data: Path) -> None:
        (data / "names.graphql").write_text(QUERY)
        (data / "persisted.json").write_text(json.dumps({"names-1": QUERY, "type": "{ __typename }"}))
        files = [str(data / "names.graphql"), str(data / "persisted.json")]
        code, out, err = run("register", *files, "--person", "ana")
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert [line.split()[0] for line in lines] == ["registered", "registered", "registered"]
        assert lines[0].split()[1:] == lines[1].split()[1:]
        with MongoClient[dict[str, Any]](os.environ["KEHU_MONGODB_URI"]) as database:
            rows = database[os.environ["KEHU_DATABASE"]]["trusted_documents"].find({"name": "Names"})
            assert [each["uses"] for each in rows] == [["profile.name"]]
        code, out, _ = run("register", *files)
        assert [line.split()[0] for line in out.splitlines()] == ["unchanged"] * 3
        listed = run("list")[1].splitlines()
        assert len(listed) == 2
        assert "Names (names-1) ana" in listed[0]
        digest = listed[0].split()[0]
        assert run("remove", digest) == (0, f"removed {digest}\n", "")
        code, _, err = run("remove", digest)
        assert (code, "No document is registered" in err) == (1, True)

    def test_all_or_none(self, data: Path) -> None:
        manifest = {"good": QUERY, "bad": "{ nothing }", "broken": "{"}
        (data / "persisted.json").write_text(json.dumps(manifest))
        code, out, err = run("register", str(data / "persisted.json"))
        assert (code, out) == (1, "")
        assert "persisted.json, bad: Cannot query field 'nothing'" in err
        assert "persisted.json, broken: Syntax Error" in err
        assert "Nothing was registered." in err
        assert run("list")[1] == ""

    def test_an_id_stands_for_one_document(self, data: Path) -> None:
        for text, expected in ((QUERY, 0), ("{ __typename }", 1)):
            (data / "persisted.json").write_text(json.dumps({"id": text}))
            assert run("register", str(data / "persisted.json"))[0] == expected

    def test_no_file(self, data: Path) -> None:
        code, _, err = run("register", str(data / "missing.graphql"))
        assert (code, "cannot be read" in err) == (1, True)
