"""How the newest records under each of many holders are read: the choices, measured on the embedded mongod.

Run it with `python -m benchmarks.list_relations`; docs/decisions/0016-list-relations.md has the figures and the rule.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from repositories.access import AuthorisedPlan
from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.embedded import EmbeddedMongod
from repositories.levels import LevelReads
from repositories.mongo import Collection, MongoSettings, Store, connect
from repositories.plan import Order, Page, ReadPlan

Document = dict[str, Any]
Read = Callable[[Collection, Sequence[str], int], Awaitable[dict[str, list[Document]]]]

PATHS = {"at": 1, "channel": 1, "summary": 1, "clientId": 1}
NEWEST = {"clientId": 1, "at": -1, "_id": -1}
HOLDERS = 200
ROUNDS = 15
NOW = datetime(2026, 11, 20, tzinfo=UTC)


async def cut_in_memory(records: Collection, holders: Sequence[str], limit: int) -> dict[str, list[Document]]:
    found = await records.find({"clientId": {"$in": list(holders)}}, PATHS, sort=list(NEWEST.items()))
    rows: dict[str, list[Document]] = {each: [] for each in holders}
    for each in found:
        if len(rows[each["clientId"]]) < limit:
            rows[each["clientId"]].append(each)
    return rows


async def group_first(records: Collection, holders: Sequence[str], limit: int) -> dict[str, list[Document]]:
    stages: list[Document] = [
        {"$match": {"clientId": {"$in": list(holders)}}},
        {"$sort": NEWEST},
        {"$project": PATHS},
        {"$group": {"_id": "$clientId", "rows": {"$firstN": {"n": limit, "input": "$$ROOT"}}}},
    ]
    return {each["_id"]: each["rows"] for each in await records.aggregate(stages)}


async def group_top(records: Collection, holders: Sequence[str], limit: int) -> dict[str, list[Document]]:
    top = {"n": limit, "sortBy": {"at": -1, "_id": -1}, "output": "$$ROOT"}
    stages: list[Document] = [
        {"$match": {"clientId": {"$in": list(holders)}}},
        {"$project": PATHS},
        {"$group": {"_id": "$clientId", "rows": {"$topN": top}}},
    ]
    return {each["_id"]: each["rows"] for each in await records.aggregate(stages)}


async def window(records: Collection, holders: Sequence[str], limit: int) -> dict[str, list[Document]]:
    numbered = {
        "partitionBy": "$clientId",
        "sortBy": {"at": -1, "_id": -1},
        # $documentNumber takes a sort of one key only
        "output": {"place": {"$sum": 1, "window": {"documents": ["unbounded", "current"]}}},
    }
    stages: list[Document] = [
        {"$match": {"clientId": {"$in": list(holders)}}},
        {"$project": PATHS},
        {"$setWindowFields": numbered},
        {"$match": {"place": {"$lte": limit}}},
    ]
    return _by_holder(await records.aggregate(stages))


async def union(records: Collection, holders: Sequence[str], limit: int) -> dict[str, list[Document]]:
    def one(holder: str) -> list[Document]:
        order = {"at": -1, "_id": -1}
        return [{"$match": {"clientId": holder}}, {"$sort": order}, {"$limit": limit}, {"$project": PATHS}]

    further = [{"$unionWith": {"coll": records.name, "pipeline": one(each)}} for each in holders[1:]]
    return _by_holder(await records.aggregate([*one(holders[0]), *further]))


async def lookup(records: Collection, holders: Sequence[str], limit: int) -> dict[str, list[Document]]:
    inner = [{"$sort": {"at": -1, "_id": -1}}, {"$limit": limit}]
    joined = {"from": records.name, "localField": "_id", "foreignField": "clientId", "pipeline": inner, "as": "rows"}
    stages: list[Document] = [
        {"$limit": 1},
        {"$project": {"_id": {"$literal": list(holders)}}},
        {"$unwind": "$_id"},
        {"$lookup": joined},
        {"$project": {f"rows.{path}": 1 for path in ("_id", *PATHS)}},
    ]
    return {each["_id"]: each["rows"] for each in await records.aggregate(stages)}


def as_kehu(store: Store) -> Read:
    """What Kehu does: a bounded scan, and a seek where lists are long."""

    async def read(records: Collection, holders: Sequence[str], limit: int) -> dict[str, list[Document]]:
        repository = RecordRepository(store, records.name, "record", Cursors(bytes(32)))
        levels = _LEVELS.setdefault(records.name, LevelReads(repository, "clientId"))
        order = (Order("at", is_descending=True),)
        plan = ReadPlan(records.name, frozenset(PATHS), order=order, page=Page(limit - 1))
        found = await levels.read(AuthorisedPlan(plan, None, "M001"), holders)
        return {each: page.documents for each, page in found.items()}

    return read


_LEVELS: dict[str, LevelReads] = {}


async def a_find_each(records: Collection, holders: Sequence[str], limit: int) -> dict[str, list[Document]]:
    order = [("at", -1), ("_id", -1)]
    found = await asyncio.gather(
        *(records.find({"clientId": {"$eq": each}}, PATHS, sort=order, limit=limit) for each in holders)
    )
    return dict(zip(holders, found, strict=True))


def _by_holder(found: list[Document]) -> dict[str, list[Document]]:
    rows: dict[str, list[Document]] = {}
    for each in found:
        rows.setdefault(each["clientId"], []).append(each)
    return rows


async def _fill(store: Store, name: str, length: int) -> Collection:
    """Records of about 700 bytes, the newest not inserted first."""
    records = store.collection(name)
    await records.create_index(list(NEWEST.items()), "client")
    for number in range(HOLDERS):
        await records.insert_many([_record(number, place, length) for place in range(length)])
    return records


def _record(number: int, place: int, length: int) -> Document:
    at = NOW - timedelta(hours=(place * 7919) % length, minutes=number)
    words = "spoke about the working capital line and the coming season " * 3
    return {
        "_id": f"in_{number:06d}{place:06d}",
        "clientId": f"cl_{number:06d}",
        "at": at,
        "channel": "VISIT",
        "summary": words,
        "observations": words,
        "version": 1,
        "tail": [{"version": 1, "by": "M001", "at": at, "values": [{"path": "observations", "new": words}]}],
    }


def _mongod_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def _measure(read: Read, records: Collection, holders: list[str], pid: int) -> tuple[float, float, float]:
    """Milliseconds a level: of waiting (median), of our processor, of mongod's."""
    await read(records, holders, 6)
    waits, ours, theirs = [], time.process_time(), _mongod_seconds(pid)
    rounds = 0
    until = time.perf_counter() + 2
    while rounds < ROUNDS or time.perf_counter() < until:
        began = time.perf_counter()
        await read(records, holders, 6)
        waits.append(time.perf_counter() - began)
        rounds += 1
    scale = 1_000 / rounds
    return (
        statistics.median(waits) * 1_000,
        (time.process_time() - ours) * scale,
        (_mongod_seconds(pid) - theirs) * scale,
    )


