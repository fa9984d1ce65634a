"""The Dockerfile, held without a Docker engine: its sources exist, and its own pip lines and entry command work."""

import fnmatch
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house_rules import ROOT, project_files, text_of

PORT = "8000"


@dataclass(frozen=True)
class Instruction:
    """One line of the Dockerfile, continuation lines joined.

    Shape: stage counts the FROM lines from 0; flags are the words that start with --.
    """

    stage: int
    word: str
    flags: tuple[str, ...]
    text: str

    def words(self) -> list[str]:
        """The JSON form (CMD ["a", "b"]) as a list, else the words."""
        found: list[str] = json.loads(self.text) if self.text.startswith("[") else self.text.split()
        return found


def instructions_from(text: str) -> list[Instruction]:
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    found: list[Instruction] = []
    stage = -1
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        flags = []
        while match := re.match(r"\s*(--\S+)\s+", rest):
            flags.append(match[1])
            rest = rest[match.end() :]
        stage += word == "FROM"
        found.append(Instruction(stage, word, tuple(flags), rest.strip()))
    return found


DOCKERFILE = instructions_from(text_of("Dockerfile"))
LAST_STAGE = DOCKERFILE[-1].stage
BUILD_STAGE = LAST_STAGE - 1


def last(word: str) -> Instruction:
    """The instruction of the final image that is in force."""
    return [each for each in DOCKERFILE if (each.word, each.stage) == (word, LAST_STAGE)][-1]


def copies(stage: int | None = None) -> list[tuple[list[str], str]]:
    """Sources in the checkout and target of each COPY; those that copy between stages are left out."""
    found = [each for each in DOCKERFILE if each.word == "COPY" and stage in (None, each.stage)]
    return [(each.words()[:-1], each.words()[-1]) for each in found if not any("--from" in flag for flag in each.flags)]


def is_ignored(path: str, rules: str) -> bool:
    """Whether .dockerignore keeps a file from the build: the last rule that matches it or a folder above it wins."""
    ignored = False
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for rule in filter(None, (line.partition("#")[0].strip() for line in rules.splitlines())):
        pattern = rule.removeprefix("!").strip("/")
        loose = pattern.removeprefix("**/")
        names = [name.rpartition("/")[2] for name in above] if loose != pattern else above
        if any(fnmatch.fnmatchcase(name, loose) and name.count("/") == loose.count("/") for name in names):
            ignored = not rule.startswith("!")
    return ignored


def files_of(source: str) -> list[str]:
    """Committed files that a COPY source stands for, less those of .dockerignore."""
    name = source.rstrip("/")
    inside = [path for path in project_files() if path == name or path.startswith(name + "/")]
    return [path for path in inside if not is_ignored(path, text_of(".dockerignore"))]


class TestIsIgnored:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("api/app.py", False),
            ("README.md", False),
            ("secrets.env", True),
            ("tests/test_house.py", True),
            ("api/__pycache__/app.pyc", True),
            ("console/graphiql/node_modules/left/index.js", True),
            ("api/static/graphiql/graphiql.js", True),
        ],
    )
    def test_as_docker_would(self, path: str, expected: bool) -> None:
        assert is_ignored(path, text_of(".dockerignore")) is expected


class TestCopies:
    def test_every_source_has_files_that_reach_the_build(self) -> None:
        sources = [source for found, _ in copies() for source in found]
        assert sources
        assert [source for source in sources if not files_of(source)] == []

    def test_every_package_of_the_wheel_is_copied(self) -> None:
        project = tomllib.loads(text_of("pyproject.toml"))
        packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
        copied = {source.rstrip("/") for found, _ in copies(BUILD_STAGE) for source in found}
        assert packages - copied == set()

    def test_stages_copied_from_exist(self) -> None:
        stages = {each.words()[2] for each in DOCKERFILE if each.word == "FROM" and len(each.words()) == 3}
        asked = {flag.partition("=")[2] for each in DOCKERFILE for flag in each.flags if flag.startswith("--from=")}
        assert asked
        assert asked - stages == set()


class TestImage:
    def test_does_not_run_as_root_and_says_so_by_number(self) -> None:
        assert last("USER").text.isdecimal()
        assert last("USER").text != "0"

    def test_base_images_are_named_by_digest(self) -> None:
        bases = [each.words()[0] for each in DOCKERFILE if each.word == "FROM"]
        assert bases
        assert [base for base in bases if not re.fullmatch(r"[a-z0-9.:-]+@sha256:[0-9a-f]{64}", base)] == []

    def test_is_for_production_unless_told_otherwise(self) -> None:
        assert "KEHU_ENVIRONMENT=production" in last("ENV").words()

    def test_carries_nothing_that_installs(self) -> None:
        assert "--without-pip" in text_of("Dockerfile")
        removed = [each.text for each in DOCKERFILE if (each.word, each.stage) == ("RUN", LAST_STAGE)]
        assert any("rm -rf" in text and "ensurepip" in text and "bin/pip*" in text for text in removed)

    def test_carries_no_database_of_tests(self) -> None:
        assert "mongomock" not in text_of("requirements/runtime.txt")

    def test_ports_agree(self) -> None:
        assert last("EXPOSE").text == PORT
        assert last("CMD").words()[-2:] == ["--port", PORT]
        assert f":{PORT}/healthz" in last("HEALTHCHECK").text

    def test_installs_by_hash(self) -> None:
        installs = [each.text for each in DOCKERFILE if each.word == "RUN" and "pip install" in each.text]
        loose = [
            part
            for text in installs
            for part in text.split("&&")
            if "pip install" in part and "--require-hashes" not in part and "--no-deps --no-index" not in part
        ]
        assert loose == []

    def test_ships_no_mongod(self) -> None:
        assert "fiftyone" not in text_of("requirements/runtime.txt") + text_of("Dockerfile")


