"""The price of the policy and of the audit: Kehu beside itself without them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from api.settings import load_settings
from api.tokens import LocalIssuer
from benchmarks.bench import Choice, Stage, greeting, stage_for
from benchmarks.kehu import TOKEN_MINUTES, kehu_target
from benchmarks.machine import SERVER_CPU
from benchmarks.processes import Running, start, stop
from benchmarks.rounds import Asked, in_turn
from benchmarks.workdir import WorkDir

OPEN, POLICY, AUDITED = "open", "policy", "audited"
WRITES = ("W1",)
_OFFICER = "benchmark-officer"
_PURPOSE = "CREDIT_REVIEW"


async def measure_guards(work: WorkDir, choice: Choice) -> dict[str, Any]:
    """Each kind of work of a viewer from whom nothing is kept back, of one with hidden attributes, and audited besides.

    Order: all are asked in turn. Somebody from whom nothing is kept back may not write, so writes are audited or not.
    """
    found: dict[str, Any] = {}
    async with stage_for(work, choice) as stage:
        with _servers(stage) as (plain, strict):
            for name in choice.work:
                asked = {POLICY: Asked(stage.bench, plain), AUDITED: Asked(stage.bench, strict)}
                if name not in WRITES:
                    asked = {OPEN: Asked(stage.bench, _as_officer(work, plain)), **asked}
                found[name] = await in_turn(asked, name, choice.rounds, connections=choice.connections)
    return {"guards": found}


@contextmanager
def _servers(stage: Stage) -> Iterator[tuple[Running, Running]]:
    """A server without an audit, and one that answers nothing before its entry is stored."""
    work = stage.bench.work
    running: list[Running] = []
    try:
        for audit in ("off", "strict"):
            target = kehu_target(work, stage.uri, stage.kehu_database)
            named = replace(target, environment={**target.environment, "KEHU_AUDIT": audit})
            log = work.log(f"kehu-audit-{audit}")
            running.append(start(named, log, (SERVER_CPU,), greeting(is_kehu=True)))
        yield running[0], running[1]
    finally:
        for each in running:
            stop(each)


def _as_officer(work: WorkDir, running: Running) -> Running:
    """The same server, asked by somebody who reads every attribute of every client."""
    token = LocalIssuer(load_settings(data_dir=work.data)).issue(_OFFICER, "risk_officer", None, TOKEN_MINUTES)
    headers = {**running.target.headers, "authorization": f"Bearer {token}", "kehu-purpose": _PURPOSE}
    return replace(running, target=replace(running.target, headers=headers))
