"""Before anything is measured: Kehu's answers equal the floor's on the same data, or there is no benchmark."""

import json
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.processes import Running
from benchmarks.questions import HABITS, in_peer_words, normalised
from benchmarks.rounds import Bench
from benchmarks.writes import write_bodies

_SHOWN_CHARACTERS = 600
_LACKS = ("Cannot query field", "Unknown argument", "Unknown type")


class NotOffered(Exception):
    """The live schema does not have what a piece of work asks for."""


async def verify(bench: Bench, work: str, servers: list[Running]) -> None:
    """Nothing, where every server gives the floor's answers.

    Raises: NotOffered if Kehu's schema lacks a field; BenchmarkError with both answers where they differ.
    """
    floor = next(each for each in servers if not each.target.is_kehu)
    for running in servers:
        if running is not floor:
            asked = await _pairs(bench, work, floor, running)
            for theirs, ours in asked:
                wanted, got = _answer(work, floor, theirs), _answer(work, running, ours)
                if wanted != got:
                    raise BenchmarkError(_difference(work, running, wanted, got))


async def _pairs(bench: Bench, work: str, floor: Running, running: Running) -> list[tuple[str, str]]:
    """The same requests, in the floor's words and in the other server's."""
    count = HABITS[work].compared
    theirs = bench.bodies(work, floor)[:count]
    if work != "W1" or not running.target.is_kehu:
        return list(zip(theirs, bench.bodies(work, running)[:count], strict=True))
    ours, _ = await write_bodies(bench.store, bench.clients, count)
    return [(_same_write(each, bench.query(work, floor)), each) for each in ours]


def _same_write(ours: str, query: str) -> str:
    given = json.loads(ours)["variables"]
    variables = {"id": given["id"].removeprefix("cl_"), "satisfaction": given["satisfaction"]}
    return json.dumps({"query": query, "operationName": "W1", "variables": variables})


def _answer(work: str, running: Running, request: str) -> Any:
    printed = running.post(request)
    answer = json.loads(printed)
    errors = answer.get("errors")
    if errors and errors[0]["message"].startswith(_LACKS):
        raise NotOffered(errors[0]["message"])
    if errors or not answer.get("data"):
        raise BenchmarkError(f"{running.target.name} cannot answer {work}: {printed[:_SHOWN_CHARACTERS]!r}")
    data = answer["data"]
    if running.target.is_kehu:
        if work == "W1" and data["clientChange"]["errors"]:
            raise BenchmarkError(f"kehu refused W1: {data['clientChange']['errors']}")
        data = in_peer_words(work, data)
    return normalised(_sorted_stats(data))


def _sorted_stats(data: Any) -> Any:
    if "clientStats" not in data:
        return data
    return {"clientStats": sorted(data["clientStats"], key=lambda each: (each["segment"], each["industry"]))}


def _difference(work: str, running: Running, wanted: Any, got: Any) -> str:
    place = "".join(first_difference(wanted, got))
    return (
        f"{work}: {running.target.name} and the floor differ at {place}; nothing is measured.\n"
        f"floor: {json.dumps(wanted)[:_SHOWN_CHARACTERS]}\n{running.target.name}: {json.dumps(got)[:_SHOWN_CHARACTERS]}"
    )


def first_difference(wanted: Any, got: Any) -> list[str]:
    """The way to the first place where two answers differ; empty if they are equal."""
    if wanted == got:
        return []
    if isinstance(wanted, dict) and isinstance(got, dict) and wanted.keys() == got.keys():
        pairs = [(f".{key}", wanted[key], got[key]) for key in wanted]
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        pairs = [(f"[{place}]", one, other) for place, (one, other) in enumerate(zip(wanted, got, strict=True))]
    else:
        return [f": {json.dumps(wanted)[:80]} against {json.dumps(got)[:80]}"]
    name, one, other = next(each for each in pairs if each[1] != each[2])
    return [name, *first_difference(one, other)]
