"""What an import has found out so far, in a file of its own: a worker that goes on begins where another one stopped."""

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from acts.importing.errors import ImportRefused
from acts.importing.seen import SeenNumbers

KEPT_LIMIT = 50_000_000
"""Units: characters of all refused rows of a job: about 200,000 rows of a usual table."""
KEPT_FREELY, KEPT_A_BYTE = 2_000_000, 20
"""Of a small file less: so much, and so much for each byte sent; packed tables come to ten times their bytes."""
_TABLES = """
CREATE TABLE IF NOT EXISTS refused (place INTEGER PRIMARY KEY, row INTEGER, report TEXT, cells TEXT);
CREATE TABLE IF NOT EXISTS checked (one INTEGER PRIMARY KEY, rows INTEGER, created INTEGER, changed INTEGER);
"""


class RefusedTooMuch(ImportRefused):
    """More rows are refused than anybody mends; those up to there are kept."""


@dataclass(frozen=True, slots=True)
class RefusedCells:
    """A refused row as its file will show it."""

    place: int
    """Of the record in the file, counted from 1."""
    row: int
    """The number that the row goes by: another one where the file is of refused rows itself."""
    report: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the first pass is, and what the second one would do."""

    rows: int = 0
    created: int = 0
    changed: int = 0


class WorkFile(SeenNumbers):
    """Numbers and refused rows, on disk as of the last batch: half a batch is never in it."""

    def __init__(self, path: Path, sent_bytes: int = KEPT_LIMIT) -> None:
        self._kept_limit = min(KEPT_LIMIT, KEPT_FREELY + KEPT_A_BYTE * sent_bytes)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        try:
            self._open(path)
        except sqlite3.DatabaseError:
            # A machine that fell over may leave half a page; all of it can be found out again.
            path.write_bytes(b"")
            self._open(path)
        self._path = path

    def _open(self, path: Path) -> None:
        super().__init__(path)
        # A killed process loses nothing that was written; only a machine that falls over could.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(_TABLES)
        (self._kept,) = self._database.execute(
            "SELECT coalesce(sum(length(report) + length(cells)), 0) FROM refused"
        ).fetchone()
        self._database.execute("BEGIN")

    def commit(self) -> None:
        """Keep what was noted since the last time."""
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")

    def remove(self) -> None:
        """Close and forget it."""
        self._database.close()
        self._path.unlink(missing_ok=True)

    @property
    def checked(self) -> Checked:
        found = self._database.execute("SELECT rows, created, changed FROM checked").fetchone()
        return Checked(*found) if found else Checked()

    def note_checked(self, checked: Checked) -> None:
        """Note how far the first pass is."""
        values = (checked.rows, checked.created, checked.changed)
        self._database.execute("INSERT OR REPLACE INTO checked VALUES (1, ?, ?, ?)", values)

    def refuse(self, row: RefusedCells) -> None:
        """Note a refused row; the same row again is noted once, with what is wrong with it now."""
        values = (row.place, row.row, row.report, json.dumps(row.cells))
        self._kept += len(row.report) + len(values[3])
        if self._kept > self._kept_limit:
            raise RefusedTooMuch(
                f"The rows that are refused come to more than {self._kept_limit:,} characters, so this is not about "
                f"single rows: mend the map or the file, and begin again. The last of them says: {row.report[:500]}"
            )
        self._database.execute("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)", values)

    def refused_between(self, first: int, last: int) -> frozenset[int]:
        """The places of the refused rows from one place to another, both included."""
        found = self._database.execute("SELECT place FROM refused WHERE place BETWEEN ? AND ?", (first, last))
        return frozenset(place for (place,) in found)

    def count_refused(self) -> int:
        """How many rows were refused."""
        return int(self._database.execute("SELECT count(*) FROM refused").fetchone()[0])

    def refused(self) -> Iterator[RefusedCells]:
        """All refused rows, in the order of the file."""
        for place, row, report, cells in self._database.execute("SELECT * FROM refused ORDER BY place"):
            yield RefusedCells(place, row, report, tuple(json.loads(cells)))
