"""Where in documents encrypted values stand: pure walks that change nothing."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from repositories.vault.crypt import is_ciphertext

Slot = tuple[Any, Any]
"""A dictionary or list, and the key or place of a value in it."""


def slots_at(holder: Any, keys: Sequence[str]) -> Iterator[Slot]:
    """The values at a path, in every item of the lists on the way."""
    if isinstance(holder, list):
        for each in holder:
            yield from slots_at(each, keys)
    elif isinstance(holder, dict) and keys[0] in holder:
        if len(keys) == 1:
            yield holder, keys[0]
        else:
            yield from slots_at(holder[keys[0]], keys[1:])


def encrypted_at(documents: Iterable[Any], paths: Iterable[str]) -> list[Slot]:
    """The encrypted values at the paths of documents."""
    split = [path.split(".") for path in paths]
    found = (slot for each in documents for keys in split for slot in slots_at(each, keys))
    return [(holder, key) for holder, key in found if is_ciphertext(holder[key])]


def encrypted_in(holder: Any) -> Iterator[Slot]:
    """The encrypted values anywhere in a value."""
    places: Iterable[Any] = ()
    if isinstance(holder, list):
        places = range(len(holder))
    elif isinstance(holder, dict):
        places = list(holder)
    for place in places:
        if is_ciphertext(holder[place]):
            yield holder, place
        else:
            yield from encrypted_in(holder[place])


def plain_at(holder: dict[str, Any], key: str, inside: Sequence[str]) -> list[Slot]:
    """The values still in clear of what stands at a key, at the paths inside it; "" is the whole of it."""
    if "" in inside:
        found = [(holder, key)]
    else:
        found = [slot for each in inside for slot in slots_at(holder[key], each.split("."))]
    return [(place, name) for place, name in found if place[name] is not None and not is_ciphertext(place[name])]
