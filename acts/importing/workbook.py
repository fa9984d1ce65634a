"""An Excel workbook (.xlsx) as records, read as a stream by this module and by nothing else."""

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from acts.importing.archive import Archive, refusal
from acts.importing.errors import ImportRefused
from acts.importing.mapping import ReadSettings
from acts.importing.number_formats import NumberFormat, format_from
from acts.importing.sheet import Merges, SheetReader, Styles, unescaped
from acts.importing.source import BadCell, Record, Source, quoted

TEXT_LIMIT = 100_000_000
"""Units: characters of the texts that cells share."""
FORMATS_LIMIT = 65_500
COLUMNS_LIMIT = 5_000

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


def is_workbook(path: Path) -> bool:
    """Whether a file is an archive, as .xlsx is; .xls is none."""
    with path.open("rb") as raw:
        return raw.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def parse(archive: Archive, path: Path, name: str, start: Start, end: End | None, text: End | None) -> Iterator[None]:
    """Parse a part piece by piece; handlers have heard of a piece when it is handed out.

    Raises: ImportRefused.
    """

    def doctype(*_: object) -> None:
        raise refusal(path, "defines XML entities, which workbooks do not")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = start
    if end is not None:
        parser.EndElementHandler = end
    if text is not None:
        parser.CharacterDataHandler = text
    try:
        for piece in archive.pieces(name):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield
    except expat.ExpatError as error:
        raise refusal(path, f"has a part that is no XML, {name}: {error}") from None


@dataclass(slots=True)
class Workbook:
    """What the parts beside the sheets say."""

    path: Path
    archive: Archive
    sheets: list[tuple[str, str]] = field(default_factory=list)
    """Name and part."""
    starts_1904: bool = False
    shared: list[str] = field(default_factory=list)
    formats: list[NumberFormat] = field(default_factory=list)

    def read(self) -> None:
        """Raises: ImportRefused."""
        main = self._related("_rels/.rels", "").get("officeDocument", [("", "xl/workbook.xml")])[0][1]
        if not self.archive.has(main):
            raise refusal(self.path, "has no workbook in it")
        folder, base = posixpath.split(main)
        relations = self._related(f"{folder}/_rels/{base}.rels".lstrip("/"), folder)
        by_id = {key: target for targets in relations.values() for key, target in targets}
        self._sheets(main, by_id)
        self._styles(relations.get("styles", [("", f"{folder}/styles.xml")])[0][1])
        self._shared(relations.get("sharedStrings", [("", f"{folder}/sharedStrings.xml")])[0][1])

    def _parse(self, name: str, start: Start, end: End | None = None, text: End | None = None) -> None:
        for _ in parse(self.archive, self.path, name, start, end, text):
            pass

    def _related(self, name: str, folder: str) -> dict[str, list[tuple[str, str]]]:
        """Id and part of each relation, by the last word of its type."""
        found: dict[str, list[tuple[str, str]]] = {}

        def start(tag: str, given: dict[str, str]) -> None:
            if tag.rpartition(":")[2] == "Relationship" and given.get("TargetMode") != "External":
                target = given.get("Target", "")
                part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
                kind = given.get("Type", "").rpartition("/")[2]
                found.setdefault(kind, []).append((given.get("Id", ""), part.lstrip("/")))

        if self.archive.has(name):
            self._parse(name, start)
        return found

    def _sheets(self, main: str, by_id: dict[str, str]) -> None:
        def start(tag: str, given: dict[str, str]) -> None:
            match tag.rpartition(":")[2]:
                case "sheet":
                    key = next((value for name, value in given.items() if name.rpartition(":")[2] == "id"), "")
                    if (part := by_id.get(key)) is not None and self.archive.has(part):
                        self.sheets.append((given.get("name", ""), part))
                case "workbookPr":
                    self.starts_1904 = given.get("date1904", "0") in ("1", "true")

        self._parse(main, start)

    def _styles(self, name: str) -> None:
        codes: dict[int, str] = {}
        within = [""]

        def start(tag: str, given: dict[str, str]) -> None:
            match tag.rpartition(":")[2]:
                case "numFmt" if given.get("numFmtId", "").isdecimal():
                    codes[int(given["numFmtId"][:9])] = given.get("formatCode", "")[:255]
                case "cellXfs" | "cellStyleXfs" as what:
                    within[0] = what
                case "xf" if within[0] == "cellXfs" and len(self.formats) < FORMATS_LIMIT:
                    text = given.get("numFmtId", "0")
                    number = int(text[:9]) if text.isdecimal() else 0
                    self.formats.append(format_from(number, codes.get(number)))

        if self.archive.has(name):
            self._parse(name, start)

    def _shared(self, name: str) -> None:
        words: list[str] = []
        state = {"t": False, "rPh": False}
        size = 0

        def start(tag: str, _given: dict[str, str]) -> None:
            tag = tag.rpartition(":")[2]
            if tag in state:
                state[tag] = True
            elif tag == "si":
                words.clear()

        def end(tag: str) -> None:
            nonlocal size
            tag = tag.rpartition(":")[2]
            if tag in state:
                state[tag] = False
            elif tag == "si":
                self.shared.append(unescaped("".join(words)))
                size += len(self.shared[-1])
                if size > TEXT_LIMIT:
                    raise refusal(self.path, f"has cells of more than {TEXT_LIMIT:,} characters together")

        def text(piece: str) -> None:
            # How a word is spoken (rPh) is no part of it.
            if state["t"] and not state["rPh"]:
                words.append(piece)

        if self.archive.has(name):
            self._parse(name, start, end, text)


