"""The rows that were refused, as a CSV file that can be mended and imported with the same map."""

import csv
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from acts.formula_cells import neutral, neutral_cell
from acts.importing.errors import ImportRefused
from acts.importing.mapping import ReadSettings
from acts.importing.reading import FileFacts
from acts.importing.rows import RefusedRow
from acts.importing.sizes import cut
from acts.importing.source import PROBLEM_COLUMN, ROW_COLUMN

REASONS_LIMIT = 100
_OWN = (ROW_COLUMN, PROBLEM_COLUMN)


class RefusedFile(AbstractContextManager["RefusedFile"]):
    """A file with the columns of the source, and in front of them the number of the row and its problems."""

    def __init__(self, path: Path, facts: FileFacts, settings: ReadSettings) -> None:
        self._line_word = facts.line_word
        headers = facts.headers
        self._places = shown_places(headers)
        # Bytes that could not be decoded are written back as they were.
        encoding = "utf-8" if settings.encoding == "utf-8-sig" else settings.encoding
        try:
            self._file = open(  # noqa: SIM115 closed by __exit__
                path, "w", encoding=encoding, errors="surrogateescape", newline="", opener=_for_owner_alone
            )
        except OSError as error:
            raise ImportRefused(f"The refused rows cannot be written to {path}: {error.strerror}.") from None
        self._writer = csv.writer(self._file, delimiter=settings.delimiter or ",")
        self._writer.writerow([*_OWN, *(neutral(headers[place]) for place in self._places)])

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, row: RefusedRow) -> None:
        """Add one row."""
        self.write_texts(row.row, report_of(row, self._line_word), shown_cells(row, self._places))

    def write_texts(self, row: int, report: str, cells: Sequence[str]) -> None:
        """Add one row that is text already."""
        # Whoever mends the file opens it in a spreadsheet, which must run nothing that somebody else has written.
        self._writer.writerow([row, *map(neutral_cell, (report, *cells))])


def shown_places(headers: Sequence[str]) -> list[int]:
    """The places of the columns that a file of refused rows shows."""
    return [place for place, header in enumerate(headers) if header not in _OWN]


def shown_cells(row: RefusedRow, places: Sequence[int]) -> list[str]:
    """The cells of a row that its file shows, as texts; of a row that cannot be read, whatever there is."""
    texts = [cut(str(cell)) for cell in row.record.cells]
    is_whole = not row.record.fault or len(texts) == max(places, default=-1) + 1
    return [texts[place] for place in places] if is_whole else texts


def _for_owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def report_of(row: RefusedRow, line_word: str) -> str:
    """One refused row as a sentence: where it stands, and each column with its reason."""
    shown = row.refusals[:REASONS_LIMIT]
    reasons = [f'column "{each.column}": {each.reason}' if each.column else each.reason for each in shown]
    if len(row.refusals) > REASONS_LIMIT:
        reasons.append(f"and {len(row.refusals) - REASONS_LIMIT:,} more")
    return cut(f"{line_word} {row.record.line}: {'; '.join(reasons)}")
