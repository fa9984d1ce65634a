"""Numbers of many digits come back from a workbook as they went in."""

from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from acts.exporting.tabular import _excel_cell
from acts.importing.cells import converter_for
from acts.importing.mapping import Column, ReadSettings, Recipe
from acts.importing.readers import open_source
from catalogue.kinds import Kind

BIG = (10**15 - 1, 10**15, 10**15 + 1, 2**53 - 1, 2**53 + 1, 123_456_789_012_345_678, -(10**15), -(2**63), 2**63 - 1)


@pytest.mark.parametrize("kind", [Kind.LONG, Kind.DECIMAL])
def test_each_digit_comes_back(tmp_path: Path, kind: Kind) -> None:
    given = [each if kind is Kind.LONG else f"{each}.25" for each in BIG]
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_string(0, 0, "n")
        for at, value in enumerate(given, start=1):
            cell = _excel_cell(kind, value)
            (sheet.write_string if isinstance(cell, str) else sheet.write_number)(at, 0, cell)
    convert = converter_for(kind, Recipe(column=Column(name="n")))
    with open_source(path, ReadSettings()) as source:
        found = [convert(each.cells[0]) for each in source.records]
    assert found == [each if kind is Kind.LONG else Decimal(str(each)) for each in given]
