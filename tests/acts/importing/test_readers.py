"""Records out of CSV and JSON Lines, with the faults of single rows."""

from pathlib import Path

import pytest

from acts.importing import readers
from acts.importing.errors import ImportRefused
from acts.importing.mapping import ReadSettings
from acts.importing.readers import open_source
from acts.importing.source import ABSENT, Record
from tests.acts.importing.conftest import WriteFile

PLAIN = ReadSettings()


def _read(path: Path, settings: ReadSettings = PLAIN) -> tuple[tuple[str, ...], list[Record]]:
    with open_source(path, settings) as source:
        return source.headers, list(source.records)


class TestOpenSource:
    def test_an_unknown_ending_is_refused(self, write_file: WriteFile) -> None:
        with pytest.raises(ImportRefused, match=r'ends in "\.dat"'):
            _read(write_file("a.dat", "x\n1\n"))

    def test_the_map_may_say_the_format(self, write_file: WriteFile) -> None:
        assert _read(write_file("a.dat", "x\n1\n"), ReadSettings(format="csv"))[0] == ("x",)

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ImportRefused, match="There is no file"):
            _read(tmp_path / "none.csv")

    def test_an_unknown_encoding_is_refused(self, write_file: WriteFile) -> None:
        with pytest.raises(ImportRefused, match='got "klingon"'):
            _read(write_file("a.csv", "x\n"), ReadSettings(encoding="klingon"))

    def test_the_position_reaches_the_total(self, write_file: WriteFile) -> None:
        path = write_file("a.csv", "x\n" + "1\n" * 1000)
        with open_source(path, PLAIN) as source:
            assert sum(1 for _ in source.records) == 1000
            assert source.position() == source.total == path.stat().st_size


