"""Histories of clients who have become one: every change once, whatever the size of a page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repositories.changes import CHANGES, ChangeHistory
from repositories.errors import BadCursor
from repositories.histories import Positions, cursor_of, positions_from, read_histories
from repositories.mongo import Store

START = datetime(2026, 1, 1, tzinfo=UTC)


def entry(version: int, day: int, path: str = "profile.name") -> dict[str, Any]:
    return {"version": version, "at": START + timedelta(days=day), "values": [{"path": path, "new": version}]}


@pytest.fixture
async def history(store: Store) -> ChangeHistory:
    """A client with changes on days 1, 4, 9 and 10, who took in one of days 2, 4, 5, 9 and one of day 3."""
    rows = [("a", 1, 1), ("b", 1, 2), ("b", 2, 4), ("b", 3, 5), ("b", 4, 9), ("c", 1, 3)]
    await store.collection(CHANGES).insert_many(
        [
            {"_id": f"{who}:{version}", "recordId": who, "area": "clients", **entry(version, day)}
            for who, version, day in rows
        ]
    )
    return ChangeHistory(store, "clients")


CLIENT = {
    "_id": "a",
    "tail": [entry(2, 4), entry(3, 9, "profile.size"), entry(4, 10)],
    "merged": [{"id": "b", "number": "B", "version": 4}, {"id": "c", "number": "C", "version": 1}],
}
WALK = ["a4", "a3", "b4", "b3", "a2", "b2", "c1", "b1", "a1"]


async def walk(history: ChangeHistory, size: int, **more: Any) -> list[str]:
    found: list[str] = []
    before: Positions = ()
    while True:
        page = await read_histories(history, CLIENT, size, before=before, **more)
        found += [f"{each.merged['id'] if each.merged else 'a'}{each.change['version']}" for each in page]
        if len(page) < size:
            return found
        before = page[-1].positions


class TestReadHistories:
    @pytest.mark.parametrize("size", [1, 2, 3, 5, 9, 20])
    async def test_newest_first_and_each_once(self, history: ChangeHistory, size: int) -> None:
        assert await walk(history, size) == WALK

    async def test_at_some_paths_and_since(self, history: ChangeHistory) -> None:
        assert await walk(history, 2, paths={"profile.size"}) == ["a3"]
        assert await walk(history, 2, hidden={"profile.size"}) == [each for each in WALK if each != "a3"]
        assert await walk(history, 2, since=START + timedelta(days=5)) == WALK[:4]

    async def test_one_that_nobody_became_part_of(self, history: ChangeHistory) -> None:
        page = await read_histories(history, {"_id": "a", "tail": CLIENT["tail"]}, 2)
        days = [(each.change["version"], [(place.at - START).days for place in each.positions]) for each in page]
        assert days == [(4, [10]), (3, [9])]

    async def test_a_cursor_says_what_its_change_says(self, history: ChangeHistory) -> None:
        page = await read_histories(history, CLIENT, 3)
        assert [positions_from(cursor_of(each.positions)) for each in page] == [each.positions for each in page]
        day = 86_400_000
        first = int(START.timestamp() * 1000)
        assert cursor_of(page[2].positions) == f"t{first + 9 * day}.1-{first + 9 * day}.1-{first + 9 * day}.0"

    @pytest.mark.parametrize(
        "cursor", ["", "v12", "t", "t1", "t1.1-", "t-1.1", "t1.1-2", "t1.1x", "t" + "9" * 16 + ".1"]
    )
    def test_what_is_no_cursor(self, cursor: str) -> None:
        with pytest.raises(BadCursor):
            positions_from(cursor)
