"""Daily snapshots of segments."""

from typing import Any

import pytest

from acts.segments import change_segment, retire_segment
from acts.segments_snapshots import take_snapshots
from catalogue.attribute import Status
from repositories.repositories import Repositories
from tests.books import SMALL, VIEWER, everything, insert
from tests.segmented import HAPPY, define, moment, set_values, snapshot, stays


class Stop(Exception):
    """The worker is to end."""


async def test_three_days(book: Repositories) -> None:
    a, b, c = [await insert(book, n, {"profile.industry": i}) for n, i in (("A", "TEA"), ("B", "TEA"), ("C", "STEEL"))]
    await define(book, "TEA")
    first = await snapshot(book, 0)
    assert (first.taken, first.joined, first.left) == (1, 2, 0)
    await set_values(book, c, industry="TEA")
    await set_values(book, a, industry="STEEL")
    second = await snapshot(book, 1)
    assert (second.joined, second.left) == (1, 1)
    await set_values(book, a, industry="TEA")
    third = await snapshot(book, 2)
    assert (third.joined, third.left) == (1, 0)
    assert sorted(await stays(book)) == sorted(
        [("TEA", a, 0, 1), ("TEA", a, 2, None), ("TEA", b, 0, None), ("TEA", c, 1, None)]
    )
    rows = await book.segment_members.snapshots("sg_TEA", 10, None, None)
    assert [(each["size"], each["joined"], each["left"]) for each in rows] == [(3, 1, 0), (2, 1, 1), (2, 2, 0)]


async def test_a_day_is_done_once(book: Repositories) -> None:
    one = await insert(book, "A", {"profile.industry": "TEA"})
    await define(book, "TEA")
    await snapshot(book, 0)
    before = await everything(book)
    await set_values(book, one, industry="STEEL")
    assert (await snapshot(book, 0)).taken == 0
    after = await everything(book)
    assert (after["segment_members"], after["segment_snapshots"]) == (
        before["segment_members"],
        before["segment_snapshots"],
    )


async def test_what_does_not_change_is_not_written(book: Repositories) -> None:
    for number in range(5):
        await insert(book, f"C{number}", {"profile.industry": "TEA"})
    await define(book, "TEA")
    await snapshot(book, 0)
    before = await stays(book)
    await snapshot(book, 1, batch=2)
    assert await stays(book) == before


@pytest.mark.parametrize("stop_after", range(4))
async def test_goes_on_where_it_was_stopped(book: Repositories, stop_after: int) -> None:
    ids = sorted([await insert(book, f"C{number}", {"profile.industry": "TEA"}) for number in range(5)])
    await define(book, "HAPPY", HAPPY)
    await define(book, "TEA")
    checkpoint: dict[str, Any] = {}
    reports = 0

    async def report(_done: int, _total: int, *, checkpoint: Any = None) -> None:
        nonlocal reports
        reports += 1
        if checkpoint is not None:
            kept.update(checkpoint)
        if reports == stop_after:
            raise Stop

    kept = checkpoint
    if stop_after:
        with pytest.raises(Stop):
            await snapshot(book, 0, report=report, batch=2)
    # Meanwhile one who has been counted goes, and comes to be counted again where the batch is done twice.
    await set_values(book, ids[-1], industry="STEEL")
    await snapshot(book, 0, checkpoint=checkpoint, batch=2)
    assert await stays(book) == [("TEA", each, 0, None) for each in ids[:-1]]
    rows = await book.segment_members.snapshots("sg_TEA", 10, None, None)
    assert [(each["size"], each["joined"], each["left"]) for each in rows] == [(4, 4, 0)]


async def test_a_batch_that_is_done_twice_leaves_no_trace(book: Repositories) -> None:
    a = await insert(book, "A", {"profile.industry": "TEA"})
    b = await insert(book, "B", {"profile.industry": "STEEL"})
    await define(book, "TEA")
    await snapshot(book, 0)

    async def killed(*_args: Any, **_more: Any) -> None:
        raise Stop

    # All clients are done, and the process is killed before the figures are counted.
    end, book.segment_members.end = book.segment_members.end, killed  # type: ignore[method-assign, assignment]
    await set_values(book, a, industry="STEEL")
    await set_values(book, b, industry="TEA")
    with pytest.raises(Stop):
        await snapshot(book, 1)
    book.segment_members.end = end  # type: ignore[method-assign]
    assert sorted(await stays(book)) == sorted([("TEA", a, 0, 1), ("TEA", b, 1, None)])
    await set_values(book, a, industry="TEA")
    await set_values(book, b, industry="STEEL")
    await snapshot(book, 1)
    assert await stays(book) == [("TEA", a, 0, None)]


async def test_another_filter_is_another_set_of_members(book: Repositories) -> None:
    a = await insert(book, "A", {"profile.industry": "TEA"})
    b = await insert(book, "B", {"attitude.satisfaction": 9.0})
    await define(book, "S")
    await snapshot(book, 0)
    await change_segment(VIEWER, book, "S", {}, HAPPY)
    await snapshot(book, 1)
    assert sorted(await stays(book)) == sorted([("S", a, 0, 1), ("S", b, 1, None)])
    assert [each["version"] for each in await book.segment_members.snapshots("sg_S", 9, None, None)] == [2, 1]


async def test_nobody_leaves_a_broken_or_a_retired_segment(book: Repositories) -> None:
    one = await insert(book, "A", {"profile.industry": "TEA", "attitude.satisfaction": 9.0})
    await define(book, "TEA")
    await define(book, "HAPPY", HAPPY)
    await snapshot(book, 0)
    await retire_segment(VIEWER, book, "HAPPY")
    industry = SMALL.get_live("profile.industry").model_copy(update={"status": Status.RETIRED})
    taken = await take_snapshots(book.on(SMALL.with_attributes([industry])), moment=moment(1))
    assert (taken.taken, taken.broken) == (0, ("TEA",))
    assert await stays(book) == [("HAPPY", one, 0, None), ("TEA", one, 0, None)]


async def test_who_is_no_more_is_taken_out(book: Repositories) -> None:
    one = await insert(book, "A", {"profile.industry": "TEA"})
    await define(book, "TEA")
    await snapshot(book, 0)
    await book.clients.collection.delete_one({"_id": one})
    await snapshot(book, 1)
    assert await stays(book) == []
