"""CSV and JSON Lines as records, streamed; and the door through which every file is opened."""

import codecs
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from sys import intern
from typing import Any, BinaryIO

from acts.formula_cells import whole
from acts.importing.errors import ImportRefused
from acts.importing.mapping import FORMATS, ReadSettings
from acts.importing.source import ABSENT, Record, Source, quoted
from acts.importing.tabular import open_excel, open_parquet

PEEK_ROWS = 1_000
"""JSON Lines has no header: the names in the first rows are taken for it."""
PEEK_CHARACTERS = 4_000_000
LINE_LIMIT = 1_000_000
"""Units: characters. A longer line is no row of a table, and would have to be in memory as a whole."""
COLUMNS_LIMIT = 5_000
_DELIMITERS = ",;\t|"


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
    if kind == "parquet":
        return open_parquet(path)
    if kind == "excel":
        return open_excel(path, settings.sheet)
    return _open_text(path, settings, is_csv=kind == "csv")


def _open_text(path: Path, settings: ReadSettings, *, is_csv: bool) -> Source:
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
    first = next(lines, "")
    if not first.strip():
        raise ImportRefused(f"{path.name} has no header: its first line is empty.")
    delimiter = settings.delimiter or max(_DELIMITERS, key=_outside_quotes(first).count)
    reader = csv.reader(chain((first,), lines), delimiter=delimiter, strict=True)
    try:
        headers = tuple(whole(header.strip()) for header in next(reader))
    except csv.Error as error:
        raise ImportRefused(f"The header of {path.name} cannot be read: {error}.") from None
    _refuse_wide(len(headers), path.name)
    return Source(
        headers=headers,
        records=_csv_records(reader, len(headers), settings.encoding),
        total=path.stat().st_size,
        unit="bytes",
        position=raw.tell,
        close=text.close,
    )


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _csv_records(reader: Any, width: int, encoding: str) -> Iterator[Record]:
    while True:
        line = reader.line_num + 1
        try:
            cells: list[str] = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(line, (), f"the line is not well-formed CSV: {error}")
            continue
        if cells:
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
            flat, fault = {}, f"the line is not well-formed JSON: {error}"
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
        if isinstance(value, dict):
            _flatten(f"{prefix}{key}.", value, flat)
        else:
            # Every row has the same names: one text for all of them.
            flat[intern(f"{prefix}{key}")] = value
