"""The map of an import, read and checked; every place that is wrong is named."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from acts.importing.errors import ImportRefused
from acts.importing.mapping import ImportMap, Recipe
from catalogue.rules import pattern_fault

WORDS_LIMIT = 20_000
"""Words and values of a map, its code tables included."""
DEPTH_LIMIT = 20


def load_map(path: Path) -> ImportMap:
    """The map in a TOML file.

    Raises: ImportRefused naming the file and every place that is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ImportRefused(f"The map {path} cannot be read: {error.strerror}. Give the path of a TOML file.") from None
    except UnicodeDecodeError as error:
        raise ImportRefused(f"The map {path} is not TOML: {error}. See docs/importing.md.") from None
    return map_from(parsed_toml(text, f"The map {path}"), path.name)


def parsed_toml(text: str, name: str = "The map") -> Mapping[str, Any]:
    """What a TOML text says.

    Raises: ImportRefused.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ImportRefused(f"{name} is not TOML: it nests too deep. See docs/importing.md.", path=("map",)) from None
    # A number of thousands of digits is a ValueError too.
    except ValueError as error:
        message = f"{name} is not TOML: {str(error)[:300]}. See docs/importing.md."
        raise ImportRefused(message, path=("map",)) from None


def map_from(given: Mapping[str, Any], name: str = "the map") -> ImportMap:
    """The map that a parsed TOML document says, its regular expressions compiled once.

    Raises: ImportRefused naming every place that is wrong.
    """
    found = map_unchecked(given, name)
    faults = [
        f"  {where}: takes a regular expression as match; {recipe.match[:80]!r} does not compile: {fault}"
        for where, recipe in recipes_of(found)
        if recipe.match is not None and (fault := pattern_fault(recipe.match)) is not None
    ]
    if faults:
        raise ImportRefused("\n".join((f"{name} cannot be used:", *faults)), path=("map",))
    return found


def map_unchecked(given: Mapping[str, Any], name: str = "the map") -> ImportMap:
    """The same, of a document whose expressions were compiled before.

    Raises: ImportRefused.
    """
    for words, depth in enumerate(_depths(given), start=1):
        if words > WORDS_LIMIT or depth > DEPTH_LIMIT:
            limit = f"{WORDS_LIMIT:,} words and values" if words > WORDS_LIMIT else f"{DEPTH_LIMIT} levels"
            raise ImportRefused(f"{name} has more than {limit}; the map of a table needs fewer.", path=("map",))
    try:
        return ImportMap.model_validate(given)
    except ValidationError as error:
        lines = list(dict.fromkeys(_sentence(each) for each in error.errors(include_input=False)))
        more = [f"  and {len(lines) - _MOST_LINES:,} places more"] if len(lines) > _MOST_LINES else []
        raise ImportRefused("\n".join((f"{name} cannot be used:", *lines[:_MOST_LINES], *more))) from None


def _depths(given: object) -> Iterator[int]:
    """The depth of everything that stands in a document."""
    waiting = [(given, 1)]
    while waiting:
        one, at = waiting.pop()
        yield at
        inner = one.values() if isinstance(one, Mapping) else one if isinstance(one, list | tuple) else ()
        waiting += [(each, at + 1) for each in inner]


def recipes_of(given: ImportMap) -> list[tuple[str, Recipe]]:
    """Every recipe of a map, with the place where it stands."""
    client = given.client
    named = {"client number": client.number, "client kind": client.kind, "client stage": client.stage}
    named |= {"client manager": client.manager}
    waiting = [(where, each) for where, each in named.items() if each is not None]
    waiting += given.values.items()
    found: list[tuple[str, Recipe]] = []
    while waiting:
        where, recipe = waiting.pop(0)
        found.append((where, recipe))
        waiting += [(where, inner) for item in recipe.items or () for inner in item.values()]
    return found


_MOST_LINES = 100
_NOT_A_PLACE = re.compile(r"function-|literal\[|dict\[|tagged|nullable|^(str|int|float|Column)$")


def _sentence(error: Any) -> str:
    place = ".".join(str(each) for each in error["loc"] if not _NOT_A_PLACE.search(str(each))) or "the map"
    words = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        words = "is no word of the map language; see docs/importing.md"
    elif error["type"] == "missing":
        words = "is missing"
    return f"  {place[:200]}: {words[:500]}"
