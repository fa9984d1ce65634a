"""Stale values and what is filled in, on the three stores, against the same worked out in plain Python."""

import time
from collections import Counter, defaultdict
from collections.abc import Awaitable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from catalogue.attribute import ClientKind
from catalogue.catalogue import BOTH_KINDS
from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.compile.changes import proof_key
from repositories.compile.freshness import Aging, Expected, StaleKey
from repositories.cursors import value_at
from repositories.errors import BadCursor
from repositories.plan import ID, Page, ReadPlan
from repositories.repositories import Repositories
from repositories.row_pages import RowPage
from tests.books import ACCESS, AT, OTHER, VIEWER, plan
from tests.conftest import CommandLog
from tests.figures import Figure

Document = dict[str, Any]
CITY, PEOPLE, MOOD, BIRTHDAY = "profile.location.city", "profile.keyPeople", "attitude.satisfaction", "profile.birthday"
AGING = tuple(
    Aging(path, AT - timedelta(hours=hours)) for path, hours in ((CITY, 200), (PEOPLE, 100), (MOOD, 30), (BIRTHDAY, 30))
)
EXPECTED = (
    Expected(MOOD, "attitude", BOTH_KINDS),
    Expected(BIRTHDAY, "profile", frozenset((ClientKind.PERSON,))),
    Expected(PEOPLE, "profile", frozenset((ClientKind.ORGANISATION,))),
    Expected(CITY, "profile", BOTH_KINDS),
)
PATHS = {CITY, PEOPLE, MOOD, BIRTHDAY, "managerId", "kind"}


def drawn(place: int, random: Random) -> Document:
    """A client with values, proofs and a manager at random; some of all are not there."""
    seen = {"o": AT - timedelta(hours=random.randrange(300)), "v": 1}
    document: Document = {
        ID: f"cl_{place:03}",
        "number": f"C{place}",
        "kind": random.choice(list(ClientKind)).value,
        "stage": "ACTIVE",
        "version": 1,
        "createdAt": AT,
        "updatedAt": AT,
        "proof": {"first": seen},
        **{facet: {} for facet in ("profile", "behaviour", "attitude", "derived")},
    }
    if random.random() < 0.9:
        document["managerId"] = random.choice(("mg_1", "mg_2", "mg_3"))
    if random.random() < 0.7:
        document["profile"]["location"] = {"city": random.choice(("Bern", None, "Oslo"))}
    if random.random() < 0.6:
        document["profile"]["keyPeople"] = random.choice(([], [{"name": "Ann"}]))
    if random.random() < 0.7:
        document["attitude"]["satisfaction"] = random.choice((0, 5.5))
    if document["kind"] == "PERSON":
        document["profile"]["birthday"] = AT
    for path in (CITY, PEOPLE, MOOD):
        if random.random() < 0.4:
            document["proof"][proof_key(path)] = {"v": 2, "o": AT - timedelta(hours=random.randrange(300))}
    return document


async def filled(book: Repositories, count: int, seed: int) -> list[Document]:
    random = Random(seed)
    rows = [drawn(place, random) for place in range(count)]
    await put_in(book, rows)
    return rows


async def put_in(book: Repositories, rows: list[Document]) -> None:
    done = await book.clients.collection.insert_many([dict(each) for each in rows])
    assert done.errors == ()


def observed(row: Document, path: str) -> datetime:
    found: Document = row["proof"].get(proof_key(path)) or row["proof"]["first"]
    moment: datetime = found["o"]
    return moment


def stale(rows: list[Document]) -> list[tuple[datetime, str, str, str | None]]:
    """Moment, client, path and manager of what is stale."""
    return sorted(
        (
            (observed(row, each.path), row[ID], each.path, row.get("managerId"))
            for row in rows
            for each in AGING
            if value_at(row, each.path) is not None and observed(row, each.path) < each.stale_before
        ),
        key=lambda found: found[:3],
    )


def triples(page: RowPage) -> list[tuple[datetime, str, str]]:
    return [(row["stale"]["o"], row[ID], row["stale"]["p"]) for row in page.rows]