def open_workbook(path: Path, settings: ReadSettings) -> Source:
    """The records of one sheet: the first, or the one that is named or counted from 1.

    Raises: ImportRefused.
    Cost: the shared texts in memory; the sheet is a stream, inflated twice where cells are merged.
    """
    archive = Archive(path)
    try:
        book = Workbook(path, archive)
        book.read()
        name, part = _chosen(path, book.sheets, settings.sheet)
        styles = Styles(book.formats, book.shared, book.starts_1904)
        merges = _merges(book, part)
        rows = _Rows(book, part, SheetReader(path, styles, merges, settings.merged))
        first, headers = _header(rows.read(), settings.header, path, name)
    except BaseException:
        archive.close()
        raise
    return Source(
        headers=headers,
        records=rows.records(first, len(headers)),
        total=path.stat().st_size,
        unit="bytes",
        position=archive.position,
        line_word="row",
        close=archive.close,
    )


def _chosen(path: Path, sheets: list[tuple[str, str]], sheet: str | int | None) -> tuple[str, str]:
    names = [name for name, _ in sheets]
    if not names:
        raise refusal(path, "has no sheet in it")
    chosen = names[sheet - 1] if isinstance(sheet, int) and 0 < sheet <= len(names) else str(sheet or names[0])
    if chosen not in names:
        raise ImportRefused(f'{path.name} has no sheet "{sheet}"; its sheets are {quoted(names)}. Set [read] sheet.')
    return sheets[names.index(chosen)]


def _merges(book: Workbook, part: str) -> Merges:
    """The merged cells of a sheet, which stand behind its rows."""
    before, has_any = b"", False
    for piece in book.archive.pieces(part):
        has_any = has_any or b"mergeCell" in before[-16:] + piece
        before = piece
    merges = Merges(book.path)
    if has_any:
        book.archive.begin_again()

        def start(tag: str, given: dict[str, str]) -> None:
            if tag.rpartition(":")[2] == "mergeCell":
                merges.add(given.get("ref", ""))

        for _ in parse(book.archive, book.path, part, start, None, None):
            pass
    book.archive.begin_again()
    return merges


@dataclass(slots=True)
class _Rows:
    """The rows of a sheet, one after the other."""

    book: Workbook
    part: str
    reader: SheetReader
    _stream: Iterator[tuple[int, list[object]]] | None = None

    def read(self) -> Iterator[tuple[int, list[object]]]:
        if self._stream is None:
            self._stream = self._rows()
        return self._stream

    def _rows(self) -> Iterator[tuple[int, list[object]]]:
        reader = self.reader
        for _ in parse(self.book.archive, self.book.path, self.part, reader.start, reader.end, reader.text):
            yield from reader.taken()

    def records(self, first: int, width: int) -> Iterator[Record]:
        for number, cells in self.read():
            if number > first and any(_is_filled(cell) for cell in cells):
                over = len(cells) > width and any(_is_filled(cell) for cell in cells[width:])
                fault = f"the row has {len(cells)} cells, but the header names {width} columns" if over else ""
                # What stands beside the table is no part of it, if nothing of it is a value.
                yield Record(number, cells if over else (cells + [None] * (width - len(cells)))[:width], fault)


def _is_filled(cell: object) -> bool:
    if isinstance(cell, BadCell):
        return not cell.is_merged
    return cell is not None and cell != ""


def _header(
    rows: Iterator[tuple[int, list[object]]], wanted: int | None, path: Path, sheet: str
) -> tuple[int, tuple[str, ...]]:
    """The number of the row with the names of the columns, and the names."""
    for number, cells in rows:
        if (wanted is None and any(_is_filled(cell) for cell in cells)) or (wanted is not None and number >= wanted):
            if wanted is not None and number > wanted:
                break
            while cells and not _is_filled(cells[-1]):
                cells.pop()
            if len(cells) > COLUMNS_LIMIT:
                raise ImportRefused(f"{path.name} has more than {COLUMNS_LIMIT:,} columns, which no map needs.")
            if cells:
                return number, tuple(_name_of(cell) for cell in cells)
    which = "it is empty" if wanted is None else f"its row {wanted} is empty"
    raise ImportRefused(f'The sheet "{sheet}" of {path.name} has no header: {which}.')


def _name_of(cell: object) -> str:
    if cell is None:
        return ""
    return str(getattr(cell, "words", cell)).strip()
