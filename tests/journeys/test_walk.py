"""The newcomer's walk holds: every command and every question of docs/walk.md, in order, on a server of its own."""

import json
import re
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import anyio
import httpx2
from pymongo import MongoClient

from tests.figures import Figure
from tests.house_rules import ROOT
from tests.servers import KEHU, environment, kehu_serve

PAGE = ROOT / "docs" / "walk.md"
BLOCK = re.compile(r"^```(sh|graphql|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DEMO_CLIENTS = 60
SOON_SECONDS = 60.0
DONE, SOME_REFUSED = 0, 1


async def test_the_walk(mongod_uri: str, tmp_path: Path, figure: Figure) -> None:
    database = f"test_{uuid.uuid4().hex[:16]}"
    settings = {"KEHU_MONGODB_URI": mongod_uri, "KEHU_DATABASE": database, "KEHU_DATA_DIR": str(tmp_path / "data")}
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    begun = time.monotonic()
    try:
        with kehu_serve(tmp_path / "data", "--demo", str(DEMO_CLIENTS), KEHU_JOBS="inside", **settings) as served:
            async with served.client() as api:
                codes = [await _step(api, place, blocks, tmp_path, settings) for place in range(len(blocks))]
    finally:
        with MongoClient[dict[str, Any]](mongod_uri) as client:
            client.drop_database(database)
    seconds = time.monotonic() - begun
    figure(f"the newcomer's walk: {len(codes)} commands, questions and answers in {seconds:.0f} s, the server included")
    assert [code for code in codes if code is not None] == [SOME_REFUSED, SOME_REFUSED, DONE]
    refused = (tmp_path / "refused.csv").read_text("utf-8")
    assert len(refused.splitlines()) == 2
    assert "K000011" in refused


async def _step(
    api: httpx2.AsyncClient, place: int, blocks: list[tuple[str, str]], folder: Path, settings: dict[str, str]
) -> int | None:
    """Do what a block says; the exit code of a command, None of a question."""
    language, text = blocks[place]
    if language == "sh":
        done = await anyio.to_thread.run_sync(_run, text, folder, settings)
        assert done.returncode in (DONE, SOME_REFUSED), done.stderr
        return done.returncode
    if language == "graphql":
        following, answer = blocks[place + 1]
        assert following == "json", text
        assert await _answer(api, text, json.loads(answer)) == json.loads(answer), text
    return None


def _run(commands: str, folder: Path, settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    text = commands.replace(".venv/bin/kehu", " ".join(KEHU))
    return subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env=environment(**settings, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def _answer(api: httpx2.AsyncClient, question: str, expected: Any) -> Any:
    """The answer, when it is what is expected; the last one, if that takes too long: the worker needs a moment."""
    answer = None
    with anyio.move_on_after(SOON_SECONDS):
        while answer != expected:
            answer = (await api.post("/graphql", json={"query": question})).json()
            if question.startswith("mutation"):
                break
            await anyio.sleep(0.05)
    return answer
