"""Rollups on a real server: after each record, many at once, as time goes by, and over the whole book."""

import asyncio
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from acts.attributes import change_attribute, define_attribute
from acts.checks import UNGUARDED, now
from acts.interactions import NewInteraction, record_interaction
from acts.merge import MergeRequest, merge_clients
from acts.recomputing import recompute_all, recompute_formula
from acts.rollups import roll
from catalogue.attribute import FormulaState
from catalogue.builtin import builtin_catalogue
from catalogue.builtin.computed import uncomputed
from catalogue.errors import Refused
from catalogue.kinds import Kind
from catalogue.rollups.rollup import Rollup, RollupFunction
from repositories import rollups
from repositories.errors import Unavailable
from repositories.mongo import Store
from repositories.plan import ID, Change
from repositories.repositories import Repositories, new_id
from repositories.rollup_writes import COUNTER
from repositories.rollups import MARK, PROGRAM
from tests.books import VIEWER, attribute, everything, make_client, nearly_full, open_book, stored
from tests.figures import Figure

IS_LONG = bool(os.environ.get("KEHU_TEST_LONG"))
pytestmark = pytest.mark.real_drivers
one_driver = pytest.mark.parametrize("driver", ["pymongo"], indirect=True)
VISITS = {"function": RollupFunction.COUNT, "where": '{"channel":{"eq":"VISIT"}}'}
COUNT = {"function": RollupFunction.COUNT}
COUNT_90 = {**COUNT, "days": 90}
MINUTES: dict[str, Any] = {"function": RollupFunction.SUM, "of": "duration"}


PLAIN = uncomputed(builtin_catalogue())


@pytest.fixture
async def full(store: Store) -> Repositories:
    """An empty book with the built-in attributes, none of which is computed."""
    return await open_book(store, PLAIN)


async def defined(book: Repositories, key: str, given: Mapping[str, Any], kind: Kind = Kind.LONG) -> Repositories:
    wanted = attribute(f"derived.{key}", kind, rollup=Rollup(area="interactions", **given))
    await define_attribute(VIEWER, book, wanted)
    return book.on(book.feed.catalogue)


async def met(book: Repositories, client: str, at: datetime | None = None, **values: Any) -> None:
    given = {"at": at or now() - timedelta(hours=1), "channel": "VISIT", **values}
    await record_interaction(VIEWER, book, NewInteraction(client, None, given), UNGUARDED)


async def derived(book: Repositories, client: str) -> dict[str, Any]:
    found: dict[str, Any] = (await stored(book, client)).get("derived", {})
    return found


async def unheard(*_given: object, **_named: object) -> None:
    """A report that nobody reads."""


async def recompute(book: Repositories, path: str, checkpoint: Mapping[str, Any] | None = None) -> dict[str, Any]:
    found = book.feed.catalogue.find(path)
    assert found is not None
    return await recompute_formula(book, path, found.formula_revision, unheard, checkpoint or {}, settle_seconds=0)


class TestMerge:
    @one_driver
    async def test_records_that_follow_a_merge_count_for_the_kept_client(self, full: Repositories) -> None:
        book = await defined(full, "contacts", COUNT)
        keep, merge = await make_client(book), await make_client(book, "C2")
        for each in (keep, merge, merge):
            await met(book, each)
        versions = [int((await stored(book, each))["version"]) for each in (keep, merge)]
        await merge_clients(VIEWER, book, MergeRequest(keep, merge, versions[0], versions[1], {}), key="k")
        assert (await derived(book, keep))["contacts"] == 3
        assert await book.interactions.collection.count({MARK: {"$exists": True}}) == 0


