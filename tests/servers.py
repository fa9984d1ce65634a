"""`kehu serve` as a process of its own, and a small client for it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[1]
KEHU = (sys.executable, "-m", "api.cli")
READY = re.compile(r"^Kehu is ready at (http://\S+)/graphql$", re.MULTILINE)
TOKEN = re.compile(r"^([a-z_]+) (\S{100,})$", re.MULTILINE)
START_SECONDS = 60.0
STOP_SECONDS = 30.0


@dataclass
class Served:
    """A running server; its words are kept in two files."""

    process: "subprocess.Popen[bytes]"
    out: Path
    err: Path
    url: str = ""
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return f"{self.out.read_text()}\n{self.err.read_text()}"

    def client(self, role: str = "administrator") -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=self.url, headers={"authorization": f"Bearer {self.tokens[role]}"}, timeout=30.0
        )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while len(self.tokens) < 7:
            assert self.process.poll() is None, self.words
            assert time.monotonic() < deadline, f"not ready within {START_SECONDS:.0f} s: {self.words}"
            time.sleep(0.02)
            text = self.out.read_text()
            if found := READY.search(text):
                self.url = found[1]
                self.tokens = dict(TOKEN.findall(text))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def environment(**settings: str) -> dict[str, str]:
    """The environment of this process, without its settings of Kehu."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEHU_")}
    return (
        inherited
        | {"KEHU_EMBEDDED_CACHE_GB": "0.25", "KEHU_MONGO_TIMEOUT_SECONDS": "30", "KEHU_OPERATION_SECONDS": "60"}
        # A process more for every server would only take the tests' time; those that want it say so.
        | {"KEHU_JOBS": "none"}
        | settings
    )


@contextmanager
def kehu_serve(data: Path, *options: str, **settings: str) -> Iterator[Served]:
    """A server that is ready."""
    with kehu_starting(data, *options, **settings) as served:
        served.wait_until_ready()
        yield served


@contextmanager
def kehu_starting(data: Path, *options: str, **settings: str) -> Iterator[Served]:
    """A server that nobody has waited for yet; ended at the end, however it went."""
    data.mkdir(parents=True, exist_ok=True)
    number = len(list(data.glob("out-*")))
    out, err = data / f"out-{number}", data / f"err-{number}"
    command = [*KEHU, "serve", "--port", "0", "--data", str(data), *options]
    with out.open("wb") as words, err.open("wb") as notes:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(**settings), stdout=words, stderr=notes)
    served = Served(process, out, err)
    try:
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def ask(client: httpx2.AsyncClient, query: str, /, **variables: object) -> Any:
    """The data of an answer that has no errors."""
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    found = answer.json()
    assert "errors" not in found, found
    return found["data"]


async def do(client: httpx2.AsyncClient, name: str, selection: str, /, **given: object) -> Any:
    """The payload of a mutation that was carried out, without its empty list of errors."""
    payload = await attempt(client, name, selection, **given)
    errors = payload.pop("errors")
    assert errors == [], errors[:3]
    return payload


async def attempt(client: httpx2.AsyncClient, name: str, selection: str, /, **given: object) -> Any:
    """The payload of a mutation, whatever came of it."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    errors = "errors { code message path given expected ... on RowRefusal { row } }"
    query = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ {selection} {errors} }} }}"
    return (await ask(client, query, input=given))[name]


async def retire(proposer: httpx2.AsyncClient, decider: httpx2.AsyncClient, path: str) -> None:
    """Retire an attribute, as it takes two."""
    proposed = await do(proposer, "attributeRetire", "approval { id }", path=path)
    selection = "approval { carriedOutAt outcomeErrors { message } }"
    done = await do(decider, "approvalDecide", selection, id=proposed["approval"]["id"], isApproved=True)
    assert done["approval"]["carriedOutAt"], done


def code_of(answer: httpx2.Response) -> str:
    """The code of the first error of an answer."""
    return str(answer.json()["errors"][0]["extensions"]["code"])
