"""Segments that stand in the way of a change of an attribute."""

from datetime import timedelta

import pytest

from acts.attributes import change_attribute, define_attribute, deprecate_attribute, retire_attribute
from acts.attributes_approved import propose_retirement
from acts.attributes_in_use import use_problems
from acts.checks import now
from acts.segments import change_segment, retire_segment
from catalogue.attribute import Sensitivity
from catalogue.errors import Refused
from catalogue.filters import AnyItem, Compare, Filter
from catalogue.kinds import Kind, Operator
from policy.viewer import Viewer
from repositories.repositories import Repositories
from repositories.trusted_documents import TrustedDocument, TrustedDocumentRepository
from tests.books import APPROVED, AT, VIEWER, attribute, everything
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


async def test_an_attribute_of_registered_documents_is_not_retired(book: Repositories) -> None:
    book = await with_tier(book)
    kept = TrustedDocumentRepository(book.store)
    await kept.register(TrustedDocument("a1", "{ a }", "Tiers", (), "ana", AT, (TIER,)))
    await kept.register(TrustedDocument("b1", "{ b }", "Names", (), "ana", AT, ("profile.name",)))
    before = await everything(book)
    for dry_run in (True, False):
        with pytest.raises(Refused, match=r"registered documents, which could not be run any more: Tiers\."):
            await retire_attribute(VIEWER, book, TIER, approved=APPROVED, dry_run=dry_run)
    with pytest.raises(Refused, match="Tiers"):
        await propose_retirement(STEWARD, book, TIER)
    assert await everything(book) == before
    await kept.remove("a1")
    await retire_attribute(VIEWER, book, TIER, approved=APPROVED)


async def test_a_promised_day_is_waited_for(book: Repositories) -> None:
    book = await with_tier(book)
    removal_on = now().date() + timedelta(days=1)
    await deprecate_attribute(VIEWER, book, TIER, successor=None, removal_on=removal_on)
    with pytest.raises(Refused, match=f"stays until {removal_on}"):
        await retire_attribute(VIEWER, book, TIER, approved=APPROVED)
    with pytest.raises(Refused, match="removalOn"):
        await change_attribute(VIEWER, book, TIER, {"removal_on": now().date()})


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
