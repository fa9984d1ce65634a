"""Names of columns, told apart where a header stands twice."""

import pytest

from acts.importing.columns import MissingColumn, columns_of, index_of, lacks_column
from acts.importing.errors import ImportRefused
from acts.importing.mapping import Column, DateParts, Recipe

HEADERS = ("age", "day", "month", "day")


def _index(name: str, occurrence: int | None = None, headers: tuple[str, ...] = HEADERS) -> int:
    return index_of(Column(name=name, occurrence=occurrence), headers, '"profile.age"')


class TestIndexOf:
    def test_a_name_that_stands_once_is_found(self) -> None:
        assert _index("month") == 2

    def test_a_name_that_stands_twice_is_refused_with_its_positions(self) -> None:
        with pytest.raises(ImportRefused, match='"day", but the file names it twice, at positions 2 and 4') as caught:
            _index("day")
        assert '"day#2"' in caught.value.message

    def test_an_occurrence_says_which(self) -> None:
        assert (_index("day", 1), _index("day", 2)) == (1, 3)

    def test_a_number_sign_says_which(self) -> None:
        assert (_index("day#1"), _index("day#2")) == (1, 3)

    def test_a_header_that_holds_a_number_sign_is_meant_first(self) -> None:
        assert _index("day#2", headers=("day", "day", "day#2")) == 2

    def test_an_occurrence_too_many_is_refused(self) -> None:
        with pytest.raises(MissingColumn, match="number 3, but the file names it twice"):
            _index("day#3")

    def test_a_missing_name_is_refused_with_the_nearest_one(self) -> None:
        with pytest.raises(MissingColumn, match='Did you mean "month"') as caught:
            _index("mnth")
        assert '"age"' in caught.value.message


class TestColumnsOf:
    def test_every_source_counts(self) -> None:
        parts = DateParts(year=2010, month=Column(name="m"), day=Column(name="d"))
        assert columns_of(Recipe(date=parts)) == (Column(name="m"), Column(name="d"))
        assert columns_of(Recipe(template="{a}-{row}-{b:>3}")) == (Column(name="a"), Column(name="b"))
        assert columns_of(Recipe(items=({"name": Recipe(column=Column(name="x"))},))) == (Column(name="x"),)


class TestLacksColumn:
    def test_a_missing_column_is_lacking_and_a_double_one_is_a_mistake(self) -> None:
        assert lacks_column(Recipe(column=Column(name="nowhere")), HEADERS)
        assert not lacks_column(Recipe(column=Column(name="age")), HEADERS)
        with pytest.raises(ImportRefused):
            lacks_column(Recipe(column=Column(name="day")), HEADERS)
