"""A look at an Excel workbook before anything opens it: what it would come to in memory, read as a stream."""

import re
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from xml.parsers import expat

from acts.importing.errors import ImportRefused

BYTES_LIMIT = 300_000_000
"""Of all parts together, as they really are and not as the archive says."""
PARTS_LIMIT = 1_000
CELLS_LIMIT = 10_000_000
"""Of the rectangle that holds all cells of a sheet: empty ones take memory too."""
TEXT_LIMIT = 100_000_000
"""Units: characters of all cells; a shared text counts for each cell that shows it."""
_PIECE = 65_536
_DEFLATED, _STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED
_PICTURES = frozenset((".bin", ".png", ".jpeg", ".jpg", ".gif", ".emf", ".wmf", ".tiff", ".bmp", ".ico"))
_SHEET = b"sheetData"
_PLACE = re.compile(r"([A-Z]{1,7})([0-9]{1,12})")
_INSTEAD = "Save it as CSV, or split it."


def check_workbook(path: Path) -> None:
    """Nothing, where a workbook is small enough to be read as a whole.

    Raises: ImportRefused for one that is larger than it looks, or no workbook.
    Cost: flat memory; the workbook is inflated and parsed once.
    """
    try:
        with zipfile.ZipFile(path) as book, path.open("rb") as raw:
            parts = book.infolist()
            if len(parts) > PARTS_LIMIT:
                raise _refusal(path, f"has {len(parts):,} parts; {PARTS_LIMIT:,} are the most")
            _Inspection(path, raw, sorted(parts, key=lambda each: "sharedStrings" not in each.filename)).run()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
        raise ImportRefused(f"{path.name} cannot be read as a workbook: {error}.") from None


def _refusal(path: Path, what: str) -> ImportRefused:
    return ImportRefused(f"The workbook {path.name} {what}. {_INSTEAD}")


class _Inspection:
    """One workbook, part by part; the shared texts first, because the cells refer to them."""

    def __init__(self, path: Path, raw: BinaryIO, parts: list[zipfile.ZipInfo]) -> None:
        self._path = path
        self._raw = raw
        self._parts = parts
        self._bytes = 0
        self._characters = 0
        self._lengths = array("I")
        self._row = self._column = self._last_row = self._last_column = 0
        self._in_text = self._in_value = self._is_shared = False
        self._words = ""

    def run(self) -> None:
        for part in self._parts:
            if part.flag_bits & 1 or part.compress_type not in (_DEFLATED, _STORED):
                raise _refusal(self._path, "is encrypted or packed in a way that workbooks are not")
            self._row = self._column = self._last_row = self._last_column = 0
            # Of an OpenDocument sheet only the length is looked at; one cannot be sent to a server.
            is_open_document = self._path.suffix.lower() == ".ods"
            if is_open_document or PurePosixPath(part.filename).suffix.lower() in _PICTURES:
                self._picture(part)
            else:
                self._xml(part)

    def _picture(self, part: zipfile.ZipInfo) -> None:
        before = b""
        for piece in self._pieces(part):
            if _SHEET in before[-len(_SHEET) :] + piece:
                raise _refusal(self._path, f"has a sheet in the place of a picture, {part.filename}")
            before = piece

    def _xml(self, part: zipfile.ZipInfo) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        has_any = False
        try:
            for piece in self._pieces(part):
                has_any = True
                parser.Parse(piece, False)
            if has_any:
                parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise _refusal(self._path, f"has a part that is no XML, {part.filename}: {error}") from None

    def _doctype(self, *_: object) -> None:
        raise _refusal(self._path, "defines XML entities, which workbooks do not")

    def _start(self, name: str, given: dict[str, str]) -> None:
        match name.rpartition(":")[2]:
            case "c":
                self._is_shared = given.get("t") == "s"
                place = _PLACE.fullmatch(given.get("r", ""))
                self._column = _number_of(place[1]) if place else self._column + 1
                self._row = int(place[2]) if place else self._row
                self._last_column = max(self._last_column, self._column)
                self._last_row = max(self._last_row, self._row)
                if self._last_row * self._last_column > CELLS_LIMIT:
                    size = f"{self._last_row:,} rows by {self._last_column:,} columns"
                    raise _refusal(self._path, f"has a sheet of {size}; {CELLS_LIMIT:,} cells are the most")
            case "row":
                given_row = given.get("r", "")
                self._row = int(given_row[:12]) if given_row.isdecimal() else self._row + 1
                self._column = 0
            case "si":
                self._lengths.append(0)
            case "t":
                self._in_text = True
            case "v":
                self._in_value, self._words = True, ""

    def _end(self, name: str) -> None:
        match name.rpartition(":")[2]:
            case "t":
                self._in_text = False
            case "v":
                self._in_value = False
                if self._is_shared and self._words.isdecimal() and len(self._words) < 10:
                    at = int(self._words)
                    self._count(self._lengths[at] if at < len(self._lengths) else 0)

    def _text(self, text: str) -> None:
        if self._in_value:
            if len(self._words) < 20:
                self._words += text[:20]
            self._count(len(text))
        elif self._in_text and self._lengths:
            self._lengths[-1] = min(self._lengths[-1] + len(text), 2**32 - 1)

    def _count(self, characters: int) -> None:
        self._characters += characters
        if self._characters > TEXT_LIMIT:
            raise _refusal(self._path, f"has cells of more than {TEXT_LIMIT:,} characters together")

    def _pieces(self, part: zipfile.ZipInfo) -> Iterator[bytes]:
        """What a part really holds: the archive may say what it likes of its length."""
        size = 0
        for piece in _inflated(self._raw, part):
            size += len(piece)
            self._bytes += len(piece)
            if size > part.file_size or self._bytes > BYTES_LIMIT:
                raise _refusal(self._path, f"comes to more than it says, or than {BYTES_LIMIT:,} bytes")
            yield piece


def _inflated(file: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    file.seek(part.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("a part is not where the archive says")
    name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    file.seek(part.header_offset + 30 + name + extra)
    left = part.compress_size
    inflate = zlib.decompressobj(-15) if part.compress_type == _DEFLATED else None
    while left > 0 and (packed := file.read(min(_PIECE, left))):
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed and not inflate.eof:
            yield inflate.decompress(packed, _PIECE)
            packed = inflate.unconsumed_tail
    if inflate is not None and not inflate.eof:
        yield inflate.flush()


def _number_of(letters: str) -> int:
    """The column that letters name: A is 1, Z is 26, AA is 27."""
    found = 0
    for each in letters:
        found = found * 26 + ord(each) - 64
    return found
