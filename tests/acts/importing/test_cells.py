"""Cells of every kind, as texts and as native values of a workbook."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from acts.importing.cells import converter_for, text_from
from acts.importing.errors import ImportRefused, Unreadable
from acts.importing.mapping import Column, Recipe
from acts.importing.source import ShownNumber
from catalogue.kinds import Kind, parse_value


def _convert(kind: Kind, cell: object, **steps: Any) -> object:
    return converter_for(kind, Recipe(column=Column(name="x"), **steps))(cell)


class TestNumbers:
    @pytest.mark.parametrize(
        ("kind", "cell", "steps", "value"),
        [
            (Kind.LONG, "42", {}, 42),
            (Kind.LONG, "-9223372036854775808", {}, -(2**63)),
            (Kind.LONG, "12.0", {}, 12),
            (Kind.LONG, "1,234,567", {"thousands": ","}, 1_234_567),
            (Kind.LONG, 5.0, {}, 5),
            (Kind.NUMBER, "1.5", {}, 1.5),
            (Kind.NUMBER, "1.234,5", {"thousands": ".", "decimal": ","}, 1234.5),
            (Kind.NUMBER, "12.5 %", {"percent": True}, 12.5),
            (Kind.NUMBER, "12.5%", {"percent": True, "scale": 0.01}, 0.125),
            (Kind.NUMBER, "$1,000", {"strip": "$", "thousands": ","}, 1000.0),
            (Kind.NUMBER, "17.5", {"scale": 0.01}, 0.175),
            (Kind.NUMBER, 3, {}, 3),
            (Kind.DECIMAL, "0.10", {}, Decimal("0.10")),
            (Kind.DECIMAL, 0.1, {}, Decimal("0.1")),
            (Kind.DECIMAL, "3", {"scale": 1000000}, Decimal("3000000.0")),
        ],
    )
    def test_a_number_is_read(self, kind: Kind, cell: object, steps: dict[str, Any], value: object) -> None:
        found = _convert(kind, cell, **steps)
        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize("kind", [Kind.LONG, Kind.NUMBER, Kind.DECIMAL])
    @pytest.mark.parametrize("cell", ["12m", "1_000", "1,000", "", "--1", True, "0x10"])
    def test_anything_else_is_refused(self, kind: Kind, cell: object) -> None:
        with pytest.raises(Unreadable, match=r"takes a .*number.*; got"):
            _convert(kind, cell)

    @pytest.mark.parametrize("kind", [Kind.LONG, Kind.NUMBER, Kind.DECIMAL])
    @pytest.mark.parametrize("cell", ["１２", "٣", "३", "1２"])
    def test_digits_of_other_scripts_are_refused(self, kind: Kind, cell: str) -> None:
        with pytest.raises(Unreadable, match="in the digits 0 to 9"):
            _convert(kind, cell)

    @pytest.mark.parametrize("kind", [Kind.LONG, Kind.NUMBER, Kind.DECIMAL])
    @pytest.mark.parametrize("scale", [None, 1_000_000, 0.01])
    @pytest.mark.parametrize("cell", ["1e999999", "-1e999999", "1e99999999999999999999", "sNaN", "9" * 5_000])
    def test_no_number_is_too_large_to_be_refused(self, kind: Kind, cell: str, scale: float | None) -> None:
        # Refused here, or looked at once more by the catalogue, which refuses it.
        with pytest.raises(ValueError):
            parse_value(kind, _convert(kind, cell, scale=scale))

    @pytest.mark.parametrize(
        ("cell", "steps", "value"),
        [
            ("72.5%", {}, 72.5),
            (ShownNumber(0.725, "72.5%", is_percent=True), {}, 72.5),
            (ShownNumber(0.655, "65.5%", is_percent=True), {"scale": 0.01}, 0.655),
            (ShownNumber(1, "100%", is_percent=True), {}, 100.0),
        ],
    )
    def test_percentages_have_one_scale(self, cell: object, steps: dict[str, Any], value: float) -> None:
        assert _convert(Kind.NUMBER, cell, percent=True, **steps) == value

    @pytest.mark.parametrize("cell", ["0.655", "72.5", 0.655, 72, ShownNumber(5, "005")])
    def test_what_is_no_percentage_is_refused_beside_some(self, cell: object) -> None:
        with pytest.raises(Unreadable, match="with a % sign"):
            _convert(Kind.NUMBER, cell, percent=True)

    def test_a_percentage_that_the_map_does_not_speak_of_is_its_fraction(self) -> None:
        assert _convert(Kind.NUMBER, ShownNumber(0.725, "72.5%", is_percent=True)) == 0.725
        with pytest.raises(Unreadable):
            _convert(Kind.NUMBER, "72.5%")

    def test_a_shown_number_is_a_number_to_numbers_and_a_text_to_texts(self) -> None:
        assert _convert(Kind.LONG, ShownNumber(123, "00123")) == 123
        assert _convert(Kind.STRING, ShownNumber(123, "00123")) == "00123"

    @pytest.mark.parametrize("kind", [Kind.STRING, Kind.LONG, Kind.DECIMAL])
    def test_a_number_of_which_digits_are_lost_is_refused(self, kind: Kind) -> None:
        with pytest.raises(Unreadable, match="format the column as text"):
            _convert(kind, 9.13101e17)

    @pytest.mark.parametrize("cell", ["1.5", "nan", "1e400", "1e3", "1E6", "1.0e1", 1.5])
    def test_a_long_is_whole(self, cell: object) -> None:
        with pytest.raises(Unreadable, match="takes a whole number"):
            _convert(Kind.LONG, cell)


class TestBooleans:
    @pytest.mark.parametrize(("cell", "value"), [("Yes", True), ("no", False), ("T", True), ("0", False), (True, True)])
    def test_common_words_are_known(self, cell: object, value: bool) -> None:
        assert _convert(Kind.BOOLEAN, cell) is value

    def test_the_map_may_say_the_words(self) -> None:
        words: dict[str, Any] = {"true": ("是",), "false": ("否",)}
        assert _convert(Kind.BOOLEAN, "是", **words) is True
        with pytest.raises(Unreadable, match="是, 否"):
            _convert(Kind.BOOLEAN, "yes", **words)


class TestDates:
    @pytest.mark.parametrize(
        ("cell", "steps"),
        [
            ("2026-11-23", {}),
            ("23.11.2026", {"format": "%d.%m.%Y"}),
            ("11/23/2026", {"format": ("%d.%m.%Y", "%m/%d/%Y")}),
            (date(2026, 11, 23), {}),
            (datetime(2026, 11, 23), {}),  # noqa: DTZ001 what a workbook gives
        ],
    )
    def test_a_date_is_read(self, cell: object, steps: dict[str, Any]) -> None:
        assert _convert(Kind.DATE, cell, **steps) == date(2026, 11, 23)

    @pytest.mark.parametrize(
        ("cell", "steps", "words"),
        [
            ("23.11.2026", {}, "say format in the map"),
            ("2026-02-30", {"format": "%Y-%m-%d"}, "takes a date as %Y-%m-%d"),
            (datetime(2026, 11, 23, 1), {}, "without a time"),  # noqa: DTZ001 what a workbook gives
            (5, {}, "takes a date"),
            (46_387, {}, "it may be 2026-12-31 as a spreadsheet counts days"),
            ("46387", {}, "it may be 2026-12-31 as a spreadsheet counts days"),
            (46_387.5, {"format": "serial"}, "without a time"),
            (60, {"format": "serial"}, "from 61"),
            ("1e5", {"format": "serial"}, "takes a date as serial"),
        ],
    )
    def test_anything_else_is_refused(self, cell: object, steps: dict[str, Any], words: str) -> None:
        with pytest.raises(Unreadable, match=words):
            _convert(Kind.DATE, cell, **steps)

    @pytest.mark.parametrize("cell", [46_387, 46_387.0, "46387", "31.12.2026", date(2026, 12, 31)])
    def test_numbers_of_days_stand_beside_other_dates_where_the_map_says_so(self, cell: object) -> None:
        assert _convert(Kind.DATE, cell, format=("%d.%m.%Y", "serial")) == date(2026, 12, 31)

    @pytest.mark.parametrize("form", ["%d%d", "%", "%Q", "%d.%m.%Y %d", "%G-%V", "%z%z", "%Y-%m-%d %j %j", "%d" * 40])
    def test_a_format_that_cannot_be_used_refuses_the_map(self, form: str) -> None:
        with pytest.raises(ImportRefused, match="with each part once"):
            _convert(Kind.DATE, "1", format=form)

    @pytest.mark.parametrize(
        ("cell", "century", "year"), [("01.02.52", 1900, 1952), ("01.02.52", 2000, 2052), ("01.02.99", 2000, 2099)]
    )
    def test_a_year_of_two_digits_is_of_the_century_that_the_map_names(
        self, cell: str, century: int, year: int
    ) -> None:
        assert _convert(Kind.DATE, cell, format="%d.%m.%y", century=century) == date(year, 2, 1)

    def test_no_century_is_guessed(self) -> None:
        with pytest.raises(ImportRefused, match="years of two digits"):
            _convert(Kind.DATE, "01.02.52", format="%d.%m.%y")
        with pytest.raises(Unreadable, match="takes a date"):
            _convert(Kind.DATE, "29.02.00", format="%d.%m.%y", century=1900)


class TestMoments:
    def test_a_moment_with_its_zone_is_read(self) -> None:
        assert _convert(Kind.DATETIME, "2026-11-23T18:00:00Z") == datetime(2026, 11, 23, 18, tzinfo=UTC)

    def test_the_map_may_say_the_zone(self) -> None:
        steps = {"format": "%Y-%m-%d %H:%M", "zone": "Asia/Shanghai"}
        expected = datetime(2026, 11, 23, 18, tzinfo=ZoneInfo("Asia/Shanghai"))
        assert _convert(Kind.DATETIME, "2026-11-23 18:00", **steps) == expected

    @pytest.mark.parametrize(
        ("cell", "steps", "words"),
        [
            ("2026-11-23T18:00:00", {}, "say zone in the map"),
            ("tomorrow", {}, "say format in the map"),
            ("tomorrow", {"format": "%Y"}, "takes a date as %Y"),
            (7, {}, "takes a moment"),
        ],
    )
    def test_anything_else_is_refused(self, cell: object, steps: dict[str, Any], words: str) -> None:
        with pytest.raises(Unreadable, match=words):
            _convert(Kind.DATETIME, cell, **steps)

    def test_a_zone_that_does_not_exist_refuses_the_map(self) -> None:
        with pytest.raises(ImportRefused, match='got "Mars/Olympus"'):
            _convert(Kind.DATETIME, "x", zone="Mars/Olympus")


class TestTextFrom:
    @pytest.mark.parametrize(
        ("cell", "text"),
        [
            ("a", "a"),
            (66740.0, "66740"),
            (1.5, "1.5"),
            (7, "7"),
            (date(2026, 1, 2), "2026-01-02"),
            (time(8), "08:00:00"),
        ],
    )
    def test_native_values_become_what_people_type(self, cell: object, text: str) -> None:
        assert text_from(cell) == text

    @pytest.mark.parametrize("cell", [True, ["a"], {"a": 1}])
    def test_what_is_no_text_is_refused(self, cell: object) -> None:
        with pytest.raises(Unreadable, match="takes a text"):
            text_from(cell)
