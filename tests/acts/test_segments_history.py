"""The past of segments, as a viewer may see it."""

from dataclasses import replace

import pytest

import acts.segments_history
from acts.segments import SegmentNotUsable, change_segment
from acts.segments_history import (
    Move,
    TooManyClients,
    may_see_past,
    members_at,
    open_move,
    read_figures,
    read_moves,
    seal_move,
    visible_clients,
)
from catalogue.attribute import Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.segments import SegmentMove
from policy.viewer import Viewer
from repositories.errors import BadCursor
from repositories.repositories import Repositories
from tests.books import SMALL, VIEWER, attribute, insert
from tests.segmented import TEA, define, moment, set_values, snapshot

OWN = Viewer("RM", frozenset({"relationship_manager"}), manager_id="mg_1")
J, L = SegmentMove.JOINED, SegmentMove.LEFT


async def three_days(book: Repositories) -> tuple[str, str, str]:
    """Three clients of whom the first two are the manager's: a goes on day 1, b comes on day 1, c stays."""
    rows = (("A", "TEA", "mg_1"), ("B", "STEEL", "mg_1"), ("C", "TEA", "mg_2"))
    a, b, c = [await insert(book, n, {"profile.industry": i, "managerId": m}) for n, i, m in rows]
    await define(book, "TEA")
    await snapshot(book, 0)
    await set_values(book, a, industry="STEEL")
    await set_values(book, b, industry="TEA")
    await snapshot(book, 1)
    await snapshot(book, 2)
    return a, b, c


async def segment(book: Repositories) -> dict[str, object]:
    return {"_id": "sg_TEA", "code": "TEA", "everPaths": ["profile.industry"]}


class TestReadFigures:
    async def test_of_the_whole_book(self, book: Repositories) -> None:
        await three_days(book)
        found = await read_figures(VIEWER, book, await segment(book), 10)
        assert [(each.at, each.size, each.joined, each.left) for each in found] == [
            (moment(2), 2, 0, 0),
            (moment(1), 2, 1, 1),
            (moment(0), 2, 2, 0),
        ]

    async def test_of_some_clients(self, book: Repositories) -> None:
        await three_days(book)
        found = await read_figures(OWN, book, await segment(book), 10)
        assert [(each.size, each.joined, each.left) for each in found] == [(1, 0, 0), (1, 1, 1), (1, 1, 0)]

    async def test_without_those_behind_a_wall(self, book: Repositories) -> None:
        _, _, c = await three_days(book)
        walled = replace(VIEWER, walled=frozenset({c}))
        found = await read_figures(walled, book, await segment(book), 10)
        assert [(each.size, each.joined, each.left) for each in found] == [(1, 0, 0), (1, 1, 1), (1, 1, 0)]

    async def test_a_part_of_the_days(self, book: Repositories) -> None:
        await three_days(book)
        found = await read_figures(VIEWER, book, await segment(book), 10, before=moment(2), since=moment(1))
        assert [each.at for each in found] == [moment(1)]


class TestReadMoves:
    async def test_the_newest_first(self, book: Repositories) -> None:
        a, b, c = await three_days(book)
        found = await read_moves(VIEWER, book, await segment(book), 10)
        day_1 = sorted([Move(moment(1), a, L), Move(moment(1), b, J)], key=lambda each: each.client_id)
        day_0 = [Move(moment(0), each, J) for each in sorted((a, c))]
        assert found == [*day_1, *day_0]

    async def test_a_walk_meets_each_once(self, book: Repositories) -> None:
        await three_days(book)
        whole = await read_moves(VIEWER, book, await segment(book), 10)
        walked: list[Move] = []
        while page := await read_moves(VIEWER, book, await segment(book), 1, walked[-1] if walked else None):
            walked += page
        assert walked == whole

    async def test_of_some_clients(self, book: Repositories) -> None:
        a, b, _ = await three_days(book)
        found = await read_moves(OWN, book, await segment(book), 10)
        assert {each.client_id for each in found} == {a, b}
        assert len(found) == 3

    async def test_since_a_moment(self, book: Repositories) -> None:
        await three_days(book)
        found = await read_moves(VIEWER, book, await segment(book), 10, since=moment(1))
        assert {each.at for each in found} == {moment(1)}

    async def test_a_cursor_is_for_one_person_and_one_segment(self, book: Repositories) -> None:
        move = Move(moment(1), "cl_1", L)
        one, two = {"_id": "sg_1"}, {"_id": "sg_2"}
        cursor = seal_move(VIEWER, book, one, move)
        assert open_move(VIEWER, book, one, cursor) == move
        for viewer, other in ((OWN, one), (VIEWER, two)):
            with pytest.raises(BadCursor):
                open_move(viewer, book, other, cursor)


class TestMembersAt:
    async def test_by_the_last_snapshot_before(self, book: Repositories) -> None:
        a, b, c = await three_days(book)
        first = await members_at(VIEWER, book, await segment(book), moment(1).replace(hour=9))
        assert (set(first.ids), first.at) == ({a, c}, moment(0))
        then = await members_at(VIEWER, book, await segment(book), moment(1))
        assert (set(then.ids), then.at) == ({b, c}, moment(1))
        assert (await members_at(OWN, book, await segment(book), moment(9))).ids == (b,)

    async def test_before_the_first_there_is_none(self, book: Repositories) -> None:
        await three_days(book)
        with pytest.raises(SegmentNotUsable, match="snapshot"):
            await members_at(VIEWER, book, await segment(book), moment(-1))

    async def test_too_many(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        await three_days(book)
        monkeypatch.setattr(acts.segments_history, "MEMBERS_LIMIT", 1)
        with pytest.raises(TooManyClients):
            await members_at(VIEWER, book, await segment(book), moment(1))

    async def test_what_it_looked_at_once_hides_its_past(self, book: Repositories) -> None:
        region = attribute("profile.region", sensitivity=Sensitivity.INTERNAL)
        book = book.on(Catalogue((*SMALL.attributes, region), SMALL.relations))
        await define(book, "S", TEA)
        await snapshot(book, 0)
        changed = await change_segment(VIEWER, book, "S", {}, Compare("profile.region", Operator.EQ, "N"))
        steward = Viewer("S", frozenset({"data_steward"}))
        assert may_see_past(VIEWER, book, changed)
        assert not may_see_past(steward, book, changed)
        with pytest.raises(SegmentNotUsable):
            await members_at(steward, book, changed, moment(0))


class TestVisibleClients:
    async def test_too_many_to_name(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        await three_days(book)
        monkeypatch.setattr(acts.segments_history, "VISIBLE_LIMIT", 1)
        with pytest.raises(TooManyClients):
            await visible_clients(OWN, book)
        assert await visible_clients(VIEWER, book) is None
