"""The door of the extra `io` for exports: JSON Lines into Parquet and Excel, by polars and xlsxwriter."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from acts.exporting.columns import Column
from acts.exporting.errors import ExportRefused
from acts.exporting.values import json_text
from acts.formula_cells import neutral
from catalogue.kinds import Kind

EXCEL_ROWS = 1_048_575
"""Below the header."""
EXCEL_CHARACTERS = 32_767
_EXACT = 10**15
"""From here on a spreadsheet that somebody saves again keeps no longer each digit."""
_EXCEL_FIRST = date(1900, 3, 1)
"""Before it, Excel counts a day that never was."""
_MISSING = 'Writing {} needs the extra "io". Install it with: python -m pip install "kehu[io]"'


def _polars() -> ModuleType:
    try:
        import polars  # noqa: PLC0415 the door of the extra
    except ImportError:
        raise ExportRefused(_MISSING.format("Parquet")) from None
    return polars


def _xlsxwriter() -> ModuleType:
    try:
        import xlsxwriter  # noqa: PLC0415 the door of the extra
    except ImportError:
        raise ExportRefused(_MISSING.format("Excel")) from None
    return xlsxwriter  # type: ignore[no-any-return]


def check_installed(file_format: str) -> None:
    """Raises: ExportRefused where a format needs a package that is not there."""
    needed = {"parquet": _polars, "xlsx": _xlsxwriter}.get(file_format)
    if needed is not None:
        needed()


def to_parquet(lines: Path, columns: Sequence[Column], target: Path) -> None:
    """Write exported JSON Lines, with group texts, as Parquet; decimals stay texts.

    Cost: streamed; flat memory.
    """
    polars = _polars()
    schema = {each.header: _read_as(polars, each) for each in columns}
    frame = polars.scan_ndjson(lines, schema=schema)
    casts = [cast for each in columns if (cast := _cast(polars, each)) is not None]
    frame.with_columns(casts).sink_parquet(target)


def _read_as(polars: ModuleType, column: Column) -> Any:
    plain = {Kind.LONG: polars.Int64, Kind.NUMBER: polars.Float64, Kind.BOOLEAN: polars.Boolean}
    kind = plain.get(column.kind, polars.String)
    return polars.List(kind) if column.is_list and column.kind is not Kind.GROUP else kind


def _cast(polars: ModuleType, column: Column) -> Any:
    cell = polars.col(column.header)
    if column.kind is Kind.DATE:
        return cell.cast(polars.List(polars.Date)) if column.is_list else cell.str.to_date("%Y-%m-%d")
    if column.kind is Kind.DATETIME and not column.is_list:
        return cell.str.to_datetime(time_unit="ms", time_zone="UTC")
    return None


def to_excel(lines: Path, columns: Sequence[Column], target: Path) -> None:
    """Write exported JSON Lines, with group texts, as a workbook of one sheet: lists as JSON text, no formulas.

    Raises: ExportRefused for what a workbook cannot hold.
    Cost: one row in memory; a temporary file beside the target.
    """
    options = {
        "constant_memory": True,
        "tmpdir": str(target.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }
    book = _xlsxwriter().Workbook(str(target), options)
    try:
        sheet = book.add_worksheet("clients")
        for place, column in enumerate(columns):
            sheet.write_string(0, place, column.header)
        with lines.open(encoding="utf-8") as text:
            for row, line in enumerate(text, start=1):
                if row > EXCEL_ROWS:
                    raise ExportRefused(f"A workbook takes {EXCEL_ROWS:,} rows; take csv, jsonl or parquet.")
                _write_row(sheet, row, columns, json.loads(line))
    finally:
        book.close()


def _write_row(sheet: Any, row: int, columns: Sequence[Column], values: dict[str, Any]) -> None:
    for place, column in enumerate(columns):
        value = values[column.header]
        if value is None:
            continue
        cell = json_text(value) if isinstance(value, list) else _excel_cell(column.kind, value)
        if isinstance(cell, bool):
            sheet.write_boolean(row, place, cell)
        elif isinstance(cell, int | float):
            sheet.write_number(row, place, cell)
        elif isinstance(cell, date):
            sheet.write_datetime(row, place, cell)
        else:
            _write_text(sheet, row, place, column, cell, values)


def _write_text(sheet: Any, row: int, place: int, column: Column, text: str, values: dict[str, Any]) -> None:
    cell = neutral(text)
    if len(cell) > EXCEL_CHARACTERS:
        raise ExportRefused(
            f"{column.header} of client {values['number']} has {len(text):,} characters; a cell of a workbook takes "
            f"{EXCEL_CHARACTERS:,}. Take csv, jsonl or parquet, or leave {column.header} out."
        )
    sheet.write_string(row, place, cell)


def _excel_cell(kind: Kind, value: Any) -> Any:
    """The value as a workbook keeps it: a number or a date where nothing is lost by it, else its text."""
    if kind is Kind.LONG:
        return value if abs(value) < _EXACT else str(value)
    if kind is Kind.DECIMAL:
        number = float(value)
        return number if abs(number) < _EXACT and Decimal(repr(number)) == Decimal(value) else value
    if kind is Kind.DATE:
        day = datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007 a day has no zone
        return day if day >= _EXCEL_FIRST else value
    return value