async def main() -> None:
    """Print one table: choices by length of the lists, for a page of holders."""
    with tempfile.TemporaryDirectory(prefix="kehu-lists-", ignore_cleanup_errors=True) as directory:
        await _run(EmbeddedMongod(Path(directory), cache_gb=0.5))


async def _run(mongod: EmbeddedMongod) -> None:
    uri = await mongod.start()
    store = connect(MongoSettings(uri=uri, database="lists", timeout_seconds=60))
    try:
        choices: dict[str, Read] = {
            "$in, cut in memory": cut_in_memory,
            "$sort, $group, $firstN": group_first,
            "$group, $topN": group_top,
            "$setWindowFields": window,
            "$unionWith": union,
            "$lookup": lookup,
            "a find for each": a_find_each,
            "as Kehu does": as_kehu(store),
        }
        await _print_all(store, choices, mongod.pid or 0)
    finally:
        await store.close()
        await mongod.stop()


async def _print_all(store: Store, choices: dict[str, Read], pid: int) -> None:
    for length in (10, 100, 1_000):
        records = await _fill(store, f"records_{length}", length)
        for count in (20, 100):
            holders = [f"cl_{number:06d}" for number in range(0, 2 * count, 2)]
            expected = await a_find_each(records, holders, 6)
            for name, read in choices.items():
                got = await read(records, holders, 6)
                if _first_ids(got) != _first_ids(expected):
                    raise SystemExit(f"{name} answers something else")
                wait, ours, theirs = await _measure(read, records, holders, pid)
                print(f"| {length} | {count} | {name} | {wait:.1f} | {ours:.1f} | {theirs:.1f} |", flush=True)


def _first_ids(found: dict[str, list[Document]]) -> dict[str, list[str]]:
    return {key: [row["_id"] for row in rows[:5]] for key, rows in found.items()}


if __name__ == "__main__":
    asyncio.run(main())