class TestWrites:
    async def test_every_function_follows_each_record(self, full: Repositories) -> None:
        functions: dict[str, tuple[dict[str, Any], Kind]] = {
            "contacts": (COUNT, Kind.LONG),
            "visits": (VISITS, Kind.LONG),
            "told": ({**COUNT, "of": "outcome"}, Kind.LONG),
            "minutes": (MINUTES, Kind.LONG),
            "usual": ({"function": RollupFunction.AVERAGE, "of": "duration"}, Kind.NUMBER),
            "longest": ({"function": RollupFunction.MAXIMUM, "of": "duration"}, Kind.LONG),
            "shortest": ({"function": RollupFunction.MINIMUM, "of": "duration"}, Kind.LONG),
            "lastPlace": ({"function": RollupFunction.LATEST, "of": "place"}, Kind.STRING),
            "firstPlace": ({"function": RollupFunction.FIRST, "of": "place"}, Kind.STRING),
            "lastAt": ({"function": RollupFunction.MAXIMUM, "of": "at"}, Kind.DATETIME),
        }
        book = full
        for key, (given, kind) in functions.items():
            book = await defined(book, key, given, kind)
        client, other = await make_client(book), await make_client(book, "C2")
        nothing = {"contacts": 0, "visits": 0, "told": 0}
        assert await derived(book, client) == nothing
        first = datetime(2026, 3, 1, 9, tzinfo=UTC)
        await met(book, client, first + timedelta(days=2), place="Later", duration=30, outcome="AGREED")
        await met(book, client, first, place="Earlier", duration=45, channel="TELEPHONE")
        await met(book, client, first + timedelta(days=1))
        assert await derived(book, client) == {
            "contacts": 3,
            "visits": 2,
            "told": 1,
            "minutes": 75,
            "usual": 37.5,
            "longest": 45,
            "shortest": 30,
            "lastPlace": "Later",
            "firstPlace": "Earlier",
            "lastAt": first + timedelta(days=2),
        }
        assert await derived(book, other) == nothing
        assert await book.interactions.collection.count({MARK: {"$exists": True}}) == 0

    async def test_history_proof_and_formulas_follow(self, full: Repositories) -> None:
        book = await defined(full, "contacts", COUNT)
        double = json.dumps({"$multiply": ["$derived.contacts", 2]})
        await define_attribute(VIEWER, book, attribute("derived.double", Kind.LONG, formula=double))
        book = book.on(book.feed.catalogue)
        client = await make_client(book)
        await met(book, client)
        found = await stored(book, client)
        assert found["derived"] == {"contacts": 1, "double": 2}
        entry = found["tail"][-1]
        assert (entry["by"], entry["version"], found["version"], found[COUNTER]) == (PROGRAM.person, 2, 1, 1)
        assert entry["source"] == "rollup of derived.contacts, revision 1; formula of derived.double, revision 1"
        assert entry["values"] == [
            {"path": "derived.contacts", "old": 0, "new": 1},
            {"path": "derived.double", "old": 0, "new": 2},
        ]
        assert found["proof"]["derived/contacts"]["v"] == 2

    async def test_many_at_once_come_in_with_their_clients(self, full: Repositories) -> None:
        book = await defined(full, "minutes", MINUTES)
        clients = [await make_client(book, f"C{at}") for at in range(4)]
        change = Change({"at": now(), "channel": "VISIT", "duration": 10}, VIEWER.person, now())
        records = [({ID: new_id("interactions"), "clientId": clients[at % 4]}, change) for at in range(10)]
        assert await book.interactions.insert_many(records) == frozenset()
        assert [(await derived(book, each))["minutes"] for each in clients] == [30, 30, 20, 20]

    async def test_a_value_that_breaks_a_rule_is_none(self, full: Repositories) -> None:
        rollup = Rollup(area="interactions", **MINUTES)
        await define_attribute(VIEWER, full, attribute("derived.minutes", Kind.LONG, maximum=50, rollup=rollup))
        book = full.on(full.feed.catalogue)
        client = await make_client(book)
        await met(book, client, duration=40)
        assert (await derived(book, client))["minutes"] == 40
        await met(book, client, duration=40)
        assert "minutes" not in await derived(book, client)

    async def test_what_is_computed_is_not_entered(self, full: Repositories) -> None:
        book = await defined(full, "contacts", COUNT)
        with pytest.raises(Refused):
            await make_client(book, derived={"contacts": 7})


