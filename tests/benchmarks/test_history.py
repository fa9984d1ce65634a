"""The figures of the history."""

from benchmarks.__main__ import arguments
from benchmarks.history import ratio_of


class TestRatioOf:
    def test_of_the_medians(self) -> None:
        assert ratio_of([2.0, 1.0, 9.0], [30.0, 5.0, 6.0]) == {"present_ms": 2.0, "as_of_ms": 6.0, "ratio": 3.0}


def test_is_chosen_by_name() -> None:
    assert arguments(["--history"]).history
    assert not arguments([]).history
