"""Medians of slices."""

from dataclasses import replace

from benchmarks.load import Slice
from benchmarks.rounds import line_of, medians

SLICE = Slice(1.0, 100.0, 2.0, 9.0, 0.5, 90.0, 300.0, 200, 0, 0.1)


class TestMedians:
    def test_the_middle_value_and_the_sum_of_errors(self) -> None:
        found = medians([replace(SLICE, cpu_ms=5.0, errors=1), SLICE, replace(SLICE, cpu_ms=2.0, errors=2)])
        assert found["cpu_ms"] == 2.0
        assert found["errors"] == 3
        assert found["cpu_ms_rounds"] == [5.0, 1.0, 2.0]
        assert found["p50_ms_rounds"] == [2.0, 2.0, 2.0]


class TestLineOf:
    def test_errors_are_shouted(self) -> None:
        assert "3 ERRORS" in line_of("Q1", 0, "kehu", replace(SLICE, errors=3))
        assert "ERRORS" not in line_of("Q1", 0, "kehu", SLICE)
