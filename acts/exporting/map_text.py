"""The map by which an import reads an exported file again."""

import json
from collections.abc import Iterable

from acts.exporting.columns import CORE, Column

_HEAD = """# Reads the file that was exported with it: kehu import clients FILE --map THIS_FILE
[client]
number = "number"
kind = {{ column = "kind" }}
stage = {{ column = "stage" }}
manager = {{ column = "manager" }}

[proof]
source = {source}

[values]
"""
_CORE = frozenset(each.header for each in CORE)


def map_text(columns: Iterable[Column], source: str) -> str:
    """The map as TOML, without masked columns, in which is no value, and computed ones, which no file gives.

    `source` is what the proof of the imported values says.
    """
    lines = [_line(each) for each in columns if each.header not in _CORE and not (each.is_masked or each.is_computed)]
    # A JSON string of letters, dots and quotation marks is a TOML string too.
    return _HEAD.format(source=json.dumps(source)) + "".join(lines)


def _line(column: Column) -> str:
    recipe = f'{{ column = "{column.header}", json = true }}' if column.is_json else f'"{column.header}"'
    return f'"{column.header}" = {recipe}\n'
