"""Recipes of the map, step by step, against the built-in catalogue."""

from datetime import date
from typing import Any

import pytest

from acts.importing.errors import ImportRefused, Unreadable
from acts.importing.map_file import map_from
from acts.importing.recipes import Compiler
from acts.importing.source import ABSENT, BadCell
from catalogue.builtin import builtin_catalogue

CATALOGUE = builtin_catalogue()


def _read(path: str, recipe: Any, row: dict[str, object], **sections: Any) -> object:
    given = {"client": {"number": "n"}, "proof": {"source": "s"}, "values": {path: recipe}, **sections}
    loaded = map_from(given)
    compiler = Compiler(loaded, tuple(row), CATALOGUE)
    return compiler.value(loaded.values[path], CATALOGUE.get_live(path), f'"{path}"')(list(row.values()), 7)


class TestSources:
    def test_a_column(self) -> None:
        assert _read("profile.name", "Name", {"Name": "  3M "}) == "3M"

    def test_a_constant(self) -> None:
        assert _read("profile.employees", {"constant": 5}, {"x": ""}) == 5

    def test_a_template(self) -> None:
        assert _read("profile.name", {"template": "{a} {b} ({row:03})"}, {"a": "Li", "b": "Na"}) == "Li Na (007)"

    def test_a_template_with_an_empty_piece_says_nothing(self) -> None:
        assert _read("profile.name", {"template": "{a} {b}"}, {"a": "Li", "b": " "}) is ABSENT

    @pytest.mark.parametrize("template", ["{a", "{a:999x}", "{row:q}"])
    def test_a_template_that_cannot_be_used_is_refused(self, template: str) -> None:
        with pytest.raises(ImportRefused, match="takes a template"):
            _read("profile.name", {"template": template}, {"a": "x"})

    @pytest.mark.parametrize("month", ["may", "May", "5", "05", "MAYO"])
    def test_a_date_out_of_parts(self, month: str) -> None:
        recipe = {"date": {"year": 2010, "month": "m", "day": "d"}}
        assert _read("profile.birthday", recipe, {"m": month, "d": "17"}) == date(2010, 5, 17)

    def test_a_date_without_a_part_says_nothing(self) -> None:
        recipe = {"date": {"year": 2010, "month": "m", "day": "d"}}
        assert _read("profile.birthday", recipe, {"m": "", "d": "17"}) is ABSENT

    @pytest.mark.parametrize(("month", "day"), [("feb", "30"), ("xyz", "1"), ("5", "x")])
    def test_a_date_that_is_none_is_refused(self, month: str, day: str) -> None:
        with pytest.raises(Unreadable, match=f'got the text "2010 {month} {day}"'):
            _read("profile.birthday", {"date": {"year": 2010, "month": "m", "day": "d"}}, {"m": month, "d": day})

    def test_items_of_a_list_of_groups(self) -> None:
        items = [
            {"name": "Boss", "position": {"constant": "Chief executive"}, "birthday": "Born"},
            {"name": "Money", "birthday": "Nowhere"},
        ]
        row: dict[str, object] = {"Boss": "Li", "Born": "1970-01-02", "Money": "", "Nowhere": ""}
        assert _read("profile.keyPeople", {"items": items}, row) == [
            {"name": "Li", "position": "Chief executive", "birthday": date(1970, 1, 2)}
        ]

    def test_items_of_something_else_are_refused(self) -> None:
        with pytest.raises(ImportRefused, match="only for a list of groups"):
            _read("profile.name", {"items": [{"name": "a"}]}, {"a": ""})

    def test_an_unknown_key_of_an_item_is_refused(self) -> None:
        with pytest.raises(ImportRefused, match=r'"nmae".*"birthday"'):
            _read("profile.keyPeople", {"items": [{"nmae": "a"}]}, {"a": ""})


class TestNothing:
    @pytest.mark.parametrize("cell", ["", "  ", None, ABSENT])
    def test_an_empty_cell_leaves_the_value(self, cell: object) -> None:
        assert _read("profile.name", "a", {"a": cell}) is ABSENT

    def test_words_of_the_file_mean_nothing(self) -> None:
        assert _read("profile.name", "a", {"a": " NA "}, read={"unset": ["", "NA"]}) is ABSENT

    def test_words_of_the_column_stand_instead_of_those_of_the_file(self) -> None:
        recipe = {"column": "a", "unset": ["-1"]}
        assert _read("profile.employees", recipe, {"a": "-1"}) is ABSENT
        assert _read("profile.name", recipe, {"a": "NA"}, read={"unset": ["NA"]}) == "NA"

    def test_an_empty_cell_may_clear(self) -> None:
        recipe = {"column": "a", "empty": "clear"}
        assert [_read("profile.name", recipe, {"a": cell}) for cell in ("", None)] == [None, None]

    def test_a_cell_that_is_not_there_never_clears(self) -> None:
        assert _read("profile.name", {"column": "a", "empty": "clear"}, {"a": ABSENT}) is ABSENT


