"""`kehu attributes export|diff|apply` on a mongod that outlives the command."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from typer.testing import CliRunner

from api import cli
from api.database import mongo_settings
from api.settings import Settings
from repositories.mongo import connect

GRADE: dict[str, Any] = {
    "path": "profile.grade",
    "label": "Grade",
    "description": "How good.",
    "kind": "CODE",
    "options": [{"code": "A", "label": "Best"}],
}


@pytest.fixture
def runner(mongod_uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[CliRunner]:
    """The command on an empty database that the environment names."""
    settings = Settings(mongodb_uri=mongod_uri, database=f"code_{uuid.uuid4().hex[:12]}", mongo_timeout_seconds=30)
    monkeypatch.setenv("KEHU_MONGODB_URI", settings.mongodb_uri)
    monkeypatch.setenv("KEHU_DATABASE", settings.database)
    monkeypatch.setenv("KEHU_MONGO_TIMEOUT_SECONDS", "30")
    monkeypatch.setenv("KEHU_DATA_DIR", str(tmp_path / "data"))
    yield CliRunner()
    anyio.run(drop, settings)


async def drop(settings: Settings) -> None:
    store = connect(mongo_settings(settings, settings.mongodb_uri))
    await store.drop_database()
    await store.close()


def written(path: Path, *blocks: dict[str, Any]) -> str:
    path.write_text(json.dumps({"kehu": 1, "attributes": blocks}), encoding="utf-8")
    return str(path)


class TestCommand:
    def test_diff_apply_export_and_no_difference_any_more(self, runner: CliRunner, tmp_path: Path) -> None:
        file, out = written(tmp_path / "wanted.json", GRADE), tmp_path / "out.json"
        found = runner.invoke(cli.app, ["attributes", "diff", file])
        assert (found.exit_code, found.stdout) == (1, "+ profile.grade (added, safe)\n")
        dry = runner.invoke(cli.app, ["attributes", "apply", file, "--dry-run"])
        no = runner.invoke(cli.app, ["attributes", "apply", file], input="n\n")
        assert (dry.exit_code, no.exit_code) == (0, 1)
        assert (
            runner.invoke(cli.app, ["attributes", "export", "-"]).stdout == '{\n  "kehu": 1,\n  "attributes": []\n}\n'
        )
        done = runner.invoke(cli.app, ["attributes", "apply", file, "--yes"])
        assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "done: profile.grade is defined")
        assert runner.invoke(cli.app, ["attributes", "export", str(out)]).exit_code == 0
        assert json.loads(out.read_text("utf-8"))["attributes"] == [GRADE]
        same = runner.invoke(cli.app, ["attributes", "diff", str(out)])
        assert (same.exit_code, same.stdout) == (0, "No difference.\n")

    def test_what_a_second_person_decides_is_proposed_in_somebodys_name(
        self, runner: CliRunner, tmp_path: Path
    ) -> None:
        assert runner.invoke(cli.app, ["enter", "--person", "ana", "--role", "data_steward"]).exit_code == 0
        runner.invoke(cli.app, ["attributes", "apply", written(tmp_path / "a.json", GRADE), "--yes"])
        file = written(tmp_path / "b.json", {**GRADE, "sensitivity": "PUBLIC", "label": "Mark"})
        alone = runner.invoke(cli.app, ["attributes", "apply", file, "--yes"])
        assert alone.exit_code == 2
        assert "profile.grade: ATTRIBUTE_CHANGE is proposed by a data_steward" in alone.stderr
        done = runner.invoke(cli.app, ["attributes", "apply", file, "--yes", "--as", "ana", "--reason", "Public."])
        assert done.exit_code == 0
        assert "waits for a second person: profile.grade has another label, sensitivity: approval ap_" in done.stdout
        assert "    label: Grade -> Mark\n" in done.stdout

    @pytest.mark.parametrize(
        ("text", "options", "words"),
        [
            (None, [], "cannot be read: No such file"),
            ("{", [], "This is not JSON"),
            ('{"kehu": 1, "attributes": []}', ["--as", "nobody"], '--as: got "nobody"; expected an active person'),
        ],
    )
    def test_refusals(
        self, runner: CliRunner, tmp_path: Path, text: str | None, options: list[str], words: str
    ) -> None:
        file = tmp_path / "file.json"
        if text is not None:
            file.write_text(text, encoding="utf-8")
        done = runner.invoke(cli.app, ["attributes", "apply", str(file), *options])
        assert (done.exit_code, done.stdout) == (2, "")
        assert words in done.stderr
