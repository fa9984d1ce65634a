"""Which moment is meant."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from acts import past
from acts.checks import CLOCKS_APART
from acts.past import moment_from
from repositories.errors import NotAsOf

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "now", lambda: NOW)


class TestMomentFrom:
    def test_nothing_is_the_present(self) -> None:
        assert moment_from(None) is None

    def test_as_exact_as_the_history_and_in_utc(self) -> None:
        given = datetime(2026, 11, 1, 9, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=8)))
        assert str(moment_from(given)) == "2026-11-01 01:00:00.123000+00:00"

    def test_clocks_differ_a_little(self) -> None:
        assert moment_from(NOW + CLOCKS_APART) == NOW + CLOCKS_APART

    def test_a_moment_to_come(self) -> None:
        with pytest.raises(NotAsOf, match="to come") as refused:
            moment_from(NOW + CLOCKS_APART + timedelta(seconds=1), "until")
        assert refused.value.path == ("until",)
