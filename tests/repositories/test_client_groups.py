"""Groups of clients on the three stores, against the same worked out in plain Python."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from statistics import fmean
from typing import Any

import anyio
import pytest

from catalogue.filters import Compare, Filter
from catalogue.kinds import Operator
from policy.viewer import Viewer
from repositories import group_cache
from repositories.client_groups import Group, GroupPlan, GroupSlice
from repositories.compile.groups import CalendarUnit, GroupBy, Grouping, Measure, Operation
from repositories.errors import BadCursor
from repositories.plan import Page
from repositories.repositories import Repositories
from tests.books import OTHER, VIEWER, change, insert, plan, record
from tests.conftest import CommandLog
from tests.figures import Figure

INDUSTRY, CITY, TAGS = "profile.industry", "profile.location.city", "profile.tags"
EMPLOYEES, FOUNDED, VALUE = "profile.employees", "profile.foundedOn", "derived.clientValue"


def question(
    *by: GroupBy,
    where: Filter | None = None,
    first: int = 200,
    after: str | None = None,
    viewer: Viewer = VIEWER,
    **more: Any,
) -> GroupPlan:
    page = Page(first, after=after)
    return GroupPlan(plan(set(), where=where, page=page, viewer=viewer), Grouping(by, **more), "v1")


async def ask(book: Repositories, *by: GroupBy, **more: Any) -> GroupSlice:
    return await book.client_groups.read_page(question(*by, **more))


def counts(found: GroupSlice) -> list[tuple[object, ...]]:
    return [(*each.keys, each.count) for each in found.groups]


EXACT = tuple(operation for operation in Operation if operation.is_exact)


def _amounts(draw: random.Random) -> tuple[Decimal | None, int | None]:
    amount = Decimal(draw.randint(-(10**18), 10**18)) / 100 if draw.random() < 0.8 else None
    ends = draw.choice((draw.randint(2**62, 2**63 - 1), draw.randint(-(2**63), -(2**62)), draw.randint(-9, 9)))
    return amount, ends if draw.random() < 0.8 else None


def _exactly(values: Sequence[Decimal | int | None]) -> tuple[Decimal | None, ...]:
    """Sum, average, least and greatest of what is known, by Python's own decimals and whole numbers."""
    known = [Decimal(value) for value in values if value is not None]
    if not known:
        return Decimal(0), None, None, None
    with localcontext(prec=34, rounding=ROUND_HALF_EVEN):
        return sum(known, Decimal(0)), sum(known, Decimal(0)) / len(known), min(known), max(known)


async def fill(book: Repositories, rows: Sequence[Mapping[str, object]]) -> None:
    """Clients with these values; None stays unset."""
    batch = [(record(f"C{place:04}"), change({"stage": "ACTIVE", **row})) for place, row in enumerate(rows)]
    assert await book.clients.insert_many(batch) == frozenset()


