"""Texts that a spreadsheet would take for formulas, made harmless by a leading quotation mark, and made whole again."""

import re

_SIGNS = "=+\\-@\t\r\n＝＋－＠"
"""A cell that begins with one of these is a formula somewhere: the wide ones are where Chinese or Japanese is typed."""
_IS_LIVE = re.compile(f"'*[{_SIGNS}]")
_IS_NEUTRAL = re.compile(f"'+[{_SIGNS}]")
_IS_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*%?")


def neutral(text: str) -> str:
    """The text as it may stand in a cell: with a ' in front where it could be run, also where some stand there already.

    Units: one sign longer at most. `whole` is its inverse for every text.
    """
    return f"'{text}" if _IS_LIVE.match(text) else text


def neutral_cell(text: str) -> str:
    """The same for a cell of which nobody knows what it is: a number with its sign stays one."""
    return text if _IS_NUMBER.fullmatch(text) else neutral(text)


def whole(cell: str) -> str:
    """The text that was made neutral; any other text as it is."""
    return cell[1:] if cell[:1] == "'" and _IS_NEUTRAL.match(cell) else cell
