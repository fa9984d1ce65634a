"""Cells of workbooks: what they hold, what they show, and what is no value."""

from datetime import date, datetime, time
from pathlib import Path

import pytest

from acts.importing.errors import ImportRefused
from acts.importing.mapping import ReadSettings
from acts.importing.number_formats import format_from
from acts.importing.source import BadCell, ShownNumber
from acts.importing.workbook import open_workbook
from tests.acts.importing.workbooks import SHEET, cell, sheet, styles, two_archives, write_book


def _cells(path: Path, settings: ReadSettings | None = None) -> list[list[object]]:
    with open_workbook(path, settings or ReadSettings()) as source:
        return [list(record.cells) for record in source.records]


def _one(tmp_path: Path, text: str, *codes: str, **parts: str) -> object:
    more = {"xl/styles.xml": styles(*codes)} | {f"xl/{name}.xml": part for name, part in parts.items()}
    return _cells(write_book(tmp_path / "a.xlsx", sheet([[cell("a")], [text]]), more))[0][0]


class TestCells:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (cell(5), 5),
            (cell(5.5), 5.5),
            (cell("1E3", kind="n"), 1000),
            (cell(1, kind="b"), True),
            (cell("2026-01-02", kind="d"), date(2026, 1, 2)),
            (cell("2026-01-02T03:04:05", kind="d"), datetime(2026, 1, 2, 3, 4, 5)),  # noqa: DTZ001 as it stands there
            (cell("words", kind="str"), "words"),
            (cell("a_x000D_b"), "a\rb"),
            ('<c r="@" t="inlineStr"><is><r><t>ri</t></r><r><t>ch</t></r><rPh><t>spoken</t></rPh></is></c>', "rich"),
            (cell("'=1+1"), "=1+1"),
        ],
    )
    def test_a_value(self, tmp_path: Path, text: str, value: object) -> None:
        found = _one(tmp_path, text)
        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize("word", "#REF! #N/A #VALUE! #DIV/0! #NAME? #NUM! #NULL! #SPILL!".split())
    def test_an_error_is_no_value(self, tmp_path: Path, word: str) -> None:
        found = _one(tmp_path, cell(word, kind="e"))
        assert found == BadCell(f"holds the error {word} of the spreadsheet", word)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('<c r="@"><f>A1+1</f></c>', "formula without a result"),
            ('<c r="@"><f>A1</f><v></v></c>', "formula without a result"),
            (cell("NaN", kind="n"), "a number that is none"),
            (cell(99, kind="s"), "shared text number 99"),
            (cell("2026-02-30", kind="d"), "a date that is none"),
        ],
    )
    def test_what_is_not_empty_and_no_value(self, tmp_path: Path, text: str, words: str) -> None:
        found = _one(tmp_path, text)
        assert isinstance(found, BadCell)
        assert words in found.reason

    def test_a_formula_whose_result_is_an_empty_text_is_empty(self, tmp_path: Path) -> None:
        rows = [[cell("a"), cell("b")], ['<c r="@" t="str"><f>A1</f><v></v></c>', cell(1)]]
        assert _cells(write_book(tmp_path / "a.xlsx", sheet(rows))) == [[None, 1]]

    def test_shared_texts_leave_out_how_they_are_spoken(self, tmp_path: Path) -> None:
        shared = "<sst><si><t>東京</t><rPh><t>トウキョウ</t></rPh></si><si><r><t>b</t></r><r><t>c</t></r></si></sst>"
        assert _one(tmp_path, cell(0, kind="s"), sharedStrings=shared) == "東京"
        assert _one(tmp_path, cell(1, kind="s"), sharedStrings=shared) == "bc"

    def test_cells_without_places_follow_one_another(self, tmp_path: Path) -> None:
        text = sheet([[cell("a"), cell("b")], [cell(1), cell(2)]]).replace(' r="', ' x="')
        assert _cells(write_book(tmp_path / "a.xlsx", text)) == [[1, 2]]

    def test_cells_out_of_order_are_refused(self, tmp_path: Path) -> None:
        text = sheet([[cell("a"), cell("b")], [cell(1), cell(2)]]).replace('r="B2"', 'r="A2"')
        with pytest.raises(ImportRefused, match="out of their order in row 2"):
            _cells(write_book(tmp_path / "a.xlsx", text))


