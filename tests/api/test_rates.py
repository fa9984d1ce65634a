"""Counts of a minute."""

import asyncio
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from api.errors import RateLimited
from api.rates import COST, Rates
from api.settings import Settings, SettingsError
from schema.context import MISSED_LOOKUPS


def rates(tmp_path: Path, **settings: Any) -> Rates:
    return Rates(Settings(data_dir=tmp_path, **settings))


async def refused(spending: Any) -> RateLimited:
    with pytest.raises(RateLimited) as found:
        await spending
    return found.value


class TestSpend:
    async def test_up_to_the_limit(self, tmp_path: Path) -> None:
        made = rates(tmp_path, missed_lookups_per_minute=10)
        for _ in range(10):
            await made.spend("ana", MISSED_LOOKUPS)
        problem = await refused(made.spend("ana", MISSED_LOOKUPS))
        assert "more than 10 a minute of look-ups that find nothing" in problem.message
        assert 1 <= problem.retry_seconds <= 60

    async def test_for_each_person(self, tmp_path: Path) -> None:
        made = rates(tmp_path, missed_lookups_per_minute=10)
        await made.spend("ana", MISSED_LOOKUPS, 10)
        await made.spend("ben", MISSED_LOOKUPS, 10)
        await refused(made.spend("ben", MISSED_LOOKUPS))

    async def test_many_at_once_never_come_to_more(self, tmp_path: Path) -> None:
        made = rates(tmp_path, missed_lookups_per_minute=300)
        found = await asyncio.gather(*(made.spend("ana", MISSED_LOOKUPS) for _ in range(1_000)), return_exceptions=True)
        assert sum(each is None for each in found) == 300

    async def test_no_limit(self, tmp_path: Path) -> None:
        made = rates(tmp_path, missed_lookups_per_minute=0)
        await made.spend("ana", MISSED_LOOKUPS, 1_000_000)
        await made.spend("ana", "what nobody has limited", 1_000_000)

    async def test_more_can_be_limited(self, tmp_path: Path) -> None:
        made = rates(tmp_path)
        made.limit("values of clients", 30)
        await made.spend("ana", "values of clients", 30)
        await refused(made.spend("ana", "values of clients"))

    async def test_counts_that_cannot_be_kept_hold_nobody_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        made = rates(tmp_path, missed_lookups_per_minute=1)

        async def away(*_: object, **__: object) -> bool:
            raise OSError("the store is away")

        monkeypatch.setattr(made._limiter, "hit", away)
        await made.spend("ana", MISSED_LOOKUPS)
        assert "nobody is held back" in caplog.text


class TestCheck:
    async def test_holds_back_whoever_was_refused(self, tmp_path: Path) -> None:
        made = rates(tmp_path, missed_lookups_per_minute=10)
        made.check("ana", MISSED_LOOKUPS)
        await made.spend("ana", MISSED_LOOKUPS, 10)
        made.check("ana", MISSED_LOOKUPS)
        await refused(made.spend("ana", MISSED_LOOKUPS))
        with pytest.raises(RateLimited):
            made.check("ana", MISSED_LOOKUPS)
        made.check("ben", MISSED_LOOKUPS)

    async def test_one_alert_a_minute(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        made = rates(tmp_path, missed_lookups_per_minute=1)
        with caplog.at_level(logging.WARNING, "kehu.limits"):
            await made.spend("ana", MISSED_LOOKUPS)
            for _ in range(5):
                await refused(made.spend("ana", MISSED_LOOKUPS))
        (alert,) = caplog.records
        facts = (getattr(alert, "alert", None), getattr(alert, "person", None), getattr(alert, "what", None))
        assert facts == ("rate_limited", "ana", MISSED_LOOKUPS)


class TestCost:
    async def test_up_to_the_limit_in_any_sizes(self, tmp_path: Path) -> None:
        made, spent = rates(tmp_path, cost_per_minute=1_000), 0.0
        with suppress(RateLimited):
            while spent < 2_000:
                await made.spend_cost("ana", 7.25)
                spent += 7.25
        assert 990 <= spent <= 1_000
        assert "more than 1000 a minute of cost" in (await refused(made.spend_cost("ana", 20))).message

    async def test_many_at_once_never_come_to_more(self, tmp_path: Path) -> None:
        made = rates(tmp_path, cost_per_minute=1_000)
        found = await asyncio.gather(*(made.spend_cost("ana", 3) for _ in range(1_000)), return_exceptions=True)
        assert 300 <= sum(each is None for each in found) <= 333

    async def test_no_limit(self, tmp_path: Path) -> None:
        await rates(tmp_path, cost_per_minute=0).spend_cost("ana", 1e12)

    async def test_is_counted_at_next_to_no_cost(self, tmp_path: Path) -> None:
        made = rates(tmp_path)
        began = time.process_time()
        for _ in range(20_000):
            await made.spend_cost("ana", 1.05)
        assert (time.process_time() - began) / 20_000 < 20e-6
        assert COST == "cost"


class TestStorage:
    @pytest.mark.parametrize("uri", ["async+redis://127.0.0.1:1/"])
    def test_without_its_package(self, tmp_path: Path, uri: str) -> None:
        with pytest.raises(SettingsError, match=r"KEHU_RATE_LIMITS_URI: got an address of the kind async\+redis"):
            rates(tmp_path, rate_limits_uri=uri)

    async def test_shared_in_mongodb(self, tmp_path: Path, mongod_uri: str) -> None:
        uri = f"async+{mongod_uri}"
        first, second = (rates(tmp_path, rate_limits_uri=uri, missed_lookups_per_minute=10) for _ in range(2))
        person = f"shared-{time.time_ns()}"
        await first.spend(person, MISSED_LOOKUPS, 6)
        await refused(second.spend(person, MISSED_LOOKUPS, 6))
        await second.spend(person, MISSED_LOOKUPS, 4)
