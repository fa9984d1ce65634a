"""Tables, ratios and promises."""

from typing import Any

from benchmarks.questions import WORK
from benchmarks.report import PROMISES, promises, ratio, ratios, table


def _figures(cpu_ms: float, rps: float) -> dict[str, Any]:
    rounds = {"cpu_ms_rounds": [cpu_ms] * 3, "rps_rounds": [rps] * 3}
    return {"cpu_ms": cpu_ms, "rps": rps, "p50_ms": 1.0, "p99_ms": 2.0, "memory_mb": 90.0, **rounds}


WORK_FIGURES = {"Q1": {"kehu": _figures(0.2, 4000), "floor": _figures(0.5, 2000), "mercurius": _figures(0.8, 2000)}}


class TestRatio:
    def test_is_the_one_divided_by_the_other(self) -> None:
        assert ratio(WORK_FIGURES["Q1"], "kehu", "floor", "cpu_ms") == 0.4

    def test_is_the_middle_of_the_rounds(self) -> None:
        ours = _figures(9.0, 1.0) | {"cpu_ms_rounds": [1.0, 9.0, 2.0]}
        theirs = _figures(2.0, 1.0) | {"cpu_ms_rounds": [2.0, 6.0, 1.0]}
        assert ratio({"kehu": ours, "floor": theirs}, "kehu", "floor", "cpu_ms") == 1.5

    def test_none_where_one_was_not_measured(self) -> None:
        assert ratio(WORK_FIGURES["Q1"], "kehu", "naive", "rps") is None


class TestRatios:
    def test_of_kehu_to_each_other_server(self) -> None:
        wanted = {"cpu_to_floor": 0.4, "rps_to_floor": 2.0, "cpu_to_mercurius": 0.25, "rps_to_mercurius": 2.0}
        assert ratios(WORK_FIGURES) == {"Q1": wanted}


class TestTable:
    def test_a_row_a_server(self) -> None:
        head, kehu, *others = table(WORK_FIGURES).splitlines()
        assert head.split()[:2] == ["work", "server"]
        assert kehu.split() == ["Q1", "kehu", "0.200", "4,000", "1.00", "2.00", "90", "0.40"]
        assert len(others) == 2


class TestPromises:
    def test_says_which_hold(self) -> None:
        found = promises(WORK_FIGURES)
        assert [line.split()[0] for line in found] == ["holds", "MISSED"]
        assert "0.40 times the floor's CPU (at most 0.45)" in found[0]

    def test_there_is_one_for_every_work(self) -> None:
        assert set(PROMISES) == set(WORK)
