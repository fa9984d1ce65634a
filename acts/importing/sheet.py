"""The cells of one sheet of a workbook, from the XML that describes them, row by row."""

import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from acts.formula_cells import whole
from acts.importing.archive import refusal
from acts.importing.mapping import Merged
from acts.importing.number_formats import NumberFormat
from acts.importing.sizes import CELL_LIMIT
from acts.importing.source import MERGED, BadCell, ShownNumber

CELLS_LIMIT = 10_000_000
"""Of the rectangle that holds all cells of a sheet."""
MERGES_LIMIT = 100_000
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_CONTROL = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LAST_DAY = 2_958_466
_FAKE_DAY = 60
"""Of 1900, which Excel holds for a leap year."""


def unescaped(text: str) -> str:
    """A text in which a workbook has written control characters as _x000D_."""
    return _CONTROL.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def column_number(letters: str) -> int:
    """The column that letters name: A is 1, Z is 26, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """The letters of a column: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


class Merges:
    """The merged cells of a sheet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ranges: list[tuple[int, int, int, int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def add(self, text: str) -> None:
        """Note one, such as B2:B5; what is no such place is no merged cell."""
        first, _, last = text.partition(":")
        ends = _PLACE.fullmatch(first), _PLACE.fullmatch(last)
        if len(self._ranges) >= MERGES_LIMIT:
            raise refusal(self._path, f"has more than {MERGES_LIMIT:,} merged cells")
        if ends[0] and ends[1]:
            top, bottom = int(ends[0][2]), int(ends[1][2])
            self._ranges.append((top, bottom, column_number(ends[0][1]), column_number(ends[1][1]), text))

    def ordered(self) -> "deque[tuple[int, int, int, int, str]]":
        """Top, bottom, left, right and name of each. Order: by the first row."""
        return deque(sorted(self._ranges))


@dataclass(frozen=True, slots=True)
class Styles:
    """What the cells of a sheet refer to."""

    formats: Sequence[NumberFormat]
    shared: Sequence[str]
    starts_1904: bool

    def format_of(self, style: str) -> NumberFormat | None:
        """The format of a cell's style; None where numbers are shown as they are."""
        at = int(style[:6]) if style.isdecimal() else 0
        found = self.formats[at] if at < len(self.formats) else None
        return None if found is None or found.is_plain else found