class TestTables:
    def test_the_first_line_of_excel_says_the_delimiter(self, write_file: WriteFile) -> None:
        for first in ("sep=;\n", '"sep=;"\r\n'):
            found = _read(write_file("a.csv", f"{first}no;a,b\n1;x\n"))
            assert found == (("no", "a,b"), [Record(3, ["1", "x"])])

    def test_the_map_says_where_the_table_begins_and_ends(self, write_file: WriteFile) -> None:
        path = write_file("a.csv", "Client list;\n;\nno;name\nS1;Amsel\nS2;Star\nTotal;2\nS3;x\n")
        expected = [Record(4, ["S1", "Amsel"]), Record(5, ["S2", "Star"])]
        for end in ("Total", 5):
            assert _read(path, ReadSettings(header=3, end=end)) == (("no", "name"), expected)

    def test_lines_of_separators_alone_are_empty(self, write_file: WriteFile) -> None:
        assert _read(write_file("a.csv", "a,b\n1,2\n,\n,\n"))[1] == [Record(2, ["1", "2"])]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf_16_is_seen_by_its_mark(self, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "a.csv"
        mark = "" if encoding == "utf-16" else "\ufeff"
        path.write_bytes(f"{mark}no\tname\nS1\t漢\n".encode(encoding))
        assert _read(path) == (("no", "name"), [Record(2, ["S1", "漢"])])

    def test_a_row_of_quotes_that_never_end_is_refused(
        self, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readers, "LINE_LIMIT", 1_000)
        lines = "".join(f'"{"x" * 100}\n",' for _ in range(20))
        with pytest.raises(ImportRefused, match="A row of the file has more than 1,000 characters"):
            _read(write_file("a.csv", f"a\n{lines}1\n"))

    def test_a_long_name_is_refused(self, write_file: WriteFile) -> None:
        with pytest.raises(ImportRefused, match="a column whose name has 1,001 characters"):
            _read(write_file("a.csv", f"{'x' * 1_001}\n1\n"))

    def test_a_header_of_formats_that_name_their_columns_is_refused(self, write_file: WriteFile) -> None:
        with pytest.raises(ImportRefused, match="header is for CSV and Excel"):
            _read(write_file("a.jsonl", '{"a": 1}\n'), ReadSettings(header=2))

    def test_a_long_cell_is_a_fault_of_its_row(self, write_file: WriteFile) -> None:
        lines = "".join(f'{{"a": "{"x" * size}"}}\n' for size in (131_072, 131_073))
        assert [each.fault for each in _read(write_file("a.jsonl", lines))[1]] == [
            "",
            "a cell has 131,073 characters; 131,072 are the most",
        ]


class TestCsv:
    def test_lines_are_counted_as_an_editor_counts_them(self, write_file: WriteFile) -> None:
        headers, records = _read(write_file("a.csv", 'a,b\r\n1,"two\r\nlines"\r\n\r\n3,4\r\n'))
        assert headers == ("a", "b")
        assert records == [Record(2, ["1", "two\r\nlines"]), Record(5, ["3", "4"])]

    @pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
    def test_the_delimiter_is_seen_in_the_header(self, write_file: WriteFile, delimiter: str) -> None:
        text = f'"a,1;x"{delimiter}b{delimiter}c\n1{delimiter}2{delimiter}3\n'
        assert _read(write_file("a.csv", text)) == (("a,1;x", "b", "c"), [Record(2, ["1", "2", "3"])])

    def test_the_map_may_say_the_delimiter(self, write_file: WriteFile) -> None:
        headers, _ = _read(write_file("a.csv", "a,b;c\n"), ReadSettings(delimiter=";"))
        assert headers == ("a,b", "c")

    def test_a_byte_order_mark_is_no_part_of_the_first_header(self, write_file: WriteFile) -> None:
        assert _read(write_file("a.csv", "\ufeffa,b\n"))[0] == ("a", "b")

    def test_another_encoding_is_read_if_the_map_says_so(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes("名称\n中国银行\n".encode("gb18030"))
        assert _read(path, ReadSettings(encoding="gb18030")) == (("名称",), [Record(2, ["中国银行"])])

    def test_bytes_that_do_not_decode_refuse_their_row_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(b"a,b\n1,\xe9\n2,ok\n")
        bad, good = _read(path)[1]
        assert "bytes that are not utf-8-sig" in bad.fault
        assert good == Record(3, ["2", "ok"])

    def test_a_row_of_another_width_is_a_fault(self, write_file: WriteFile) -> None:
        records = _read(write_file("a.csv", "a,b\n1\n1,2,3\n1,2\n"))[1]
        assert [each.fault[:19] for each in records] == ["the line has 1 cell", "the line has 3 cell", ""]

    def test_an_open_quote_is_a_fault(self, write_file: WriteFile) -> None:
        records = _read(write_file("a.csv", 'a,b\n1,2\n3,"4\n'))[1]
        assert [bool(each.fault) for each in records] == [False, True]
        assert "not well-formed CSV" in records[1].fault

    @pytest.mark.parametrize("text", ["", "\n1,2\n"])
    def test_no_header_is_refused(self, write_file: WriteFile, text: str) -> None:
        with pytest.raises(ImportRefused, match="has no header"):
            _read(write_file("a.csv", text))


class TestJsonLines:
    def test_nested_objects_become_dotted_columns(self, write_file: WriteFile) -> None:
        text = '{"a": 1, "b": {"c": "x", "d": [1, 2]}}\n\n{"a": null}\n'
        headers, records = _read(write_file("a.jsonl", text))
        assert headers == ("a", "b.c", "b.d")
        assert records == [Record(1, [1, "x", [1, 2]]), Record(3, [None, ABSENT, ABSENT])]

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ('{"a": 1', "not well-formed JSON"),
            ("[1]", "no object"),
            ('{"a": 1, "a": 2}', '"a" more than once'),
            ('{"a": NaN}', "NaN is no JSON number"),
        ],
    )
    def test_a_bad_line_is_a_fault(self, write_file: WriteFile, line: str, words: str) -> None:
        records = _read(write_file("a.jsonl", f'{{"a": 0}}\n{line}\n{{"a": 3}}\n'))[1]
        assert words in records[1].fault
        assert [records[0].cells, records[2].cells] == [[0], [3]]

    def test_a_file_without_an_object_is_refused(self, write_file: WriteFile) -> None:
        with pytest.raises(ImportRefused, match="no rows that can be read"):
            _read(write_file("a.jsonl", "hello\n"))


class TestHostile:
    def test_a_line_of_no_end_and_columns_without_number_are_refused(
        self, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readers, "LINE_LIMIT", 20)
        monkeypatch.setattr(readers, "COLUMNS_LIMIT", 3)
        with (
            pytest.raises(ImportRefused, match="Line 2 of the file has more than 20"),
            open_source(write_file("a.csv", "a,b\n" + "x" * 30), ReadSettings()) as source,
        ):
            list(source.records)
        for name, text in (("b.csv", "a,b,c,d\n"), ("b.jsonl", '{"a":1,"b":2}\n{"c":1,"d":2}\n')):
            with pytest.raises(ImportRefused, match="more than 3 columns"):
                open_source(write_file(name, text), ReadSettings())

    def test_encodings_of_no_text_and_halves_of_characters_say_so(self, write_file: WriteFile) -> None:
        with pytest.raises(ImportRefused, match="encoding takes"):
            open_source(write_file("a.csv", "a\n"), ReadSettings(encoding="zip"))
        with open_source(write_file("a.jsonl", '{"a": "\\ud800"}\n{"a": "b"}\n'), ReadSettings()) as source:
            assert [record.fault for record in source.records] == [
                "the line is not well-formed JSON: it holds half of a character",
                "",
            ]

    def test_a_quotation_mark_before_a_formula_is_taken_off(self, write_file: WriteFile) -> None:
        with open_source(write_file("a.csv", "a,b\n'=1,'plain'\n"), ReadSettings()) as source:
            assert [record.cells for record in source.records] == [["=1", "'plain'"]]
