"""Kehu's book for the benchmark: made from the peers' database through the acts and repositories, kept between runs."""

import time
from collections.abc import AsyncIterator
from collections.abc import Collection as Some
from pathlib import Path
from typing import Any

from acts.attributes import change_attribute, define_attribute
from acts.checks import now
from benchmarks.errors import BenchmarkError
from benchmarks.kehu import PERSON, open_book
from benchmarks.mapping import (
    Document,
    client_id,
    computed_paths,
    manager_id,
    missing_attributes,
    missing_options,
    values_from,
)
from catalogue.attribute import CLIENTS, ClientKind, ClientStage, Facet
from policy.viewer import program
from repositories.managers import MANAGERS
from repositories.mongo import Store
from repositories.plan import ID, Change
from repositories.repositories import AREAS, Repositories

SHAPE = 3
"""Grows with every change of the mapping, so that a book of an earlier one is made anew."""
BATCH = 1_000
INTERACTIONS = "interactions"
PAGE_INDEXES = {
    "bench_industry_value": [("profile.industry", 1), ("derived.clientValue", -1), (ID, -1)],
    "bench_segments": [("derived.segment", 1), ("profile.industry", 1), ("derived.clientValue", 1)],
}
"""The compound indexes that the peers' seed makes for Q2, Q4 and Q5, with Kehu's tie-break."""
_VIEWER = program(PERSON)
_MARK = "benchmark"
UNCOMPUTED: Document = {"formula": None, "model": None, "rollup": None}
"""What makes an attribute one that takes values."""


async def load_book(peers: Store, store: Store, clients: int, areas: Some[str] = AREAS) -> Repositories:
    """The repositories of a book with the peers' clients, managers and, if they are among the areas, interactions.

    Cost: about a millisecond a client the first time, nothing after.
    """
    if await is_kept(store, clients, areas):
        return await open_book(store)
    print(f"Loading {clients} clients into Kehu ...", flush=True)
    began = time.monotonic()
    await store.drop_database()
    repositories = await _defined(peers, await open_book(store))
    teams = await _load_managers(peers, repositories)
    async for batch in _batches(peers, CLIENTS):
        await _insert(repositories, CLIENTS, [_client(each, teams) for each in batch])
    if INTERACTIONS in areas:
        async for batch in _batches(peers, INTERACTIONS):
            await _insert(repositories, INTERACTIONS, [_interaction(each) for each in batch])
    for name, keys in PAGE_INDEXES.items():
        await store.collection(CLIENTS).create_index(keys, name)
    await store.collection(_MARK).insert_one({ID: "book", **_mark(clients, areas)})
    print(f"Loaded in {time.monotonic() - began:.0f} s.", flush=True)
    return repositories


async def is_kept(store: Store, clients: int, areas: Some[str] = AREAS) -> bool:
    """Whether an earlier run has loaded the book as it is to be."""
    return await store.collection(_MARK).find_one({ID: "book"}, {ID: 0}) == _mark(clients, areas)


def _mark(clients: int, areas: Some[str]) -> Document:
    return {"clients": clients, "shape": SHAPE, "areas": sorted(areas)}


async def _defined(peers: Store, repositories: Repositories) -> Repositories:
    """The repositories on a catalogue in which every value of the peers' clients has its attribute."""
    rows = [values_from(each) for each in await peers.collection(CLIENTS).find({}, limit=2 * BATCH)]
    catalogue = repositories.catalogue
    # The answers are the peers' values; and with what they have not, neither side has anything to do.
    for path in computed_paths(catalogue):
        await change_attribute(_VIEWER, repositories, path, UNCOMPUTED)
    for path, options in missing_options(catalogue, rows).items():
        await change_attribute(_VIEWER, repositories, path, {"options": options})
    for attribute in missing_attributes(catalogue, rows[0]):
        await define_attribute(_VIEWER, repositories, attribute)
    return repositories


async def _batches(peers: Store, collection: str) -> AsyncIterator[list[Document]]:
    last: Any = None
    while True:
        where = {} if last is None else {ID: {"$gt": last}}
        batch = await peers.collection(collection).find(where, sort=[(ID, 1)], limit=BATCH)
        if not batch:
            return
        yield batch
        last = batch[-1][ID]


async def _insert(repositories: Repositories, area: str, records: list[tuple[Document, Change]]) -> None:
    refused = await repositories.of(area).insert_many(records)
    if refused:
        raise BenchmarkError(f"{len(refused)} of {len(records)} {area} were there already; delete the work directory.")


async def _load_managers(peers: Store, repositories: Repositories) -> dict[str, str]:
    """The team of each manager, by Kehu's id."""
    found = await peers.collection(MANAGERS).find({})
    records = [
        (
            {ID: manager_id(each[ID]), "person": f"bench-{each[ID]}"},
            _change({name: each[name] for name in ("name", "team", "email")}),
        )
        for each in found
    ]
    await _insert(repositories, MANAGERS, records)
    return {manager_id(each[ID]): str(each["team"]) for each in found}


def _client(given: Document, teams: dict[str, str]) -> tuple[Document, Change]:
    manager = manager_id(given["managerId"])
    record = {
        ID: client_id(given[ID]),
        "number": str(given["clientNo"]),
        "kind": str(ClientKind.ORGANISATION),
        **{str(facet): {} for facet in Facet},
    }
    core = {"stage": str(ClientStage.ACTIVE), "managerId": manager, "team": teams[manager]}
    return record, _change(core | values_from(given))


def _interaction(given: Document) -> tuple[Document, Change]:
    record = {ID: f"in_{given[ID]}", "clientId": client_id(given["clientId"])}
    return record, _change({name: given[name] for name in ("at", "channel", "summary")})


def _change(values: Document) -> Change:
    return Change(values, PERSON, now())


SATISFACTION = "attitude.satisfaction"


async def mend_satisfaction(peers: Store, store: Store, kept: Path) -> None:
    """Undo what W1 of an earlier run has set, in both databases, so that their answers are equal again.

    The values of the seed are kept in a file, one byte a client, when both databases are new.
    """
    theirs = await _satisfaction(peers)
    seeds = _kept(kept, bytes(value for _, value in theirs))
    for database, rows in ((peers, theirs), (store, await _satisfaction(store))):
        wrong = [(each, seed) for (each, value), seed in zip(rows, seeds, strict=True) if value != seed]
        for begin in range(0, len(wrong), BATCH):
            pairs = [({ID: each}, {"$set": {SATISFACTION: seed}}) for each, seed in wrong[begin : begin + BATCH]]
            await database.collection(CLIENTS).bulk_write(pairs)


def _kept(file: Path, present: bytes) -> bytes:
    if not file.exists() or file.stat().st_size != len(present):
        file.write_bytes(present)
    return file.read_bytes()


async def _satisfaction(store: Store) -> list[tuple[Any, int]]:
    rows = await store.collection(CLIENTS).find({}, {SATISFACTION: 1}, sort=[(ID, 1)])
    return [(row[ID], int(row["attitude"]["satisfaction"])) for row in rows]
