"""From a record of a file to the client row it stands for, or to the reasons why it is none."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from acts.importing.cells import text_from
from acts.importing.columns import columns_of, did_you_mean, index_of, lacks_column
from acts.importing.errors import ImportRefused, Unreadable
from acts.importing.mapping import ImportMap, Recipe
from acts.importing.recipes import Compiler, Read
from acts.importing.sizes import CUT, fault_of
from acts.importing.source import ABSENT, ROW_COLUMN, BadCell, Record, ShownNumber, Source, quoted
from catalogue.attribute import Attribute, ClientKind, ClientStage
from catalogue.catalogue import Catalogue, UnknownAttribute
from catalogue.errors import shown
from catalogue.kinds import Kind


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a row was not stored."""

    column: str
    reason: str
    path: str = ""
    """Of the attribute, or what else of a client it is about."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not stored, with every reason."""

    record: Record
    row: int
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class MappedRow:
    """A row that can be stored, as far as the file alone can say."""

    record: Record
    row: int
    number: str
    kind: ClientKind | None
    stage: ClientStage | None
    manager: str | None
    """As the file names the manager: an id, an e-mail address or a name."""
    values: dict[str, object]
    refusals: tuple[Refusal, ...] = ()
    """What is wrong with it already; it is looked at all the same, so that all its problems are told at once."""


_NUMBER, _KIND, _STAGE, _MANAGER = "client number", "client kind", "client stage", "client manager"


class RowMapper:
    """A map made ready for the columns of one file."""

    def __init__(self, given: ImportMap, source: Source, catalogue: Catalogue) -> None:
        compiler = Compiler(given, source.headers, catalogue)
        self._names = {_NUMBER: given.client.number, _KIND: given.client.kind, _STAGE: given.client.stage}
        self._names |= {_MANAGER: given.client.manager}
        self._fixed = [
            (where, self._fixed_reader(compiler, where, recipe))
            for where, recipe in self._names.items()
            if recipe is not None
        ]
        self._values: list[tuple[str, Read]] = []
        self.left_out: list[str] = []
        self._recipes: dict[str, Recipe] = {}
        self._compile_values(given, compiler, catalogue)
        self._row_place = source.headers.index(ROW_COLUMN) if ROW_COLUMN in source.headers else None
        self.unused = self._unused(source)
        recipes = [each for each in self._recipes.values() if each.percent and each.column is not None]
        self._percents = {index_of(each.column, source.headers, "") for each in recipes if each.column is not None}

    def _fixed_reader(self, compiler: Compiler, where: str, recipe: Recipe) -> Read:
        if where == _NUMBER:
            return compiler.number(recipe, where)
        return compiler.cell(recipe, _FIXED.get(where, text_from), where)

    def _compile_values(self, given: ImportMap, compiler: Compiler, catalogue: Catalogue) -> None:
        problems = []
        for path, recipe in given.values.items():
            where = f'"{path}"'
            try:
                attribute = leaf_of(catalogue, path)
                if recipe.optional and lacks_column(recipe, compiler.headers):
                    self.left_out.append(path)
                    continue
                self._values.append((path, compiler.value(recipe, attribute, where)))
                self._recipes[path] = recipe
            except ImportRefused as error:
                problems.append(error.message)
        if problems:
            raise ImportRefused("\n".join(("The map does not fit:", *(f"  {each}" for each in problems))))

    def _unused(self, source: Source) -> tuple[str, ...]:
        recipes = [*self._recipes.values(), *(each for each in self._names.values() if each is not None)]
        columns = {column for each in recipes for column in columns_of(each)}
        used = {index_of(column, source.headers, "") for column in columns}
        headers = enumerate(source.own_headers)
        return tuple(header for place, header in headers if place not in used and not header.startswith("kehu_"))

    def column_of(self, path: str) -> str:
        """The column or columns from which the value at a path was read, for a report."""
        return column_from(self._recipes.get(path) or self._names.get(f"client {path}"), path)

    def rows(self, records: Iterable[Record], first: int = 1) -> Iterator[MappedRow | RefusedRow]:
        """Every record as a row, with what is wrong with it; the first of them has this number."""
        for row, record in enumerate(records, start=first):
            fault = record.fault or self._cut_fault(record)
            if fault:
                yield RefusedRow(record, row, (Refusal("", fault),))
            else:
                yield self._map(record, row)

    def _cut_fault(self, record: Record) -> str:
        """Why a row of a file of refused rows cannot be taken, where it was too long to be kept as it was."""
        is_cut = self._row_place is not None and any(
            isinstance(each, str) and each.endswith(CUT) for each in record.cells
        )
        return "a cell was too long to be kept as it was; put back what stood there" if is_cut else ""

    def _map(self, record: Record, row: int) -> MappedRow | RefusedRow:
        cells, refusals = record.cells, list[Refusal]()
        if self._row_place is not None and (text := str(cells[self._row_place])).isdecimal() and len(text) < 10:
            row = int(text)
        fixed: dict[str, Any] = {}
        for where, read in self._fixed:
            value, reason = _read(read, cells, row)
            fixed[where] = _none_if_absent(value)
            if reason is not None:
                name = where.removeprefix("client ")
                refusals.append(Refusal(self.column_of(name), f"{where} {reason}", name))
        has_number = not refusals
        values: dict[str, object] = {}
        for path, read in self._values:
            value, reason = _read(read, cells, row)
            if reason is not None:
                refusals.append(Refusal(self.column_of(path), f"{path} {reason}", path))
            elif value is not ABSENT:
                values[path] = value
        number = fixed.get(_NUMBER) or ""
        if not number and has_number:
            refusals.append(Refusal(self.column_of("number"), "client number is empty; every client needs one"))
        if fault := fault_of([number, *values.values()]):
            return RefusedRow(record, row, (Refusal("", f"of what the map makes of it, {fault}"),))
        kind, stage, manager = fixed.get(_KIND), fixed.get(_STAGE), fixed.get(_MANAGER)
        return MappedRow(record, row, number, kind, stage, manager, values, tuple(refusals))

    def texts(self, record: Record) -> list[str]:
        """The cells of a record as a CSV file shows them, which the same map reads to the same values."""
        return [_cell_text(cell, is_percent=place in self._percents) for place, cell in enumerate(record.cells)]


