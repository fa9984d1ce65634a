"""What is taken off documents after they were read: all but the last signs of a text, and the husks of groups."""

import re
from collections.abc import Collection, Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from policy.attributes import AreaView

Document = dict[str, Any]

SIGNS_SHOWN = 4
SHORTEST_SHOWN = 8
"""Of a shorter text the last signs would be too much."""
MASK = "***"
_COMPUTED = re.compile(r"(?:formula|rollup) of ([\w.]+), revision \d+")
"""How a value that was computed names what computed it."""


@dataclass(frozen=True, slots=True)
class Veil:
    """What one selection has to have taken off."""

    masks: tuple[str, ...] = ()
    """Paths of texts that are shown by their last signs."""
    groups: tuple[str, ...] = ()
    """Groups of which a part was not read: empty ones are taken away, inner ones first."""

    def over(self, documents: Iterable[Document]) -> None:
        """Changes the documents."""
        for each in documents:
            for path in self.masks:
                mask_at(each, path.split("."))
            for path in self.groups:
                _drop_husk(each, path.split("."))


def mask_at(holder: Any, keys: list[str]) -> None:
    """Mask the texts at a path, in every item of the lists on the way."""
    if isinstance(holder, list):
        for each in holder:
            mask_at(each, keys)
    elif isinstance(holder, dict) and keys[0] in holder:
        if len(keys) > 1:
            mask_at(holder[keys[0]], keys[1:])
        else:
            holder[keys[0]] = masked(holder[keys[0]])


def masked(value: Any) -> Any:
    """A text, or a list of texts, by its last signs."""
    if isinstance(value, list):
        return [masked(each) for each in value]
    if isinstance(value, str):
        return MASK + (value[-SIGNS_SHOWN:] if len(value) >= SHORTEST_SHOWN else "")
    return None


def _drop_husk(holder: Any, keys: list[str]) -> None:
    if isinstance(holder, list):
        for each in holder:
            _drop_husk(each, keys)
    elif isinstance(holder, dict) and keys[0] in holder:
        if len(keys) > 1:
            _drop_husk(holder[keys[0]], keys[1:])
        elif holder[keys[0]] == {}:
            del holder[keys[0]]


def seen_value(value: Any, path: str, seen: AreaView) -> Any:
    """A value of an attribute, or of a list of groups, as far as it may be seen; the value itself is not changed."""
    if path in seen.masked:
        return masked(value)
    inner = f"{path}."
    for each in seen.hidden:
        if each.startswith(inner):
            value = without(value, each.removeprefix(inner).split("."))
    masks = [each.removeprefix(inner).split(".") for each in seen.masked if each.startswith(inner)]
    if masks:
        value = deepcopy(value)
        for keys in masks:
            mask_at(value, keys)
    return value


def seen_source(source: str | None, hidden: Collection[str]) -> str | None:
    """Where a change came from, without the formulas and rollups of attributes that may not be known of."""
    if source is None or not hidden:
        return source
    parts = [(each, _COMPUTED.fullmatch(each)) for each in source.split("; ")]
    kept = [each for each, named in parts if named is None or named[1] not in hidden]
    return source if len(kept) == len(parts) else "; ".join(kept) or None


def without(value: Any, keys: list[str]) -> Any:
    """A value without what stands at a path in it; the value itself is not changed."""
    if isinstance(value, list):
        return [without(each, keys) for each in value]
    if isinstance(value, dict) and keys[0] in value:
        rest = {key: each for key, each in value.items() if key != keys[0]}
        return rest if len(keys) == 1 else rest | {keys[0]: without(value[keys[0]], keys[1:])}
    return value
