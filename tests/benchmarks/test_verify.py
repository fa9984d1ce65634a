"""Where two answers differ."""

from benchmarks.verify import first_difference


class TestFirstDifference:
    def test_nothing_for_equal_answers(self) -> None:
        assert first_difference({"a": [1]}, {"a": [1]}) == []

    def test_the_way_to_the_value(self) -> None:
        wanted, got = {"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}
        assert "".join(first_difference(wanted, got)) == ".a[1].b: 2 against 3"

    def test_other_keys(self) -> None:
        assert first_difference({"a": 1}, {"b": 1}) == [': {"a": 1} against {"b": 1}']
