"""Words of errors."""

import pytest

from catalogue.errors import number_words, shown


class TestNumberWords:
    @pytest.mark.parametrize(
        ("number", "words"),
        [
            (1.0, "1"), (-0.0, "0"), (0.8, "0.8"), (2_500_000.0, "2500000"), (1_234_567.25, "1234567.25"),
            (-3.0, "-3"), (1e15, "1000000000000000"), (1e16, "1e+16"), (1e-07, "1e-07"), (float("inf"), "inf"),
        ],
    )  # fmt: skip
    def test_as_people_write_them(self, number: float, words: str) -> None:
        assert number_words(number) == words


class TestShown:
    @pytest.mark.parametrize(
        ("given", "words"),
        [(640.0, "640"), (7, "7"), (True, "True"), (None, "null"), ("640.0", 'the text "640.0"'), ([1.0], "[1.0]")],
    )
    def test_by_kind(self, given: object, words: str) -> None:
        assert shown(given) == words
