"""The command line: what it passes on, what it prints, and how it fails."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api import cli, serving
from api.setting import variable_of
from api.settings import Settings, SettingsError
from api.tokens import LocalIssuer
from catalogue.builtin import builtin_catalogue
from repositories.embedded import EmbeddedError
from schema.build import build_schema


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "200")
    return CliRunner()


class TestServe:
    @pytest.fixture
    def served(self, monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
        found: list[Settings] = []
        monkeypatch.setattr(serving, "serve", found.append)
        return found

    def test_options_win_over_the_environment(
        self, runner: CliRunner, served: list[Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("KEHU_PORT", "9001")
        monkeypatch.setenv("KEHU_HOST", "127.0.0.2")
        options = ["--port", "0", "--workers", "3", "--demo", "0", "--data", str(tmp_path)]
        assert runner.invoke(cli.app, ["serve", *options]).exit_code == 0
        (found,) = served
        assert (found.port, found.workers, found.demo, found.data_dir) == (0, 3, 0, tmp_path)
        assert found.host == "127.0.0.2"

    def test_a_wrong_value_is_explained(self, runner: CliRunner, served: list[Settings]) -> None:
        with pytest.raises(SettingsError, match='KEHU_PORT: got "70000"; expected a whole number from 0 to 65535'):
            runner.invoke(cli.app, ["serve", "--port", "70000"], catch_exceptions=False)
        assert served == []

    def test_a_slip_of_the_pen_is_warned_of(
        self, runner: CliRunner, served: list[Settings], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KEHU_PROT", "9001")
        done = runner.invoke(cli.app, ["serve"])
        assert "KEHU_PROT is no setting of Kehu" in re.sub(r"\s+", " ", done.output)
        assert len(served) == 1

    def test_help_lists_every_setting(self, runner: CliRunner) -> None:
        text = runner.invoke(cli.app, ["serve", "--help"]).output
        assert [name for name in Settings.model_fields if variable_of(name) not in text] == []


class TestToken:
    def test_is_alone_on_the_line_and_good(self, runner: CliRunner, tmp_path: Path) -> None:
        options = ["--person", "M001", "--role", "team_lead", "--team", "north", "--minutes", "5"]
        done = runner.invoke(cli.app, ["token", *options, "--data", str(tmp_path)])
        assert done.exit_code == 0
        assert re.fullmatch(r"[\w.-]+\n", done.stdout)
        claims = LocalIssuer(Settings(data_dir=tmp_path)).verify(done.stdout.strip())
        assert (claims.person, claims.role, claims.team) == ("M001", "team_lead", "north")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--person", "M001", "--role", "king"], 'role: got "king"'),
            (["--person", "", "--role", "auditor"], "person: got an empty text"),
            (["--person", "M001", "--role", "auditor", "--minutes", "-5"], "minutes: got -5"),
        ],
    )
    def test_refusals(self, runner: CliRunner, tmp_path: Path, options: list[str], words: str) -> None:
        done = runner.invoke(cli.app, ["token", *options, "--data", str(tmp_path)])
        assert (done.exit_code, done.stdout) == (1, "")
        assert words in done.stderr


class TestSchema:
    def test_of_the_built_in_attributes_needs_no_database(self, runner: CliRunner) -> None:
        done = runner.invoke(cli.app, ["schema", "--builtin"])
        assert done.exit_code == 0
        assert done.stdout.strip() == build_schema(builtin_catalogue()).as_str().strip()

    def test_of_a_live_database(self, runner: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("KEHU_MONGODB_DRIVER", "memory")
        done = runner.invoke(cli.app, ["schema", "--data", str(tmp_path)])
        assert done.exit_code == 0
        assert done.stdout.strip() == build_schema(builtin_catalogue()).as_str().strip()


class TestCommandLine:
    @pytest.mark.parametrize("command", [[], ["import", "clients"], ["attributes", "apply"], ["privacy", "migrate"]])
    def test_flags_take_no_value(
        self, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("sys.argv", ["kehu", *command, "--help"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        text = capsys.readouterr().out
        assert "--help" in text
        assert "bool" not in text

    def test_version(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr("sys.argv", ["kehu", "--version"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        assert re.fullmatch(r"kehu \d+\.\d+\.\d+\n", capsys.readouterr().out)


class TestMain:
    @pytest.mark.parametrize("problem", [SettingsError("KEHU_PORT: [bad]"), EmbeddedError("no mongod [here]")])
    def test_what_people_can_mend_is_one_line_and_no_traceback(
        self, problem: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise problem

        monkeypatch.setattr(cli, "command_line", lambda: fail)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 1
        assert capsys.readouterr().err.strip() == str(problem)