class TestStaleValues:
    async def test_page_by_page_the_oldest_first(self, book: Repositories, command_log: CommandLog) -> None:
        expected = [each[:3] for each in stale(await filled(book, 40, 1))]
        assert len(expected) > 30
        command_log.clear()
        found: list[tuple[datetime, str, str]] = []
        after, pages = None, 0
        while pages == 0 or after is not None:
            page = await book.freshness.stale_values(
                plan(PATHS, page=Page(9, after=after)), AGING, "all", wants_total=pages == 0
            )
            assert page.total == (len(expected) if pages == 0 else None)
            assert page.has_previous is (pages > 0)
            found += triples(page)
            after = page.cursors[-1] if page.has_next else None
            pages += 1
        assert found == expected
        assert command_log.names in ([], ["aggregate"] * pages)

    async def test_of_one_manager(self, book: Repositories) -> None:
        rows = await filled(book, 30, 2)
        where = Compare("managerId", Operator.EQ, "mg_2")
        page = await book.freshness.stale_values(plan(PATHS, where=where, page=Page(200)), AGING)
        assert triples(page) == [each[:3] for each in stale(rows) if each[3] == "mg_2"]

    async def test_the_boundary_and_a_value_without_a_proof(self, book: Repositories) -> None:
        base = {"kind": "PERSON", "stage": "ACTIVE", "version": 1, "createdAt": AT, "updatedAt": AT}
        base |= {"attitude": {"satisfaction": 1}}
        limit = AT - timedelta(hours=30)
        rows: list[Document] = [
            {ID: "cl_at", "number": "1", **base, "proof": {"first": {"v": 1, "o": limit}}},
            {
                ID: "cl_over",
                "number": "2",
                **base,
                "proof": {"first": {"v": 1, "o": limit - timedelta(milliseconds=1)}},
            },
            {ID: "cl_bare", "number": "3", **base},
        ]
        await put_in(book, rows)
        page = await book.freshness.stale_values(plan(PATHS, page=Page(9)), AGING)
        assert [row[ID] for row in page.rows] == ["cl_over"]

    async def test_a_cursor_of_another_question_or_person(self, book: Repositories) -> None:
        await filled(book, 20, 3)
        first = await book.freshness.stale_values(plan(PATHS, page=Page(2)), AGING, "a")
        after = Page(2, after=first.cursors[-1])
        with pytest.raises(BadCursor):
            await book.freshness.stale_values(plan(PATHS, page=after), AGING, "b")
        with pytest.raises(BadCursor):
            await book.freshness.stale_values(plan(PATHS, page=after, viewer=OTHER), AGING, "a")

    async def test_the_clients_are_noted_and_no_value_counts_as_read(self, book: Repositories) -> None:
        rows = await filled(book, 20, 4)
        touched = Touched()
        asked = ACCESS.authorise(ReadPlan("clients", frozenset(PATHS), page=Page(3)), VIEWER, touched)
        await book.freshness.stale_values(asked, AGING)
        assert touched.records == {"clients": {each[1] for each in stale(rows)[:3]}}
        assert touched.restricted == 0
        assert MOOD in touched.paths["clients"]

    async def test_only_clients_of_the_book_and_only_what_was_selected(self, book: Repositories) -> None:
        rows = await filled(book, 30, 5)
        ana = Viewer("ana", frozenset(("relationship_manager",)), manager_id="mg_1")
        asked = ACCESS.authorise(ReadPlan("clients", frozenset(PATHS), page=Page(200)), ana)
        page = await book.freshness.stale_values(asked, AGING)
        assert triples(page) == [each[:3] for each in stale(rows) if each[3] == "mg_1"]
        with pytest.raises(ValueError, match=MOOD):
            await book.freshness.stale_values(plan({CITY, PEOPLE, BIRTHDAY}, page=Page(9)), AGING)


class TestStaleCounts:
    @pytest.mark.parametrize("by", StaleKey)
    async def test_page_by_page_the_most_first(self, book: Repositories, by: StaleKey) -> None:
        rows = stale(await filled(book, 40, 6))
        groups: dict[tuple[str | None, str | None], list[tuple[datetime, str]]] = defaultdict(list)
        for moment, client, path, manager in rows:
            key = (None if by is StaleKey.ATTRIBUTE else manager, None if by is StaleKey.MANAGER else path)
            groups[key].append((moment, client))
        expected = sorted(
            (
                (-len(found), key[0] or "", key[1] or "", len({each[1] for each in found}), min(found)[0])
                for key, found in groups.items()
            )
        )
        found: list[tuple[Any, ...]] = []
        after, has_next = None, True
        while has_next:
            asked = plan(PATHS, page=Page(3, after=after))
            page = await book.freshness.stale_counts(asked, AGING, by, "all", wants_total=True)
            assert page.total == len(expected)
            found += [
                (-each["count"], each["manager"] or "", each["path"] or "", each["clients"], each["oldest"])
                for each in page.rows
            ]
            after, has_next = page.cursors[-1], page.has_next
        assert found == expected

    async def test_nothing_is_stale(self, book: Repositories) -> None:
        page = await book.freshness.stale_counts(plan(PATHS, page=Page(3)), AGING, StaleKey.MANAGER, wants_total=True)
        assert (page.rows, page.total) == ([], 0)


def has(row: Document, path: str) -> bool:
    return value_at(row, path) is not None


