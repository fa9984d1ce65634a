"""CSV and JSON Lines as records, streamed; and the door through which every file is opened."""

import codecs
import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from sys import intern
from typing import Any, BinaryIO

from acts.formula_cells import whole
from acts.importing.errors import ImportRefused
from acts.importing.mapping import FORMATS, ReadSettings
from acts.importing.sizes import ROW_LIMIT_CHARACTERS, fault_of
from acts.importing.source import ABSENT, Record, Source, quoted
from acts.importing.tabular import open_excel, open_parquet
from acts.importing.workbook import COLUMNS_LIMIT

PEEK_ROWS = 1_000
"""JSON Lines has no header: the names in the first rows are taken for it."""
PEEK_CHARACTERS = 4_000_000
LINE_LIMIT = ROW_LIMIT_CHARACTERS
"""Units: characters. A longer line is no row of a table, and would have to be in memory as a whole."""
NAME_LIMIT = 1_000
"""Units: characters of the name of a column, objects in objects included."""
_DELIMITERS = ",;\t|"
_UNICODE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*')
"""Excel's own first line."""


def open_source(path: Path, settings: ReadSettings) -> Source:
    """The records of a file, whatever its format; close it after use.

    Raises: ImportRefused where the file cannot be opened, or its headers cannot be used.
    """
    kind = settings.format or FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ImportRefused(
            f'{path.name} ends in "{path.suffix}", which says no format; the endings known are {quoted(FORMATS)}. '
            'Name it in the map: [read] format = "csv" (or jsonl, parquet, excel).'
        )
    if not path.is_file():
        raise ImportRefused(f"There is no file {path}. Give the path of a file to read.")
    if settings.header is not None and kind not in ("csv", "excel"):
        raise ImportRefused(f"[read] header is for CSV and Excel; {path.name} names its columns itself.")
    if kind == "parquet":
        source = open_parquet(path)
    elif kind == "excel":
        source = open_excel(path, settings)
    else:
        source = _open_text(path, settings, is_csv=kind == "csv")
    if (longest := max(map(len, source.headers), default=0)) > NAME_LIMIT:
        source.close()
        message = f"{path.name} has a column whose name has {longest:,} characters; {NAME_LIMIT:,} are the most."
        raise ImportRefused(message)
    source.records = _sized(_ended(source.records, settings.end))
    return source


def _sized(records: Iterator[Record]) -> Iterator[Record]:
    """The records, of which one that is too large to be a row says so."""
    for record in records:
        fault = record.fault or fault_of(record.cells)
        yield record if fault == record.fault else record._replace(fault=fault)


def _ended(records: Iterator[Record], end: str | int | None) -> Iterator[Record]:
    """The records up to the line, or in front of the row that begins with the word, at which the table ends."""
    for record in records:
        if isinstance(end, int) and record.line > end:
            return
        if isinstance(end, str):
            first = next((each for each in record.cells if each not in (None, "")), None)
            if isinstance(first, str) and first.strip() == end:
                return
        yield record


def _open_text(path: Path, settings: ReadSettings, *, is_csv: bool) -> Source:
    settings = _with_encoding(path, settings)
    try:
        codecs.lookup(settings.encoding)
    except LookupError:
        message = f'encoding takes the name of an encoding such as "utf-8" or "gb18030"; got "{settings.encoding}".'
        raise ImportRefused(message) from None
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ImportRefused(f"{path} cannot be read: {error.strerror}.") from None
    try:
        opened = _csv_source if is_csv else _jsonl_source
        return opened(raw, path, settings)
    except LookupError:
        raw.close()
        raise ImportRefused(f'encoding takes one of texts, such as "utf-8"; got "{settings.encoding}".') from None
    except (ImportRefused, UnicodeError, OSError) as error:
        raw.close()
        if isinstance(error, UnicodeError):
            raise ImportRefused(f"{path.name} is not {settings.encoding}: {error}. Set [read] encoding.") from None
        raise


def _with_encoding(path: Path, settings: ReadSettings) -> ReadSettings:
    """The settings, with the encoding that the first bytes of the file say where the map says none."""
    if "encoding" not in settings.model_fields_set:
        with path.open("rb") as raw:
            if raw.read(2) in _UNICODE_MARKS:
                return settings.model_copy(update={"encoding": "utf-16"})
    return settings


def _text(raw: BinaryIO, settings: ReadSettings, newline: str | None) -> TextIOWrapper:
    # Bytes that do not decode become surrogates, so that they refuse one row and not the whole file.
    return TextIOWrapper(raw, encoding=settings.encoding, errors="surrogateescape", newline=newline)


def _lines(text: TextIOWrapper) -> Iterator[str]:
    """The lines of a file, read one at a time, however long it says they are.

    Raises: ImportRefused.
    """
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(LINE_LIMIT)
        except UnicodeError as error:
            raise ImportRefused(f"Line {number:,} is not {text.encoding}: {error}. Set [read] encoding.") from None
        if not line:
            return
        if len(line) == LINE_LIMIT and not line.endswith("\n"):
            raise ImportRefused(f"Line {number:,} of the file has more than {LINE_LIMIT:,} characters; is it a table?")
        yield line


