"""One import from its first row to its last: batches go to the database, refused rows to the listener."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from anyio.lowlevel import checkpoint

from acts.checks import number_problems
from acts.importing.definitions import missing_attributes
from acts.importing.errors import Unreadable
from acts.importing.mapping import ImportMap
from acts.importing.reading import Reading, opened_reading
from acts.importing.rows import MappedRow, Refusal, RefusedRow, column_from
from acts.importing.seen import SeenNumbers
from acts.upsert_rows import ClientRow, UpsertReport
from acts.upserts import ROW_LIMIT
from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem, shown

Store = Callable[[Sequence[ClientRow]], Awaitable[UpsertReport]]
Row = MappedRow | RefusedRow
SAMPLE = 3
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
    numbers: list[str] = field(default_factory=list)
    """Of the first clients, as the map makes them."""

    @property
    def stored(self) -> int:
        """Rows whose values are in the database now."""
        return self.created + self.changed + self.unchanged


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file and its map, found to fit each other; nothing is written yet."""

    map: ImportMap
    reading: Reading
    missing: tuple[Attribute, ...]
    """Attributes to define before the first row."""
    catalogue: Catalogue
    """With those attributes."""

    def column_of(self, path: str) -> str:
        """The column or columns from which the value at a path was read, for a report."""
        client = self.map.client
        named = {"number": client.number, "kind": client.kind, "stage": client.stage, "manager": client.manager}
        return column_from(self.map.values.get(path) or named.get(path), path)

    async def batches(self, done: int = 0) -> AsyncIterator[list[Row]]:
        """The rows behind those that are done, in parts that fit into memory and into a command.

        The same file makes the same parts, wherever a pass begins.
        """
        async for rows in self.reading.batches(done, ROW_LIMIT):
            yield rows


class Listener(Protocol):
    """Who is told how an import goes, and may end it between two batches."""

    def refuse(self, row: RefusedRow) -> None:
        """Note a row that was not stored."""

    def progress(self, tally: Tally, position: int) -> None:
        """See what is done after a batch."""

    def is_stopped(self) -> bool:
        """Say whether the import is to end here."""


@asynccontextmanager
async def prepared(path: Path, given: ImportMap, catalogue: Catalogue) -> AsyncIterator[Prepared]:
    """An import that can start, its file open in a process of its own.

    Raises: ImportRefused where file, map and catalogue do not fit.
    """
    missing = missing_attributes(given, catalogue)
    would_be = catalogue.with_attributes(missing) if missing else catalogue
    async with opened_reading(path, given, would_be) as reading:
        yield Prepared(given, reading, missing, would_be)


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
        reading = self.prepared.reading
        with SeenNumbers() as seen:
            async for chunk in self.prepared.batches():
                if self.listener.is_stopped():
                    self.tally.is_interrupted = True
                    break
                await self.take(chunk, seen)
                self.listener.progress(self.tally, reading.position)
                # lets a signal handler run even while every row is refused and nothing is sent
                await checkpoint()
        return self.tally

    async def take(self, chunk: Sequence[Row], seen: SeenNumbers) -> None:
        """Store what can be stored of some rows, and tell the listener of the others."""
        refused = [row for row in chunk if isinstance(row, RefusedRow)]
        mapped: list[MappedRow] = []
        clients: list[ClientRow] = []
        for row in chunk:
            if isinstance(row, MappedRow):
                known, client = await self._client_row(self._once(row, seen))
                mapped.append(known)
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

    def _once(self, row: MappedRow, seen: SeenNumbers) -> MappedRow:
        """The row, refused where its number stood in the file before."""
        if not row.number:
            return row
        if len(self.tally.numbers) < SAMPLE and not row.refusals:
            self.tally.numbers.append(row.number)
        earlier = None if number_problems(row.number) else seen.earlier_line(row.number, row.record.line)
        if earlier is None:
            return row
        reason = f"client number takes a number once in a file; {shown(row.number)} stood in line {earlier} already"
        return replace(row, refusals=(*row.refusals, self._refusal(("number",), reason)))

    async def _client_row(self, row: MappedRow) -> tuple[MappedRow, ClientRow]:
        """The row, with what is wrong with its manager, and what is to be stored or looked at of it."""
        manager = None
        if row.manager is not None:
            try:
                manager = await self._manager(row.manager)
            except Unreadable as error:
                refusal = replace(self._refusal(("manager",), f"client manager {error}"), path="managerId")
                row = replace(row, refusals=(*row.refusals, refusal))
        # Of a row that the file alone refuses, and that is looked at for the rest of its problems.
        before = tuple(Problem(ErrorCode.INVALID_VALUE, "", tuple(each.path.split("."))) for each in row.refusals)
        return row, ClientRow(row.number, row.kind, row.stage, manager, row.values, before)

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
            if each.message:
                by_row[each.row].append(self._refusal(each.path, each.message.rstrip(".")))
        numbers = self.prepared.column_of("number")
        refused: list[RefusedRow] = []
        for place in sorted(by_row.keys() | {place for place, row in enumerate(mapped) if row.refusals}):
            row, found = mapped[place], by_row[place]
            if any(each.column == numbers for each in row.refusals):
                # The file has said it: a number that is empty, or stood before.
                found = [each for each in found if each.column != numbers]
            refused.append(RefusedRow(row.record, row.row, tuple(dict.fromkeys((*row.refusals, *found)))))
        return refused

    def _refusal(self, path: Sequence[str], reason: str) -> Refusal:
        names = [".".join(path[:length]) for length in range(len(path), 0, -1)]
        found = next((column for name in names if (column := self.prepared.column_of(name)) != name), "")
        return Refusal(found, reason)