@dataclass(slots=True)
class SheetReader:
    """Hears of the elements of a sheet, and hands out the rows that are whole."""

    path: Path
    styles: Styles
    merges: Merges
    merged: Merged
    _waiting: "deque[tuple[int, list[object], str, int, int, int, int]]" = field(default_factory=deque)
    _ready: list[tuple[int, list[object]]] = field(default_factory=list)
    _cells: list[object] = field(default_factory=list)
    _row: int = 0
    _column: int = 0
    _last_row: int = 0
    _last_column: int = 0
    _type: str = ""
    _style: str = ""
    _has_formula: bool = False
    _words: list[str] = field(default_factory=list)
    _length: int = 0
    _hears: bool = False
    _is_spoken: bool = False
    _covering: "deque[tuple[int, int, int, int, str]]" = field(init=False)
    _open: dict[str, tuple[tuple[int, int, int, int], object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._covering = self.merges.ordered()

    def taken(self) -> Iterator[tuple[int, list[object]]]:
        """The rows that have become whole: the number of each, and its cells."""
        ready, self._ready = self._ready, []
        return iter(ready)

    def start(self, tag: str, given: dict[str, str]) -> None:
        """Hear of the begin of an element."""
        match tag if ":" not in tag else tag.rpartition(":")[2]:
            case "c":
                self._begin_cell(given)
            case "v" | "t":
                self._hears = not self._is_spoken
            case "row":
                number = given.get("r", "")
                self._row = int(number[:9]) if number.isdecimal() else self._row + 1
                self._column, self._cells = 0, []
            case "f":
                self._has_formula = True
            case "rPh":
                self._is_spoken = True

    def end(self, tag: str) -> None:
        """Hear of the end of an element."""
        match tag if ":" not in tag else tag.rpartition(":")[2]:
            case "c":
                self._end_cell()
            case "v" | "t":
                self._hears = False
            case "row":
                if self._cells or self.merges:
                    self._ready.append((self._row, self._with_merged(self._cells)))
                self._cells = []
            case "rPh":
                self._is_spoken = False

    def text(self, piece: str) -> None:
        """Hear of characters."""
        if self._hears:
            self._length += len(piece)
            # One more than a cell may have, so that it is seen to be too long.
            if self._length <= CELL_LIMIT or sum(map(len, self._words)) <= CELL_LIMIT:
                self._words.append(piece[: CELL_LIMIT + 1])

    def _begin_cell(self, given: dict[str, str]) -> None:
        place = _PLACE.fullmatch(given.get("r", ""))
        self._column = column_number(place[1]) if place else self._column + 1
        self._type, self._style = given.get("t", "n"), given.get("s", "")
        self._has_formula, self._words, self._length, self._hears = False, [], 0, False
        self._last_column = max(self._last_column, self._column)
        self._last_row = max(self._last_row, self._row)
        if self._last_row * self._last_column > CELLS_LIMIT:
            size = f"{self._last_row:,} rows by {self._last_column:,} columns"
            raise refusal(self.path, f"has a sheet of {size}; {CELLS_LIMIT:,} cells are the most")

    def _end_cell(self) -> None:
        words = "".join(self._words)
        if not words and not self._has_formula:
            return
        cell = self._value(words)
        behind = self._column - 1 - len(self._cells)
        if behind < 0:
            # A cell that stands twice, or in front of one that stood before it, is in nobody's table.
            raise refusal(self.path, f"has cells out of their order in row {self._row:,}")
        self._cells += [None] * behind
        self._cells.append(cell)

    def _value(self, words: str) -> object:
        match self._type:
            case "s":
                at = int(words) if words.isdecimal() and len(words) < 10 else -1
                if not 0 <= at < len(self.styles.shared):
                    return BadCell(f"refers to a shared text number {words[:20]}, which the workbook does not have")
                return whole(self.styles.shared[at])
            case "inlineStr" | "str":
                return whole(unescaped(words)) if words else None
            case "b":
                return words.strip() in ("1", "true")
            case "e":
                words = words[:40] if words[:1] == "#" else "#CELL!"
                return BadCell(f"holds the error {words} of the spreadsheet", words)
            case "d":
                return _moment(words)
        return self._number(words.strip()) if words else _without_result()

    def _number(self, words: str) -> object:
        number: int | float
        try:
            number = int(words) if _INTEGER.fullmatch(words) else float(words)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            return BadCell(f"holds a number that is none, {words[:40]}")
        number = int(number) if isinstance(number, float) and number.is_integer() and abs(number) < 1e15 else number
        form = self.styles.format_of(self._style) if self._style else None
        if form is None:
            return number
        if form.is_date:
            return _day_from(number, form, starts_1904=self.styles.starts_1904)
        if form.is_elapsed:
            return BadCell(f"holds a span of time ({words[:40]} days), which no attribute takes")
        if form.is_percent:
            return ShownNumber(number, f"{_plain(Decimal(str(number)) * 100)}%", is_percent=True)
        return ShownNumber(number, form.words_for(number)) if isinstance(number, int) else number

    def _with_merged(self, cells: list[object]) -> list[object]:
        """The row, with what merged cells cover filled in, or marked."""
        if not self.merges:
            return cells
        while self._covering and self._covering[0][0] <= self._row:
            top, bottom, left, right, name = self._covering.popleft()
            if bottom >= self._row:
                is_first = top == self._row and left <= len(cells)
                self._open[name] = ((top, bottom, left, right), cells[left - 1] if is_first else None)
        for name, ((top, bottom, left, right), value) in list(self._open.items()):
            if bottom < self._row:
                del self._open[name]
                continue
            for column in range(left, min(right, CELLS_LIMIT // self._row, 16_384) + 1):
                if (self._row, column) != (top, left):
                    self._cover(cells, column, name, value)
        return cells

    def _cover(self, cells: list[object], column: int, name: str, value: object) -> None:
        if self.merged == "empty" or value is None:
            return
        cells += [None] * (column - len(cells))
        where = f"{column_letters(column)}{self._row}"
        reason = (
            f"{where} is covered by the merged cell {name} and shows nothing of its own; unmerge it, or say in the map "
            'merged = "fill" (the value of the merged cell) or merged = "empty"'
        )
        cells[column - 1] = value if self.merged == "fill" else BadCell(reason, MERGED)


def _without_result() -> BadCell:
    reason = "holds a formula without a result; open and save the workbook in a spreadsheet first"
    return BadCell(reason, "#FORMULA!")


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(words: str) -> object:
    try:
        return date.fromisoformat(words) if len(words) == 10 else datetime.fromisoformat(words)
    except ValueError:
        return BadCell(f"holds a date that is none, {words[:40]}")


def _day_from(serial: float, form: NumberFormat, *, starts_1904: bool) -> object:
    """The day or the moment that a number stands for under a format of dates."""
    if not 0 <= serial < _LAST_DAY or (int(serial) == _FAKE_DAY and not starts_1904):
        return BadCell(f"holds the number {serial}, which is no day of the spreadsheet's calendar")
    seconds = round((serial % 1) * 86_400, 3)
    if serial < 1 and form.has_time:
        return (datetime.combine(date(1900, 1, 1), time()) + timedelta(seconds=seconds)).time()
    epoch = date(1904, 1, 1) if starts_1904 else date(1899, 12, 30) if serial > _FAKE_DAY else date(1899, 12, 31)
    day = epoch + timedelta(days=int(serial))
    if not seconds and not form.has_time:
        return day
    return datetime.combine(day, time()) + timedelta(seconds=seconds)
