"""Cursors: sealed, bound to their question, and good for walking through every record once."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalogue.filters import Compare
from catalogue.kinds import STRING_LIMIT, Operator
from policy.viewer import Viewer
from repositories.access import AuthorisedPlan
from repositories.base import RecordRepository
from repositories.cursors import Cursors, value_at
from repositories.errors import BadCursor
from repositories.mongo import MongoSettings, Store, connect
from repositories.plan import ID, Order, Page, ReadPlan
from repositories.values import bson_from
from tests.books import ACCESS, VIEWER
from tests.figures import Figure

CURSORS = Cursors(b"k" * 32)
WHERE = Compare("profile.name", Operator.EQ, "Li")
PLAN = ReadPlan("clients", frozenset({"number"}), WHERE, (Order("profile.name"),), Page(10))
BINDING = CURSORS.binding(ACCESS.authorise(PLAN, VIEWER))
POSITION = ["Li", "cl_1"]


def binding_of(person: str = "M001", **changes: Any) -> bytes:
    return CURSORS.binding(ACCESS.authorise(replace(PLAN, **changes), Viewer(person, VIEWER.roles)))


class TestSealAndOpen:
    @pytest.mark.parametrize(
        "value",
        [None, "", "$name", "客戶", -(2**63), 0.1, True, datetime(2026, 1, 1, tzinfo=UTC), Decimal128("0.10")],
        ids=repr,
    )
    def test_a_position_comes_back_as_it_was(self, value: object) -> None:
        (opened, _) = CURSORS.open(BINDING, CURSORS.seal(BINDING, [value, "cl_1"]), 2)
        assert opened == value
        assert isinstance(opened, type(value))

    def test_is_safe_in_an_address(self) -> None:
        assert CURSORS.seal(BINDING, ["??>>~~", "cl_1"]).replace("-", "").replace("_", "").isalnum()

    def test_another_server_with_the_same_key_understands_it(self) -> None:
        assert Cursors(b"k" * 32).open(BINDING, CURSORS.seal(BINDING, POSITION), 2) == POSITION

    def test_the_longest_values_there_may_be(self) -> None:
        longest = ["🏦" * STRING_LIMIT] * 3 + ["cl_1"]
        assert CURSORS.open(BINDING, CURSORS.seal(BINDING, longest), 4) == longest


class TestRefused:
    @pytest.mark.parametrize(
        "changes",
        [
            {"filter": None},
            {"filter": replace(WHERE, value="Wu")},
            {"order": (Order("profile.name", is_descending=True),)},
            {"order": (Order("profile.size"),)},
            {"area": "managers"},
            {"person": "M002"},
        ],
        ids=str,
    )
    def test_of_another_question(self, changes: dict[str, Any]) -> None:
        with pytest.raises(BadCursor, match="made for another question: by another person, or with another filter"):
            CURSORS.open(binding_of(**changes), CURSORS.seal(BINDING, POSITION), 2)

    def test_of_another_server_is_not_called_one_of_another_question(self) -> None:
        with pytest.raises(BadCursor, match="not made by this server"):
            CURSORS.open(BINDING, Cursors(b"x" * 32).seal(BINDING, POSITION), 2)

    def test_a_cursor_of_another_question_with_this_one_written_into_it(self) -> None:
        other = binding_of(person="M002")
        raw = urlsafe_b64decode(CURSORS.seal(other, POSITION) + "===")
        with pytest.raises(BadCursor, match="not made by this server"):
            CURSORS.open(BINDING, urlsafe_b64encode(raw.replace(other, BINDING)).decode(), 2)

    @pytest.mark.parametrize("changes", [{"page": Page(3, after="x")}, {"paths": frozenset({"stage"})}], ids=str)
    def test_page_and_selection_may_change(self, changes: dict[str, Any]) -> None:
        assert CURSORS.open(binding_of(**changes), CURSORS.seal(BINDING, POSITION), 2) == POSITION

    def test_of_another_key(self) -> None:
        other = Cursors(b"o" * 32)
        with pytest.raises(BadCursor):
            other.open(other.binding(ACCESS.authorise(PLAN, VIEWER)), CURSORS.seal(BINDING, POSITION), 2)

    @pytest.mark.parametrize("cursor", ["", "a", "äöü", "====", "A" * 5_000, "A" * 100, "null", "\x00"])
    def test_what_was_never_a_cursor(self, cursor: str) -> None:
        with pytest.raises(BadCursor):
            CURSORS.open(BINDING, cursor, 2)

    def test_of_another_length(self) -> None:
        with pytest.raises(BadCursor):
            CURSORS.open(BINDING, CURSORS.seal(BINDING, ["cl_1"]), 2)

    def test_every_changed_bit(self) -> None:
        cursor = CURSORS.seal(BINDING, POSITION)
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        for at in range(len(raw)):
            forged = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
            with pytest.raises(BadCursor):
                CURSORS.open(BINDING, urlsafe_b64encode(forged).decode().rstrip("="), 2)


class TestValueAt:
    @pytest.mark.parametrize(
        ("path", "value"),
        [("a", {"b": [1]}), ("a.b", [1]), ("a.c", None), ("a.b.0", None), ("x.y", None)],
    )
    def test_at_a_dotted_path(self, path: str, value: object) -> None:
        assert value_at({"a": {"b": [1]}}, path) == value


# A walk through random records, most of them alike, in a random order.

POOLS: dict[str, list[Any]] = {
    "profile.name": [None, None, "", "Li", "li", "$name", "客戶"],
    "profile.size": [None, 0, 1, 2**62],
    "profile.ratio": [None, -0.5, 0.0, 1e300],
    "profile.price": [None, Decimal("0.1"), Decimal("1E+3")],
    "profile.since": [None, date(2026, 1, 1), date(2026, 1, 2)],
    "profile.isBig": [None, True, False],
}
RECORDS = st.lists(st.fixed_dictionaries({key: st.sampled_from(pool) for key, pool in POOLS.items()}), max_size=25)
ORDERS = st.lists(
    st.builds(Order, st.sampled_from(sorted(POOLS)), st.booleans()), max_size=3, unique_by=lambda key: key.path
).map(tuple)


async def walk(repository: RecordRepository, plan: ReadPlan, limit: int, is_backward: bool) -> list[list[str]]:
    """The ids of each page, page after page, to the end."""
    pages: list[list[str]] = []
    cursor: str | None = None
    while True:
        page = Page(limit, is_backward, None if is_backward else cursor, cursor if is_backward else None)
        authorised: AuthorisedPlan = ACCESS.authorise(replace(plan, page=page), VIEWER)
        found = await repository.read_page(authorised)
        pages.append([str(each[ID]) for each in found.documents])
        assert (found.has_next if is_backward else found.has_previous) is (cursor is not None)
        if not (found.has_previous if is_backward else found.has_next):
            return pages
        cursors = repository.seal(authorised, found.documents)
        cursor = cursors[0] if is_backward else cursors[-1]


def sort_key(record: dict[str, Any], key: Order) -> tuple[bool, Any]:
    value = record[key.path]
    return (value is not None, 0 if value is None else value)


def sorted_ids(records: Sequence[dict[str, Any]], order: Sequence[Order]) -> list[str]:
    """The ids in order: unset lowest, ties by id the way of the last key."""
    ids = [f"cl_{at:03}" for at in range(len(records))]
    ids.sort(reverse=bool(order and order[-1].is_descending))
    for key in reversed(order):
        ids.sort(key=lambda each: sort_key(records[int(each[3:])], key), reverse=key.is_descending)
        # a reversed sort keeps ties in their order, as a stable one does
    return ids


async def check(store: Store, records: list[dict[str, Any]], order: tuple[Order, ...], limit: int) -> None:
    repository = RecordRepository(store, "clients", "client", CURSORS)
    await repository.collection.delete_many({})
    for at, record in enumerate(records):
        profile = {path.split(".")[1]: bson_from(value) for path, value in record.items() if value is not None}
        await repository.collection.insert_one({ID: f"cl_{at:03}", "number": str(at), "profile": profile})
    wanted = sorted_ids(records, order)
    for paths in (frozenset({"number"}), frozenset(each.path for each in order)):
        plan = ReadPlan("clients", paths, order=order)
        forwards = await walk(repository, plan, limit, is_backward=False)
        backwards = await walk(repository, plan, limit, is_backward=True)
        assert [each for page in forwards for each in page] == wanted
        assert [each for page in reversed(backwards) for each in page] == wanted
        assert {len(page) for page in [*forwards[:-1], *backwards[:-1]]} <= {limit}


def check_on(
    store_settings: MongoSettings, records: list[dict[str, Any]], order: tuple[Order, ...], limit: int
) -> None:
    async def run() -> None:
        store = connect(store_settings)
        try:
            await check(store, records, order, limit)
        finally:
            await store.close()

    asyncio.run(run())


ANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
# to shrink an example asks the database for minutes; the long tier does
SHORT = settings(ANY, phases=(Phase.explicit, Phase.reuse, Phase.generate))


class TestWalk:
    @given(records=RECORDS, order=ORDERS, limit=st.integers(1, 7))
    @settings(SHORT, max_examples=20)
    def test_each_record_once_in_order_both_ways(
        self, store_settings: MongoSettings, records: list[dict[str, Any]], order: tuple[Order, ...], limit: int
    ) -> None:
        check_on(store_settings, records, order, limit)

    @pytest.mark.long
    @given(records=RECORDS, order=ORDERS, limit=st.integers(1, 7))
    @settings(ANY, max_examples=400)
    def test_each_record_once_in_order_both_ways_in_full(
        self, store_settings: MongoSettings, records: list[dict[str, Any]], order: tuple[Order, ...], limit: int
    ) -> None:
        check_on(store_settings, records, order, limit)

    @pytest.mark.long
    @pytest.mark.real_drivers
    async def test_ten_thousand_records_with_few_values(self, store: Store, figure: Figure) -> None:
        repository = RecordRepository(store, "clients", "client", CURSORS)
        rows = [
            {ID: f"cl_{at:05}", "profile": {} if at % 3 == 0 else {"size": at % 5}, "number": str(at)}
            for at in range(10_000)
        ]
        await repository.collection.insert_many(rows)
        for is_descending in (False, True):
            plan = ReadPlan("clients", frozenset({"number"}), order=(Order("profile.size", is_descending),))
            for is_backward in (False, True):
                pages = await walk(repository, plan, 200, is_backward)
                ids = [each for page in pages for each in page]
                assert len(ids) == len(set(ids)) == 10_000
                figure(f"{len(ids)} records in {len(pages)} pages")
