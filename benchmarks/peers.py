"""The other servers: how each is started, as the peers' own run.py does, and the seed of their database."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.machine import program
from benchmarks.processes import Target
from benchmarks.workdir import WorkDir, run
from repositories.mongo import Store

FLOOR = "floor"
PYTHON_PEERS = {
    FLOOR: "floor:app",
    "naive": "naive:app",
    "tuned": "tuned:app",
    "fast": "fast:app",
    "max": "fast:app_max",
}
NODE_PEERS = {"mercurius": "mercurius.js", "yoga": "yoga.js", "apollo": "apollo.js", "floor-node": "floor.js"}
PEERS = (*PYTHON_PEERS, *NODE_PEERS)
"""Names as in the answers of --json; `floor` asks the database the same and knows no GraphQL."""


def installed_peers(work: WorkDir) -> tuple[str, ...]:
    """The peers that a run takes if none are named: the floor, the usual Strawberry, and Mercurius if it is there."""
    return (FLOOR, *(["mercurius"] if work.has_node_peers else []), "naive")


def peer_target(name: str, work: WorkDir, uri: str, database: str) -> Target:
    """A peer on its database.

    Raises: BenchmarkError for an unknown name.
    """
    environment = {
        "MONGO_URL": uri,
        "MONGO_DB": database,
        "NODE_ENV": "production",
        "PYTHONPATH": str(work.peers / "py"),
    }
    if name in NODE_PEERS:
        return Target(name, [program("node"), NODE_PEERS[name]], work.peers / "node", environment)
    if name not in PYTHON_PEERS:
        raise BenchmarkError(f'--peers: got "{name}"; expected some of {", ".join(PEERS)}.')
    return Target(name, _python_command(name, work), work.peers / "py", environment)


def _python_command(name: str, work: WorkDir) -> list[str]:
    python, app = str(work.peers_python), PYTHON_PEERS[name]
    quiet = ["--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning", app]
    if name == "naive":
        return [python, "-m", "uvicorn", "--loop", "asyncio", "--http", "h11", "--no-access-log", *quiet]
    return [python, "-m", "granian", "--interface", "asginl", "--loop", "uvloop", "--no-ws", *quiet]


async def seed_peers(work: WorkDir, store: Store, uri: str, database: str, clients: int) -> None:
    """The peers' own seed values in their own database, unless they are there.

    Raises: BenchmarkError if the seed fails.
    """
    if await store.collection("clients").estimated_count() == clients and await _has_indexes(store):
        return
    print(f"Seeding {clients} clients for the peers ...", flush=True)
    run([sys.executable, "seed.py", "--n", str(clients), "--uri", uri, "--db", database], work.peers)


async def _has_indexes(store: Store) -> bool:
    # the seed makes this one last
    return any(name.startswith("clientId_1") for name in await store.collection("interactions").indexes())


def peer_questions(work: WorkDir) -> Mapping[str, Any]:
    """The peers' queries by work."""
    found: Mapping[str, Any] = json.loads((work.peers / "queries.json").read_text())
    return found
