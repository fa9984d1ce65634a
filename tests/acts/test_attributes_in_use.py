"""Segments that stand in the way of a change of an attribute."""

import pytest

from acts.attributes import change_attribute, define_attribute, retire_attribute
from acts.attributes_in_use import use_problems
from acts.segments import change_segment, retire_segment
from catalogue.attribute import Sensitivity
from catalogue.errors import Refused
from catalogue.filters import AnyItem, Compare, Filter
from catalogue.kinds import Kind, Operator
from policy.viewer import Viewer
from repositories.repositories import Repositories
from tests.books import APPROVED, VIEWER, attribute, everything
from tests.segmented import HAPPY, define

STEWARD = Viewer("S001", frozenset({"data_steward"}))
TIER = "derived.tier"
GOLD: Filter = Compare(TIER, Operator.EQ, "gold")


async def with_tier(book: Repositories) -> Repositories:
    await define_attribute(VIEWER, book, attribute(TIER, is_searchable=True))
    return book.on(book.feed.catalogue)


async def test_an_attribute_in_use_is_not_retired(book: Repositories) -> None:
    book = await with_tier(book)
    await define(book, "GOLD", GOLD)
    await define(book, "HAPPY", HAPPY)
    before = await everything(book)
    for dry_run in (True, False):
        with pytest.raises(Refused, match=r"derived\.tier is used by the segment GOLD"):
            await retire_attribute(VIEWER, book, TIER, approved=APPROVED, dry_run=dry_run)
    assert await everything(book) == before
    await change_segment(VIEWER, book, "GOLD", {}, HAPPY)
    await retire_attribute(VIEWER, book, TIER, approved=APPROVED)


async def test_a_retired_segment_is_in_nobodys_way(book: Repositories) -> None:
    book = await with_tier(book)
    await define(book, "GOLD", GOLD)
    await retire_segment(VIEWER, book, "GOLD")
    await retire_attribute(VIEWER, book, TIER, approved=APPROVED)


async def test_no_change_that_would_break_it(book: Repositories) -> None:
    book = await with_tier(book)
    await define(book, "GOLDEN", Compare(TIER, Operator.CONTAINS, "gold"))
    for changes in ({"is_searchable": False}, {"is_searchable": False, "sensitivity": Sensitivity.RESTRICTED}):
        with pytest.raises(Refused, match="GOLDEN"):
            await change_attribute(VIEWER, book, TIER, changes)
    await change_attribute(VIEWER, book, TIER, {"label": "Tier", "max_length": 3})


async def test_a_group_is_in_use_with_what_is_in_it(book: Repositories) -> None:
    await define(book, "CEO", AnyItem("profile.keyPeople", Compare("position", Operator.EQ, "CEO")))
    people = book.catalogue.get_live("profile.keyPeople")
    after = book.catalogue.with_attributes([people.model_copy(update={"sensitivity": Sensitivity.RESTRICTED})])
    (problem,) = await use_problems(VIEWER, book, book.catalogue, after, people)
    assert "CEO" in problem.message


async def test_segments_that_one_may_not_see_are_counted(book: Repositories) -> None:
    book = await with_tier(book)
    await define(book, "GOLD", GOLD)
    await define(book, "ELSE", GOLD)
    with pytest.raises(Refused, match="2 segments that you may not see") as refused:
        await retire_attribute(STEWARD, book, TIER, approved=APPROVED)
    assert "GOLD" not in refused.value.message


async def test_a_new_attribute_is_in_use_by_none(book: Repositories) -> None:
    new = attribute("derived.new", Kind.LONG)
    assert await use_problems(VIEWER, book, book.catalogue, book.catalogue.with_attributes([new]), new) == []
