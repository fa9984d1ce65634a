"""Operations that the compiler leaves to ordinary execution, beside the tuned Strawberry server."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks.bench import Choice, stage_for
from benchmarks.errors import BenchmarkError
from benchmarks.peers import FLOOR
from benchmarks.processes import Running
from benchmarks.questions import KEHU_QUERIES
from benchmarks.rounds import Asked, Bench, in_turn
from benchmarks.verify import verify
from benchmarks.workdir import WorkDir

WORK = ("Q2", "Q4")
TUNED = "tuned"
COMPILED = "kehu compiled"
WITH_INTROSPECTION = "tuned with it"
MORE_SECONDS = 2
_ROOT = "__schema { queryType { name } }"


def with_introspection(query: str) -> str:
    """The query with one more root field, which no server compiles."""
    whole, end, _ = query.rstrip().rpartition("}")
    if not end:
        raise ValueError(f"a query ends with a brace; got {query!r}")
    return f"{whole}{_ROOT} }}"


async def measure_ordinary(work: WorkDir, choice: Choice) -> dict[str, Any]:
    """Q2 and Q4 of Kehu with an introspection field, and of the tuned server without it, and with it where it can.

    Order: all are asked in turn; Kehu's compiled operation stands beside them.
    """
    found: dict[str, Any] = {}
    async with stage_for(work, choice) as stage:
        plain = stage.bench
        odd = replace(
            plain,
            kehu_queries=_with_introspection(KEHU_QUERIES),
            peer_queries=_with_introspection(plain.peer_queries),
        )
        with stage.servers((FLOOR, TUNED)) as servers:
            ours, _, tuned = servers
            for name in WORK:
                await verify(plain, name, servers)
                if not _is_same(plain, odd, name, ours):
                    raise BenchmarkError(f"{name}: kehu answers something else when an introspection field is added.")
                asked = {"kehu": Asked(odd, ours), TUNED: Asked(plain, tuned), COMPILED: Asked(plain, ours)}
                if _is_same(plain, odd, name, tuned):
                    asked[WITH_INTROSPECTION] = Asked(odd, tuned)
                found[name] = await in_turn(
                    asked, name, choice.rounds, connections=choice.connections, more_seconds=MORE_SECONDS
                )
    return {"ordinary": found}


def _with_introspection(queries: Mapping[str, str]) -> dict[str, str]:
    return {name: with_introspection(queries[name]) if name in WORK else query for name, query in queries.items()}


def _is_same(plain: Bench, odd: Bench, work: str, running: Running) -> bool:
    """Whether a server gives the same answer and, besides, what the added field asks for."""
    wanted = json.loads(running.post(plain.bodies(work, running)[0]))["data"]
    got = json.loads(running.post(odd.bodies(work, running)[0])).get("data") or {}
    return "queryType" in (got.pop("__schema", None) or {}) and bool(got == wanted)
