"""Define, change and retire segments."""

from typing import Any

import pytest

from acts.checks import UNGUARDED, Guard
from acts.segments import (
    NewSegment,
    SegmentNotUsable,
    change_segment,
    define_segment,
    find_segment,
    retire_segment,
    usable_filter,
)
from catalogue.attribute import Sensitivity, Status
from catalogue.catalogue import Catalogue, UnknownAttribute
from catalogue.errors import ErrorCode, Refused
from catalogue.filters import And, AnyItem, Compare, Not
from catalogue.kinds import Kind, Operator
from catalogue.saved_filters import meaning_of
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.errors import KeyReused, NotFound, StaleVersion
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import OTHER, SMALL, VIEWER, attribute, everything
from tests.segmented import HAPPY, TEA, define

STEWARD = Viewer("S001", frozenset({"data_steward"}))
AUDITOR = Viewer("A001", frozenset({"auditor"}))
KEY = Guard(idempotency_key="k")
SECRET = attribute("profile.taxId", sensitivity=Sensitivity.RESTRICTED, is_lookup=True)
OPEN = attribute("profile.region", sensitivity=Sensitivity.INTERNAL)


def with_more(book: Repositories, *more: Any) -> Repositories:
    return book.on(Catalogue((*SMALL.attributes, *more), SMALL.relations))


class TestDefineSegment:
    async def test_is_there_with_its_words_and_its_filter(self, book: Repositories) -> None:
        people = AnyItem("profile.keyPeople", Compare("position", Operator.EQ, "CEO"))
        await define(book, "TEA_CEOS", And((TEA, people)), playbook="Call.", owner="Marketing")
        found = await find_segment(VIEWER, book, "TEA_CEOS")
        assert found is not None
        assert found["where"] == {
            "profile": {"industry": {"eq": "TEA"}, "keyPeople": {"any": {"position": {"eq": "CEO"}}}}
        }
        assert found["paths"] == ["profile.industry", "profile.keyPeople", "profile.keyPeople.position"]
        assert (found["playbook"], found["owner"], found["definedBy"]) == ("Call.", "Marketing", "M001")
        assert (found["status"], found["version"]) == ("ACTIVE", 1)
        assert usable_filter(book, found) == And((TEA, people))

    async def test_a_dry_run_writes_nothing(self, book: Repositories) -> None:
        before = await everything(book)
        found = await define_segment(VIEWER, book, NewSegment("TEA", "Tea", TEA), dry_run=True)
        assert (found["code"], found["version"]) == ("TEA", 1)
        assert await everything(book) == before

    async def test_the_same_request_makes_one(self, book: Repositories) -> None:
        new = NewSegment("TEA", "Tea", TEA)
        first = await define_segment(VIEWER, book, new, KEY)
        again = await define_segment(VIEWER, book, new, KEY)
        assert (again[ID], again["createdAt"], again["version"]) == (first[ID], first["createdAt"], 1)
        with pytest.raises(KeyReused):
            await define_segment(VIEWER, book, NewSegment("TEA", "Other", TEA), KEY)

    @pytest.mark.parametrize("dry_run", [True, False])
    async def test_a_taken_code_is_refused(self, book: Repositories, dry_run: bool) -> None:
        await define(book, "TEA")
        before = await everything(book)
        with pytest.raises(Refused) as refused:
            await define_segment(OTHER, book, NewSegment("TEA", "Mine", HAPPY), dry_run=dry_run)
        assert refused.value.code is ErrorCode.ALREADY_EXISTS
        assert await everything(book) == before

    async def test_everything_wrong_is_said_at_once(self, book: Repositories) -> None:
        before = await everything(book)
        new = NewSegment("no code", "", Compare("profile.industry", Operator.GT, "TEA"), playbook=" " * 3)
        with pytest.raises(Refused) as refused:
            await define_segment(VIEWER, book, new, Guard(idempotency_key=""))
        places = [each.path[0] for each in refused.value.problems()]
        assert places == ["idempotencyKey", "label", "playbook", "where", "code"]
        assert await everything(book) == before

    async def test_takes_the_right(self, book: Repositories) -> None:
        with pytest.raises(NotAllowed, match="data_steward"):
            await define_segment(AUDITOR, book, NewSegment("TEA", "Tea", TEA))

    async def test_an_attribute_that_the_definer_may_not_use_is_unknown(self, book: Repositories) -> None:
        with pytest.raises(UnknownAttribute) as refused:
            await define_segment(STEWARD, book, NewSegment("TEA", "Tea", TEA))
        there_is_none = Compare("profile.industri", Operator.EQ, "TEA")
        with pytest.raises(Refused) as missing:
            await define_segment(STEWARD, book, NewSegment("TEA", "Tea", there_is_none))
        assert refused.value.message.replace("industry", "industri") == missing.value.problems()[0].message

    async def test_a_code_that_does_not_exist_is_refused_and_a_stored_one_breaks_the_segment(
        self, book: Repositories
    ) -> None:
        before = await everything(book)
        coal = Not(Compare("profile.industry", Operator.IN, ("TEA", "COAL")))
        with pytest.raises(Refused, match="takes one of STEEL, TEA"):
            await define(book, "COAL", coal)
        assert await everything(book) == before
        await define(book, "OLD")
        where = {"profile": {"industry": {"ne": "COAL"}}}
        await book.segments.collection.update_one({"_id": "sg_OLD"}, {"$set": {"where": where}})
        meaning = meaning_of(book.catalogue, where)
        assert meaning.predicate is None
        assert "STEEL, TEA" in meaning.problems[0].message

    async def test_a_restricted_attribute_is_refused(self, book: Repositories) -> None:
        book = with_more(book, SECRET)
        officer = Viewer("R", frozenset({"administrator", "auditor"}), purpose="AUDIT")
        administrator = Viewer("R", frozenset({"system"}))
        new = NewSegment("TAX", "Tax", Compare("profile.taxId", Operator.EQ, "1"))
        with pytest.raises(UnknownAttribute):
            await define_segment(officer, book, new)
        with pytest.raises(Refused, match="RESTRICTED"):
            await define_segment(administrator, book, new)