@one_driver
class TestAtOnce:
    async def test_no_writer_is_lost(self, store: Store, full: Repositories, figure: Figure) -> None:
        count = 10_000 if IS_LONG else 300
        book = await defined(await defined(full, "contacts", COUNT), "minutes", MINUTES)
        clients = [await make_client(book, f"C{at}") for at in range(3)]
        # Two processes see the same database: neither knows who waits in the other.
        second = await open_book(store, PLAIN)
        random, gate = Random(34), asyncio.Semaphore(30)
        given = [(random.choice((book, second)), random.choice(clients), random.randrange(60)) for _ in range(count)]

        async def write(own: Repositories, client: str, minutes: int) -> None:
            async with gate:
                await met(own, client, duration=minutes)

        started = asyncio.get_running_loop().time()
        await asyncio.gather(*(write(*each) for each in given))
        seconds = asyncio.get_running_loop().time() - started
        met_by = {client: [minutes for _, each, minutes in given if each == client] for client in clients}
        expected = {client: {"contacts": len(mine), "minutes": sum(mine)} for client, mine in met_by.items()}
        found = {client: await derived(book, client) for client in clients}
        differing = sum(found[client] != expected[client] for client in clients)
        figure(
            f"{count:,} contacts of 3 clients, 30 writers of 2 processes at a time: rollups of {differing} clients "
            f"differ from plain Python; {count / seconds:,.0f}/s"
        )
        assert found == expected
        assert await book.interactions.collection.count({MARK: {"$exists": True}}) == 0

    async def test_what_was_counted_before_another_did_so_is_not_written(
        self, full: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        book = await defined(full, "contacts", COUNT)
        client = await make_client(book)
        await met(book, client)
        rows, slow = book.rollups._rows, asyncio.Event()
        counted, times = asyncio.Event(), 0

        async def late(*given: Any) -> Any:
            nonlocal times
            found, times = await rows(*given), times + 1
            if times == 1:
                counted.set()
                await slow.wait()
            return found

        monkeypatch.setattr(book.rollups, "_rows", late)
        attributes = book.rollups.over("interactions")
        waiting = asyncio.ensure_future(book.rollups.compute([client], attributes))
        await counted.wait()
        await met(book, client)
        slow.set()
        await waiting
        assert (await derived(book, client), times) == ({"contacts": 2}, 3)


@one_driver
class TestTime:
    async def test_records_leave_windows_and_come_into_them(self, full: Repositories) -> None:
        book = await defined(await defined(full, "recent", COUNT_90), "contacts", COUNT)
        leaving, entering, still = [await make_client(book, f"C{at}") for at in range(3)]
        await met(book, leaving, now() - timedelta(days=89, hours=23))
        # Of a book from before contacts to come were refused.
        change = Change({"at": now() + timedelta(hours=1), "channel": "VISIT"}, VIEWER.person, now())
        await book.interactions.insert({ID: new_id("interactions"), "clientId": entering}, change)
        await met(book, still, now() - timedelta(days=2))
        assert [(await derived(book, each))["recent"] for each in (leaving, entering, still)] == [1, 0, 1]
        before = await stored(book, still)
        # Two hours go by: the records are that much older.
        for client in (leaving, entering):
            found = await book.interactions.collection.find_one({"clientId": client})
            assert found is not None
            earlier = {"$set": {"at": found["at"] - timedelta(hours=2)}}
            await book.interactions.collection.update_one({ID: found[ID]}, earlier)
        assert await roll(book, unheard, {}) == {"changed": 2, "finished": 0}
        assert [(await derived(book, each))["recent"] for each in (leaving, entering, still)] == [0, 1, 1]
        assert await stored(book, still) == before
        assert await roll(book, unheard, {}) == {"changed": 0, "finished": 0}

    async def test_a_run_that_was_stopped_goes_on(self, full: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rollups, "BATCH", 2)
        book = await defined(full, "recent", COUNT_90)
        clients = [await make_client(book, f"C{at}") for at in range(5)]
        for client in clients:
            await met(book, client, now() - timedelta(days=91))
        await book.clients.collection.update_many({}, {"$set": {"derived.recent": 1}})
        told: list[Mapping[str, Any]] = []

        async def report(_done: int, *, checkpoint: Mapping[str, Any]) -> None:
            told.append(checkpoint)
            if len(told) == 1:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            await roll(book, report, {})
        assert sorted([(await derived(book, each))["recent"] for each in clients]) == [0, 0, 1, 1, 1]
        assert (await roll(book, report, told[0]))["changed"] == 5
        assert [(await derived(book, each))["recent"] for each in clients] == [0] * 5

    async def test_a_writer_that_ended_too_early_is_made_good(
        self, full: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        book = await defined(full, "contacts", COUNT)
        client = await make_client(book)

        async def away(*_given: object, **_named: object) -> int:
            raise Unavailable("The database is away.")

        with monkeypatch.context() as broken:
            broken.setattr(book.rollups, "compute", away)
            await met(book, client)
        assert await derived(book, client) == {"contacts": 0}
        assert (await roll(book, unheard, {}))["finished"] == 0, "it may still be on its way"
        earlier = {"$set": {f"{MARK}.at": now() - timedelta(minutes=2)}}
        await book.interactions.collection.update_one({}, earlier)
        assert (await roll(book, unheard, {}))["finished"] == 1
        assert await derived(book, client) == {"contacts": 1}
        assert await book.interactions.collection.count({MARK: {"$exists": True}}) == 0


@one_driver
class TestWholeBook:
    async def test_a_new_rollup_a_changed_one_and_none(
        self, full: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rollups, "BATCH", 2)
        clients = [await make_client(full, f"C{at}") for at in range(5)]
        for client in clients[:3]:
            await met(full, client)
            await met(full, client, channel="TELEPHONE")
        book = await defined(full, "contacts", COUNT)
        found = book.catalogue.find("derived.contacts")
        assert found is not None
        assert found.formula_state is FormulaState.SWITCHING
        assert await recompute(book, "derived.contacts") == {"isSuperseded": False, "changed": 5}
        assert [(await derived(book, each))["contacts"] for each in clients] == [2, 2, 2, 0, 0]
        settled = book.feed.catalogue.find("derived.contacts")
        assert settled is not None
        assert settled.formula_state is None

        changed = {"rollup": {"area": "interactions", **VISITS}}
        await change_attribute(VIEWER, book, "derived.contacts", changed)
        assert (await recompute(book, "derived.contacts"))["changed"] == 3
        assert [(await derived(book, each))["contacts"] for each in clients] == [1, 1, 1, 0, 0]
        before = [await stored(book, each) for each in clients]
        await recompute_all(book, unheard, {}, "once")
        assert [await stored(book, each) for each in clients] == before

        await change_attribute(VIEWER, book, "derived.contacts", {"rollup": None})
        await met(book.on(book.feed.catalogue), clients[0])
        assert (await derived(book, clients[0]))["contacts"] == 1, "the last value stays"


@one_driver
class TestTooLarge:
    async def test_a_client_without_room_holds_up_nobody(
        self, full: Repositories, caplog: pytest.LogCaptureFixture
    ) -> None:
        book = await defined(full, "contacts", COUNT)
        heavy, light = await make_client(book), await make_client(book, "C2")
        await nearly_full(book, heavy)
        before = await stored(book, heavy)
        change = Change({"at": now(), "channel": "VISIT"}, VIEWER.person, now())
        records = [({ID: new_id("interactions"), "clientId": each}, change) for each in (heavy, light)]
        assert await book.interactions.insert_many(records) == frozenset()
        await book.clients.collection.update_one({ID: light}, {"$set": {"derived.contacts": 7}})
        assert (await roll(book, unheard, {}))["finished"] == 0
        assert (await recompute_all(book, unheard, {}, "night"))["changed"] == 1
        assert await stored(book, heavy) == before
        assert (await derived(book, light))["contacts"] == 1
        assert heavy in caplog.text


class TestDefinition:
    async def test_an_input_stays(self, full: Repositories) -> None:
        book = await defined(full, "minutes", MINUTES)
        before = await everything(book)
        with pytest.raises(Refused, match=r"read by the rollup of derived\.minutes"):
            await change_attribute(VIEWER, book, "duration", {"status": "RETIRED"}, area="interactions")
        assert await everything(book) == before
