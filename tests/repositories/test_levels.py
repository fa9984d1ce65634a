"""Lists under many records: each page right, whatever way it is read, and few commands."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from catalogue.filters import Compare
from catalogue.kinds import Operator
from repositories.access import AuthorisedPlan
from repositories.errors import BadCursor
from repositories.levels import SCANNED, SEEKS, LevelReads
from repositories.plan import ID, Order, Page, ReadPlan, Slice
from repositories.repositories import Repositories, new_id
from tests.books import ACCESS, AT, OTHER, VIEWER, change
from tests.conftest import CommandLog

NEWEST = (Order("at", is_descending=True),)
HOLDERS = [f"cl_{number:02d}" for number in range(12)]


def question(first: int, after: str | None = None, paths: Sequence[str] = ("channel",)) -> AuthorisedPlan:
    page = Page(first, after=after)
    return ACCESS.authorise(ReadPlan("interactions", frozenset(paths), order=NEWEST, page=page), VIEWER)


async def fill(book: Repositories, lengths: Sequence[int]) -> dict[str, list[str]]:
    """The ids of the records under each holder, newest first; every second record stands at the moment of another."""
    rows: dict[str, list[tuple[object, str]]] = {holder: [] for holder in HOLDERS}
    records = []
    for holder, length in zip(HOLDERS, lengths, strict=False):
        for place in range(length):
            at, record_id = AT - timedelta(hours=place * 7 % length // 2), new_id("interactions")
            values = {"at": at, "channel": "VISIT", "summary": f"{holder} {place}"}
            records.append(({ID: record_id, "clientId": holder}, change(values)))
            rows[holder].append((at, record_id))
    assert await book.interactions.insert_many(records) == frozenset()
    return {holder: [each for _, each in sorted(found, reverse=True)] for holder, found in rows.items()}


def ids(pages: dict[str, Slice]) -> dict[str, list[object]]:
    return {holder: [each[ID] for each in page.documents] for holder, page in pages.items()}


def levels_of(book: Repositories) -> LevelReads:
    return book.interactions.levels["clientId"]


async def walk(book: Repositories, holder: str, first: int) -> list[object]:
    """The list of one holder, a page at a time, with all other holders in the level."""
    found: list[object] = []
    after = None
    while True:
        asked = question(first, after)
        page = (await levels_of(book).read(asked, HOLDERS))[holder]
        assert page.has_previous is (after is not None)
        found += [each[ID] for each in page.documents]
        if not page.has_next:
            return found
        after = book.interactions.seal(asked, page.documents[-1:])[0]


class TestRead:
    @pytest.mark.parametrize("lengths", [(0, 1, 2, 3, 4, 5), (3,) * 12, (200, 0, 1, 2, 90, 4), (0, 0, 150)])
    async def test_the_newest_of_each_list(self, book: Repositories, lengths: tuple[int, ...]) -> None:
        expected = await fill(book, lengths)
        for first in (1, 3, 4):
            for _ in range(2):  # the second time by seeking, where the first one met long lists
                pages = await levels_of(book).read(question(first), HOLDERS)
                assert ids(pages) == {holder: rows[:first] for holder, rows in expected.items()}
                assert {holder: page.has_next for holder, page in pages.items()} == {
                    holder: len(rows) > first for holder, rows in expected.items()
                }

    async def test_no_record_at_all(self, book: Repositories) -> None:
        levels = levels_of(book)
        levels._seeks_left = 1
        for _ in range(2):
            assert ids(await levels.read(question(3), HOLDERS[:2])) == {HOLDERS[0]: [], HOLDERS[1]: []}
        assert await levels.read(question(3), []) == {}

    async def test_a_holder_alone(self, book: Repositories) -> None:
        expected = await fill(book, (5, 5))
        pages = await levels_of(book).read(question(3), [HOLDERS[1], HOLDERS[1]])
        assert ids(pages) == {HOLDERS[1]: expected[HOLDERS[1]][:3]}

    @pytest.mark.parametrize("lengths", [(9, 4, 0, 7), (150, 3, 90)])
    async def test_pages_meet_each_record_once(self, book: Repositories, lengths: tuple[int, ...]) -> None:
        expected = await fill(book, lengths)
        for holder in HOLDERS[:3]:
            assert await walk(book, holder, 4) == expected[holder]

    async def test_a_cursor_is_a_moment_for_every_list(self, book: Repositories) -> None:
        expected = await fill(book, (6, 6))
        asked = question(2)
        first = (await levels_of(book).read(asked, HOLDERS[:1]))[HOLDERS[0]]
        cursor = book.interactions.seal(asked, first.documents)[-1]
        at = first.documents[-1]["at"]
        rows = (await levels_of(book).read(question(9, cursor), HOLDERS[:2]))[HOLDERS[1]].documents
        assert rows
        assert all((each["at"], each[ID]) < (at, first.documents[-1][ID]) for each in rows)
        assert [each[ID] for each in rows] == expected[HOLDERS[1]][-len(rows) :]

    async def test_a_cursor_of_another_person(self, book: Repositories) -> None:
        await fill(book, (3, 3))
        asked = replace(question(1), principal=OTHER.person)
        page = (await levels_of(book).read(asked, HOLDERS[:1]))[HOLDERS[0]]
        cursor = book.interactions.seal(asked, page.documents)[0]
        for holders in (HOLDERS[:1], HOLDERS):
            with pytest.raises(BadCursor):
                await levels_of(book).read(question(1, cursor), holders)

    async def test_only_the_rows_that_may_be_read(self, book: Repositories) -> None:
        await fill(book, (6, 40, 3))
        rule = Compare("summary", Operator.IN, (f"{HOLDERS[0]} 2", f"{HOLDERS[1]} 0", f"{HOLDERS[1]} 39"))
        asked = replace(question(5), filter=rule)
        levels = levels_of(book)
        for seeks, holders in ((0, HOLDERS), (1, HOLDERS), (0, HOLDERS[1:2])):
            levels._seeks_left = seeks
            counts = {holder: len(page.documents) for holder, page in (await levels.read(asked, holders)).items()}
            assert {holder: count for holder, count in counts.items() if count} == {
                holder: count for holder, count in ((HOLDERS[0], 1), (HOLDERS[1], 2)) if holder in holders
            }
        assert (await levels.count(asked, HOLDERS))[HOLDERS[1]] == 2

    async def test_only_the_paths_that_were_asked_for(self, book: Repositories) -> None:
        await fill(book, (2, 2))
        for seeks, holders in ((0, HOLDERS[:2]), (1, HOLDERS[:2]), (0, HOLDERS[:1])):
            levels_of(book)._seeks_left = seeks
            pages = await levels_of(book).read(question(1), holders)
            assert set(pages[HOLDERS[0]].documents[0]) - {"clientId"} == {ID, "at", "channel"}

    async def test_from_the_end(self, book: Repositories) -> None:
        page = Page(3, is_backward=True)
        asked = ACCESS.authorise(ReadPlan("interactions", frozenset(), order=NEWEST, page=page), VIEWER)
        with pytest.raises(ValueError, match="from the start"):
            await levels_of(book).read(asked, HOLDERS)


class TestCount:
    async def test_each_list_whole(self, book: Repositories) -> None:
        await fill(book, (3, 0, 40))
        counts = await levels_of(book).count(question(1), HOLDERS[:3])
        assert counts == {HOLDERS[0]: 3, HOLDERS[1]: 0, HOLDERS[2]: 40}


@pytest.mark.real_drivers
class TestCommands:
    async def test_one_however_many_holders(self, book: Repositories, command_log: CommandLog) -> None:
        await fill(book, (8,) * 12)
        for count in (1, 2, 12):
            command_log.clear()
            await levels_of(book).read(question(5), HOLDERS[:count])
            assert len(command_log.commands) == 1

    async def test_long_lists_are_met_by_one_scan_and_then_only_sought(
        self, book: Repositories, command_log: CommandLog
    ) -> None:
        await fill(book, (2, SCANNED * 6, 2))
        for expected in (["$match", "$limit"], ["$limit"], ["$limit"]):
            command_log.clear()
            await levels_of(book).read(question(2), HOLDERS[:3])
            assert [next(iter(each["pipeline"][0])) for each in command_log.commands] == expected  # type: ignore[index]
        levels_of(book)._seeks_left -= SEEKS - 2
        command_log.clear()
        await levels_of(book).read(question(2), HOLDERS[:3])
        assert len(command_log.commands) == 2

    async def test_a_page_far_behind_reads_no_more_keys_than_it_shows(self, book: Repositories) -> None:
        expected = await fill(book, (400,))
        asked = question(3)
        place = expected[HOLDERS[0]][300]
        row = await book.interactions.collection.find_one({ID: place}, {"at": 1})
        assert row is not None
        cursor = book.interactions.seal(asked, [row])[0]
        query = levels_of(book)._query(question(3, cursor))
        raw = book.interactions.collection._raw
        command: dict[str, Any] = {"find": "interactions", "filter": {"$and": [{"clientId": HOLDERS[0]}, *query.parts]}}
        command |= {"sort": {"at": -1, "_id": -1}, "limit": 4}
        plan = await raw.database.command("explain", command, verbosity="executionStats")
        assert plan["executionStats"]["nReturned"] == 4
        assert plan["executionStats"]["totalKeysExamined"] <= 10
