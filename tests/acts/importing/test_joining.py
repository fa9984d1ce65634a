"""A second file beside the first."""

from pathlib import Path

import pytest

from acts.importing.errors import ImportRefused
from acts.importing.joining import joined
from acts.importing.mapping import Column, JoinSettings, ReadSettings
from acts.importing.readers import open_source
from acts.importing.source import ABSENT, Source
from tests.acts.importing.conftest import WriteFile


def _joined(path: Path, key: str | None = None) -> Source:
    settings = JoinSettings(file="b.csv", on=Column(name="id"), key=None if key is None else Column(name=key))
    return joined(open_source(path, ReadSettings()), settings, path.parent)


class TestJoined:
    def test_columns_stand_to_the_right_and_rows_without_a_partner_are_counted(self, write_file: WriteFile) -> None:
        write_file("b.csv", "id,price\n1,5\n3,7\n")
        with _joined(write_file("a.csv", "id,name\n1,A\n2,B\n,C\n")) as source:
            assert source.headers == ("id", "name", "join.id", "join.price")
            assert source.own_headers == ("id", "name")
            assert [each.cells for each in source.records] == [
                ["1", "A", "1", "5"],
                ["2", "B", ABSENT, ABSENT],
                ["", "C", ABSENT, ABSENT],
            ]
            assert source.unmatched() == 2

    def test_the_key_may_have_another_name_there(self, write_file: WriteFile) -> None:
        write_file("b.csv", "ticker,price\n1,5\n")
        with _joined(write_file("a.csv", "id\n1\n"), key="ticker") as source:
            assert next(source.records).cells == ["1", "1", "5"]

    def test_a_fault_of_the_first_file_stays_one(self, write_file: WriteFile) -> None:
        write_file("b.csv", "id\n1\n")
        with _joined(write_file("a.csv", "id,name\n1\n")) as source:
            assert "has 1 cells" in next(source.records).fault

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("id,price\n1,5\n1,6\n", 'line 3 of b.csv has the key "1"'),
            ("id,price\n1\n", "line 2 of b.csv"),
            ("symbol,price\n1,2\n", 'takes the column "id"'),
        ],
    )
    def test_a_second_file_that_cannot_be_used_is_refused(self, write_file: WriteFile, text: str, words: str) -> None:
        write_file("b.csv", text)
        with open_source(write_file("a.csv", "id\n1\n"), ReadSettings()) as source:
            settings = JoinSettings(file="b.csv", on=Column(name="id"))
            with pytest.raises(ImportRefused, match=words):
                joined(source, settings, write_file("a.csv", "id\n1\n").parent)

    def test_an_error_of_a_spreadsheet_is_no_key(self, write_file: WriteFile) -> None:
        write_file("b.csv", "id,more\n1,x\n")
        with _joined(write_file("a.csv", "id\n1\n#REF!\n")) as source:
            assert [each.fault for each in source.records] == ["", "[join] id takes a key; got #REF!"]
        write_file("b.csv", "id,more\n#N/A,x\n")
        path = write_file("a.csv", "id\n")
        with (
            open_source(path, ReadSettings()) as source,
            pytest.raises(ImportRefused, match=r"line 2 of b\.csv: the key takes a key; got #N/A"),
        ):
            joined(source, JoinSettings(file="b.csv", on=Column(name="id")), path.parent)

    def test_a_missing_second_file_is_refused(self, write_file: WriteFile) -> None:
        path = write_file("a.csv", "id\n1\n")
        with (
            open_source(path, ReadSettings()) as source,
            pytest.raises(ImportRefused, match=r"There is no file .*b\.csv"),
        ):
            joined(source, JoinSettings(file="b.csv", on=Column(name="id")), path.parent)
