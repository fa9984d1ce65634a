"""One import from its first row to its last: batches go to the database, refused rows to the listener."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from anyio.lowlevel import checkpoint

from acts.importing.definitions import missing_attributes
from acts.importing.errors import Unreadable
from acts.importing.joining import joined
from acts.importing.mapping import ImportMap
from acts.importing.readers import open_source
from acts.importing.rows import MappedRow, Refusal, RefusedRow, RowMapper
from acts.importing.seen import SeenNumbers
from acts.importing.source import Source
from acts.upserts import ROW_LIMIT, ClientRow, UpsertReport
from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import Problem

Store = Callable[[Sequence[ClientRow]], Awaitable[UpsertReport]]
BATCH_SIZE = 8_000_000
"""Units: about bytes, so that a thousand long rows do not fill the memory."""
_CELL_SIZE = 8
Row = MappedRow | RefusedRow
FindManager = Callable[[str], Awaitable[str]]
"""From the manager as the file names them to the id; raises Unreadable."""


@dataclass(slots=True)
class Tally:
    """What an import has done so far; whatever it counts is in the database."""

    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    is_interrupted: bool = False

    @property
    def stored(self) -> int:
        """Rows whose values are in the database now."""
        return self.created + self.changed + self.unchanged


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file and its map, found to fit each other; nothing is written yet."""

    source: Source
    mapper: RowMapper
    missing: tuple[Attribute, ...]
    """Attributes to define before the first row."""
    catalogue: Catalogue
    """With those attributes."""


class Listener(Protocol):
    """Who is told how an import goes, and may end it between two batches."""

    def refuse(self, row: RefusedRow) -> None:
        """Note a row that was not stored."""

    def progress(self, tally: Tally, position: int) -> None:
        """See what is done after a batch."""

    def is_stopped(self) -> bool:
        """Say whether the import is to end here."""


@contextmanager
def prepared(path: Path, given: ImportMap, catalogue: Catalogue) -> Iterator[Prepared]:
    """An import that can start, its file open.

    Raises: ImportRefused where file, map and catalogue do not fit.
    """
    missing = missing_attributes(given, catalogue)
    would_be = catalogue.with_attributes(missing) if missing else catalogue
    with open_source(path, given.read) as source:
        if given.join is not None:
            source = joined(source, given.join, path.parent)
        yield Prepared(source, RowMapper(given, source, would_be), missing, would_be)


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in parts that fit into memory and into a command.

    The same rows make the same parts.
    """
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        cells = row.record.cells
        size += _CELL_SIZE * len(cells) + sum(len(cell) for cell in cells if isinstance(cell, str))
        if len(batch) == ROW_LIMIT or size > BATCH_SIZE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@dataclass(slots=True)
class ImportRun:
    """One run; the tally stays right at every moment, even if the run ends with an error."""

    prepared: Prepared
    store: Store
    find_manager: FindManager
    listener: Listener
    tally: Tally = field(default_factory=Tally)
    _managers: dict[str, str | Unreadable] = field(default_factory=dict)

    async def run(self) -> Tally:
        """What was done, with every row either stored or refused, unless the listener ended it.

        Cost: one batch of rows in memory; a call of `store` for each.
        """
        source, mapper = self.prepared.source, self.prepared.mapper
        with SeenNumbers() as seen:
            for chunk in batches(mapper.rows(source.records, seen)):
                if self.listener.is_stopped():
                    self.tally.is_interrupted = True
                    break
                await self.take(chunk)
                self.listener.progress(self.tally, source.position())
                # lets a signal handler run even while every row is refused and nothing is sent
                await checkpoint()
        return self.tally

    async def take(self, chunk: Sequence[Row]) -> None:
        """Store what can be stored of some rows, and tell the listener of the others."""
        refused = [row for row in chunk if isinstance(row, RefusedRow)]
        mapped: list[MappedRow] = []
        clients: list[ClientRow] = []
        for row in chunk:
            if isinstance(row, MappedRow):
                client = await self._client_row(row)
                if isinstance(client, RefusedRow):
                    refused.append(client)
                else:
                    mapped.append(row)
                    clients.append(client)
        if clients:
            report = await self.store(clients)
            refused += self._refused_by(report.problems, mapped)
            self.tally.created += report.created
            self.tally.changed += report.changed
            self.tally.unchanged += report.unchanged
        self.tally.refused += len(refused)
        self.tally.rows += len(chunk)
        for each in sorted(refused, key=lambda row: row.record.line):
            self.listener.refuse(each)

    async def _client_row(self, row: MappedRow) -> ClientRow | RefusedRow:
        manager = None
        if row.manager is not None:
            try:
                manager = await self._manager(row.manager)
            except Unreadable as error:
                return RefusedRow(row.record, row.row, (self._refusal(("manager",), f"client manager {error}"),))
        return ClientRow(row.number, row.kind, row.stage, manager, row.values)

    async def _manager(self, name: str) -> str:
        """The id of a manager, looked up once however many rows name them."""
        if name not in self._managers:
            try:
                self._managers[name] = await self.find_manager(name)
            except Unreadable as error:
                self._managers[name] = error
        found = self._managers[name]
        if isinstance(found, Unreadable):
            raise found
        return found

    def _refused_by(self, problems: Sequence[Problem], mapped: list[MappedRow]) -> list[RefusedRow]:
        by_row: dict[int, list[Refusal]] = defaultdict(list)
        for each in problems:
            if each.row is None:
                raise ValueError(f"a problem of many rows names its row; got {each}")
            by_row[each.row].append(self._refusal(each.path, each.message.rstrip(".")))
        return [RefusedRow(mapped[place].record, mapped[place].row, tuple(found)) for place, found in by_row.items()]

    def _refusal(self, path: Sequence[str], reason: str) -> Refusal:
        names = [".".join(path[:length]) for length in range(len(path), 0, -1)]
        found = next((column for name in names if (column := self.prepared.mapper.column_of(name)) != name), "")
        return Refusal(found, reason)
