"""Which client numbers a file has named so far."""

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self


class SeenNumbers(AbstractContextManager["SeenNumbers"]):
    """The numbers of one import, on disk once they are many, so that memory stays flat."""

    def __init__(self, path: Path | None = None) -> None:
        # "" is a private temporary database that SQLite spills to disk and deletes itself
        self._database = sqlite3.connect("" if path is None else path, isolation_level=None)
        self._database.execute(f"PRAGMA journal_mode = {'OFF' if path is None else 'DELETE'}")
        self._database.execute("CREATE TABLE IF NOT EXISTS seen (number TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def earlier_line(self, number: str, line: int) -> int | None:
        """The line that named the number before; None, and the number is noted, where none did, or this very line."""
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (number, line))
        if added.rowcount:
            return None
        found = int(self._database.execute("SELECT line FROM seen WHERE number = ?", (number,)).fetchone()[0])
        return None if found == line else found