class TestFindSegment:
    async def test_whoever_may_not_use_its_attributes_does_not_know_of_it(self, book: Repositories) -> None:
        book = with_more(book, OPEN)
        await define(book, "TEA")
        await define(book, "NORTH", Compare("profile.region", Operator.EQ, "N"))
        await define(book, "ACTIVE", Compare("stage", Operator.EQ, "ACTIVE"))
        nobody = Viewer("X", frozenset())
        seen = {
            viewer.person: [code for code in ("TEA", "NORTH", "ACTIVE") if await find_segment(viewer, book, code)]
            for viewer in (VIEWER, STEWARD, AUDITOR, nobody)
        }
        assert seen == {
            "M001": ["TEA", "NORTH", "ACTIVE"],
            "S001": ["NORTH", "ACTIVE"],
            "A001": ["TEA", "NORTH", "ACTIVE"],
            "X": [],
        }


class TestUsableFilter:
    async def test_a_retired_one_has_none(self, book: Repositories) -> None:
        await define(book, "TEA")
        retired = await retire_segment(VIEWER, book, "TEA")
        with pytest.raises(SegmentNotUsable, match="retired"):
            usable_filter(book, retired)

    async def test_one_that_the_catalogue_no_longer_fits_has_none(self, book: Repositories) -> None:
        segment = await define(book, "TEA")
        industry = SMALL.get_live("profile.industry").model_copy(update={"status": Status.RETIRED})
        with pytest.raises(SegmentNotUsable, match=r'There is no attribute "profile\.industry"'):
            usable_filter(book.on(SMALL.with_attributes([industry])), segment)


