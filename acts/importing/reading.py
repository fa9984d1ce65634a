"""Maps and files of strangers, read in a room: what comes back are rows, a batch at a time."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acts.importing.errors import ImportRefused
from acts.importing.map_file import map_unchecked
from acts.importing.mapping import ImportMap
from acts.importing.rows import MappedRow, Refusal, RefusedRow
from acts.importing.source import Record
from acts.rooms.keeping import Asking, ask_once, opened
from acts.rooms.limits import Limits
from acts.rooms.room import RoomBroken
from catalogue.attribute import ClientKind, ClientStage
from catalogue.catalogue import Catalogue

MAP, ROWS = "map", "rows"
"""Names of the tasks."""
MAP_LIMITS = Limits(memory_bytes=300_000_000, cpu_seconds=2, deadline_seconds=4.0)
"""Somebody waits for the answer."""
ROWS_LIMITS = Limits(cpu_seconds=60, deadline_seconds=120.0)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file once it is open."""

    headers: tuple[str, ...]
    """Of the file itself, without those of a second one."""
    total: int
    """Units: bytes or rows, as `unit` says."""
    unit: str
    line_word: str
    unused: tuple[str, ...]
    """Columns that the map does not use."""
    left_out: tuple[str, ...]
    """Paths that the map leaves out, because the file lacks their columns."""


async def read_map(toml: str | None, mapping: Mapping[str, Any] | None) -> ImportMap:
    """The map in a text, or in an object, with nothing in it that could hold up a worker or lead out of the file.

    Raises: ImportRefused.
    """
    try:
        plain = await ask_once(MAP, {"toml": toml, "mapping": mapping}, MAP_LIMITS)
    except RoomBroken as broken:
        message = f"The map was not read: {broken}. The map of a table is short and plain; see docs/importing.md."
        raise ImportRefused(message, path=("map",)) from None
    return map_unchecked(plain)


@dataclass(slots=True)
class Reading:
    """A file that is open in a room."""

    facts: FileFacts
    name: str
    room: Asking
    position: int = 0
    """How far the reading is, in the unit of the facts."""
    unmatched: int = 0
    """How many rows so far have no row in the second file."""

    async def batches(self, skip: int, most_rows: int) -> AsyncIterator[list[MappedRow | RefusedRow]]:
        """The rows behind the first ones.

        Raises: ImportRefused.
        """
        while True:
            answer = await _asked(self.room, self.name, {"skip": skip, "mostRows": most_rows}, ahead=True)
            self.position, self.unmatched = answer["position"], answer["unmatched"]
            if not answer["rows"]:
                return
            yield [_row_from(each) for each in answer["rows"]]


@asynccontextmanager
async def opened_reading(path: Path, given: ImportMap, catalogue: Catalogue) -> AsyncIterator[Reading]:
    """A file, open until the context ends.

    Raises: ImportRefused where the file cannot be opened, or file and map do not fit.
    """
    asked = {
        "path": str(path),
        "map": given.model_dump(by_alias=True, exclude_unset=True),
        "attributes": [each.canonical() for each in catalogue.area().values()],
    }
    async with opened(ROWS_LIMITS) as room:
        facts = await _asked(room, path.name, asked)
        lists = {name: tuple(facts[name]) for name in ("headers", "unused", "left_out")}
        yield Reading(FileFacts(**{**facts, **lists}), path.name, room)


async def _asked(room: Asking, name: str, given: Mapping[str, Any], *, ahead: bool = False) -> Any:
    try:
        return await room.ask(ROWS, given, ahead=ahead)
    except RoomBroken as broken:
        raise ImportRefused(
            f"{name} was not read to its end: {broken}. The file of a table takes less; split it, or save it as CSV."
        ) from None


def row_words(row: MappedRow | RefusedRow, cells: list[str]) -> list[Any]:
    """A row, as it leaves the room."""
    record = row.record
    refusals = [[each.column, each.reason, each.path] for each in row.refusals]
    words = [record.line, row.row, cells, record.fault, refusals]
    if isinstance(row, RefusedRow):
        return words
    return [*words, row.number, row.kind, row.stage, row.manager, row.values]


def _row_from(words: list[Any]) -> MappedRow | RefusedRow:
    line, number_of_row, cells, fault, refusals, *mapped = words
    record = Record(line, cells, fault)
    reasons = tuple(Refusal(*each) for each in refusals)
    if not mapped:
        return RefusedRow(record, number_of_row, reasons)
    number, kind, stage, manager, values = mapped
    return MappedRow(
        record,
        number_of_row,
        number,
        None if kind is None else ClientKind(kind),
        None if stage is None else ClientStage(stage),
        manager,
        values,
        reasons,
    )
