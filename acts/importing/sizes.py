"""How large a row may become, whatever its format."""

from collections.abc import Mapping, Sequence

CELL_LIMIT = 131_072
"""Units: characters of one text; the longest attribute takes a sixth of it."""
ROW_LIMIT_CHARACTERS = 1_000_000
"""Of all cells of a row, or of all values that a map makes of it."""
DEPTH_LIMIT = 20
"""Lists and objects in each other."""
KEPT_CHARACTERS = 32_000
"""Of a refused cell: a spreadsheet, in which it is mended, shows no more."""
CUT = "… (cut by Kehu)"
"""How a refused cell ends that was longer; such a cell is never taken for a value."""
_BEGINNING = 1_000
_EACH = 8


def size_of(thing: object, depth: int = 0) -> int:
    """About how many characters a cell or a value comes to.

    Raises: ValueError, saying why, where that is too many.
    """
    if isinstance(thing, str):
        if len(thing) > CELL_LIMIT:
            raise ValueError(f"a cell has {len(thing):,} characters; {CELL_LIMIT:,} are the most")
        return len(thing)
    if isinstance(thing, bytes):
        return len(thing)
    if not isinstance(thing, list | tuple | Mapping):
        return _EACH
    if depth >= DEPTH_LIMIT:
        raise ValueError(f"a cell has lists and objects in each other, more than {DEPTH_LIMIT} deep")
    parts = [*thing.keys(), *thing.values()] if isinstance(thing, Mapping) else thing
    size = _EACH
    for each in parts:
        size += size_of(each, depth + 1)
        if size > ROW_LIMIT_CHARACTERS:
            raise ValueError(f"a row has more than {ROW_LIMIT_CHARACTERS:,} characters")
    return size


def fault_of(cells: Sequence[object]) -> str:
    """Why a row is too large to be one; empty if it is not."""
    try:
        size_of(cells)
    except ValueError as error:
        return str(error)
    return ""


def cut(text: str) -> str:
    """A cell as it is kept of a refused row; of one that no attribute could take, its beginning."""
    most = KEPT_CHARACTERS if len(text) <= CELL_LIMIT else _BEGINNING
    return text if len(text) <= most else text[: most - len(CUT)] + CUT
