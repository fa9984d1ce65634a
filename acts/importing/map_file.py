"""The map file of an import, read and checked; every place that is wrong is named."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from acts.importing.errors import ImportRefused
from acts.importing.mapping import ImportMap


def load_map(path: Path) -> ImportMap:
    """The map in a TOML file.

    Raises: ImportRefused naming the file and every place that is wrong.
    """
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ImportRefused(f"The map {path} cannot be read: {error.strerror}. Give the path of a TOML file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ImportRefused(f"The map {path} is not TOML: {error}. See docs/importing.md.") from None
    return map_from(given, path.name)


def map_from(given: Mapping[str, Any], name: str = "the map") -> ImportMap:
    """The map that a parsed TOML document says.

    Raises: ImportRefused naming every place that is wrong.
    """
    try:
        return ImportMap.model_validate(given)
    except ValidationError as error:
        lines = dict.fromkeys(_sentence(each) for each in error.errors())
        raise ImportRefused("\n".join((f"{name} cannot be used:", *lines))) from None


_NOT_A_PLACE = re.compile(r"function-|literal\[|dict\[|tagged|nullable|^(str|int|float|Column)$")


def _sentence(error: Any) -> str:
    place = ".".join(str(each) for each in error["loc"] if not _NOT_A_PLACE.search(str(each))) or "the map"
    words = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        words = "is no word of the map language; see docs/importing.md"
    elif error["type"] == "missing":
        words = "is missing"
    return f"  {place}: {words}"
