"""The file of refused rows: it can be mended and imported with the same map."""

import csv
from pathlib import Path

import pytest

from acts.importing.errors import ImportRefused
from acts.importing.mapping import ReadSettings
from acts.importing.readers import open_source
from acts.importing.reading import FileFacts
from acts.importing.refused_file import RefusedFile, report_of
from acts.importing.rows import Refusal, RefusedRow
from acts.importing.source import Record, Source
from tests.acts.importing.conftest import WriteFile

PLAIN = ReadSettings()


def _facts(source: Source) -> FileFacts:
    return FileFacts(source.own_headers, source.total, source.unit, source.line_word, (), ())


def _refused(path: Path, target: Path, *rows: RefusedRow) -> list[list[str]]:
    with open_source(path, PLAIN) as source, RefusedFile(target, _facts(source), PLAIN) as file:
        for row in rows:
            file.write(row)
    with target.open(encoding="utf-8", newline="") as text:
        return list(csv.reader(text))


class TestRefusedFile:
    def test_the_original_columns_stand_behind_row_and_problem(self, write_file: WriteFile, tmp_path: Path) -> None:
        path = write_file("a.csv", "day,name,day\n")
        row = RefusedRow(Record(9, ["5", "", "x"]), 8, (Refusal("day#2", "is wrong"), Refusal("", "also wrong")))
        assert _refused(path, tmp_path / "r.csv", row) == [
            ["kehu_row", "kehu_problem", "day", "name", "day"],
            ["8", 'line 9: column "day#2": is wrong; also wrong', "5", "", "x"],
        ]

    def test_columns_of_a_file_of_refused_rows_do_not_pile_up(self, write_file: WriteFile, tmp_path: Path) -> None:
        path = write_file("a.csv", "kehu_row,kehu_problem,name\n")
        row = RefusedRow(Record(2, ["8", "old", "Li"]), 8, (Refusal("name", "new"),))
        written = _refused(path, tmp_path / "r.csv", row)
        assert written == [["kehu_row", "kehu_problem", "name"], ["8", 'line 2: column "name": new', "Li"]]

    def test_bytes_that_did_not_decode_are_written_back(self, write_file: WriteFile, tmp_path: Path) -> None:
        path, target = write_file("a.csv", "name\n"), tmp_path / "r.csv"
        row = RefusedRow(Record(2, [b"caf\xe9".decode("utf-8", "surrogateescape")]), 1, (Refusal("", "bytes"),))
        with open_source(path, PLAIN) as source, RefusedFile(target, _facts(source), PLAIN) as file:
            file.write(row)
        assert b"caf\xe9" in target.read_bytes()

    def test_a_place_that_cannot_be_written_is_refused(self, write_file: WriteFile, tmp_path: Path) -> None:
        with (
            open_source(write_file("a.csv", "name\n"), PLAIN) as source,
            pytest.raises(ImportRefused, match="cannot be"),
        ):
            RefusedFile(tmp_path / "nowhere" / "r.csv", _facts(source), PLAIN)


class TestReportOf:
    def test_line_column_and_reason_stand_in_one_sentence(self) -> None:
        row = RefusedRow(Record(12, []), 11, (Refusal("Founded", "takes a year"),))
        assert report_of(row, "line") == 'line 12: column "Founded": takes a year'
