"""The one door of the extra `io`: Parquet and Excel as records, by polars and fastexcel, loaded only when used."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from acts.formula_cells import whole
from acts.importing.archive import Archive
from acts.importing.errors import ImportRefused
from acts.importing.mapping import ReadSettings
from acts.importing.sizes import CELL_LIMIT
from acts.importing.source import Record, Source, quoted
from acts.importing.workbook import COLUMNS_LIMIT, is_workbook, open_workbook

BATCH_ROWS = 10_000
_PACKED = (".xlsb", ".ods")
_MISSING = 'Reading {} needs the extra "io". Install it with: python -m pip install "kehu[io]"'


def _polars() -> ModuleType:
    try:
        import polars  # noqa: PLC0415 the door of the extra
    except ImportError:
        raise ImportRefused(_MISSING.format("Parquet")) from None
    return polars


def _fastexcel() -> ModuleType:
    try:
        import fastexcel  # noqa: PLC0415 the door of the extra
    except ImportError:
        raise ImportRefused(_MISSING.format("Excel")) from None
    return fastexcel


class _Counter:
    """How many rows were handed over."""

    def __init__(self) -> None:
        self.rows = 0

    def position(self) -> int:
        return self.rows


def open_parquet(path: Path) -> Source:
    """The records of a Parquet file.

    Cost: one batch of rows in memory at a time.
    """
    polars = _polars()
    try:
        lazy = polars.scan_parquet(path)
        headers = tuple(lazy.collect_schema().names())
        total = int(lazy.select(polars.len()).collect().item())
    except Exception as error:
        raise ImportRefused(f"{path.name} cannot be read as Parquet: {_first_line(error)}.") from None
    if len(headers) > COLUMNS_LIMIT:
        raise ImportRefused(f"{path.name} has more than {COLUMNS_LIMIT:,} columns; the map cannot need so many.")
    counter = _Counter()
    frames = (_without_giants(polars, frame) for frame in _frames(lazy, total, path))
    records = _records((row for frame in frames for row in frame.iter_rows()), counter, first=1)
    return Source(headers, records, total, "rows", counter.position, line_word="row")


def _frames(lazy: Any, total: int, path: Path) -> Iterator[Any]:
    """The rows of a Parquet file in parts.

    Raises: ImportRefused.
    """
    for start in range(0, total, BATCH_ROWS):
        try:
            frame = lazy.slice(start, BATCH_ROWS).collect()
        except Exception as error:
            message = f"{path.name} cannot be read as Parquet from row {start + 1:,} on: {_first_line(error)}."
            raise ImportRefused(message) from None
        if frame.height == 0:
            raise ImportRefused(f"{path.name} says that it has {total:,} rows, and has {start:,}.")
        yield frame


def _without_giants(polars: ModuleType, frame: Any) -> Any:
    """The rows, with texts that are too long for a cell cut to one that still is.

    A text that stands in the file once may stand in every row, where each would be a text of its own.
    """
    texts = [name for name, kind in frame.schema.items() if kind == polars.String]
    lengths = frame.select(polars.col(texts).str.len_chars().max()).row(0) if texts and frame.height else ()
    giants = [name for name, length in zip(texts, lengths, strict=bool(lengths)) if (length or 0) > CELL_LIMIT]
    return frame.with_columns(polars.col(giants).str.head(CELL_LIMIT + 1)) if giants else frame


def open_excel(path: Path, settings: ReadSettings) -> Source:
    """The records of one sheet of a workbook: the first, or the one that is named or counted from 1.

    Raises: ImportRefused.
    Cost: of .xls, .xlsb and .ods the whole sheet in memory.
    """
    packed = path.suffix.lower() in _PACKED
    if path.suffix.lower() == ".xlsx" or (is_workbook(path) and not packed):
        return open_workbook(path, settings)
    if settings.header is not None or settings.merged != "refuse":
        raise ImportRefused(f"{path.name}: [read] header and merged are for .xlsx; save it as such.")
    return _open_other(path, settings.sheet, packed=packed)


def _open_other(path: Path, sheet: str | int | None, *, packed: bool) -> Source:
    fastexcel = _fastexcel()
    content: Path | bytes = path
    if packed:
        # What was looked at, and nothing else that may be in the file.
        archive = Archive(path)
        try:
            content = archive.copied()
        finally:
            archive.close()
    try:
        book = fastexcel.read_excel(content)
    except Exception as error:
        raise ImportRefused(f"{path.name} cannot be read as a workbook: {_first_line(error)}.") from None
    names: list[str] = list(book.sheet_names)
    chosen = names[sheet - 1] if isinstance(sheet, int) and 0 < sheet <= len(names) else str(sheet or names[0])
    if chosen not in names:
        raise ImportRefused(f'{path.name} has no sheet "{sheet}"; its sheets are {quoted(names)}. Set [read] sheet.')
    head = _sheet(book, chosen, 0, 1)
    if head.height == 0 or head.width == 0:
        raise ImportRefused(f'The sheet "{chosen}" of {path.name} has no header: it is empty.')
    headers = tuple("" if cell is None else str(cell).strip() for cell in head.row(0))
    body = _sheet(book, chosen, 1, None)
    counter = _Counter()
    records = _records(map(_whole_row, body.iter_rows()), counter, first=2)
    return Source(headers, records, body.height, "rows", counter.position, line_word="row")


def _whole_row(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(whole(cell) if isinstance(cell, str) else cell for cell in row)


def _sheet(book: Any, name: str, skip: int, rows: int | None) -> Any:
    # header_row=None keeps headers that stand twice; the whole sheet decides on the type of a column, because
    # a cell that does not fit a type guessed from the first rows would silently come out empty.
    sheet = book.load_sheet(name, header_row=None, skip_rows=skip, n_rows=rows, schema_sample_rows=None)
    return sheet.to_polars()


def _records(rows: Iterator[tuple[object, ...]], counter: _Counter, first: int) -> Iterator[Record]:
    for number, row in enumerate(rows, start=first):
        counter.rows += 1
        if any(cell is not None for cell in row):
            yield Record(number, row)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
