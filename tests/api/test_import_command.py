"""The command as a person meets it: exit codes, report, Ctrl-C."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import typer
from pymongo import MongoClient
from typer.testing import CliRunner

from api.import_command import FAILED, INTERRUPTED, SOME_REFUSED, STORED, import_clients

PROJECT = Path(__file__).parents[2]
MAP = """
[client]
number = "{id}"
kind = "ORGANISATION"
[proof]
source = "test"
[values]
"profile.name" = "name"
"profile.employees" = "size"
"""
RUN = "import typer; from api.import_command import import_clients; typer.run(import_clients)"


@pytest.fixture
def database(mongod_uri: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of its own, named by the environment."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    monkeypatch.setenv("KEHU_MONGODB_URI", mongod_uri)
    monkeypatch.setenv("KEHU_DATABASE", name)
    return name


@pytest.fixture
def map_path(tmp_path: Path) -> Path:
    path = tmp_path / "map.toml"
    path.write_text(MAP, "utf-8")
    return path


def _run(*arguments: object) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(import_clients)
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.exit_code, result.stdout, result.stderr


def _write(path: Path, rows: int) -> Path:
    path.write_text("id,name,size\n" + "".join(f"C{row},Name {row},{row}\n" for row in range(rows)), "utf-8")
    return path


def _count(uri: str, database: str) -> int:
    with MongoClient[dict[str, object]](uri) as client:
        return client[database]["clients"].count_documents({})


class TestImportClients:
    def test_everything_stored_then_nothing_changed(
        self, database: str, mongod_uri: str, map_path: Path, tmp_path: Path
    ) -> None:
        path = _write(tmp_path / "a.csv", 3)
        code, out, _ = _run(path, "--map", map_path)
        assert (code, out.split(";")[0]) == (STORED, "3 rows: 3 created, 0 changed, 0 unchanged, 0 refused")
        code, out, _ = _run(path, "--map", map_path)
        assert (code, out.split(";")[0]) == (STORED, "3 rows: 0 created, 0 changed, 3 unchanged, 0 refused")
        assert _count(mongod_uri, database) == 3

    def test_a_dry_run_says_so_and_writes_nothing(
        self, database: str, mongod_uri: str, map_path: Path, tmp_path: Path
    ) -> None:
        code, out, _ = _run(_write(tmp_path / "a.csv", 3), "--map", map_path, "--dry-run")
        assert code == STORED
        assert out.startswith("Dry run, nothing was written. 3 rows: 3 created")
        assert _count(mongod_uri, database) == 0

    def test_refused_rows_are_shown_up_to_a_number_and_kept_in_a_file(
        self, database: str, map_path: Path, tmp_path: Path
    ) -> None:
        path, refused = tmp_path / "a.csv", tmp_path / "refused.csv"
        path.write_text("id,name,size\n1,A,few\n2,B,many\n3,C,-1\n4,D,4\n", "utf-8")
        code, out, errors = _run(path, "--map", map_path, "--refused", refused, "--shown", 2)
        assert code == SOME_REFUSED
        assert 'line 2: column "size": profile.employees takes a whole number' in errors
        assert "line 3" in errors
        assert "line 4" not in errors
        assert "1 more refused rows are not shown." in errors
        assert "4 rows: 1 created, 0 changed, 0 unchanged, 3 refused" in out
        assert len(refused.read_text("utf-8").splitlines()) == 4

    def test_a_map_that_cannot_be_used_fails_before_the_database(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KEHU_MONGODB_URI", "mongodb://127.0.0.1:1")
        code, out, errors = _run(_write(tmp_path / "a.csv", 1), "--map", tmp_path / "none.toml")
        assert (code, out) == (FAILED, "")
        assert "none.toml cannot be read" in errors

    def test_settings_that_cannot_be_used_are_named(
        self, tmp_path: Path, map_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KEHU_MONGODB_URI", "http://nowhere")
        code, _, errors = _run(_write(tmp_path / "a.csv", 1), "--map", map_path)
        assert code == FAILED
        assert "KEHU_MONGODB_URI" in errors

    def test_ctrl_c_keeps_what_was_reported_and_a_second_run_goes_on(
        self, database: str, mongod_uri: str, map_path: Path, tmp_path: Path
    ) -> None:
        path = _write(tmp_path / "a.csv", 60_000)
        arguments = [sys.executable, "-c", RUN, str(path), "--map", str(map_path)]
        process = subprocess.Popen(
            arguments, cwd=PROJECT, env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            while _count(mongod_uri, database) == 0:
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == INTERRUPTED
        assert "Stopping after this batch." in errors
        stored = _count(mongod_uri, database)
        assert 0 < stored < 60_000
        assert f"Stopped. {stored:,} rows are stored. Run the same command again to go on." in out
        small = _write(tmp_path / "b.csv", stored + 1)
        assert _run(small, "--map", map_path)[1].startswith(
            f"{stored + 1:,} rows: 1 created, 0 changed, {stored:,} unch"
        )
