"""From a recipe of the map to one function of a row: sources and steps, compiled once for the whole file."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass
from datetime import date
from string import Formatter
from typing import Any

from acts.importing.cells import Convert, converter_for, text_from
from acts.importing.columns import columns_of, index_of
from acts.importing.errors import ImportRefused, Unreadable
from acts.importing.mapping import Column, DateParts, ImportMap, Recipe
from acts.importing.sizes import CELL_LIMIT
from acts.importing.source import ABSENT, ERRORS, BadCell, quoted
from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import shown
from catalogue.kinds import Kind

Read = Callable[[Sequence[object], int], object]
"""(cells, number of the row) -> a value, None to clear it, or ABSENT; raises Unreadable."""

_SHORTENED = re.compile(r"[+-]?[0-9](?:[.,][0-9]*)?[eE][+-]?[0-9]{1,3}")
_ZEROS = re.compile(r"0([0-9]+)")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class Compiler:
    """What all recipes of one import share."""

    map: ImportMap
    headers: Sequence[str]
    catalogue: Catalogue

    def value(self, recipe: Recipe, attribute: Attribute, where: str) -> Read:
        """The function that reads one attribute from a row.

        Raises: ImportRefused if the recipe does not fit the file or the attribute.
        """
        if recipe.items is not None:
            return self._items(recipe, attribute, where)
        if attribute.is_list and recipe.split is not None and recipe.part is None:
            convert = _list_converter(recipe.split, converter_for(attribute.kind, recipe))
        elif attribute.is_list:
            each = converter_for(attribute.kind, recipe)
            convert = lambda cell: [each(item) for item in (cell if isinstance(cell, list | tuple) else (cell,))]  # noqa: E731
        elif recipe.split is not None and recipe.part is None:
            raise ImportRefused(f"{where} takes part together with split, because {attribute.path} is no list.")
        else:
            convert = converter_for(attribute.kind, recipe)
        return self.cell(recipe, convert, where)

    def cell(self, recipe: Recipe, convert: Convert, where: str) -> Read:
        """The function that reads one cell, takes its steps, and converts what comes out."""
        if recipe.date is not None:
            return self._date(recipe.date, convert, where)
        unset = frozenset(self.map.read.unset if recipe.unset is None else recipe.unset)
        nothing = None if (recipe.empty or self.map.read.empty) == "clear" else ABSENT
        source = self._source(recipe, where, unset)
        steps = [*_text_steps(recipe), *self._code_steps(recipe)]

        def read(cells: Sequence[object], row: int) -> object:
            cell = source(cells, row)
            if cell is ABSENT:
                return ABSENT
            if cell is None:
                return nothing
            for step in steps:
                if type(cell) is str:
                    cell = cell.strip()
                    if not cell or cell in unset:
                        return nothing
                cell = step(cell)
                if cell is None:
                    return nothing
            if type(cell) is str:
                cell = cell.strip()
                if not cell or cell in unset:
                    return nothing
                if cell[0] == "#" and cell in ERRORS:
                    raise Unreadable(f"takes no error of a spreadsheet; got {cell}")
            return convert(cell)

        return read

    def number(self, recipe: Recipe, where: str) -> Read:
        """The function that reads the number of a client: a text, and never one that a spreadsheet has shortened."""
        read = self.cell(recipe, text_from, where)
        places = [index_of(column, self.headers, where) for column in columns_of(recipe)]

        def read_whole(cells: Sequence[object], row: int) -> object:
            for place in places:
                cell = cells[place]
                if isinstance(cell, str) and _SHORTENED.fullmatch(cell.strip()):
                    raise Unreadable(
                        f"takes a number as it was given; got {shown(cell)}, which a spreadsheet has shortened: "
                        "format the column as text and fill it anew"
                    )
            return read(cells, row)

        return read_whole

    def _source(self, recipe: Recipe, where: str, unset: Some[str]) -> Read:
        if recipe.column is not None:
            place = index_of(recipe.column, self.headers, where)

            def read(cells: Sequence[object], row: int) -> object:
                cell = cells[place]
                if type(cell) is BadCell:
                    if cell.words in unset:
                        return None
                    raise Unreadable(f"takes a value; the cell {cell.reason}")
                return cell

            return read
        if recipe.template is not None:
            return self._template(recipe.template, where)
        constant = recipe.constant
        return lambda cells, row: constant

    def _template(self, template: str, where: str) -> Read:
        parts: list[tuple[str, int | None, str, str]] = []
        try:
            for literal, name, spec, _ in Formatter().parse(template):
                place = None if name in (None, "row") else index_of(Column(name=name), self.headers, where)
                parts.append((literal, place, spec or "", name or ""))
            for _, place, spec, name in parts:
                _filled("x" if place is not None else 1, spec if name else "")
        except (ValueError, OverflowError, MemoryError) as error:
            expected = 'a template such as "SP-{Symbol}" or "P-{row:06}"'
            raise ImportRefused(f'{where} takes {expected}; got "{template}": {error}.') from None

        def read(cells: Sequence[object], row: int) -> object:
            words = []
            size = 0
            for literal, place, spec, name in parts:
                words.append(literal)
                if place is not None:
                    text = _text_of(cells[place])
                    if not text:
                        return None
                    words.append(_filled(text, spec))
                elif name:
                    words.append(_filled(row, spec))
                size += len(literal) + len(words[-1])
                if size > CELL_LIMIT:
                    raise Unreadable(f"takes a text; the template makes one of more than {CELL_LIMIT:,} characters")
            return "".join(words)

        return read

    def _date(self, parts: DateParts, convert: Convert, where: str) -> Read:
        year, month, day = (self._date_part(each, where) for each in (parts.year, parts.month, parts.day))

        def read(cells: Sequence[object], row: int) -> object:
            given = year(cells, row), month(cells, row), day(cells, row)
            if ABSENT in given or None in given:
                return ABSENT
            try:
                made = date(self._year(parts, str(given[0])), _month_from(given[1]), int(str(given[2])))
            except (ValueError, OverflowError):
                words = " ".join(map(str, given))
                raise Unreadable(
                    f"takes a date put together from year (of four digits), month and day; got {shown(words)}"
                ) from None
            return convert(made)

        return read

    def _year(self, parts: DateParts, text: str) -> int:
        """Raises: ValueError for a year of two digits whose century the map does not say."""
        if len(text) == 2 and parts.century is not None:
            return parts.century + int(text)
        if len(text) != 4:
            raise ValueError
        return int(text)

    def _date_part(self, part: int | Column, where: str) -> Read:
        if isinstance(part, int):
            return lambda cells, row: part
        return self.cell(Recipe(column=part), text_from, where)

    def _items(self, recipe: Recipe, attribute: Attribute, where: str) -> Read:
        if attribute.kind is not Kind.GROUP or not attribute.is_list:
            raise ImportRefused(f"{where} takes items only for a list of groups; {attribute.path} is none.")
        readers = [self._item(item, attribute, where) for item in recipe.items or ()]

        def read(cells: Sequence[object], row: int) -> object:
            found = [
                {key: value for key, each in item if (value := each(cells, row)) is not ABSENT and value is not None}
                for item in readers
            ]
            return [each for each in found if each] or ABSENT

        return read

    def _item(self, item: Mapping[str, Recipe], attribute: Attribute, where: str) -> list[tuple[str, Read]]:
        readers = []
        for key, recipe in item.items():
            inner = self.catalogue.find(f"{attribute.path}.{key}")
            if inner is None:
                keys = quoted(each.key for each in self.catalogue.children(attribute.path))
                raise ImportRefused(f'{where} names "{key}" in an item; {attribute.path} has {keys}.')
            readers.append((key, self.value(recipe, inner, f"{where}.{key}")))
        return readers

    def _code_steps(self, recipe: Recipe) -> list[Convert]:
        if recipe.codes is None:
            return []
        table = self.map.codes[recipe.codes] if isinstance(recipe.codes, str) else recipe.codes
        otherwise = recipe.otherwise

        def decode(cell: object) -> object:
            found = table.get(cell if isinstance(cell, str) else text_from(cell))
            if found is not None or otherwise == "unset":
                return found
            if otherwise == "keep":
                return cell
            if otherwise != "refuse":
                return otherwise["constant"]
            raise Unreadable(f"takes one of the codes {quoted(table, 12)} of the map; got {shown(cell)}")

        return [decode]


def _text_steps(recipe: Recipe) -> list[Convert]:
    steps: list[Convert] = []
    if recipe.match is not None:
        steps.append(_match_step(re.compile(recipe.match)))
    if recipe.split is not None and recipe.part is not None:
        steps.append(_split_step(recipe.split, recipe.part))
    if recipe.json_text:
        steps.append(_parsed_json)
    return steps


def _parsed_json(cell: object) -> object:
    """What JSON text says; values of a format that has lists are there already."""
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise Unreadable(f"takes JSON text, because the map says json; got {shown(cell)}") from None


def _match_step(pattern: re.Pattern[str]) -> Convert:
    def match(cell: object) -> object:
        found = pattern.search(text_from(cell))
        if found is None:
            raise Unreadable(f"takes a text that matches {pattern.pattern}; got {shown(cell)}")
        return found[1] if pattern.groups else found[0]

    return match


def _split_step(separator: str, part: int) -> Convert:
    place = part - 1 if part > 0 else part

    def split(cell: object) -> object:
        parts = text_from(cell).split(separator)
        return parts[place] if -len(parts) <= place < len(parts) else None

    return split


def _list_converter(separator: str, convert: Convert) -> Convert:
    return lambda cell: [convert(each.strip()) for each in text_from(cell).split(separator) if each.strip()]


def _text_of(cell: object) -> str:
    if cell is None or cell is ABSENT:
        return ""
    if isinstance(cell, BadCell):
        raise Unreadable(f"takes a value; the cell {cell.reason}")
    text = text_from(cell).strip()
    if text in ERRORS:
        raise Unreadable(f"takes no error of a spreadsheet; got {text}")
    return text


def _filled(value: str | int, spec: str) -> str:
    """A part of a template, filled up: zeros stand in front, of texts too."""
    zeros = _ZEROS.fullmatch(spec) if isinstance(value, str) else None
    return str(value).zfill(int(zeros[1])) if zeros else format(value, spec)


def _month_from(given: Any) -> int:
    text = str(given)
    return MONTHS.index(text[:3].casefold()) + 1 if text[:1].isalpha() else int(text)