def column_from(recipe: Recipe | None, otherwise: str) -> str:
    """The columns of a recipe, for a report."""
    return otherwise if recipe is None else ", ".join(map(str, columns_of(recipe)))


def _read(read: Read, cells: Sequence[object], row: int) -> tuple[object, str | None]:
    """A value, or the reason why there is none: whatever stands in a cell, it refuses its own row and no other."""
    try:
        return read(cells, row), None
    except Unreadable as error:
        return ABSENT, str(error)
    except MemoryError:
        raise
    except Exception as error:
        return ABSENT, f"cannot be read ({type(error).__name__}); the cell holds what no value is made of"


def _none_if_absent(value: object) -> object:
    return None if value is ABSENT else value


def _enum_converter(members: type[ClientKind] | type[ClientStage]) -> Callable[[object], object]:
    by_name = {each.value: each for each in members}

    def convert(cell: object) -> object:
        found = by_name.get(text_from(cell).upper())
        if found is None:
            raise Unreadable(f"takes {' or '.join(by_name)}; got {shown(cell)}")
        return found

    return convert


_FIXED = {_KIND: _enum_converter(ClientKind), _STAGE: _enum_converter(ClientStage)}


def leaf_of(catalogue: Catalogue, path: str) -> Attribute:
    """The attribute at a path, which must hold a value of its own.

    Raises: ImportRefused where there is none, for a group, and for what stands in a list of groups.
    """
    try:
        attribute = catalogue.get_live(path)
    except UnknownAttribute:
        hint = did_you_mean(path, catalogue.area())
        message = (
            f'There is no attribute "{path}".{hint} Define it in the map with [[define]], or take one that exists.'
        )
        raise ImportRefused(message) from None
    if attribute.kind is Kind.GROUP and not attribute.is_list:
        inside = quoted(each.path for each in catalogue.leaves(path))
        raise ImportRefused(f"{path} is a group; the map takes what is in it: {inside}.")
    outer = catalogue.list_group_of(attribute)
    if outer is not None:
        raise ImportRefused(f'{path} stands in a list of groups; map "{outer.path}" with items.')
    return attribute


def _cell_text(cell: object, *, is_percent: bool) -> str:
    if cell is None or cell is ABSENT:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, ShownNumber):
        return cell.words if is_percent or not cell.is_percent else str(cell.value)
    if isinstance(cell, BadCell):
        return cell.words
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False, default=str)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() and cell.tzinfo is None else cell.isoformat()
    return str(cell)
