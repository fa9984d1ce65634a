"""W1: bodies that change something, each of another client, made anew for every slice.

Sent a second time, a peer's body would set the value that is there already, which a database does not write at all.
"""

import random
import uuid

from benchmarks.mapping import client_id
from benchmarks.questions import KEHU_QUERIES, body, peer_id
from catalogue.attribute import CLIENTS
from repositories.mongo import Store
from repositories.plan import ID


def peer_write_bodies(query: str, clients: int, count: int) -> list[str]:
    """Request bodies in the peers' words for as many different clients."""
    draw = random.Random()
    return [
        body("W1", query, {"id": each, "satisfaction": draw.randrange(101)}) for each in _chosen(draw, clients, count)
    ]


async def write_bodies(store: Store, clients: int, count: int) -> tuple[list[str], dict[str, int]]:
    """Request bodies in Kehu's words for as many different clients, and the versions that they expect, by client.

    Each has an idempotency key of its own; each client is written once, so that every request that is sent is right
    whatever the others do. A body must not be sent a second time.
    """
    draw = random.Random()
    chosen = [client_id(each) for each in _chosen(draw, clients, count)]
    versions = await versions_of(store, chosen)
    batch = uuid.uuid4()
    made = [
        body(
            "W1",
            KEHU_QUERIES["W1"],
            {"id": each, "version": versions[each], "satisfaction": draw.randrange(101), "key": f"{batch}-{place}"},
        )
        for place, each in enumerate(chosen)
    ]
    return made, versions


def _chosen(draw: random.Random, clients: int, count: int) -> list[str]:
    return [peer_id(place) for place in draw.sample(range(clients), min(count, clients))]


async def versions_of(store: Store, ids: list[str]) -> dict[str, int]:
    """The versions that clients are at."""
    rows = await store.collection(CLIENTS).find({ID: {"$in": ids}}, {"version": 1})
    return {str(row[ID]): int(row["version"]) for row in rows}


async def count_written(store: Store, expected: dict[str, int]) -> int:
    """How many of the clients have moved on from the version that was expected, each by exactly one."""
    present = await versions_of(store, list(expected))
    return sum(present[each] == version + 1 for each, version in expected.items())
