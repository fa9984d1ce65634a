"""Tables, ratios and promises."""

from typing import Any

import pytest

from benchmarks.questions import WORK
from benchmarks.report import PROMISES, promises, ratio, ratios, table, verdicts


def _figures(cpu_ms: float, rps: float) -> dict[str, Any]:
    rounds = {"cpu_ms_rounds": [cpu_ms] * 3, "rps_rounds": [rps] * 3, "p50_ms_rounds": [cpu_ms + 1.0] * 3}
    return {"cpu_ms": cpu_ms, "rps": rps, "p50_ms": cpu_ms + 1.0, "p99_ms": 2.0, "memory_mb": 90.0, **rounds}


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
        assert kehu.split() == ["Q1", "kehu", "0.200", "4,000", "1.20", "2.00", "90", "0.40"]
        assert len(others) == 2


class TestPromises:
    def test_says_which_hold(self) -> None:
        found = list(promises(WORK_FIGURES))
        assert [line.split()[0] for line in found] == ["holds", "MISSED"]
        assert "0.40 times the floor's CPU (at most 0.45)" in found[0]

    def test_there_is_one_for_every_work(self) -> None:
        assert set(PROMISES) == set(WORK)


class TestVerdicts:
    """What each kind of run found, against what is promised of it."""

    def test_of_the_main_run(self) -> None:
        assert verdicts({"work": WORK_FIGURES}) == list(promises(WORK_FIGURES))
        assert verdicts({"work": WORK_FIGURES, "connections": 8}) == list(promises(WORK_FIGURES))

    def test_of_a_lone_caller(self) -> None:
        slow = {"kehu": _figures(1.0, 1), "floor": _figures(0.25, 1)}
        found = verdicts({"work": WORK_FIGURES | {"Q2": slow, "W1": slow}, "connections": 1})
        assert found == [
            "holds  Q1   0.80 times the floor's p50 at one connection (at most 1.3)",
            "MISSED Q2   1.60 times the floor's p50 at one connection (at most 1.3)",
        ]

    @pytest.mark.parametrize(("ours", "word"), [(34.0, "holds"), (34.6, "MISSED")])
    def test_of_growth(self, ours: float, word: str) -> None:
        (line,) = verdicts({"growth": {}, "document_us": {"kehu": ours, "floor": 20.0}})
        assert line.startswith(f"{word:<6} Q4   1.7")

    def test_of_memory(self) -> None:
        memory = {"fresh": 80, "after": {"Q1": 90, "Q4": 131, "W1": 95}}
        found = verdicts({"startup_s": 1.9, "memory_mb": memory})
        assert [line.split()[:3] for line in found] == [["holds", "start", "1.90"], ["MISSED", "memory", "131.00"]]
        assert len(verdicts({"startup_s": 1.9, "memory_mb": {"fresh": 80, "after": {}}})) == 1

    def test_of_books(self) -> None:
        def of(cpu_ms: float) -> dict[str, Any]:
            return {"Q1": {"kehu": _figures(cpu_ms, 1), "floor": _figures(1.0, 1)}}

        found = verdicts({"book": {"1000000": of(1.5), "10000": of(1.0), "100000": of(9.0)}, "storage": {}})
        assert found == [
            "holds  Q1   1.25 times the p50 of 10,000 clients with 1,000,000 (at most 1.3)",
            "MISSED Q1   1.50 times the CPU of 10,000 clients with 1,000,000 (at most 1.3)",
        ]
        assert verdicts({"book": {"10000": of(1.0)}}) == []

    def test_of_attributes_beside_the_floor(self) -> None:
        few = {"Q1": {"kehu": _figures(1.0, 1), "floor": _figures(2.0, 1)}}
        many = {"Q1": {"kehu": _figures(2.2, 1), "floor": _figures(4.0, 1)}}
        (line,) = verdicts({"attributes": {"100": few, "2000": many}})
        assert line == (
            "holds  Q1   1.10 times the CPU of 100 further attributes with 2,000, both by the floor's (at most 1.2)"
        )
        assert verdicts({"attributes": {"100": few}}) == []

    def test_of_ordinary_execution(self) -> None:
        figures = {"kehu": _figures(6.0, 1), "tuned": _figures(5.0, 1), "tuned with it": _figures(6.0, 1)}
        found = verdicts({"ordinary": {"Q2": figures}})
        assert found == [
            "MISSED Q2   1.20 times the tuned server's CPU, by ordinary execution (at most 1.1)",
            "       Q2   1.00 times the CPU of: tuned with it",
        ]

    def test_of_a_book_that_changes(self) -> None:
        figures = {"kehu": _figures(1.0, 1600), "mercurius": _figures(2.0, 8), "naive": _figures(4.0, 1000)}
        assert verdicts({"changing": {"Q5": figures}}) == [
            "holds  Q5 200.00 times the requests/s of Mercurius, with 10 changes a second (at least 2)",
            "MISSED Q5   1.60 times the requests/s of plain Strawberry, with 10 changes a second (at least 2)",
        ]

    def test_none_of_what_promises_nothing(self) -> None:
        assert verdicts({"attributes": 2_000, "before": {}}) == []
