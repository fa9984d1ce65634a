"""Texts that a spreadsheet would run, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts.formula_cells import neutral, neutral_cell, whole


@given(st.text(alphabet="=+-@'\t\r\n＝a1 ", max_size=6))
def test_whole_is_the_inverse_for_every_text(text: str) -> None:
    assert whole(neutral(text)) == text
    assert neutral(text)[:1] not in tuple("=+-@\t\r\n＝")


@pytest.mark.parametrize("text", ["-5", "+41.5", "-1,000.50", "+3%"])
def test_a_number_of_no_known_kind_stays_one(text: str) -> None:
    assert neutral_cell(text) == text
    assert whole(text) == text


@pytest.mark.parametrize("text", ["plain", "'plain'", "' =x", ""])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert neutral(text) == whole(text) == text