class TestChangeSegment:
    async def test_changes_what_is_given(self, book: Repositories) -> None:
        await define(book, "TEA", playbook="Call.", description="Tea houses")
        changed = await change_segment(VIEWER, book, "TEA", {"label": "Tea!", "playbook": None}, HAPPY)
        assert (changed["label"], changed.get("playbook"), changed["description"]) == ("Tea!", None, "Tea houses")
        assert changed["where"] == {"attitude": {"satisfaction": {"gte": 8.0}}}
        assert changed["paths"] == ["attitude.satisfaction"]
        assert changed["everPaths"] == ["attitude.satisfaction", "profile.industry"]
        assert changed["version"] == 2

    async def test_the_same_request_is_done_once(self, book: Repositories) -> None:
        await define(book, "TEA")
        first = await change_segment(VIEWER, book, "TEA", {"label": "New"}, guard=KEY)
        await change_segment(VIEWER, book, "TEA", {"label": "Newer"})
        again = await change_segment(VIEWER, book, "TEA", {"label": "New"}, guard=KEY)
        assert (first["version"], again["version"], again["label"]) == (2, 3, "Newer")
        with pytest.raises(KeyReused):
            await change_segment(VIEWER, book, "TEA", {"label": "Other"}, guard=KEY)

    async def test_what_is_refused_changes_nothing(self, book: Repositories) -> None:
        await define(book, "TEA")
        await define(book, "OLD")
        await retire_segment(VIEWER, book, "OLD")
        before = await everything(book)
        for code, words, guard, error in (
            ("TEA", {"label": "x"}, Guard(expected_version=7), StaleVersion),
            ("TEA", {"label": None}, UNGUARDED, Refused),
            ("TEA", {}, UNGUARDED, Refused),
            ("NONE", {"label": "x"}, UNGUARDED, NotFound),
            ("OLD", {"label": "x"}, UNGUARDED, SegmentNotUsable),
        ):
            with pytest.raises(error):
                await change_segment(VIEWER, book, code, words, guard=guard)
        with pytest.raises(NotFound):
            await change_segment(STEWARD, book, "TEA", {"label": "x"})
        with pytest.raises(NotAllowed):
            await change_segment(AUDITOR, book, "TEA", {"label": "x"})
        with pytest.raises(Refused, match="deprecated"):
            await change_segment(VIEWER, book, "TEA", {}, to_successors=True)
        await change_segment(VIEWER, book, "TEA", {"label": "x"}, HAPPY, dry_run=True)
        assert await everything(book) == before

    async def test_moves_to_the_successors(self, book: Repositories) -> None:
        await define(book, "HAPPY", HAPPY)
        old = SMALL.get_live("attitude.satisfaction").model_copy(
            update={"status": Status.DEPRECATED, "successor": "attitude.mood"}
        )
        moved = with_more(book.on(SMALL), attribute("attitude.mood", Kind.NUMBER))
        moved = moved.on(moved.catalogue.with_attributes([old]))
        changed = await change_segment(VIEWER, moved, "HAPPY", {}, to_successors=True)
        assert changed["where"] == {"attitude": {"mood": {"gte": 8.0}}}
        assert changed["everPaths"] == ["attitude.mood", "attitude.satisfaction"]


class TestRetireSegment:
    async def test_stays_with_its_code(self, book: Repositories) -> None:
        await define(book, "TEA")
        retired = await retire_segment(VIEWER, book, "TEA", Guard(expected_version=1))
        assert (retired["status"], retired["version"], retired[ID]) == ("RETIRED", 2, "sg_TEA")
        assert retired["retiredAt"] is not None
        with pytest.raises(Refused, match="taken"):
            await define(book, "TEA")
        with pytest.raises(SegmentNotUsable):
            await retire_segment(VIEWER, book, "TEA")

    async def test_the_same_request_is_done_once(self, book: Repositories) -> None:
        await define(book, "TEA")
        first = await retire_segment(VIEWER, book, "TEA", KEY)
        again = await retire_segment(VIEWER, book, "TEA", KEY)
        assert (again["version"], again["retiredAt"]) == (2, first["retiredAt"])
