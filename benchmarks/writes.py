"""W1 in Kehu's words: every request with the version it expects and an idempotency key of its own."""

import random
import uuid

from benchmarks.mapping import client_id
from benchmarks.questions import KEHU_QUERIES, body, peer_id
from catalogue.attribute import CLIENTS
from repositories.mongo import Store
from repositories.plan import ID


async def write_bodies(store: Store, clients: int, count: int) -> tuple[list[str], dict[str, int]]:
    """Request bodies for as many different clients, and the versions that they expect, by client.

    Each client is written once, so that every request that is sent is right whatever the others do; a body must not
    be sent a second time.
    """
    draw = random.Random()
    chosen = [client_id(peer_id(place)) for place in draw.sample(range(clients), min(count, clients))]
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


async def versions_of(store: Store, ids: list[str]) -> dict[str, int]:
    """The versions that clients are at."""
    rows = await store.collection(CLIENTS).find({ID: {"$in": ids}}, {"version": 1})
    return {str(row[ID]): int(row["version"]) for row in rows}


async def count_written(store: Store, expected: dict[str, int]) -> int:
    """How many of the clients have moved on from the version that was expected, each by exactly one."""
    present = await versions_of(store, list(expected))
    return sum(present[each] == version + 1 for each, version in expected.items())
