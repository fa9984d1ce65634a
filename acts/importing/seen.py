"""Which client numbers a file has named so far."""

import sqlite3
from contextlib import AbstractContextManager


class SeenNumbers(AbstractContextManager["SeenNumbers"]):
    """The numbers of one import, on disk once they are many, so that memory stays flat."""

    def __init__(self) -> None:
        # "" is a private temporary database that SQLite spills to disk and deletes itself
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (number TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def earlier_line(self, number: str, line: int) -> int | None:
        """The line that named the number before; None, and the number is noted, where none did."""
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (number, line))
        if added.rowcount:
            return None
        found = self._database.execute("SELECT line FROM seen WHERE number = ?", (number,)).fetchone()
        return int(found[0])
