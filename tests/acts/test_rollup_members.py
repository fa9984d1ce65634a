"""Rollups for the members of a segment on a real server: who has a value, and what a change of the segment does."""

import asyncio
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from acts.attributes import change_attribute, define_attribute
from acts.attributes_as_code import apply, compare, exported
from acts.checks import UNGUARDED, Guard, now
from acts.clients import change_client
from acts.interactions import NewInteraction, record_interaction
from acts.recomputing import recompute_all, recompute_formula
from acts.rollup_members import change_segment_with_rollups, settle_members
from acts.rollups import roll
from acts.segments import change_segment, retire_segment
from catalogue.attribute import Attribute, FormulaState, Sensitivity
from catalogue.builtin import builtin_catalogue
from catalogue.builtin.computed import uncomputed
from catalogue.errors import Refused
from catalogue.filters import Compare, Filter
from catalogue.kinds import Kind, Operator
from catalogue.rollups.rollup import Rollup, RollupFunction
from catalogue.written import attributes_from, text_from
from policy.viewer import Viewer
from repositories.access import NotAllowed, Touched
from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import NO_PROOF, VIEWER, attribute, change, everything, make_client, open_book, record, stored
from tests.segmented import HAPPY, define

IS_LONG = bool(os.environ.get("KEHU_TEST_LONG"))
pytestmark = pytest.mark.real_drivers
one_driver = pytest.mark.parametrize("driver", ["pymongo"], indirect=True)
CONTACTS = "derived.contacts"
PLAIN = uncomputed(builtin_catalogue())
LOST: Filter = Compare("stage", Operator.EQ, "LOST")
STEWARD = Viewer("S001", frozenset(("data_steward",)))


@pytest.fixture
async def full(store: Store) -> Repositories:
    """An empty book with the built-in attributes, none of them computed, and the segment of those who are satisfied."""
    book = await open_book(store, PLAIN)
    await define(book, "HAPPY", HAPPY)
    return book


def counting(path: str = CONTACTS, segment: str = "HAPPY", **more: Any) -> Attribute:
    rollup = Rollup(area="interactions", function=RollupFunction.COUNT, segment=segment)
    return attribute(path, Kind.LONG, rollup=rollup, **more)


async def defined(book: Repositories, *wanted: Attribute) -> Repositories:
    for each in wanted:
        await define_attribute(VIEWER, book, each)
    return book.on(book.feed.catalogue)


async def met(book: Repositories, client: str) -> None:
    values = {"at": now() - timedelta(hours=1), "channel": "VISIT"}
    await record_interaction(VIEWER, book, NewInteraction(client, None, values), UNGUARDED)


async def says(book: Repositories, client: str, satisfaction: float | None) -> None:
    changes = {"attitude": {"satisfaction": satisfaction}}
    await change_client(VIEWER, book, client, changes, NO_PROOF, UNGUARDED)


async def contacts(book: Repositories, client: str, key: str = "contacts") -> object:
    return (await stored(book, client)).get("derived", {}).get(key)


async def unheard(*_given: object, **_named: object) -> None:
    """A report that nobody reads."""


async def recompute(book: Repositories, path: str = CONTACTS) -> Mapping[str, Any]:
    found = book.feed.catalogue.find(path)
    assert found is not None
    return await recompute_formula(book, path, found.formula_revision, unheard, {}, settle_seconds=0)


def definition(book: Repositories, path: str = CONTACTS) -> Attribute:
    found = book.feed.catalogue.find(path)
    assert found is not None
    return found


