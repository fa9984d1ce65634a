"""The rows that were refused, as a CSV file that can be mended and imported with the same map."""

import csv
from contextlib import AbstractContextManager
from pathlib import Path

from acts.importing.errors import ImportRefused
from acts.importing.mapping import ReadSettings
from acts.importing.rows import RefusedRow, cells_as_text
from acts.importing.source import PROBLEM_COLUMN, ROW_COLUMN, Source

_OWN = (ROW_COLUMN, PROBLEM_COLUMN)


class RefusedFile(AbstractContextManager["RefusedFile"]):
    """A file with the columns of the source, and in front of them the number of the row and its problems."""

    def __init__(self, path: Path, source: Source, settings: ReadSettings) -> None:
        self._line_word = source.line_word
        headers = source.own_headers
        self._places = [place for place, header in enumerate(headers) if header not in _OWN]
        # Bytes that could not be decoded are written back as they were.
        encoding = "utf-8" if settings.encoding == "utf-8-sig" else settings.encoding
        try:
            self._file = path.open("w", encoding=encoding, errors="surrogateescape", newline="")
        except OSError as error:
            raise ImportRefused(f"The refused rows cannot be written to {path}: {error.strerror}.") from None
        self._writer = csv.writer(self._file, delimiter=settings.delimiter or ",")
        self._writer.writerow([*_OWN, *(headers[place] for place in self._places)])

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, row: RefusedRow) -> None:
        """Add one row."""
        texts = cells_as_text(row.record.cells)
        is_whole = not row.record.fault or len(texts) == len(self._places)
        cells = [texts[place] for place in self._places] if is_whole else texts
        self._writer.writerow([row.row, report_of(row, self._line_word), *cells])


def report_of(row: RefusedRow, line_word: str) -> str:
    """One refused row as a sentence: where it stands, and each column with its reason."""
    reasons = (f'column "{each.column}": {each.reason}' if each.column else each.reason for each in row.refusals)
    return f"{line_word} {row.record.line}: {'; '.join(reasons)}"
