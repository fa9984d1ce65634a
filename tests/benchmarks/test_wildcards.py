"""The table of what wildcard indexes cost."""

from benchmarks.wildcards import CHOICES, TRIED, medians, table
from catalogue.attribute import Facet
from catalogue.builtin import builtin_catalogue
from catalogue.rules import definition_problems


class TestTable:
    def test_a_column_a_choice(self) -> None:
        found = table(
            [("0 facets", {"inserts/s": 1234.5, "filter ms": 0.5}), ("4 facets", {"inserts/s": 99, "filter ms": 2})]
        )
        assert found.splitlines() == [
            "|  | 0 facets | 4 facets |",
            "| --- | --- | --- |",
            "| inserts/s | 1,234 | 99 |",
            "| filter ms | 0.5 | 2 |",
        ]


class TestMedians:
    def test_of_each_figure(self) -> None:
        assert medians([{"a": 1.0, "b": 5.0}, {"a": 9.0, "b": 4.0}, {"a": 2.0, "b": 6.0}]) == {"a": 2.0, "b": 5.0}


class TestChoices:
    def test_none_one_and_all(self) -> None:
        assert [len(each) for each in CHOICES] == [0, 1, len(Facet)]

    def test_what_is_filtered_by_may_be_defined_and_has_no_index_of_its_own(self) -> None:
        assert definition_problems(builtin_catalogue(), TRIED) == []
        assert not TRIED.is_sortable
        assert TRIED.path.startswith(f"{CHOICES[1][0]}.")
