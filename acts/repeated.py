"""Values that a client has already, though a rule that came later would refuse them: a rule holds for new values."""

from collections.abc import Collection as Some
from collections.abc import Iterator, Mapping
from typing import Any

from catalogue.values import Checked
from repositories.cursors import value_at
from repositories.values import is_same


def accept_repeated(checked: Checked, document: Mapping[str, Any], unread: Some[str] = ()) -> None:
    """Take away the problems of values that only break a rule and that the document, as it was read, has.

    In lists, and in lists of groups, an item may be repeated beside others that are new, which the rules hold for.
    What is not read is not compared: the problem stays, whatever is stored.
    """
    for path, value in list(checked.doubtful.items()):
        if path in unread:
            continue
        segments, stored = tuple(path.split(".")), value_at(document, path)
        own = [each for each in checked.problems if each.path[: len(segments)] == segments]
        if all(_is_stored(each.unruly[0], stored, each.path[len(segments) :]) for each in own if each.unruly):
            checked.problems[:] = [each for each in checked.problems if each not in own]
            checked.accept(path, value)


def _is_stored(value: object, stored: object, place: tuple[str, ...]) -> bool:
    keys = [each for each in place if not each.isdecimal()]
    return any(is_same(each, value) for each in _values_at(stored, keys))


def _values_at(stored: object, keys: list[str]) -> Iterator[object]:
    """What stands at some keys of a value, or of each of its items."""
    if isinstance(stored, list):
        for each in stored:
            yield from _values_at(each, keys)
    elif not keys:
        yield stored
    elif isinstance(stored, Mapping):
        yield from _values_at(stored.get(keys[0]), keys[1:])