class TestReadPage:
    async def test_figures_are_those_of_the_clients_that_have_the_value(self, book: Repositories) -> None:
        rows: list[dict[str, object]] = [
            {INDUSTRY: (None, "STEEL", "TEA")[place % 3], EMPLOYEES: None if place % 4 == 0 else place}
            for place in range(24)
        ]
        await fill(book, rows)
        measures = tuple(Measure(each, EMPLOYEES) for each in Operation if not each.is_exact)
        found = await ask(book, GroupBy(INDUSTRY), measures=measures)
        inside: dict[Any, list[Any]] = defaultdict(list)
        for row in rows:
            inside[row[INDUSTRY]].append(row[EMPLOYEES])
        expected = []
        for key in (None, "STEEL", "TEA"):
            known = [each for each in inside[key] if each is not None]
            figures = tuple(float(each) for each in (sum(known), fmean(known), min(known), max(known)))
            expected.append(Group((key,), len(inside[key]), figures))
        assert found == GroupSlice(tuple(expected), has_next=False, total=None)

    async def test_decimals_and_nothing_at_all(self, book: Repositories) -> None:
        await insert(book, "A", {INDUSTRY: "TEA", VALUE: Decimal("12.50")})
        await insert(book, "B", {INDUSTRY: "TEA", VALUE: Decimal("0.25")})
        await insert(book, "C", {INDUSTRY: "STEEL"})
        measures = (Measure(Operation.MAXIMUM, VALUE), Measure(Operation.AVERAGE, EMPLOYEES))
        found = await ask(book, GroupBy(INDUSTRY), measures=measures)
        assert [each.figures for each in found.groups] == [(None, None), (12.5, None)]

    @pytest.mark.parametrize("count", [40, pytest.param(1_000, marks=pytest.mark.long)])
    async def test_exact_figures_are_those_of_python(self, book: Repositories, count: int, figure: Figure) -> None:
        """Amounts with cents, and whole numbers near the ends of 64 bits, whose sums outgrow them."""
        draw = random.Random(20261201)
        inside: dict[str, list[tuple[Decimal | None, int | None]]] = {
            f"G{place:04}": [_amounts(draw) for _ in range(draw.randint(1, 6))] for place in range(count)
        }
        await fill(
            book,
            [
                {INDUSTRY: key, VALUE: amount, EMPLOYEES: whole}
                for key, rows in inside.items()
                for amount, whole in rows
            ],
        )
        measures = tuple(Measure(operation, path) for path in (VALUE, EMPLOYEES) for operation in EXACT)
        groups = (await ask(book, GroupBy(INDUSTRY), measures=measures, first=count)).groups
        expected = {
            key: (*_exactly([amount for amount, _ in rows]), *_exactly([whole for _, whole in rows]))
            for key, rows in inside.items()
        }
        different = [group.keys[0] for group in groups if group.figures != expected[str(group.keys[0])]]
        figure(f"exact figures: {len(groups)} groups, {len(different)} differ from Python's")
        assert (len(groups), different) == (count, [])

    async def test_the_sum_of_the_largest_amounts_keeps_its_cents(self, book: Repositories) -> None:
        await fill(book, [{VALUE: Decimal("9007199254740993.01")}, {VALUE: Decimal("0.01")}])
        measures = (Measure(Operation.SUM_EXACT, VALUE), Measure(Operation.SUM, VALUE))
        (group,) = (await ask(book, GroupBy(INDUSTRY), measures=measures)).groups
        assert group.figures == (Decimal("9007199254740993.02"), 9007199254740994.0)

    async def test_each_item_of_a_list_counts_once_and_no_list_is_unset(self, book: Repositories) -> None:
        await fill(book, [{TAGS: ["a", "b"]}, {TAGS: ["b", "b"]}, {TAGS: []}, {}])
        assert counts(await ask(book, GroupBy(TAGS, is_list=True))) == [(None, 2), ("a", 1), ("b", 2)]

    async def test_ranges_hold_their_lower_bound(self, book: Repositories) -> None:
        await fill(book, [{EMPLOYEES: each} for each in (None, -5, 9, 10, 11, 20, 10_000)])
        found = await ask(book, GroupBy(EMPLOYEES, bounds=(10.0, 20.0)))
        assert counts(found) == [(None, 1), (0, 2), (1, 2), (2, 2)]

    async def test_ranges_of_decimals(self, book: Repositories) -> None:
        await fill(book, [{VALUE: Decimal(each)} for each in ("0.09", "0.1", "0.11")])
        assert counts(await ask(book, GroupBy(VALUE, bounds=(Decimal("0.1"),)))) == [(0, 1), (1, 2)]

    @pytest.mark.parametrize(
        ("unit", "starts"),
        [
            (CalendarUnit.DAY, ["2025-12-31", "2026-01-01", "2026-01-04", "2026-01-05"]),
            (CalendarUnit.WEEK, ["2025-12-29", "2026-01-05"]),
            (CalendarUnit.MONTH, ["2025-12-01", "2026-01-01"]),
            (CalendarUnit.QUARTER, ["2025-10-01", "2026-01-01"]),
            (CalendarUnit.YEAR, ["2025-01-01", "2026-01-01"]),
        ],
    )
    async def test_spans_of_time(self, book: Repositories, unit: CalendarUnit, starts: list[str]) -> None:
        days = ("2025-12-31", "2026-01-01", "2026-01-04", "2026-01-05")
        await fill(book, [{FOUNDED: date.fromisoformat(day)} for day in days] + [{}])
        found = await ask(book, GroupBy(FOUNDED, every=unit))
        expected = [None, *(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in starts)]
        assert [each.keys[0] for each in found.groups] == expected
        assert sum(each.count for each in found.groups) == 5

    async def test_only_the_clients_of_the_filter(self, book: Repositories) -> None:
        await fill(book, [{INDUSTRY: "TEA", EMPLOYEES: 1}, {INDUSTRY: "TEA", EMPLOYEES: 2}, {INDUSTRY: "STEEL"}])
        found = await ask(book, GroupBy(INDUSTRY), where=Compare(EMPLOYEES, Operator.GT, 1))
        assert counts(found) == [("TEA", 1)]

    async def test_groups_smaller_than_wanted_are_left_out_of_page_and_total(self, book: Repositories) -> None:
        await fill(book, [{INDUSTRY: "TEA"}] * 5 + [{INDUSTRY: "STEEL"}] * 4)
        found = await ask(book, GroupBy(INDUSTRY), smallest=5, wants_total=True)
        assert (counts(found), found.total) == ([("TEA", 5)], 1)

    @pytest.mark.parametrize("size", [1, 2, 5])
    async def test_a_walk_over_unset_keys_meets_each_group_once(self, book: Repositories, size: int) -> None:
        tags = (None, "x", "y")
        rows: list[dict[str, object]] = [
            {INDUSTRY: (None, "STEEL", "TEA")[place % 3], CITY: tags[place // 3 % 3], EMPLOYEES: place % 2}
            for place in range(30)
        ]
        await fill(book, rows)
        by = (GroupBy(INDUSTRY), GroupBy(CITY), GroupBy(EMPLOYEES, bounds=(1.0,)))
        whole = await ask(book, *by, wants_total=True)
        walked: list[Group] = []
        cursor, is_more = None, True
        while is_more:
            page = question(*by, first=size, after=cursor, wants_total=True)
            part = await book.client_groups.read_page(page)
            assert part.total == whole.total == len(whole.groups) == 18
            walked += part.groups
            cursor, is_more = book.client_groups.seal(page, part.groups)[-1], part.has_next
        assert walked == list(whole.groups)

    async def test_no_client_no_group(self, book: Repositories) -> None:
        assert await ask(book, GroupBy(INDUSTRY), wants_total=True) == GroupSlice((), has_next=False, total=0)

    async def test_a_cursor_of_other_keys_or_of_somebody_else(self, book: Repositories) -> None:
        await fill(book, [{INDUSTRY: "TEA"}, {INDUSTRY: "STEEL"}])
        mine = question(GroupBy(INDUSTRY), first=1)
        (cursor,) = book.client_groups.seal(mine, (await book.client_groups.read_page(mine)).groups)
        assert counts(await ask(book, GroupBy(INDUSTRY), after=cursor)) == [("TEA", 1)]
        for by, viewer in (
            (GroupBy(CITY), VIEWER),
            (GroupBy(INDUSTRY, is_list=True), VIEWER),
            (GroupBy(INDUSTRY), OTHER),
        ):
            with pytest.raises(BadCursor):
                await ask(book, by, after=cursor, viewer=viewer)

    @pytest.mark.real_drivers
    async def test_one_command_whatever_is_asked(self, book: Repositories, command_log: CommandLog) -> None:
        await fill(book, [{INDUSTRY: "TEA"}])
        command_log.clear()
        await ask(book, GroupBy(INDUSTRY), measures=(Measure(Operation.SUM, EMPLOYEES),), wants_total=True)
        assert command_log.names == ["aggregate"]

    @pytest.mark.real_drivers
    async def test_equal_questions_at_a_time_are_one_command(self, book: Repositories, command_log: CommandLog) -> None:
        await fill(book, [{INDUSTRY: "TEA"}])
        command_log.clear()
        found: list[GroupSlice] = []

        async def take(viewer: Viewer) -> None:
            found.append(await ask(book, GroupBy(INDUSTRY), viewer=viewer))

        async with anyio.create_task_group() as group:
            for viewer in (VIEWER, OTHER) * 4:
                group.start_soon(take, viewer)
        assert command_log.names == ["aggregate"]
        assert [counts(each) for each in found] == [[("TEA", 1)]] * 8


AGE_LIMIT = 0.8


@pytest.mark.real_drivers
class TestKept:
    """Every answer is worth keeping here, however fast it came."""

    @pytest.fixture(autouse=True)
    def keep_everything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(group_cache, "WORTH_KEEPING_SECONDS", 0.0)

    async def test_nobody_meets_the_figures_of_other_rows(self, book: Repositories) -> None:
        await fill(book, [{INDUSTRY: "TEA", EMPLOYEES: each} for each in (1, 2, 3)])
        for limit, count in ((0, 3), (1, 2), (2, 1), (0, 3)):
            # what a policy allows comes as a filter, just as what is asked for
            allowed = Compare(EMPLOYEES, Operator.GT, limit)
            assert counts(await ask(book, GroupBy(INDUSTRY), where=allowed)) == [("TEA", count)]

    async def test_a_change_is_seen_within_the_age_limit_and_none_costs_nothing(
        self, book: Repositories, command_log: CommandLog
    ) -> None:
        await fill(book, [{INDUSTRY: "TEA"}])
        by = GroupBy(INDUSTRY)
        book.client_groups.cache._age_limit = AGE_LIMIT
        try:
            with anyio.fail_after(30):
                await self._settled(book, by, command_log)
            command_log.clear()
            assert counts(await ask(book, by)) == [("TEA", 1)]
            assert "aggregate" not in command_log.names
            await insert(book, "new", {INDUSTRY: "TEA"})
            # a busy machine may hear of it later
            with anyio.fail_after(AGE_LIMIT + 1.5):
                while counts(await ask(book, by)) != [("TEA", 2)]:  # noqa: ASYNC110
                    await anyio.sleep(0.05)
        finally:
            await book.client_groups.close()

    async def _settled(self, book: Repositories, by: GroupBy, log: CommandLog) -> None:
        """Asks until an answer older than the age limit is still served."""
        served_since = anyio.current_time()
        while anyio.current_time() - served_since < 1.5 * AGE_LIMIT:
            log.clear()
            await ask(book, by)
            if any(each.get("pipeline", [{}])[-1:] == [{"$limit": 201}] for each in log.commands):  # type: ignore[index]
                served_since = anyio.current_time()
            await anyio.sleep(0.05)

    async def test_an_age_limit_of_nothing_reads_anew_every_time(self, book: Repositories) -> None:
        book.client_groups.cache._age_limit = 0.0
        book.client_groups.cache._head._patience = 0.0  # type: ignore[union-attr]
        for count in (1, 2, 3):
            await insert(book, f"C{count}", {INDUSTRY: "TEA"})
            assert counts(await ask(book, GroupBy(INDUSTRY))) == [("TEA", count)]
        await book.client_groups.close()