def _refuse_wide(count: int, name: str) -> None:
    if count > COLUMNS_LIMIT:
        raise ImportRefused(f"{name} has more than {COLUMNS_LIMIT:,} columns; the map cannot need so many.")


def _csv_source(raw: BinaryIO, path: Path, settings: ReadSettings) -> Source:
    text = _text(raw, settings, newline="")
    lines = _lines(text)
    skipped = (settings.header or 1) - 1
    said = next((found[1] for line in islice(lines, skipped) if (found := _SEPARATOR.fullmatch(line))), None)
    first = next(lines, "")
    if said is None and settings.header is None and (found := _SEPARATOR.fullmatch(first)) is not None:
        said, skipped, first = found[1], 1, next(lines, "")
    if not first.strip():
        raise ImportRefused(f"{path.name} has no header: its line {skipped + 1} is empty. Set [read] header.")
    delimiter = settings.delimiter or said or max(_DELIMITERS, key=_outside_quotes(first).count)
    taken = _Taken(chain((first,), lines))
    reader = csv.reader(taken, delimiter=delimiter, strict=True)
    try:
        headers = tuple(whole(header.strip()) for header in next(reader))
    except csv.Error as error:
        raise ImportRefused(f"The header of {path.name} cannot be read: {error}.") from None
    _refuse_wide(len(headers), path.name)
    return Source(
        headers=headers,
        records=_csv_records(reader, taken, skipped, len(headers), settings.encoding),
        total=path.stat().st_size,
        unit="bytes",
        position=raw.tell,
        close=text.close,
    )


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


class _Taken:
    """The lines of a file, counted for each record: one whose quotes never end would be in memory as a whole."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.characters += len(line)
        if self.characters > LINE_LIMIT:
            raise ImportRefused(f"A row of the file has more than {LINE_LIMIT:,} characters; is it a table?")
        return line


def _csv_records(reader: Any, taken: _Taken, skipped: int, width: int, encoding: str) -> Iterator[Record]:
    while True:
        line = skipped + reader.line_num + 1
        taken.characters = 0
        try:
            cells: list[str] = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(line, (), f"the line is not well-formed CSV: {error}")
            continue
        # A line of separators alone is as empty as one without.
        if any(cells):
            plain = [whole(cell) if cell[:1] == "'" else cell for cell in cells]
            yield Record(line, plain, _csv_fault(plain, width, encoding))


def _csv_fault(cells: Sequence[str], width: int, encoding: str) -> str:
    if len(cells) != width:
        return f"the line has {len(cells)} cells, but the header names {width} columns"
    return _undecoded("".join(cells), encoding)


def _undecoded(text: str, encoding: str) -> str:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return f"the line holds bytes that are not {encoding}; set [read] encoding in the map"
    return ""


def _jsonl_source(raw: BinaryIO, path: Path, settings: ReadSettings) -> Source:
    text = _text(raw, settings, newline=None)
    objects = _json_objects(text, settings.encoding)
    head: list[tuple[int, dict[str, object], str]] = []
    names: dict[str, None] = {}
    for each in islice(objects, PEEK_ROWS):
        head.append(each)
        names |= dict.fromkeys(each[1])
        _refuse_wide(len(names), path.name)
        if raw.tell() > PEEK_CHARACTERS:
            break
    headers = tuple(names)
    if not headers:
        reason = head[0][2] if head else "it is empty"
        raise ImportRefused(f"{path.name} has no rows that can be read: {reason}. It takes one JSON object a line.")
    return Source(
        headers=headers,
        records=(
            Record(line, [flat.get(name, ABSENT) for name in headers], fault)
            for line, flat, fault in chain(head, objects)
        ),
        total=path.stat().st_size,
        unit="bytes",
        position=raw.tell,
        close=text.close,
    )


def _json_objects(text: TextIOWrapper, encoding: str) -> Iterator[tuple[int, dict[str, object], str]]:
    for number, line in enumerate(_lines(text), start=1):
        if line.isspace():
            continue
        flat: dict[str, object] = {}
        try:
            given = json.loads(line, object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
            if not isinstance(given, dict):
                raise ValueError("the line is JSON, but no object")
            if "\\ud" in line.lower() and _undecoded(json.dumps(given, ensure_ascii=False), encoding):
                raise ValueError("it holds half of a character")
            _flatten("", given, flat)
            if len(flat) > COLUMNS_LIMIT:
                raise ValueError(f"it has more than {COLUMNS_LIMIT:,} names")
            fault = _undecoded(line, encoding)
        except (ValueError, RecursionError) as error:
            flat, fault = {}, f"the line is not well-formed JSON: {str(error)[:300]}"
        yield number, flat, fault


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it names {quoted({name for name in names if names.count(name) > 1})} more than once")
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def _flatten(prefix: str, given: Mapping[str, object], flat: dict[str, object]) -> None:
    for key, value in given.items():
        if len(prefix) + len(key) > NAME_LIMIT:
            raise ValueError(f"it has a name of more than {NAME_LIMIT:,} characters")
        if isinstance(value, dict):
            _flatten(f"{prefix}{key}.", value, flat)
        else:
            # Every row has the same names: one text for all of them.
            flat[intern(f"{prefix}{key}")] = value
