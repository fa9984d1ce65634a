"""From the name of a column to its place in the file."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from string import Formatter

from acts.importing.errors import ImportRefused
from acts.importing.mapping import Column, Recipe
from acts.importing.source import quoted

_NUMBERED = re.compile(r"(?P<name>.+)#(?P<occurrence>[1-9][0-9]*)")


class MissingColumn(ImportRefused):
    """The file has no such column."""


def index_of(column: Column, headers: Sequence[str], where: str) -> int:
    """The place of a column, counted from 0.

    Raises: MissingColumn; ImportRefused, naming the positions, where several headers have the name and none is chosen.
    """
    name, occurrence = column.name, column.occurrence
    numbered = _NUMBERED.fullmatch(name)
    if name not in headers and occurrence is None and numbered:
        name, occurrence = numbered["name"], int(numbered["occurrence"])
    places = [place for place, header in enumerate(headers) if header == name]
    if not places:
        raise MissingColumn(_missing(name, headers, where))
    if occurrence is None:
        if len(places) > 1:
            raise ImportRefused(_ambiguous(name, places, where))
        return places[0]
    if occurrence > len(places):
        raise MissingColumn(
            f'{where} takes the column "{name}" number {occurrence}, but the file names it '
            f"{_times(len(places))}, {_positions(places)}."
        )
    return places[occurrence - 1]


def _missing(name: str, headers: Sequence[str], where: str) -> str:
    hint = did_you_mean(name, headers)
    return f'{where} takes the column "{name}", which the file does not have.{hint} Its columns are: {quoted(headers)}.'


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the name that is most like the given one; empty if none is."""
    folded = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), folded, 1)
    return f' Did you mean "{folded[near[0]]}"?' if near else ""


def _ambiguous(name: str, places: Sequence[int], where: str) -> str:
    return (
        f'{where} takes the column "{name}", but the file names it {_times(len(places))}, {_positions(places)}. '
        f'Say which one: "{name}#1" is the first, "{name}#2" the second.'
    )


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _positions(places: Sequence[int]) -> str:
    numbers = [str(place + 1) for place in places]
    if len(numbers) == 1:
        return f"at position {numbers[0]}"
    return f"at positions {', '.join(numbers[:-1])} and {numbers[-1]}"


def columns_of(recipe: Recipe) -> tuple[Column, ...]:
    """Every column that a recipe reads, each once."""
    found: list[Column] = []
    if recipe.column is not None:
        found.append(recipe.column)
    if recipe.template is not None:
        names = [name for _, name, _, _ in Formatter().parse(recipe.template)]
        found += [Column(name=name) for name in names if name and name != "row"]
    if recipe.date is not None:
        parts = (recipe.date.year, recipe.date.month, recipe.date.day)
        found += [each for each in parts if isinstance(each, Column)]
    for item in recipe.items or ():
        for inner in item.values():
            found += columns_of(inner)
    return tuple(dict.fromkeys(found))


def lacks_column(recipe: Recipe, headers: Sequence[str]) -> bool:
    """Whether the file lacks a column that the recipe reads."""
    try:
        for column in columns_of(recipe):
            index_of(column, headers, "")
    except MissingColumn:
        return True
    return False
