"""What every reader hands over: headers, then records one after the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

ROW_COLUMN = "kehu_row"
"""In a file of refused rows: the number of the row in the file it came from, so that {row} stays what it was."""
PROBLEM_COLUMN = "kehu_problem"


MERGED = "#MERGED!"
ERRORS = frozenset(
    "#REF! #N/A #VALUE! #DIV/0! #NAME? #NUM! #NULL! #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT! #BUSY! #UNKNOWN! "
    f"#EXTERNAL! #PYTHON! #GETTING_DATA #CELL! #FORMULA! {MERGED}".split()
)
"""What a spreadsheet shows instead of a value, in a file of any format."""


class _Absent:
    """The type of ABSENT."""


ABSENT: Final = _Absent()
"""No cell at all, or one that says nothing: the value of the client stays what it is."""


@dataclass(frozen=True, slots=True)
class ShownNumber:
    """A number of a spreadsheet, and what its format shows of it."""

    value: int | float
    words: str
    """As the sheet shows it: 00123, 65.5%."""
    is_percent: bool = False


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that is not empty and holds no value: an error, a part of a merged cell, a formula without a result."""

    reason: str
    """To end the sentence "the cell ..."."""
    words: str = "#CELL!"
    """As the sheet shows it, or one of ERRORS, so that it is refused in a file of refused rows too."""

    @property
    def is_merged(self) -> bool:
        return self.words == MERGED


class Record(NamedTuple):
    """One row of a file; cells are texts or, where the format has types, native values; None is an empty cell."""

    line: int
    cells: Sequence[object]
    fault: str = ""
    """Why the row cannot be read at all."""


def _nothing() -> None:
    """A source without a file of its own has nothing to close."""


@dataclass(slots=True)
class Source(AbstractContextManager["Source"]):
    """An open file, read once, from its first row to its last."""

    headers: tuple[str, ...]
    records: Iterator[Record]
    total: int
    """Units: bytes or rows, as `unit` says."""
    unit: str
    position: Callable[[], int]
    """How far the reading is, in the same unit."""
    line_word: str = "line"
    joined: int = 0
    """How many columns, at the end, come from the second file."""
    unmatched: Callable[[], int] = field(default=lambda: 0)
    """How many rows so far have no row in the second file."""
    close: Callable[[], None] = _nothing

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def own_headers(self) -> tuple[str, ...]:
        """The headers of the file itself, without those of the second one."""
        return self.headers[: len(self.headers) - self.joined]


def quoted(names: Iterable[object], most: int = 30) -> str:
    """Names for a sentence, the first of them if they are many."""
    listed = [f'"{str(name)[:100]}"' for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return (", ".join(listed[:most]) or "none") + more