class TestSteps:
    @pytest.mark.parametrize(
        ("cell", "part", "value"),
        [
            ("Saint Paul, Minnesota", 1, "Saint Paul"),
            ("Saint Paul, Minnesota", -1, "Minnesota"),
            ("Warmley, Bristol, United Kingdom", 2, "Bristol"),
            ("Singapore", 2, ABSENT),
            ("Singapore", -2, ABSENT),
            ("Saint Paul, ", 2, ABSENT),
        ],
    )
    def test_a_part_of_a_split_text(self, cell: str, part: int, value: object) -> None:
        assert _read("profile.location.city", {"column": "a", "split": ",", "part": part}, {"a": cell}) == value

    def test_a_split_without_a_part_makes_a_list(self) -> None:
        assert _read("profile.tags", {"column": "a", "split": ";"}, {"a": "x; y ;;z"}) == ["x", "y", "z"]

    def test_a_split_without_a_part_is_refused_where_no_list_is_taken(self) -> None:
        with pytest.raises(ImportRefused, match="part together with split"):
            _read("profile.name", {"column": "a", "split": ";"}, {"a": ""})

    def test_a_single_value_of_a_list_attribute_is_a_list_of_one(self) -> None:
        assert _read("profile.tags", "a", {"a": "x"}) == ["x"]

    def test_a_list_of_json_is_taken_as_it_is(self) -> None:
        assert _read("profile.tags", "a", {"a": ["x", "y"]}) == ["x", "y"]

    def test_match_takes_the_first_group_or_everything(self) -> None:
        assert _read("profile.foundedYear", {"column": "a", "match": r"^\d{4}"}, {"a": "2013 (1888)"}) == 2013
        assert _read("profile.foundedYear", {"column": "a", "match": r"\((\d{4})"}, {"a": "2013 (1888)"}) == 1888

    def test_what_does_not_match_is_refused(self) -> None:
        with pytest.raises(Unreadable, match='got the text "old"'):
            _read("profile.foundedYear", {"column": "a", "match": r"^\d{4}"}, {"a": "old"})

    @pytest.mark.parametrize(
        ("otherwise", "value"), [("keep", "x"), ("unset", ABSENT), ({"constant": "other"}, "other")]
    )
    def test_codes_that_are_not_in_the_table(self, otherwise: object, value: object) -> None:
        recipe = {"column": "a", "codes": {"b": "B"}, "otherwise": otherwise}
        assert _read("profile.name", recipe, {"a": "x"}) == value
        assert _read("profile.name", recipe, {"a": "b"}) == "B"

    def test_unknown_codes_are_refused_unless_the_map_says_more(self) -> None:
        with pytest.raises(Unreadable, match='one of the codes "b" of the map; got the text "x"'):
            _read("profile.name", {"column": "a", "codes": "t"}, {"a": "x"}, codes={"t": {"b": "B"}})

    def test_a_code_of_an_empty_text_means_nothing(self) -> None:
        assert _read("profile.name", {"column": "a", "codes": {"b": ""}}, {"a": "b"}) is ABSENT

    def test_a_native_number_is_looked_up_as_text(self) -> None:
        assert _read("profile.name", {"column": "a", "codes": {"7": "seven"}}, {"a": 7.0}) == "seven"


class TestSpreadsheets:
    @pytest.mark.parametrize(
        ("cell", "number"),
        [("1", "Z000001"), ("601", "Z000601"), ("601000", "Z601000"), ("6010001", "Z6010001"), (1.0, "Z000001")],
    )
    def test_zeros_stand_in_front_of_texts_too(self, cell: object, number: str) -> None:
        assert _read("profile.name", {"template": "Z{code:06}"}, {"code": cell}) == number

    def test_other_fillings_stay_as_they_are(self) -> None:
        assert _read("profile.name", {"template": "{code:>4}{code:<4}|{code:x^5}"}, {"code": "1"}) == "11   |xx1xx"

    @pytest.mark.parametrize("word", ["#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!"])
    @pytest.mark.parametrize("recipe", [{"column": "a"}, {"template": "{a}"}, {"column": "a", "empty": "clear"}])
    def test_errors_are_never_no_value(self, word: str, recipe: dict[str, Any]) -> None:
        for cell in (word, f" {word} ", BadCell("holds an error", word)):
            with pytest.raises(Unreadable):
                _read("profile.name", recipe, {"a": cell})

    def test_errors_mean_nothing_where_the_map_says_so(self) -> None:
        recipe = {"column": "a", "unset": ["#N/A"], "empty": "clear"}
        assert _read("profile.name", recipe, {"a": "#N/A"}) is None
        assert _read("profile.name", recipe, {"a": BadCell("holds an error", "#N/A")}) is None
        with pytest.raises(Unreadable, match="the cell holds an error"):
            _read("profile.name", recipe, {"a": BadCell("holds an error", "#REF!")})

    def test_a_template_makes_no_giant(self) -> None:
        with pytest.raises(Unreadable, match=r"more than 131,072 characters"):
            _read("profile.name", {"template": "{a}" * 100}, {"a": "x" * 10_000})

    @pytest.mark.parametrize("template", ["{a:0999999999}", "{a:%}", "{a!r:5}{", "{a.real}", "{}" * 201])
    def test_templates_that_cannot_be_used_refuse_the_map(self, template: str) -> None:
        with pytest.raises(ImportRefused):
            _read("profile.name", {"template": template}, {"a": "x"})

    @pytest.mark.parametrize(("year", "century", "value"), [("52", 1900, 1952), ("52", 2000, 2052), (1952, None, 1952)])
    def test_years_of_two_digits_need_a_century(self, year: object, century: int | None, value: int) -> None:
        parts = {"year": "y", "month": 5, "day": 1} | ({} if century is None else {"century": century})
        assert _read("profile.indexedOn", {"date": parts}, {"y": year}) == date(value, 5, 1)

    @pytest.mark.parametrize("year", ["52", "052", "5", "20522", "x"])
    def test_no_century_is_guessed(self, year: str) -> None:
        with pytest.raises(Unreadable, match="year \\(of four digits\\)"):
            _read("profile.indexedOn", {"date": {"year": "y", "month": 5}}, {"y": year})
