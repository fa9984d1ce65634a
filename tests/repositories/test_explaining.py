"""The account of a command, on every driver."""

from typing import Any

import pytest

from repositories.compile.explained import Asked, Explained
from repositories.errors import Unavailable
from repositories.explaining import Account, account_of
from repositories.mongo import Store

FIND: dict[str, Any] = {"find": "things", "filter": {"a": {"$gt": 1}}, "sort": {"a": 1}, "limit": 2}
ASKED = Asked("find", "things", {"a": {"$gt": 1}}, {"a": 1}, limit=2)


class TestAccountOf:
    @pytest.mark.real_drivers
    async def test_a_scan_and_then_an_index(self, store: Store) -> None:
        things = store.collection("things")
        await things.insert_many([{"_id": str(each), "a": each} for each in range(20)])
        scan = await account_of(store, FIND)
        assert scan.asked == ASKED
        assert scan.explained is not None
        assert (scan.explained.is_scan, scan.explained.sorts_in_memory) == (True, True)
        assert (scan.explained.keys, scan.explained.documents, scan.explained.returned) == (0, 20, 2)
        await things.create_index([("a", 1)], "by_a")
        served = await account_of(store, FIND)
        milliseconds = served.explained.milliseconds if served.explained is not None else 0
        assert served == Account(ASKED, Explained(("by_a",), False, False, False, 2, 2, 2, milliseconds))

    async def test_the_memory_driver_has_no_planner(self, store: Store) -> None:
        if store.driver != "memory":
            pytest.skip("the other drivers have one")
        found = await account_of(store, FIND)
        assert found.asked == ASKED
        assert found.explained is None
        assert found.problem == "memory has no planner. Use a real mongod (KEHU_MONGODB_URI)."

    async def test_an_explanation_that_fails_is_no_reason_to_end(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_: object) -> dict[str, Any]:
            raise Unavailable("The database is away.")

        monkeypatch.setattr(store, "explain", fail)
        found = await account_of(store, FIND)
        assert (found.asked, found.explained) == (ASKED, None)
        assert found.problem == "The database did not explain it: The database is away."
