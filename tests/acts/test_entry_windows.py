"""Define, change and retire entry windows."""

from dataclasses import replace
from typing import Any

import pytest

from acts.checks import UNGUARDED, Guard
from acts.entry_weeks import Hours
from acts.entry_windows import (
    EntryWindow,
    change_entry_window,
    define_entry_window,
    retire_entry_window,
    window_attributes,
    window_from,
)
from catalogue.attribute import Facet
from catalogue.errors import Refused
from policy.attributes import AreaView
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.entry_windows import Weekday
from repositories.errors import AlreadyExists, KeyReused, NotFound, StaleVersion
from repositories.repositories import Repositories
from tests.books import SMALL, VIEWER, everything

MOOD, REMARKS = "attitude.satisfaction", "attitude.remarks"
HOURS = Hours(Weekday.FRIDAY, "14:00", "18:00", "Asia/Shanghai")
VIEWS = EntryWindow("VIEWS", "Weekly views", HOURS, (MOOD, REMARKS))
STEWARD = Viewer("sam", frozenset({"data_steward"}))
OTHERS = Viewer("ana", frozenset({"relationship_manager", "auditor", "risk_officer"}))


def wanted(**changes: Any) -> EntryWindow:
    hours = {name: changes.pop(name) for name in ("weekday", "opens", "closes", "time_zone") if name in changes}
    return replace(VIEWS, hours=replace(HOURS, **hours), **changes)


class TestDefine:
    async def test_is_there_as_it_was_wanted(self, book: Repositories) -> None:
        written = await define_entry_window(STEWARD, book, VIEWS, UNGUARDED)
        assert written.document["status"] == "ACTIVE"
        found = await book.entry_windows.find_by_code("VIEWS")
        assert found is not None
        assert window_from(found) == VIEWS

    async def test_once_for_a_key(self, book: Repositories) -> None:
        first = await define_entry_window(VIEWER, book, VIEWS, Guard(idempotency_key="k"))
        again = await define_entry_window(VIEWER, book, VIEWS, Guard(idempotency_key="k"))
        assert (again.is_replay, again.document["_id"]) == (True, first.document["_id"])
        with pytest.raises(KeyReused):
            await define_entry_window(VIEWER, book, wanted(label="Other"), Guard(idempotency_key="k"))

    async def test_a_code_is_taken_for_good(self, book: Repositories) -> None:
        await define_entry_window(VIEWER, book, VIEWS, UNGUARDED)
        await retire_entry_window(VIEWER, book, "VIEWS", UNGUARDED)
        before = await everything(book)
        with pytest.raises(AlreadyExists):
            await define_entry_window(VIEWER, book, wanted(label="Again"), UNGUARDED)
        assert await everything(book) == before

    async def test_takes_a_right(self, book: Repositories) -> None:
        with pytest.raises(NotAllowed):
            await define_entry_window(OTHERS, book, VIEWS, UNGUARDED)
        assert await book.entry_windows.find_by_code("VIEWS") is None

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"code": "views"}, ["code"]),
            ({"label": " "}, ["label"]),
            ({"opens": "24:00"}, ["opens", "closes"]),
            ({"opens": "14:00:00"}, ["opens"]),
            ({"closes": "14:00"}, ["closes"]),
            ({"closes": "25:00", "time_zone": "Mars/Base"}, ["closes", "timeZone"]),
            ({"paths": None}, ["paths"]),
            ({"paths": ()}, ["paths"]),
            ({"facet": Facet.ATTITUDE}, ["paths"]),
            ({"paths": None, "facet": Facet.DERIVED}, ["facet"]),
            ({"paths": (MOOD, "profile.nothing", "profile.location", "derived.clientValue")}, ["paths"] * 3),
            ({"paths": ("profile.keyPeople.name",)}, ["paths"]),
        ],
    )
    async def test_every_problem_at_once(self, book: Repositories, changes: dict[str, Any], named: list[str]) -> None:
        before = await everything(book)
        with pytest.raises(Refused) as refused:
            await define_entry_window(VIEWER, book, wanted(**changes), UNGUARDED)
        assert [each.path[0] for each in refused.value.problems()] == named
        assert await everything(book) == before