class TestFilled:
    async def test_of_each_client_in_one_command(self, book: Repositories, command_log: CommandLog) -> None:
        rows = await filled(book, 25, 7)
        command_log.clear()
        ids = [row[ID] for row in rows[:20]]
        found = await book.freshness.filled(plan(PATHS), [*ids, "cl_nobody"], EXPECTED)
        assert found == {row[ID]: (row["kind"], [has(row, each.path) for each in EXPECTED]) for row in rows[:20]}
        assert command_log.names in ([], ["aggregate"])

    async def test_not_of_other_peoples_clients(self, book: Repositories) -> None:
        rows = await filled(book, 25, 8)
        ana = Viewer("ana", frozenset(("relationship_manager",)), manager_id="mg_1")
        asked = ACCESS.authorise(ReadPlan("clients", frozenset(PATHS)), ana)
        found = await book.freshness.filled(asked, [row[ID] for row in rows], EXPECTED)
        assert found.keys() == {row[ID] for row in rows if row.get("managerId") == "mg_1"}

    async def test_of_nobody_is_no_command(self, book: Repositories, command_log: CommandLog) -> None:
        command_log.clear()
        assert await book.freshness.filled(plan(PATHS), (), EXPECTED) == {}
        assert await book.freshness.filled_of_managers(plan(PATHS), (), EXPECTED) == {}
        assert command_log.names == []


def by_manager(rows: list[Document]) -> dict[str | None, Counter[str]]:
    found: dict[str | None, Counter[str]] = defaultdict(Counter)
    for row in rows:
        figures = found[row.get("managerId")]
        figures["clients"] += 1
        for each in EXPECTED:
            if row["kind"] in each.kinds:
                figures[f"{each.facet}Expected"] += 1
                figures[f"{each.facet}Filled"] += has(row, each.path)
    return found


def share(figures: Counter[str]) -> float:
    expected = figures["attitudeExpected"] + figures["profileExpected"]
    return (figures["attitudeFilled"] + figures["profileFilled"]) / expected


class TestFilledByManager:
    async def test_page_by_page_the_least_complete_first(self, book: Repositories) -> None:
        expected = by_manager(await filled(book, 40, 9))
        order = sorted(expected, key=lambda each: (share(expected[each]), each or ""))
        found: list[Document] = []
        after, has_next = None, True
        while has_next:
            asked = plan(PATHS, page=Page(2, after=after))
            page = await book.freshness.filled_by_manager(asked, EXPECTED, wants_total=True)
            assert page.total == 4
            found += page.rows
            after, has_next = page.cursors[-1], page.has_next
        assert [each[ID] for each in found] == order
        for each in found:
            figures = expected[each.pop(ID)]
            assert each.pop("share") == pytest.approx(share(figures))
            assert Counter(each) == figures

    async def test_of_named_managers(self, book: Repositories) -> None:
        rows = await filled(book, 30, 10)
        expected = by_manager(rows)
        found = await book.freshness.filled_of_managers(plan(PATHS), ["mg_1", "mg_9"], EXPECTED)
        assert found.keys() == {"mg_1"}
        assert found["mg_1"]["clients"] == expected["mg_1"]["clients"]
        assert found["mg_1"]["profileFilled"] == expected["mg_1"]["profileFilled"]

    async def test_nothing_is_expected(self, book: Repositories) -> None:
        await filled(book, 5, 11)
        page = await book.freshness.filled_by_manager(plan(PATHS, page=Page(9)), ())
        assert {row["share"] for row in page.rows} == {None}


@pytest.mark.long
@pytest.mark.real_drivers
async def test_ten_thousand_clients(book: Repositories, figure: Figure) -> None:
    rows = await filled(book, 10_000, 12)
    took: list[str] = []

    async def timed(name: str, asking: Awaitable[Any]) -> Any:
        started = time.perf_counter()
        found = await asking
        took.append(f"{name} {time.perf_counter() - started:.2f} s")
        return found

    asked = plan(PATHS, page=Page(200))
    values = await timed("values", book.freshness.stale_values(asked, AGING, wants_total=True))
    counts = await timed("counts", book.freshness.stale_counts(asked, AGING, StaleKey.MANAGER_AND_ATTRIBUTE))
    complete = await timed("completeness", book.freshness.filled_by_manager(asked, EXPECTED))
    expected = stale(rows)
    assert (values.total, triples(values)) == (len(expected), [each[:3] for each in expected[:200]])
    assert sum(row["count"] for row in counts.rows) == len(expected)
    figures = by_manager(rows)
    assert {row[ID]: row["profileFilled"] for row in complete.rows} == {
        manager: each["profileFilled"] for manager, each in figures.items()
    }
    figure(f"freshness of {len(rows)} clients, {len(expected)} values stale: {', '.join(took)}")
