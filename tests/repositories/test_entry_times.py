"""Whether values were entered in time, on the three stores, against the same worked out in plain Python."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.viewer import Viewer
from repositories.changes import CHANGES
from repositories.compile.entry_times import STATES, EntrySpan
from repositories.errors import BadCursor
from repositories.plan import ID, Page, ReadPlan
from repositories.repositories import Repositories
from tests.books import ACCESS, OTHER, change, plan, record, seen, stored
from tests.conftest import CommandLog

Document = dict[str, Any]
MOOD, CITY = "attitude.satisfaction", "profile.location.city"
PATHS = {MOOD, CITY, "managerId"}
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def week(back: int) -> EntrySpan:
    """A week with a long window, so that chance meets it."""
    start = MONDAY - timedelta(days=7 * back)
    opens = start + timedelta(days=2, hours=8)
    return EntrySpan(start.date(), start, opens, opens + timedelta(days=2), start + timedelta(days=7))


WEEKS = tuple(week(back) for back in range(4))


def entry(version: int, at: datetime, random: Random) -> Document:
    """A change of one path at random, which sets it or clears it."""
    row: Document = {"path": random.choice((MOOD, CITY, "profile.name", "stage"))}
    if random.random() < 0.8:
        row["new"] = random.choice((5, "x"))
    return {"version": version, "at": at, "by": "ana", "values": [row, {"path": "profile.tags", "new": ["a"]}]}


def drawn(place: int, random: Random) -> tuple[Document, list[Document]]:
    """A client with the changes in its tail, and those that have left it."""
    created = MONDAY - timedelta(hours=random.randrange(-100, 24 * 35))
    moments = sorted(created + timedelta(hours=random.randrange(24 * 40)) for _ in range(random.randrange(12)))
    moments = [created, *(each for each in moments if each < MONDAY + timedelta(days=7))]
    changes = [entry(version, at, random) for version, at in enumerate(moments, 1)]
    left = random.choice((0, 1, len(changes) - 2)) if len(changes) > 2 else random.choice((0, len(changes) == 1))
    client: Document = {
        ID: f"cl_{place:03}", "number": f"C{place}", "kind": "PERSON", "stage": "ACTIVE", "version": len(changes),
        "createdAt": created, "updatedAt": moments[-1], "tail": changes[left:],
    }  # fmt: skip
    if left:
        client["moved"] = int(left)
    if random.random() < 0.9:
        client["managerId"] = random.choice(("mg_1", "mg_2"))
    rows = [{ID: f"{client[ID]}:{each['version']}", "recordId": client[ID], **each} for each in changes[:left]]
    return client, rows


async def filled(book: Repositories, count: int, seed: int) -> list[tuple[Document, list[datetime]]]:
    """Clients, each with the moments at which MOOD or CITY was entered."""
    random = Random(seed)
    found = [drawn(place, random) for place in range(count)]
    documents = {"clients": [each for each, _ in found], CHANGES: [row for _, left in found for row in left]}
    for name, given in documents.items():
        assert (await book.store.collection(name).insert_many([dict(each) for each in given])).errors == ()
    return [
        (
            client,
            [
                each["at"]
                for each in (*rows, *client["tail"])
                if each["values"][0]["path"] in (MOOD, CITY) and "new" in each["values"][0]
            ],
        )
        for client, rows in found
    ]


def state(client: Document, moments: list[datetime], span: EntrySpan) -> str | None:
    if client["createdAt"] >= span.closes_at:
        return None
    for name, begin, end in (
        ("onTime", span.opens_at, span.closes_at),
        ("late", span.closes_at, span.ends_at),
        ("early", span.starts_at, span.opens_at),
    ):
        if any(begin <= each < end for each in moments):
            return name
    return "missing"


def figures(states: list[str | None]) -> dict[str, int]:
    counted = Counter(each for each in states if each is not None)
    return {"clients": sum(counted.values()), **{name: counted[name] for name in STATES}}


def shown(row: Document) -> dict[str, int]:
    return {name: row.get(name, 0) for name in ("clients", *STATES)}


class TestByWeek:
    async def test_tails_and_changes_that_have_left_them(self, book: Repositories, command_log: CommandLog) -> None:
        rows = await filled(book, 60, 1)
        command_log.clear()
        found = await book.entry_times.by_week(plan(PATHS), [MOOD, CITY], WEEKS)
        expected = [figures([state(*each, span) for each in rows]) for span in WEEKS]
        assert [shown(each) for each in found] == expected
        assert all(sum(each[name] for each in expected) > 5 for name in STATES)
        assert command_log.names in ([], ["aggregate"])

    async def test_of_one_manager_and_of_one_book(self, book: Repositories) -> None:
        rows = [each for each in await filled(book, 40, 2) if each[0].get("managerId") == "mg_1"]
        expected = [figures([state(*each, span) for each in rows]) for span in WEEKS]
        where = Compare("managerId", Operator.EQ, "mg_1")
        found = await book.entry_times.by_week(plan(PATHS, where=where), [MOOD, CITY], WEEKS)
        assert [shown(each) for each in found] == expected
        ana = Viewer("ana", frozenset(("relationship_manager",)), manager_id="mg_1")
        asked = ACCESS.authorise(ReadPlan("clients", frozenset(PATHS)), ana)
        assert await book.entry_times.by_week(asked, [MOOD, CITY], WEEKS) == found

    async def test_what_was_not_selected_is_not_looked_at(self, book: Repositories) -> None:
        await filled(book, 40, 3)
        one = await book.entry_times.by_week(plan({CITY}), [CITY], WEEKS)
        assert await book.entry_times.by_week(plan({CITY}), [MOOD, CITY], WEEKS) == one
        assert one != await book.entry_times.by_week(plan(PATHS), [MOOD, CITY], WEEKS)

    async def test_nobody_is_there(self, book: Repositories) -> None:
        assert await book.entry_times.by_week(plan(PATHS), [MOOD], WEEKS) == [{}, {}, {}, {}]

    async def test_what_acts_write_is_found_when_it_has_left_the_tail(self, book: Repositories) -> None:
        early = MONDAY - timedelta(days=40)
        made = change({"stage": "ACTIVE", MOOD: 1})
        client = record("C1")
        await book.clients.insert(client, replace(made, at=early))
        in_time = WEEKS[1].opens_at + timedelta(minutes=5)
        own = str(client[ID])
        await book.clients.write(own, replace(made, values={MOOD: 2}, at=in_time), seen())
        for minute in range(21):
            later = replace(made, values={"stage": "ACTIVE"}, at=MONDAY + timedelta(minutes=minute))
            await book.clients.write(own, later, seen())
        assert (await stored(book, own))["tail"][0]["at"] >= MONDAY
        found = await book.entry_times.by_week(plan(PATHS), [MOOD], WEEKS)
        assert [(each["onTime"], each["missing"]) for each in found] == [(0, 1), (1, 0), (0, 1), (0, 1)]


class TestByManager:
    async def test_page_by_page_the_least_punctual_first(self, book: Repositories) -> None:
        rows = await filled(book, 60, 4)
        states: dict[str | None, list[str | None]] = defaultdict(list)
        for client, moments in rows:
            states[client.get("managerId")].append(state(client, moments, WEEKS[1]))
        expected = {key: figures(each) for key, each in states.items()}
        order = sorted(expected, key=lambda each: (expected[each]["onTime"] / expected[each]["clients"], each or ""))
        found: list[Document] = []
        after, has_next = None, True
        while has_next:
            asked = plan(PATHS, page=Page(2, after=after))
            page = await book.entry_times.by_manager(asked, [MOOD, CITY], WEEKS[1], "W", wants_total=True)
            assert page.total == len(expected) == 3
            found += page.rows
            after, has_next = page.cursors[-1], page.has_next
        assert [each[ID] for each in found] == order
        assert [shown(each) for each in found] == [expected[each] for each in order]
        cursor = Page(2, after=page.cursors[0])
        with pytest.raises(BadCursor):
            await book.entry_times.by_manager(plan(PATHS, page=cursor, viewer=OTHER), [MOOD], WEEKS[1], "W")
