"""Parquet and Excel as records with native values."""

from datetime import date
from pathlib import Path

import polars
import pytest
import xlsxwriter

from acts.importing import tabular
from acts.importing.errors import ImportRefused
from acts.importing.mapping import ReadSettings
from acts.importing.readers import open_source
from acts.importing.source import Record, Source

PLAIN = ReadSettings()


def _workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, date):
                        sheet.write_datetime(number, place, cell, day)
                    elif cell is not None:
                        sheet.write(number, place, cell)
    return path


def _read(source: Source) -> tuple[tuple[str, ...], list[Record]]:
    with source:
        return source.headers, list(source.records)


class TestOpenParquet:
    def test_batches_follow_one_another(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tabular, "BATCH_ROWS", 2)
        path = tmp_path / "a.parquet"
        polars.DataFrame({"n": [1, 2, 3], "d": [date(2026, 1, 1), None, date(2026, 1, 3)]}).write_parquet(path)
        source = open_source(path, PLAIN)
        assert (source.total, source.unit) == (3, "rows")
        headers, records = _read(source)
        assert headers == ("n", "d")
        assert records == [Record(1, (1, date(2026, 1, 1))), Record(2, (2, None)), Record(3, (3, date(2026, 1, 3)))]
        assert source.position() == 3

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        path.write_text("no parquet")
        with pytest.raises(ImportRefused, match="cannot be read as Parquet"):
            open_source(path, PLAIN)


class TestOpenExcel:
    def test_headers_that_stand_twice_stay_as_they_are(self, tmp_path: Path) -> None:
        rows: list[list[object]] = [["day", "name", "day"], [5, "A", "yes"], [None, None, None], [6, "B", "no"]]
        headers, records = _read(open_source(_workbook(tmp_path / "a.xlsx", {"S": rows}), PLAIN))
        assert headers == ("day", "name", "day")
        assert [(each.line, each.cells) for each in records] == [(2, [5, "A", "yes"]), (4, [6, "B", "no"])]

    def test_a_text_far_below_numbers_is_not_lost(self, tmp_path: Path) -> None:
        numbers: list[list[object]] = [[number] for number in range(1500)]
        rows: list[list[object]] = [["code"], *numbers, ["A-1"]]
        _, records = _read(open_source(_workbook(tmp_path / "a.xlsx", {"S": rows}), PLAIN))
        assert len(records) == 1501
        assert records[-1].cells == ["A-1"]

    def test_dates_stay_dates(self, tmp_path: Path) -> None:
        rows: list[list[object]] = [["on"], [date(2026, 11, 23)]]
        _, records = _read(open_source(_workbook(tmp_path / "a.xlsx", {"S": rows}), PLAIN))
        assert str(records[0].cells[0]).startswith("2026-11-23")

    def test_a_sheet_is_chosen_by_name_or_number(self, tmp_path: Path) -> None:
        path = _workbook(tmp_path / "a.xlsx", {"One": [["a"], [1]], "Two": [["b"], [2]]})
        assert _read(open_source(path, ReadSettings(sheet="Two")))[0] == ("b",)
        assert _read(open_source(path, ReadSettings(sheet=2)))[0] == ("b",)
        assert _read(open_source(path, PLAIN))[0] == ("a",)

    def test_a_missing_sheet_is_refused_with_those_that_are_there(self, tmp_path: Path) -> None:
        path = _workbook(tmp_path / "a.xlsx", {"One": [["a"], [1]]})
        with pytest.raises(ImportRefused, match='its sheets are "One"'):
            open_source(path, ReadSettings(sheet="Three"))

    def test_an_empty_sheet_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ImportRefused, match="has no header"):
            open_source(_workbook(tmp_path / "a.xlsx", {"One": []}), PLAIN)

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.xlsx"
        path.write_text("no workbook")
        with pytest.raises(ImportRefused, match="cannot be read as a workbook"):
            open_source(path, PLAIN)