class TestFormats:
    @pytest.mark.parametrize(
        ("code", "number", "value"),
        [
            ("yyyy-mm-dd", 46_477, date(2027, 3, 31)),
            ('yyyy"年"m"月"d"日"', 46_477, date(2027, 3, 31)),
            ("yyyy-mm-dd h:mm", 46_477.75, datetime(2027, 3, 31, 18)),  # noqa: DTZ001 as it stands there
            ("h:mm", 0.75, time(18)),
            ("[$-409]d mmm yyyy", 61, date(1900, 3, 1)),
            ("yyyy-mm-dd", 59, date(1900, 2, 28)),
            ("0.0%", 0.655, ShownNumber(0.655, "65.5%", is_percent=True)),
            ("00000", 123, ShownNumber(123, "00123")),
            ('"K"000000', 14, ShownNumber(14, "K000014")),
            ("000-0000", 1_234_567, ShownNumber(1_234_567, "123-4567")),
            ("00000", 1_234_567, ShownNumber(1_234_567, "1234567")),
            ("#,##0.00", 1234.5, 1234.5),
            ("0.00E+00", 1_230_000_000_000, 1_230_000_000_000),
            ("General", 5, 5),
        ],
    )
    def test_a_number_under_a_format(self, tmp_path: Path, code: str, number: float, value: object) -> None:
        code = code.replace('"', "&quot;")
        assert _one(tmp_path, cell(number, 1), code) == value

    @pytest.mark.parametrize(("code", "number"), [("yyyy-mm-dd", 60), ("yyyy-mm-dd", -1), ("[h]:mm", 1.5)])
    def test_what_is_no_day(self, tmp_path: Path, code: str, number: float) -> None:
        assert isinstance(_one(tmp_path, cell(number, 1), code), BadCell)

    def test_days_counted_from_1904(self, tmp_path: Path) -> None:
        book = write_book(
            tmp_path / "a.xlsx",
            sheet([[cell("a")], [cell(45_015, 1)]]),
            {
                "xl/styles.xml": styles("yyyy-mm-dd"),
                "xl/workbook.xml": (
                    '<workbook xmlns:r="x"><workbookPr date1904="1"/><sheets><sheet name="S" r:id="r1"/></sheets>'
                    "</workbook>"
                ),
            },
        )
        assert _cells(book) == [[date(2027, 3, 31)]]

    @pytest.mark.parametrize("number", [14, 22, 27, 36, 45, 57])
    def test_built_in_dates(self, number: int) -> None:
        assert format_from(number, None).is_date

    @pytest.mark.parametrize("code", ["0", "#,##0", "0.00", "@", '"days" 0', "General", "0.00E+00", r"0\d", "[Red]0"])
    def test_formats_that_are_no_dates(self, code: str) -> None:
        assert not format_from(200, code).is_date


class TestMerged:
    ROWS = [[cell("no"), cell("limit")], [cell("K1"), cell(1200)], [cell("K2"), ""], [cell("K3"), cell(300)]]

    def _read(self, tmp_path: Path, **settings: str) -> list[list[object]]:
        book = write_book(tmp_path / "a.xlsx", sheet(self.ROWS, ["B2:B3"]))
        return _cells(book, ReadSettings.model_validate(settings))

    def test_what_is_covered_is_marked(self, tmp_path: Path) -> None:
        rows = self._read(tmp_path)
        assert [rows[0], rows[2]] == [["K1", 1200], ["K3", 300]]
        covered = rows[1][1]
        assert isinstance(covered, BadCell)
        assert covered.reason.startswith("B3 is covered by the merged cell B2:B3")

    def test_it_is_filled_on_request(self, tmp_path: Path) -> None:
        assert self._read(tmp_path, merged="fill") == [["K1", 1200], ["K2", 1200], ["K3", 300]]

    def test_or_taken_as_empty(self, tmp_path: Path) -> None:
        assert self._read(tmp_path, merged="empty") == [["K1", 1200], ["K2", None], ["K3", 300]]

    def test_a_merged_title_hides_no_header(self, tmp_path: Path) -> None:
        rows = [[cell("Title"), "", ""], [cell("no"), cell("a"), cell("b")], [cell("K1"), cell(1), cell(2)]]
        book = write_book(tmp_path / "a.xlsx", sheet(rows, ["A1:C1"]))
        with open_workbook(book, ReadSettings(header=2)) as source:
            assert source.headers == ("no", "a", "b")
            assert [(each.line, each.cells) for each in source.records] == [(3, ["K1", 1, 2])]


class TestArchives:
    def test_two_archives_in_one_file_are_refused(self, tmp_path: Path) -> None:
        good = write_book(tmp_path / "good.xlsx", sheet([[cell("n")], [cell("harmless")]]))
        evil = write_book(tmp_path / "evil.xlsx", sheet([[cell("n")], [cell("other")]]))
        for first, second in ((good, evil), (evil, good)):
            with pytest.raises(ImportRefused, match="more than one archive"):
                _cells(two_archives(tmp_path / "both.xlsx", first, second))

    @pytest.mark.parametrize(("before", "behind"), [(b"x", b""), (b"", b"x"), (b"PK\x03\x04", b"")])
    def test_an_archive_that_is_not_the_whole_file_is_refused(
        self, tmp_path: Path, before: bytes, behind: bytes
    ) -> None:
        path = write_book(tmp_path / "a.xlsx", sheet([[cell("n")]]))
        path.write_bytes(before + path.read_bytes() + behind)
        with pytest.raises(ImportRefused, match="more than one archive"):
            _cells(path)

    def test_an_archive_with_a_comment_is_read(self, tmp_path: Path) -> None:
        path = write_book(tmp_path / "a.xlsx", sheet([[cell("n")], [cell(1)]]))
        raw = path.read_bytes()
        path.write_bytes(raw[:-2] + b"\x05\x00hello")
        assert _cells(path) == [[1]]

    def test_a_part_that_is_no_xml_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ImportRefused, match=f"a part that is no XML, {SHEET}"):
            _cells(write_book(tmp_path / "a.xlsx", "<worksheet><sheetData>"))

    def test_a_sheet_that_is_not_there_is_no_sheet(self, tmp_path: Path) -> None:
        workbook = '<workbook xmlns:r="x"><sheets><sheet name="S" r:id="r9"/></sheets></workbook>'
        with pytest.raises(ImportRefused, match="has no sheet in it"):
            _cells(write_book(tmp_path / "a.xlsx", sheet([[cell("n")]]), {"xl/workbook.xml": workbook}))
