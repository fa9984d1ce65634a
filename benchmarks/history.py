"""What the history costs: bytes a change, and the book as of a moment beside the present, by how much has changed."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from acts.checks import now
from acts.demo import load_demo
from acts.upsert_rows import ClientRow
from acts.upserts import ROW_LIMIT, upsert_clients
from benchmarks.errors import BenchmarkError
from benchmarks.kehu import mongod_for, open_book, store_for
from benchmarks.workdir import WorkDir
from catalogue.attribute import CLIENTS
from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.viewer import program
from repositories.changes import CHANGES, TAIL_LIMIT
from repositories.plan import ID, Order, Page, Proof, ReadPlan
from repositories.repositories import Repositories

CLIENTS_LOADED = 20_000
CHANGED = (0, 100, 1_000, 10_000)
OFTEN_CHANGED = 1_000
"""Clients of whom, in the end, more has changed since than their own tails tell."""
DATABASE = "kehu_bench_history"
VIEWER = program("benchmark")
_PATH = "attitude.satisfaction"
_PATHS = frozenset(("number", "profile.name", "profile.industry", "profile.location.city", _PATH))
_FILTER = Compare(_PATH, Operator.GTE, 50)
_ORDER = (Order("profile.name"),)

Ask = Callable[[datetime | None], Awaitable[Any]]


async def measure_history(work: WorkDir, rounds: int, clients: int = CLIENTS_LOADED) -> dict[str, Any]:
    """The figures of `--history`; the database it uses is removed again.

    Units: p50 in ms; `ratio` is as of a moment to the present, asked in turn.
    """
    async with mongod_for(work) as (uri, _), store_for(uri, DATABASE) as store:
        await store.drop_database()
        try:
            book = await open_book(store)
            await load_demo(book, clients, lambda _done, _count: None)
            await asyncio.sleep(1)
            moment = now()
            found: dict[str, Any] = {"clients": clients, "storage": await _storage(book)}
            done = 0
            for count in sorted({min(each, clients) for each in CHANGED}):
                await _change(book, done, count)
                done = count
                found[f"changed {count}"] = await _compared(book, moment, rounds)
            for _ in range(TAIL_LIMIT + 1):
                await _change(book, 0, min(OFTEN_CHANGED, clients))
            found[f"changed {done}, {OFTEN_CHANGED} of them often"] = await _compared(book, moment, rounds)
            found["storage after"] = await _storage(book)
        finally:
            await store.drop_database()
    return {"history": found}


async def _change(book: Repositories, first: int, last: int) -> None:
    """One value of each of these clients is set to what it was not.

    Raises: BenchmarkError if one was refused.
    """
    if last == first:
        return
    shown = {"number": 1, _PATH: 1}
    rows = await book.clients.collection.find({}, shown, sort=[(ID, 1)], limit=last - first, skip=first)
    for at in range(0, len(rows), ROW_LIMIT):
        given = [ClientRow(str(each["number"]), values={_PATH: _other(each)}) for each in rows[at : at + ROW_LIMIT]]
        report = await upsert_clients(VIEWER, book, given, Proof("the benchmark"))
        if report.problems:
            raise BenchmarkError(f"a change was refused: {report.problems[0].message}")


def _other(client: Mapping[str, Any]) -> int:
    return int(((client.get("attitude") or {}).get("satisfaction") or 0) + 37) % 101


async def _compared(book: Repositories, moment: datetime, rounds: int) -> dict[str, Any]:
    """A page, a total and one client, as of the moment and now."""
    some = await book.clients.collection.find_one({}, {ID: 1})
    one = Compare(ID, Operator.EQ, some[ID] if some else "")

    def plan(at: datetime | None, where: Compare, page: Page | None = None) -> Any:
        order = _ORDER if page else ()
        return book.access.authorise(ReadPlan(CLIENTS, _PATHS, where, order, page, as_of=at), VIEWER)

    questions: dict[str, Ask] = {
        "page of 50": lambda at: book.clients.read_page(plan(at, _FILTER, Page(50))),
        "total": lambda at: book.clients.count(plan(at, _FILTER)),
        "one client": lambda at: book.clients.find_one(plan(at, one)),
    }
    return {name: await _in_turn(ask, moment, rounds) for name, ask in questions.items()}


async def _in_turn(ask: Ask, moment: datetime, rounds: int) -> dict[str, float]:
    waits: dict[str, list[float]] = {"present": [], "as_of": []}
    for _ in range(max(3, rounds)):
        for name, at in (("present", None), ("as_of", moment)):
            began = time.perf_counter()
            await ask(at)
            waits[name].append((time.perf_counter() - began) * 1000)
    return ratio_of(waits["present"], waits["as_of"])


def ratio_of(present: Sequence[float], as_of: Sequence[float]) -> dict[str, float]:
    """The medians of both, and how many times the first the second is."""
    first, second = statistics.median(present), statistics.median(as_of)
    return {"present_ms": round(first, 2), "as_of_ms": round(second, 2), "ratio": round(second / first, 2)}


async def _storage(book: Repositories) -> dict[str, float]:
    """Bytes of an average client and of its tail, and of an average change that has left one."""
    sizes = {"client": {"$avg": {"$bsonSize": "$$ROOT"}}, "tail": {"$avg": {"$bsonSize": {"t": "$tail"}}}}
    (found,) = await book.clients.collection.aggregate([{"$group": {ID: None, **sizes}}])
    moved = book.store.collection(CHANGES)
    of_clients = {"$match": {"area": CLIENTS}}
    by_kind = {ID: {"$eq": ["$version", 1]}, "bytes": {"$avg": {"$bsonSize": "$$ROOT"}}, "count": {"$sum": 1}}
    kinds = {row[ID]: row for row in await moved.aggregate([of_clients, {"$group": by_kind}])}
    (stored,) = await moved.aggregate([{"$collStats": {"storageStats": {}}}])
    stats = stored["storageStats"]
    later = await book.clients.collection.aggregate(
        [{"$unwind": "$tail"}, {"$group": {ID: None, "bytes": {"$avg": {"$bsonSize": "$tail"}}}}]
    )
    return {
        "client_bytes": round(found["client"]),
        "tail_bytes": round(found["tail"]),
        "first_change_bytes": round(kinds.get(True, {}).get("bytes", 0)),
        "change_in_tail_bytes": round(later[0]["bytes"]) if later else 0,
        "moved_change_bytes": round(kinds.get(False, {}).get("bytes", 0)),
        "moved_changes": sum(int(row["count"]) for row in kinds.values()),
        "compression": round(stats["size"] / max(1, stats["storageSize"]), 1),
        "index_bytes_a_moved_change": round(stats["totalIndexSize"] / max(1, stats["count"])),
    }