class TestMembers:
    async def test_members_alone_have_a_value_from_the_change_that_makes_them_members(self, full: Repositories) -> None:
        book = await defined(full, counting())
        client = await make_client(book, attitude={"satisfaction": 9.0})
        assert await contacts(book, client) == 0
        await met(book, client)
        assert await contacts(book, client) == 1
        await says(book, client, 5.0)
        left = await stored(book, client)
        assert "contacts" not in left["derived"]
        assert {"path": CONTACTS, "old": 1} in left["tail"][-1]["values"]
        assert left["tail"][-1]["by"] == VIEWER.person
        await met(book, client)
        assert (await stored(book, client))["version"] == left["version"], "nothing that is shown has changed"
        await says(book, client, 8.0)
        joined = await stored(book, client)
        assert (joined["derived"]["contacts"], joined["version"]) == (2, left["version"] + 1)
        assert {"path": CONTACTS, "new": 2} in joined["tail"][-1]["values"]
        await says(book, client, None)
        assert await contacts(book, client) is None

    @one_driver
    async def test_formulas_and_rollups_follow_in_their_order(self, full: Repositories) -> None:
        often: Filter = Compare("derived.often", Operator.EQ, True)
        every = attribute("derived.every", Kind.LONG, rollup=Rollup(area="interactions", function=RollupFunction.COUNT))
        formula = json.dumps({"$gte": ["$derived.every", 2]})
        book = await defined(full, every, attribute("derived.often", Kind.BOOLEAN, formula=formula))
        await define(book, "OFTEN", often)
        double = json.dumps({"$multiply": [f"${CONTACTS}", 2]})
        book = await defined(book, counting(segment="OFTEN"), attribute("derived.double", Kind.LONG, formula=double))
        client = await make_client(book)
        await met(book, client)
        assert (await stored(book, client))["derived"] == {"every": 1, "often": False}
        await met(book, client)
        found = {"every": 2, "often": True, "contacts": 2, "double": 4}
        assert (await stored(book, client))["derived"] == found

    @one_driver
    async def test_whatever_happens_at_once_nothing_differs_from_a_full_recompute(
        self, store: Store, full: Repositories
    ) -> None:
        random, count = Random(41), 3_000 if IS_LONG else 60
        minutes = Rollup(area="interactions", function=RollupFunction.SUM, of="duration", segment="HAPPY")
        book = await defined(full, counting(), attribute("derived.minutes", Kind.LONG, rollup=minutes))
        clients = [await make_client(book, f"C{at}") for at in range(3)]
        # Two processes see the same database: neither knows who waits in the other.
        second = await open_book(store, PLAIN)
        gate = asyncio.Semaphore(20)

        async def happen(own: Repositories, client: str, satisfaction: float | None, *, is_contact: bool) -> None:
            async with gate:
                await (met(own, client) if is_contact else says(own, client, satisfaction))

        moods = (9.0, 8.0, 3.0, None)
        given = [(random.choice((book, second)), random.choice(clients), random.choice(moods)) for _ in range(count)]
        await asyncio.gather(*(happen(*each, is_contact=random.random() < 0.5) for each in given))
        before = [await stored(book, each) for each in clients]
        for client, document in zip(clients, before, strict=True):
            records = await book.interactions.collection.count({"clientId": client})
            is_happy = (document["attitude"].get("satisfaction") or 0) >= 8
            assert document["derived"].get("contacts") == (records if is_happy else None)
        assert await recompute_all(book, unheard, {}, "once") == {"changed": 0}
        assert (await roll(book, unheard, {}))["changed"] == 0
        assert [await stored(book, each) for each in clients] == before

    @one_driver
    async def test_clients_who_come_in_bulk(self, full: Repositories) -> None:
        book = await defined(full, counting())
        moods = (9.0, 2.0)
        news = [
            (record(f"B{at}"), change({"stage": "ACTIVE", "attitude.satisfaction": each}))
            for at, each in enumerate(moods)
        ]
        assert await book.clients.insert_many(news) == frozenset()
        assert [await contacts(book, str(each["_id"])) for each, _ in news] == [0, None]

    @one_driver
    async def test_the_counter_of_the_whole_book(self, full: Repositories) -> None:
        clients = [await make_client(full, f"C{at}", attitude={"satisfaction": 7.0 + at}) for at in range(3)]
        for client in clients:
            await met(full, client)
        book = await defined(full, counting())
        assert await recompute(book) == {"isSuperseded": False, "changed": 3}
        assert [await contacts(book, each) for each in clients] == [None, 1, 1]
        assert await book.rollups.has_member(clients[0], definition(book)) is False
        assert await book.rollups.has_member(clients[1], definition(book)) is True


