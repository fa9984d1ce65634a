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
from acts.importing.seen import SeenNumbers
from acts.importing.source import ABSENT, ROW_COLUMN, Record, Source, quoted
from catalogue.attribute import Attribute, ClientKind, ClientStage
from catalogue.catalogue import Catalogue, UnknownAttribute
from catalogue.kinds import Kind


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a row was not stored."""

    column: str
    reason: str


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


_NUMBER, _KIND, _STAGE, _MANAGER = "client number", "client kind", "client stage", "client manager"


class RowMapper:
    """A map made ready for the columns of one file."""

    def __init__(self, given: ImportMap, source: Source, catalogue: Catalogue) -> None:
        compiler = Compiler(given, source.headers, catalogue)
        self._names = {_NUMBER: given.client.number, _KIND: given.client.kind, _STAGE: given.client.stage}
        self._names |= {_MANAGER: given.client.manager}
        self._fixed = [
            (where, compiler.cell(recipe, _FIXED.get(where, text_from), where))
            for where, recipe in self._names.items()
            if recipe is not None
        ]
        self._values: list[tuple[str, Read]] = []
        self.left_out: list[str] = []
        self._recipes: dict[str, Recipe] = {}
        self._compile_values(given, compiler, catalogue)
        self._row_place = source.headers.index(ROW_COLUMN) if ROW_COLUMN in source.headers else None
        self.unused = self._unused(source)

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
        recipe = self._recipes.get(path) or self._names.get(f"client {path}")
        return ", ".join(map(str, columns_of(recipe))) if recipe is not None else path

    def rows(self, records: Iterable[Record], seen: SeenNumbers, first: int = 1) -> Iterator[MappedRow | RefusedRow]:
        """Every record, as a row to store or a row refused; the first of them has this number."""
        for row, record in enumerate(records, start=first):
            if record.fault:
                yield RefusedRow(record, row, (Refusal("", record.fault),))
            else:
                yield self._map(record, row, seen)

    def _map(self, record: Record, row: int, seen: SeenNumbers) -> MappedRow | RefusedRow:
        cells, refusals = record.cells, list[Refusal]()
        if self._row_place is not None and str(cells[self._row_place]).isdecimal():
            row = int(str(cells[self._row_place]))
        fixed: dict[str, Any] = {}
        for where, read in self._fixed:
            try:
                fixed[where] = _none_if_absent(read(cells, row))
            except Unreadable as error:
                refusals.append(Refusal(self.column_of(where.removeprefix("client ")), f"{where} {error}"))
        values: dict[str, object] = {}
        for path, read in self._values:
            try:
                value = read(cells, row)
            except Unreadable as error:
                refusals.append(Refusal(self.column_of(path), f"{path} {error}"))
            else:
                if value is not ABSENT:
                    values[path] = value
        number = fixed.get(_NUMBER) or ""
        if number and (earlier := seen.earlier_line(number, record.line)) is not None:
            reason = f'client number takes a number once in a file; "{number}" stood in line {earlier} already'
            refusals.append(Refusal(self.column_of("number"), reason))
        elif not number and not refusals:
            refusals.append(Refusal(self.column_of("number"), "client number is empty; every client needs one"))
        if refusals:
            return RefusedRow(record, row, tuple(refusals))
        return MappedRow(record, row, number, fixed.get(_KIND), fixed.get(_STAGE), fixed.get(_MANAGER), values)


def _none_if_absent(value: object) -> object:
    return None if value is ABSENT else value


def _enum_converter(members: type[ClientKind] | type[ClientStage]) -> Callable[[object], object]:
    by_name = {each.value: each for each in members}

    def convert(cell: object) -> object:
        found = by_name.get(text_from(cell).upper())
        if found is None:
            raise Unreadable(f'takes {" or ".join(by_name)}; got the text "{cell}"')
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


def cells_as_text(cells: Sequence[object]) -> list[str]:
    """The cells of a record as a CSV file shows them; what the map reads from it again is the same value."""
    return [_cell_text(cell) for cell in cells]


def _cell_text(cell: object) -> str:
    if cell is None or cell is ABSENT:
        return ""
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False, default=str)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() and cell.tzinfo is None else cell.isoformat()
    return str(cell)