class TestChange:
    async def test_left_out_stays(self, book: Repositories) -> None:
        await define_entry_window(VIEWER, book, VIEWS, UNGUARDED)
        changes: dict[str, object] = {"weekday": Weekday.MONDAY, "closes": "24:00"}
        written = await change_entry_window(STEWARD, book, "VIEWS", changes, Guard(expected_version=1))
        assert window_from(written.document) == wanted(weekday=Weekday.MONDAY, closes="24:00")
        assert written.document["version"] == 2

    async def test_a_facet_takes_the_place_of_paths_and_back(self, book: Repositories) -> None:
        await define_entry_window(VIEWER, book, VIEWS, UNGUARDED)
        written = await change_entry_window(VIEWER, book, "VIEWS", {"facet": Facet.PROFILE}, UNGUARDED)
        assert window_from(written.document) == wanted(paths=None, facet=Facet.PROFILE)
        written = await change_entry_window(VIEWER, book, "VIEWS", {"paths": [MOOD]}, UNGUARDED)
        assert window_from(written.document) == wanted(paths=(MOOD,))

    async def test_once_for_a_key(self, book: Repositories) -> None:
        await define_entry_window(VIEWER, book, VIEWS, UNGUARDED)
        guard = Guard(expected_version=1, idempotency_key="k")
        for is_replay in (False, True):
            written = await change_entry_window(VIEWER, book, "VIEWS", {"label": "New"}, guard)
            assert (written.is_replay, written.document["version"]) == (is_replay, 2)

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({}, ["changes"]),
            ({"label": None, "opens": None}, ["label", "opens"]),
            ({"opens": "19:00"}, ["closes"]),
            ({"paths": None}, ["paths"]),
            ({"paths": [MOOD], "facet": Facet.PROFILE}, ["paths"]),
        ],
    )
    async def test_refused(self, book: Repositories, changes: dict[str, object], named: list[str]) -> None:
        await define_entry_window(VIEWER, book, VIEWS, UNGUARDED)
        before = await everything(book)
        with pytest.raises(Refused) as refused:
            await change_entry_window(VIEWER, book, "VIEWS", changes, UNGUARDED)
        assert [each.path[0] for each in refused.value.problems()] == named
        assert await everything(book) == before

    async def test_not_by_others_nor_a_stale_or_unknown_or_retired_one(self, book: Repositories) -> None:
        await define_entry_window(VIEWER, book, VIEWS, UNGUARDED)
        given: dict[str, object] = {"label": "New"}
        with pytest.raises(NotAllowed):
            await change_entry_window(OTHERS, book, "VIEWS", given, UNGUARDED)
        with pytest.raises(NotAllowed):
            await retire_entry_window(OTHERS, book, "VIEWS", UNGUARDED)
        with pytest.raises(StaleVersion):
            await change_entry_window(VIEWER, book, "VIEWS", given, Guard(expected_version=7))
        with pytest.raises(NotFound):
            await change_entry_window(VIEWER, book, "NONE", given, UNGUARDED)
        await retire_entry_window(VIEWER, book, "VIEWS", UNGUARDED)
        with pytest.raises(Refused, match="a window that is not retired"):
            await change_entry_window(VIEWER, book, "VIEWS", given, UNGUARDED)


class TestWindowAttributes:
    def test_those_that_may_be_read(self) -> None:
        everything_seen, without = AreaView(), AreaView(hidden=frozenset((REMARKS,)))
        assert [each.path for each in window_attributes(SMALL, VIEWS, everything_seen)] == [REMARKS, MOOD]
        assert [each.path for each in window_attributes(SMALL, VIEWS, without)] == [MOOD]
        facet = wanted(paths=None, facet=Facet.BEHAVIOUR)
        assert [each.path for each in window_attributes(SMALL, facet, without)] == ["behaviour.visits"]