@one_driver
class TestChangeOfTheSegment:
    async def test_its_rollups_are_defined_anew_and_the_book_is_counted(self, full: Repositories) -> None:
        book = await defined(full, counting())
        one, other = [await make_client(book, f"C{at}", attitude={"satisfaction": 9.0 * at}) for at in (0, 1)]
        await recompute(book)
        assert [await contacts(book, each) for each in (one, other)] == [None, 0]
        unhappy = Compare("attitude.satisfaction", Operator.LT, 8.0)
        await change_segment_with_rollups(VIEWER, book, "HAPPY", {}, unhappy)
        found = definition(book)
        assert (found.revision, found.formula_state) == (2, FormulaState.SWITCHING)
        assert json.loads(found.segment_where or "") == {"attitude": {"satisfaction": {"lt": 8.0}}}
        assert (await recompute(book))["changed"] == 2
        assert [await contacts(book, each) for each in (one, other)] == [0, None]

    async def test_other_words_are_no_other_members(self, full: Repositories) -> None:
        book = await defined(full, counting())
        before = definition(book)
        await change_segment_with_rollups(VIEWER, book, "HAPPY", {"label": "Satisfied"}, HAPPY)
        assert definition(book) == before
        unhappy = Compare("attitude.satisfaction", Operator.LT, 8.0)
        await change_segment_with_rollups(VIEWER, book, "HAPPY", {}, unhappy, dry_run=True)
        await book.feed.refresh()
        assert definition(book) == before

    async def test_who_stopped_before_the_definition_is_made_good_by_the_job(self, full: Repositories) -> None:
        book = await defined(full, counting())
        await change_segment(VIEWER, book, "HAPPY", {}, LOST)
        assert json.loads(definition(book).segment_where or "") != {"stage": {"eq": "LOST"}}
        await roll(book, unheard, {})
        assert json.loads(definition(book).segment_where or "") == {"stage": {"eq": "LOST"}}
        assert await settle_members(VIEWER, book) == []

    async def test_what_a_rollup_cannot_do_is_refused_and_nothing_changes(self, full: Repositories) -> None:
        await define(full, "LOST", LOST)
        book = await defined(full, counting(segment="LOST"), counting("derived.open", "LOST"))
        await change_attribute(VIEWER, book, CONTACTS, {"label": "Contacts with those who are lost"})
        circle = Compare(CONTACTS, Operator.GTE, 1)
        before = await everything(book)
        with pytest.raises(Refused, match=r"derived\.contacts: Its segment would make a circle"):
            await change_segment_with_rollups(VIEWER, book.on(book.feed.catalogue), "LOST", {}, circle)
        with pytest.raises(Refused, match=r"values of derived\.contacts, derived\.open\. Take it out of the rollup"):
            await retire_segment(VIEWER, book, "LOST")
        scopes = frozenset(("clients:all", "read:CONFIDENTIAL", "write:segments"))
        keeper = Viewer("sa_1", frozenset(("integration",)), scopes=scopes)
        with pytest.raises(NotAllowed, match=r"DEFINE_ATTRIBUTES"):
            await change_segment_with_rollups(keeper, book, "LOST", {}, Compare("stage", Operator.EQ, "ACTIVE"))
        assert await everything(book) == before
        for path in (CONTACTS, "derived.open"):
            plain = {"area": "interactions", "function": "COUNT"}
            await change_attribute(VIEWER, book, path, {"rollup": plain})
        assert (await retire_segment(VIEWER, book, "LOST"))["status"] == "RETIRED"

    async def test_a_key_sent_again_defines_what_was_left(self, full: Repositories) -> None:
        book, guard = await defined(full, counting()), Guard(idempotency_key="k")
        await change_segment(VIEWER, book, "HAPPY", {}, LOST, guard)
        await change_segment_with_rollups(VIEWER, book, "HAPPY", {}, LOST, guard)
        assert json.loads(definition(book).segment_where or "") == {"stage": {"eq": "LOST"}}


@one_driver
class TestDefinition:
    async def test_who_names_a_segment_must_know_of_it(self, full: Repositories) -> None:
        await define(full, "LOST", LOST)
        await retire_segment(VIEWER, full, "LOST")
        before = await everything(full)
        # What HAPPY looks at is not for the steward: to him it is not there.
        for viewer, segment in ((VIEWER, "NONE"), (VIEWER, "LOST"), (STEWARD, "HAPPY")):
            with pytest.raises(Refused) as refused:
                await define_attribute(viewer, full, counting(segment=segment))
            (problem,) = refused.value.problems()
            assert problem.path == ("rollup", "segment")
            assert problem.message.startswith(f'There is no active segment "{segment}" that you may know of')
        assert await everything(full) == before

    async def test_it_is_as_secret_as_what_the_segment_looks_at(self, full: Repositories) -> None:
        with pytest.raises(Refused, match=r"its segment HAPPY looks at attitude\.satisfaction, which is CONFIDENTIAL"):
            await define_attribute(VIEWER, full, counting(sensitivity=Sensitivity.INTERNAL))
        book = await defined(full, counting())
        assert definition(book).derived_from == ("attitude.satisfaction", "interactions:at")

    async def test_what_the_segment_looks_at_stays(self, full: Repositories) -> None:
        book = await defined(full, attribute("profile.grade", Kind.LONG))
        await define(book, "GRADED", Compare("profile.grade", Operator.GTE, 1))
        book = await defined(book, counting(segment="GRADED"))
        with pytest.raises(Refused, match=r"profile\.grade is read by the rollup of derived\.contacts"):
            await change_attribute(VIEWER, book, "profile.grade", {"status": "RETIRED"})

    async def test_a_file_names_the_segment_and_each_stage_has_its_own_filter(self, full: Repositories) -> None:
        book = await defined(full, counting())
        text = text_from(exported(VIEWER, book))
        assert '"segment": "HAPPY"' in text
        assert "segment_where" not in text
        await change_segment_with_rollups(VIEWER, book, "HAPPY", {}, LOST)
        (wanted,) = attributes_from(text)
        assert await compare(VIEWER, book, [wanted]) == []
        await change_attribute(VIEWER, book, CONTACTS, {"rollup": {"area": "interactions", "function": "COUNT"}})
        await apply(VIEWER, book, [wanted], Touched())
        assert json.loads(definition(book).segment_where or "") == {"stage": {"eq": "LOST"}}
        assert definition(book).derived_from == ("attitude.satisfaction", "interactions:at", "stage")
        nowhere = [wanted.model_copy(update={"rollup": counting(segment="ELSEWHERE").rollup})]
        with pytest.raises(Refused, match='no active segment "ELSEWHERE"'):
            await apply(VIEWER, book, nowhere, Touched())
