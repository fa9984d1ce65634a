"""Arguments that must be written out in a formula: the database refuses a whole update for a wrong one."""

import re

from catalogue.formulas.operator import UNITS, Takes

_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")
_SPECIFIER = re.compile(r"%(.?)", re.DOTALL)
_WRITTEN = frozenset("YmdHMSLj%")
_PARSED = frozenset("YmdHMSL%")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TEXT_MOST = 100
_PLACES_MOST = 15
_COUNT_MOST = 1_000


def constant_problem(takes: Takes, given: object) -> str | None:
    """What is expected instead; None if the constant is right."""
    return None if _is_right(takes, given) else str(takes)


def _is_right(takes: Takes, given: object) -> bool:
    if takes in (Takes.PLACES, Takes.COUNT):
        most = _PLACES_MOST if takes is Takes.PLACES else _COUNT_MOST
        return isinstance(given, int) and not isinstance(given, bool) and -most <= given <= most
    # What begins with a dollar sign would be a path there.
    if not isinstance(given, str) or "\x00" in given or given.startswith("$"):
        return False
    match takes:
        case Takes.UNIT:
            return given in UNITS
        case Takes.WEEKDAY:
            return given in _DAYS
        case Takes.OFFSET:
            return bool(_OFFSET.fullmatch(given))
        case Takes.FORMAT:
            return len(given) <= _TEXT_MOST and set(_SPECIFIER.findall(given)) <= _WRITTEN
        case Takes.PARSED:
            found = _SPECIFIER.findall(given)
            return len(given) <= _TEXT_MOST and set(found) <= _PARSED and set("Ymd") <= set(found)
        case Takes.SEPARATOR:
            return 1 <= len(given) <= _TEXT_MOST
        case _:
            return len(given) <= _TEXT_MOST