@dataclass(frozen=True)
class Built:
    """Where the RUN lines of the build stage left their work."""

    environment: Path
    home: Path

    def command(self, words: list[str], port: int) -> list[str]:
        """A command of the image as it runs here: its own environment, another port."""
        name, *rest = [word.replace(PORT, str(port)) for word in words]
        return [str(self.environment / "bin" / name), *rest]


def lay_out(source: Path) -> None:
    """What the COPY lines of the build stage bring, in a folder."""
    for origin, path, target in (
        (each, path, to) for found, to in copies(BUILD_STAGE) for each in found for path in files_of(each)
    ):
        # as Docker does: a folder gives its content, a file its name
        place = source / target / (path.removeprefix(origin) if origin.endswith("/") else Path(path).name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, place)
    # stands for what the console stage fetches
    for target in (
        each.words()[-1] for each in DOCKERFILE if (each.flags, each.stage) == (("--from=console",), BUILD_STAGE)
    ):
        shutil.copytree(ROOT / "console/graphiql", source / target, ignore=shutil.ignore_patterns("node_modules"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The build stage, carried out here with the files that its COPY lines bring and nothing else."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "source"
    lay_out(source)
    subprocess.run([sys.executable, "-m", "venv", folder / "stage"], check=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("KEHU_", "PYTHON", "VIRTUAL_ENV"))}
    env["PATH"] = f"{folder / 'stage' / 'bin'}:{env['PATH']}"
    for each in DOCKERFILE:
        if (each.word, each.stage) == ("RUN", BUILD_STAGE):
            line = each.text.replace("/opt/kehu", str(folder / "kehu")).replace("/wheels", str(folder / "wheels"))
            done = subprocess.run(["sh", "-c", line], cwd=source, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"RUN {each.text}\n{done.stdout}\n{done.stderr}"
    (folder / "home").mkdir()
    return Built(folder / "kehu", folder / "home")


@pytest.fixture
def served(built: Built, mongod_uri: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The entry command on a free port, in a folder without the sources."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = built.command(last("ENTRYPOINT").words() + last("CMD").words(), port)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(built.home), "KEHU_DATA_DIR": str(built.home)}
    env |= {"KEHU_ENVIRONMENT": "development", "KEHU_JOBS": "none"}
    env |= {"KEHU_MONGODB_URI": mongod_uri, "KEHU_DATABASE": f"test_{uuid.uuid4().hex[:16]}"}
    with subprocess.Popen(
        command, cwd=built.home, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process, port
        finally:
            process.kill()


def wait_until_healthy(process: subprocess.Popen[str], port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            assert process.stdout
            pytest.fail(f"the entry command ended with {process.returncode}:\n{process.stdout.read()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    pytest.fail("/healthz did not answer 200 within 60 seconds")


class TestEntryCommand:
    def test_serves_and_is_found_healthy_and_ends_cleanly(
        self, built: Built, served: tuple[subprocess.Popen[str], int]
    ) -> None:
        process, port = served
        wait_until_healthy(process, port)
        check = built.command(json.loads(last("HEALTHCHECK").text.removeprefix("CMD")), port)
        assert subprocess.run(check, check=False).returncode == 0
        process.send_signal(signal.SIGTERM)
        # uvicorn shuts down in order and then lets the signal end the process; a crash or a hang is neither
        assert process.wait(timeout=20) in {0, -signal.SIGTERM}

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"KEHU_MONGODB_URI": "mongodb://127.0.0.1:9"}, "KEHU_OIDC_ISSUER: got nothing"),
            ({"KEHU_ENVIRONMENT": "development", "KEHU_MONGODB_DRIVER": "memory"}, 'Install "kehu[memory]"'),
        ],
    )
    def test_says_what_it_lacks(self, built: Built, given: dict[str, str], words: str) -> None:
        """No token is printed by an image that nobody has told who signs in, and nothing is served."""
        command = built.command(last("ENTRYPOINT").words() + last("CMD").words(), 0)
        env = {"PATH": "/usr/bin:/bin", "HOME": str(built.home), "KEHU_DATA_DIR": str(built.home)}
        env |= dict(word.split("=", 1) for word in last("ENV").words() if word.startswith("KEHU_ENV")) | given
        done = subprocess.run(command, cwd=built.home, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in {1, 2}
        assert words in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "Sign-in tokens" not in done.stdout

    def test_has_no_pip(self, built: Built) -> None:
        assert [path.name for path in (built.environment / "bin").glob("*pip*")] == []
        assert list(built.environment.glob("lib/python*/site-packages/pip*")) == []

    def test_health_check_fails_when_nobody_serves(self, built: Built) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            check = built.command(json.loads(last("HEALTHCHECK").text.removeprefix("CMD")), nobody.getsockname()[1])
            assert subprocess.run(check, check=False, capture_output=True).returncode != 0

    def test_wheel_carries_the_packages_and_the_page_and_no_tests(self, built: Built) -> None:
        script = "import importlib.metadata as m; print(m.version('kehu')); print(*m.files('kehu'))"
        answer = subprocess.run(
            [built.environment / "bin/python", "-c", script], cwd=built.home, capture_output=True, text=True, check=True
        )
        version, names = answer.stdout.splitlines()
        folders = {name.partition("/")[0] for name in names.split()}
        assert version == tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
        assert not {"tests", "benchmarks", "scripts", "console"} & folders
        assert {"api", "schema", "acts", "repositories", "policy", "catalogue"} <= folders
        assert {"api/static/graphiql/index.html", "api/error_pages/NOT_FOUND.md", "schema/schema.graphql"} <= set(
            names.split()
        )
