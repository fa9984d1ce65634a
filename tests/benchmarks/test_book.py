"""The peers' book as Kehu's: its values stay what they are, though Kehu would compute some of them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from benchmarks.book import load_book
from repositories.mongo import MongoSettings, Store, connect
from tests.books import stored

LAST = datetime(2025, 5, 1, 9, tzinfo=UTC)
CLIENT = {
    "_id": "1",
    "clientNo": 1,
    "managerId": "7",
    "profile": {"name": "A"},
    "behaviour": {
        "financials": {"totalAssets": 100.0, "totalLiabilities": 50.0},
        "contactCount90d": 12,
        "lastContactAt": LAST,
    },
    "attitude": {"satisfaction": 50},
    "derived": {"debtRatio": 0.9},
}


@pytest.fixture
async def peers(store_settings: MongoSettings) -> AsyncIterator[Store]:
    opened = connect(replace(store_settings, database=f"{store_settings.database}_peers"))
    await opened.collection("managers").insert_one({"_id": "7", "name": "Li", "team": "T", "email": "li@a.example"})
    await opened.collection("clients").insert_one(CLIENT)
    contact = {"_id": "3", "clientId": "1", "at": datetime(2026, 1, 1, tzinfo=UTC), "channel": "VISIT", "summary": "."}
    await opened.collection("interactions").insert_one(contact)
    yield opened
    await opened.drop_database()
    await opened.close()


@pytest.mark.real_drivers
@pytest.mark.parametrize("driver", ["pymongo"], indirect=True)
async def test_the_peers_values_are_the_answers(store: Store, peers: Store) -> None:
    book = await load_book(peers, store, 1)
    found = await stored(book, "cl_1")
    assert found["derived"] == {"debtRatio": 0.9}
    assert found["behaviour"] == CLIENT["behaviour"]
    assert (found["version"], await book.interactions.collection.count({})) == (1, 1)
