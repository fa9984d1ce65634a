"""The segments of clients: now, at a moment, and one stay after the other."""

import pytest

import acts.segments_of_clients
from acts.segments import change_segment, retire_segment
from acts.segments_of_clients import TooManySegments, past_segments, read_stays, segments_now, segments_then
from catalogue.attribute import Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.filters import AnyItem, Compare, Not
from catalogue.kinds import Operator
from policy.viewer import Viewer
from repositories.reading import Document
from repositories.repositories import Repositories
from repositories.segment_members import Stay
from tests.books import SMALL, VIEWER, attribute, insert
from tests.segmented import HAPPY, TEA, define, moment, set_values, snapshot

STEWARD = Viewer("S001", frozenset({"data_steward"}))
OWN = Viewer("RM", frozenset({"relationship_manager"}), manager_id="mg_1")
CODE = frozenset(("code",))


def codes(found: dict[str, list[Document]], *ids: str) -> list[list[str]]:
    return [[each["code"] for each in found[client]] for client in ids]


async def three(book: Repositories) -> tuple[str, str, str]:
    rows = (("A", "TEA", 9.0), ("B", "STEEL", 9.0), ("C", "TEA", None))
    a, b, c = [
        await insert(book, n, {"profile.industry": i, "attitude.satisfaction": s, "managerId": "mg_1"})
        for n, i, s in rows
    ]
    await define(book, "TEA")
    await define(book, "HAPPY", HAPPY)
    return a, b, c


class TestSegmentsNow:
    async def test_of_several_clients_by_code(self, book: Repositories) -> None:
        a, b, c = await three(book)
        people = AnyItem("profile.keyPeople", Compare("position", Operator.EQ, "CEO"))
        await define(book, "NO_CEO", Not(people))
        await define(book, "OLD", TEA)
        await retire_segment(VIEWER, book, "OLD")
        found = await segments_now(VIEWER, book, [a, b, c], CODE)
        assert codes(found, a, b, c) == [["HAPPY", "NO_CEO", "TEA"], ["HAPPY", "NO_CEO"], ["NO_CEO", "TEA"]]
        assert await segments_now(VIEWER, book, [], CODE) == {}

    async def test_more_than_a_command_takes(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(acts.segments_of_clients, "FILTERS_A_COMMAND", 1)
        a, b, c = await three(book)
        found = await segments_now(VIEWER, book, [a, b, c], CODE)
        assert codes(found, a, b, c) == [["HAPPY", "TEA"], ["HAPPY"], ["TEA"]]
        monkeypatch.setattr(acts.segments_of_clients, "SEGMENTS_LIMIT", 1)
        with pytest.raises(TooManySegments, match="more than 1 segments"):
            await segments_now(VIEWER, book, [a], CODE)

    async def test_those_that_the_viewer_may_know_of(self, book: Repositories) -> None:
        a, b, c = await three(book)
        opened = attribute("profile.industry", sensitivity=Sensitivity.INTERNAL)
        steward = book.on(SMALL.with_attributes([opened]))
        found = await segments_now(STEWARD, steward, [a, b, c], CODE)
        assert codes(found, a, b, c) == [["TEA"], [], ["TEA"]]

    async def test_one_that_the_attributes_no_longer_fit_has_no_members(self, book: Repositories) -> None:
        a, _, _ = await three(book)
        left = [each for each in SMALL.attributes if each.path != "attitude.satisfaction"]
        changed = book.on(Catalogue(left, SMALL.relations))
        assert codes(await segments_now(VIEWER, changed, [a], CODE), a) == [["TEA"]]


class TestThePast:
    async def test_as_the_snapshots_found_it(self, book: Repositories) -> None:
        a, b, _ = await three(book)
        await snapshot(book, 0)
        await set_values(book, a, industry="STEEL")
        await snapshot(book, 1)
        await set_values(book, a, industry="TEA")
        await snapshot(book, 2)
        await retire_segment(VIEWER, book, "HAPPY")
        for day, expected in ((0, ["HAPPY", "TEA"]), (1, ["HAPPY"]), (2, ["HAPPY", "TEA"])):
            found = await segments_then(OWN, book, [a, b], moment(day), CODE)
            assert codes(found, a, b) == [expected, ["HAPPY"]]
        known = await past_segments(OWN, book, CODE)
        assert sorted(known) == ["sg_HAPPY", "sg_TEA"]
        all_of_them = await read_stays(book, known, a, 10)
        assert [(each.segment["code"], each.joined_at, each.left_at) for each in all_of_them] == [
            ("TEA", moment(2), None),
            ("HAPPY", moment(0), None),
            ("TEA", moment(0), moment(1)),
        ]
        behind = Stay(moment(0), "sg_HAPPY")
        assert await read_stays(book, known, a, 10, behind) == all_of_them[2:]
        then = await read_stays(book, known, a, 10, None, moment(0))
        assert [(each.segment["code"], each.left_at) for each in then] == [("HAPPY", None), ("TEA", None)]

    async def test_is_for_whoever_may_use_all_that_a_segment_has_looked_at(self, book: Repositories) -> None:
        a, _, _ = await three(book)
        await snapshot(book, 0)
        await change_segment(VIEWER, book, "TEA", {}, Compare("stage", Operator.EQ, "PROSPECT"))
        assert codes(await segments_now(STEWARD, book, [a], CODE), a) == [["TEA"]]
        assert await past_segments(STEWARD, book, CODE) == {}
        assert codes(await segments_then(STEWARD, book, [a], moment(0), CODE), a) == [[]]
