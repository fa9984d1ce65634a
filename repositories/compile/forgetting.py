"""Taking a client who was erased out of what others have written: whether a value names the client, and the value
without; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

NOBODY_ID = "cl_000000000000000000000000"
"""Stands where an erased client's id stood, so that a filter over it goes on to find nobody."""
ERASED = "(erased)"
NUMBER_LENGTH = 4
"""Shorter numbers are known in a text only where they stand in quotation marks, or are all of it."""


@dataclass(frozen=True)
class Names:
    """What a client is called in texts: its ids, and its numbers as far as they are known."""

    ids: tuple[str, ...]
    numbers: tuple[str, ...] = ()

    @cached_property
    def _ids(self) -> re.Pattern[str] | None:
        return re.compile("|".join(re.escape(each) for each in self.ids)) if self.ids else None

    @cached_property
    def _numbers(self) -> re.Pattern[str] | None:
        parts = [f'(?<="){re.escape(each)}(?=")' for each in self.numbers]
        parts += [rf"(?<!\w){re.escape(each)}(?!\w)" for each in self.numbers if len(each) >= NUMBER_LENGTH]
        return re.compile("|".join(parts)) if parts else None

    def taken_out(self, value: Any, *, keeps_id: bool = False) -> Any:
        """A value, of any shape, without the client's ids and numbers; with its ids where these stay as evidence."""
        if isinstance(value, str):
            if value in self.numbers:
                return ERASED
            text = value if keeps_id or self._ids is None else self._ids.sub(NOBODY_ID, value)
            return text if self._numbers is None else self._numbers.sub(ERASED, text)
        if isinstance(value, Mapping):
            return {key: self.taken_out(each, keeps_id=keeps_id) for key, each in value.items()}
        if isinstance(value, list):
            return [self.taken_out(each, keeps_id=keeps_id) for each in value]
        return value

    def is_in(self, value: Any) -> bool:
        """Whether one of the ids stands anywhere in a value."""
        if isinstance(value, str):
            return self._ids is not None and self._ids.search(value) is not None
        if isinstance(value, Mapping):
            return any(self.is_in(each) for each in value.values())
        return isinstance(value, list) and any(self.is_in(each) for each in value)


FREE_TEXTS = ("reason", "decisionReason")
"""Where an approval has what people have written about what it is about."""


def without_free_texts(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document, with its changes, of which nobody's own words are left: who writes about a client may name it."""
    emptied = {name: ERASED if name in FREE_TEXTS and each else each for name, each in document.items()}
    for holder in ("tail", "values"):
        if isinstance(rows := emptied.get(holder), list):
            emptied[holder] = [_emptied_row(each) for each in rows]
    return emptied


def _emptied_row(row: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(row.get("values"), list):
        return {**row, "values": [_emptied_row(each) for each in row["values"]]}
    if row.get("path") in FREE_TEXTS:
        return {name: ERASED if name in ("old", "new") and each else each for name, each in row.items()}
    return dict(row)


def reference_query(prefix: str, client_ids: Iterable[str], keys: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
    """Where changes say that a value pointed, or came to point, at one of the clients; parts of an $or.

    Shape: the keys lead from what a change sets to the reference, through lists of groups; none for the reference.
    """
    ids = sorted(client_ids)
    inside = {".".join(each) for each in keys}
    places = (f"{prefix}values.{side}{'.' * bool(path)}{path}" for path in sorted(inside) for side in ("old", "new"))
    return [{place: {"$in": ids}} for place in places]


def without_references(
    change: Mapping[str, Any], references: Mapping[str, Sequence[Sequence[str]]], client_ids: Iterable[str]
) -> dict[str, Any]:
    """A change that does not say any more that a value pointed at one of the clients.

    Shape: the references inside what a change sets, by its path.
    """
    rows = []
    for row in change["values"]:
        cleared = dict(row)
        for keys in references.get(row["path"], ()):
            for side in ("old", "new"):
                for client_id in client_ids if side in cleared else ():
                    cleared[side] = without_reference(cleared[side], keys, client_id)
        rows.append({name: each for name, each in cleared.items() if name not in ("old", "new") or each is not None})
    return {**change, "values": rows}


def without_reference(value: Any, keys: Sequence[str], client_id: str) -> Any:
    """What is stored at the holder of a reference, without the reference; None where nothing is left.

    Shape: the keys lead from the holder to the reference, through lists of groups; none for the reference itself.
    """
    if isinstance(value, list):
        kept = [each for each in value if each != client_id]
        return [without_reference(each, keys, client_id) for each in kept] or None
    if not isinstance(value, dict):
        return None if value == client_id else value
    cleared = {}
    for key, each in value.items():
        left = without_reference(each, keys[1:], client_id) if keys and key == keys[0] else each
        if left is not None or each is None:
            cleared[key] = left
    return cleared
