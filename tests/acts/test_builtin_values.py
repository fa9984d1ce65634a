"""The built-in attributes compute themselves: values, contacts, old books, and how one is made plain."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acts.attributes import change_attribute
from acts.checks import UNGUARDED, Guard, now
from acts.clients import change_client
from acts.demo import load_demo
from acts.demo_book import demo_clients, demo_managers
from acts.demo_segments import SEGMENTS
from acts.interactions import NewInteraction, record_interaction
from acts.recomputing import follow_built_in, recompute_all
from acts.rollups import roll
from acts.segments_history import read_figures
from catalogue.builtin import builtin_catalogue
from catalogue.builtin.computed import uncomputed
from catalogue.errors import Refused
from repositories.changes import TAIL_KEPT, TAIL_LIMIT
from repositories.cursors import value_at
from repositories.mongo import Store
from repositories.plan import ID, Change
from repositories.repositories import Repositories, new_id
from tests.books import NO_PROOF, VIEWER, make_client, open_book, stored
from worker.attempt import Manner, next_attempt
from worker.handlers import HANDLERS

BUILT = builtin_catalogue()
RATIOS = (
    *("debtRatio", "currentRatio", "quickRatio", "netMargin", "returnOnAssets", "returnOnEquity", "assetTurnover"),
    *("interestCoverage", "receivableDays"),
)
COUNTS = ("contactCount90d", "visitCount365d", "complaintCount365d")
CONTACTS = ("lastContactAt", "lastContactChannel", *COUNTS)
pytestmark = pytest.mark.real_drivers
one_driver = pytest.mark.parametrize("driver", ["pymongo"], indirect=True)


async def unheard(*_given: object, **_named: object) -> None:
    """A report that nobody reads."""


async def met(book: Repositories, client: str, days_ago: float, **values: Any) -> None:
    given = {"at": now() - timedelta(days=days_ago), "channel": "TELEPHONE", **values}
    if given["at"] > now() + timedelta(minutes=1):
        # Of a book from before contacts to come were refused.
        record = {ID: new_id("interactions"), "clientId": client}
        await book.interactions.insert(record, Change(given, VIEWER.person, now()))
        return
    await record_interaction(VIEWER, book, NewInteraction(client, None, given), UNGUARDED)


async def behaviour(book: Repositories, client: str) -> dict[str, Any]:
    found = (await stored(book, client))["behaviour"]
    return {name: found.get(name) for name in CONTACTS}


def contacts_from(records: list[dict[str, Any]], at: datetime) -> dict[str, Any]:
    """What the records of a client come to, in plain Python."""
    past = sorted((each for each in records if each["at"] <= at), key=lambda each: (each["at"], each["_id"]))

    def count(days: int, **wanted: str) -> int:
        recent = (each for each in past if each["at"] > at - timedelta(days=days))
        return sum(all(each.get(name) == value for name, value in wanted.items()) for each in recent)

    return {
        "lastContactAt": past[-1]["at"] if past else None,
        "lastContactChannel": past[-1]["channel"] if past else None,
        "contactCount90d": count(90),
        "visitCount365d": count(365, channel="VISIT"),
        "complaintCount365d": count(365, outcome="COMPLAINED"),
    }


@one_driver
class TestDemoBook:
    async def test_what_is_computed_is_what_was_drawn_where_inputs_were(self, store: Store) -> None:
        """The ratios of the draws are worked out in plain Python."""
        book = await open_book(store, BUILT)
        await load_demo(book, 120, lambda _done, _count: None)
        drawn = {each["number"]: each["values"] for each in demo_clients(120, demo_managers())}
        records: dict[str, list[dict[str, Any]]] = {}
        for record in await book.interactions.collection.find({}):
            records.setdefault(record["clientId"], []).append(record)
        met: Counter[str] = Counter()
        for client in await book.clients.collection.find({}):
            own = drawn[client["number"]]
            for name in RATIOS:
                value, expected = value_at(client, f"derived.{name}"), own["derived"].get(name)
                assert (value is None) is (expected is None), (client["number"], name)
                assert value is None or value == pytest.approx(expected, abs=2e-4 if name != "receivableDays" else 0.11)
                met[name] += value is not None
            for name in ("market", "revenueGrowth"):
                assert value_at(client, f"derived.forecast.{name}") == value_at(own, f"derived.forecast.{name}")
                met[name] += value_at(own, f"derived.forecast.{name}") is not None
            held = value_at(own, "behaviour.withUs.products")
            assert client["derived"].get("productCount") == (len(held) if isinstance(held, list) else None)
            wanted = contacts_from(records.get(client["_id"], []), now())
            assert {name: client["behaviour"].get(name) for name in CONTACTS} == wanted
            last = own["behaviour"].get("lastContactAt")
            if isinstance(last, datetime) and last < now():
                assert wanted["lastContactAt"] == last
            met[str(client["derived"].get("purchaseModel"))] += 1
        assert min(met[name] for name in (*RATIOS, "market", "revenueGrowth")) > 20, met
        assert min(met[name] for name in ("PRICE", "RELATIONSHIP", "SEASONAL", "CONVENIENCE")) > 0, met
        sizes = {}
        for segment in await book.segments.active():
            (figures,) = await read_figures(VIEWER, book, segment, 10)
            sizes[segment["code"]] = figures.size
        assert set(sizes) == {code for code, *_ in SEGMENTS}
        assert all(sizes.values()), sizes


FIRM = {"totalAssets": 100.0, "totalLiabilities": 40.0, "netProfit": 6.0, "revenue": 200.0, "receivables": 20.0}


@one_driver
class TestFormulas:
    async def test_a_figure_that_is_0_or_below_divides_nothing(self, store: Store) -> None:
        book = await open_book(store, BUILT)
        whole = await make_client(book, behaviour={"financials": FIRM})
        found = (await stored(book, whole))["derived"]
        assert found == {
            "debtRatio": 0.4, "netMargin": 0.03, "returnOnAssets": 0.06, "returnOnEquity": 0.1, "assetTurnover": 2.0,
            "receivableDays": 36.5,
        }  # fmt: skip
        odd = {**FIRM, "totalAssets": 0.0, "revenue": -1.0}
        assert "derived" not in {k: v for k, v in (await _of(book, "C2", {"financials": odd})).items() if v}

    @pytest.mark.parametrize(
        ("attitude", "behaviour", "expected"),
        [
            ({}, {}, None),
            ({"priceSensitivity": "HIGH", "decisionStyle": "RELATIONAL"}, {}, "PRICE"),
            ({"decisionStyle": "RELATIONAL", "priceSensitivity": "LOW"}, {}, "RELATIONSHIP"),
            ({"trust": 75}, {"withUs": {"products": ["CARD", "FUNDS", "PAYROLL"]}}, "RELATIONSHIP"),
            ({"trust": 75}, {"withUs": {"products": ["CARD", "FUNDS"]}}, None),
            ({"decisionStyle": "QUICK"}, {"purchasing": {"frequency": "YEARLY"}}, "SEASONAL"),
            ({"preferredChannel": "MOBILE"}, {"purchasing": {"frequency": "DAILY"}}, "CONVENIENCE"),
            ({}, {"purchases": {"count": 3}}, "OCCASIONAL"),
            ({}, {"purchases": {"count": 4}}, None),
        ],
    )
    async def test_purchase_model(
        self, store: Store, attitude: dict[str, Any], behaviour: dict[str, Any], expected: str | None
    ) -> None:
        book = await open_book(store, BUILT)
        client = await make_client(book, attitude=attitude, behaviour=behaviour)
        assert (await stored(book, client))["derived"].get("purchaseModel") == expected

    async def test_forecast_follows_what_the_client_expects(self, store: Store) -> None:
        book = await open_book(store, BUILT)
        with_us, accounts = {"depositBalance": "1000.50"}, {"revenue": 2_000.0}
        client = await make_client(
            book, attitude={"expectedGrowth": 10.0}, behaviour={"withUs": with_us, "financials": accounts}
        )
        forecast = {"market": "GROWING", "revenueGrowth": 8.0, "depositBalance": 1100.55, "loanDemand": 80.0}
        assert (await stored(book, client))["derived"]["forecast"] == forecast
        await change_client(VIEWER, book, client, {"attitude": {"expectedGrowth": -2.0}}, NO_PROOF, Guard())
        forecast = {"market": "SHRINKING", "revenueGrowth": -1.6, "depositBalance": 980.49, "loanDemand": 0.0}
        assert (await stored(book, client))["derived"]["forecast"] == forecast
        await change_client(VIEWER, book, client, {"attitude": {"expectedGrowth": None}}, NO_PROOF, Guard())
        assert "forecast" not in (await stored(book, client))["derived"]


async def _of(book: Repositories, number: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return await stored(book, await make_client(book, number, behaviour=given))


class TestContacts:
    async def test_a_recorded_contact_moves_them_at_once(self, store: Store) -> None:
        book = await open_book(store, BUILT)
        client = await make_client(book)
        nothing = {"lastContactAt": None, "lastContactChannel": None, **dict.fromkeys(COUNTS, 0)}
        assert await behaviour(book, client) == nothing
        await met(book, client, 100, channel="VISIT", outcome="COMPLAINED")
        await met(book, client, 1)
        # By a clock that is ahead.
        await met(book, client, -20 / 86_400, channel="EMAIL")
        await met(book, client, -3, channel="VISIT")
        await met(book, client, 400, channel="VISIT", outcome="COMPLAINED")
        found = await behaviour(book, client)
        assert found.pop("lastContactAt") == pytest.approx(now(), abs=timedelta(minutes=5))
        assert found == {
            "lastContactChannel": "EMAIL", "contactCount90d": 2, "visitCount365d": 1, "complaintCount365d": 1,
        }  # fmt: skip
        entry = (await stored(book, client))["tail"][1]
        assert (entry["by"], {each["path"] for each in entry["values"]}) == (
            "kehu-rollups",
            {f"behaviour.{name}" for name in CONTACTS} - {"behaviour.contactCount90d"},
        )

    @one_driver
    async def test_many_contacts_do_not_fill_a_client(self, store: Store) -> None:
        book = await open_book(store, BUILT)
        client = await make_client(book)
        for at in range(TAIL_LIMIT + 2):
            await met(book, client, 40 - at)
        found = await stored(book, client)
        assert (found["sequence"], len(found["tail"])) == (TAIL_LIMIT + 3, TAIL_KEPT + 2)
        assert await book.store.collection("changes").count({"recordId": client}) == TAIL_LIMIT + 1 - TAIL_KEPT

    @one_driver
    async def test_time_moves_them_too(self, store: Store) -> None:
        book = await open_book(store, BUILT)
        await book.rollups.prepare()
        client = await make_client(book)
        await met(book, client, 89.9)
        await met(book, client, -0.1, channel="VISIT")
        before = await behaviour(book, client)
        assert (before["contactCount90d"], before["visitCount365d"]) == (1, 0)
        earlier = [{"$set": {"at": {"$subtract": ["$at", 86_400_000 // 4]}}}]
        await book.interactions.collection.update_many({}, earlier)
        assert (await roll(book, unheard, {}))["changed"] > 0
        after = await behaviour(book, client)
        assert (after["contactCount90d"], after["visitCount365d"], after["lastContactChannel"]) == (1, 1, "VISIT")

    async def test_are_not_entered(self, store: Store) -> None:
        book = await open_book(store, BUILT)
        with pytest.raises(Refused, match="computed by its rollup and takes no value; leave it out, and record"):
            await make_client(book, behaviour={"contactCount90d": 7})


GIVEN: dict[str, Any] = {
    "behaviour": {"contactCount90d": 99, "lastContactAt": datetime(2020, 1, 1, tzinfo=UTC), "financials": FIRM}
}


@one_driver
class TestOldBook:
    """A book of the time before, in which people have given the values."""

    @pytest.fixture
    async def client(self, store: Store) -> str:
        old = await open_book(store, uncomputed(BUILT))
        return await make_client(old, **GIVEN, derived={"debtRatio": 0.9, "purchaseModel": "SEASONAL"})

    async def test_is_computed_by_night_and_says_so(self, store: Store, client: str) -> None:
        book = await open_book(store, BUILT)
        await met(book, await make_client(book, "C2"), 1)
        untouched = await make_client(book, "C3", behaviour={"financials": FIRM})
        before = await stored(book, untouched)
        assert (await recompute_all(book, unheard, {}, "night"))["changed"] == 2
        found = await stored(book, client)
        assert await behaviour(book, client) == {
            "lastContactAt": None, "lastContactChannel": None, **dict.fromkeys(COUNTS, 0),
        }  # fmt: skip
        assert (found["derived"]["debtRatio"], found["derived"]["netMargin"]) == (0.4, 0.03)
        assert "purchaseModel" not in found["derived"]
        by = {entry["by"]: {each["path"]: each.get("old") for each in entry["values"]} for entry in found["tail"][1:]}
        assert by["kehu-rollups"]["behaviour.contactCount90d"] == 99
        assert (
            by["kehu-formulas"] | {"derived.debtRatio": 0.9, "derived.purchaseModel": "SEASONAL"} == by["kehu-formulas"]
        )
        assert await stored(book, untouched) == before, "who was right stays as he was"
        assert (await recompute_all(book, unheard, {}, "another"))["changed"] == 0

    async def test_a_server_of_this_release_asks_for_it_once(self, store: Store, client: str) -> None:
        book = await open_book(store, BUILT)
        for _ in range(2):
            await follow_built_in(book)
        (job,) = await book.jobs.collection.find({})
        assert (job["kind"], job["state"]) == ("formula.verify", "QUEUED")
        while attempt := await next_attempt(lambda: book, HANDLERS, "w", Manner()):
            await attempt.carry_out()
        assert (await stored(book, client))["derived"]["debtRatio"] == 0.4

    async def test_a_new_book_needs_none(self, store: Store) -> None:
        book = await open_book(store, BUILT)
        await follow_built_in(book)
        await make_client(book)
        await follow_built_in(book)
        assert await book.jobs.collection.count({}) == 0

    async def test_a_night_that_was_stopped_goes_on(
        self, store: Store, client: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        book = await open_book(store, BUILT)
        told: list[Mapping[str, Any]] = []

        async def report(_done: int, _total: int, *, checkpoint: Mapping[str, Any]) -> None:
            told.append(checkpoint)
            raise InterruptedError

        with pytest.raises(InterruptedError):
            await recompute_all(book, report, {}, "night")
        assert told[0]["phase"] == "rollups"
        assert (await behaviour(book, client))["contactCount90d"] == 0
        assert (await stored(book, client))["derived"]["debtRatio"] == 0.9
        assert (await recompute_all(book, unheard, told[0], "night"))["changed"] == 2
        assert (await stored(book, client))["derived"]["debtRatio"] == 0.4

    async def test_one_is_made_plain_and_stays_so(self, store: Store, client: str) -> None:
        book = await open_book(store, BUILT)
        for path, change in (
            ("derived.debtRatio", {"formula": None}),
            ("behaviour.contactCount90d", {"rollup": None}),
        ):
            done = await change_attribute(VIEWER, book, path, change)
            assert not done.attribute.is_computed
            assert done.attribute.derived_from, "who could not read it cannot do so now"
        again = await open_book(store, BUILT)
        await change_client(VIEWER, again, client, {"derived": {"debtRatio": 0.7}}, NO_PROOF, Guard())
        await met(again, client, 1)
        await recompute_all(again, unheard, {}, "night")
        found = await stored(again, client)
        assert (found["derived"]["debtRatio"], found["derived"]["netMargin"]) == (0.7, 0.03)
        kept = await behaviour(again, client)
        assert (kept["contactCount90d"], kept["lastContactChannel"]) == (99, "TELEPHONE")
