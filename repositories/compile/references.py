"""References to clients who may not be seen: documents and predicates as if those clients were not there; pure."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Operator
from repositories.compile.owners import rows_of_owners
from repositories.values import bson_from

Document = dict[str, Any]
_OF_ONE = (Operator.EQ, Operator.NE)
_OF_MANY = (Operator.IN, Operator.NOT_IN, Operator.CONTAINS_ANY, Operator.CONTAINS_ALL)


@dataclass(frozen=True, slots=True)
class Pointing:
    """What one question has to do with references, for somebody who may not see all clients."""

    visible: Filter
    """The clients who may be seen."""
    shown: tuple[str, ...]
    """The paths of references in what is selected."""
    asked: Mapping[str, bool]
    """The paths of references in the predicate, and whether each holds a list."""


def ids_in(documents: Iterable[Any], places: Sequence[Sequence[str]]) -> set[str]:
    """The ids that stand at places of documents, through lists of groups; each place is the keys that lead there."""
    return {client_id for each in documents for keys in places for client_id in _ids_at(each, keys)}


def _ids_at(holder: Any, keys: Sequence[str]) -> Iterator[str]:
    if isinstance(holder, list):
        for each in holder:
            yield from _ids_at(each, keys)
    elif not keys:
        if isinstance(holder, str):
            yield holder
    elif isinstance(holder, dict) and keys[0] in holder:
        yield from _ids_at(holder[keys[0]], keys[1:])


def hide_at(holder: Any, keys: Sequence[str], visible: Collection[str]) -> None:
    """Changes the document: what stands at a path stays as far as it is visible, and no empty list or group for it."""
    if isinstance(holder, list):
        for each in holder:
            hide_at(each, keys, visible)
    elif isinstance(holder, dict) and keys[0] in holder:
        value = holder[keys[0]]
        if len(keys) > 1:
            hide_at(value, keys[1:], visible)
            is_empty = value == {}
        else:
            value = shown_value(value, visible)
            is_empty = value is None
            holder[keys[0]] = value
        if is_empty:
            del holder[keys[0]]


def shown_value(value: Any, visible: Collection[str]) -> Any:
    """A reference, or a list of them, as far as it is visible; None where nothing is left."""
    if isinstance(value, list):
        return [each for each in value if each in visible] or None
    return value if value in visible else None


def shown_row(
    row: Mapping[str, Any], keys: Sequence[Sequence[str]], visible: Collection[str]
) -> Mapping[str, Any] | None:
    """A value before and after a change, as far as it is visible; None where the change was of hidden clients alone.

    Shape: the keys lead from what was changed to each reference in it, as for `kept_value`.
    """
    shown = dict(row)
    for side in ("old", "new"):
        if side in row:
            shown[side] = _as_seen(row[side], keys, visible)
    if shown == row:
        return row
    return None if shown.get("old") == shown.get("new") else shown


def hidden_in(value: Any, keys: Sequence[str], visible: Collection[str]) -> set[str]:
    """The ids of hidden clients in what is stored at the holder of a reference."""
    return {each for each in _ids_at(value, keys) if each not in visible}


def named_ids(predicate: Filter | None, asked: Mapping[str, bool], prefix: str = "") -> set[str]:
    """The ids of clients that a predicate names at the paths of references."""
    match predicate:
        case Compare(path, operator, value) if f"{prefix}{path}" in asked:
            if operator in _OF_ONE:
                return {str(value)}
            return {str(each) for each in value} if operator in _OF_MANY and isinstance(value, tuple) else set()
        case And(parts) | Or(parts):
            return {client_id for each in parts for client_id in named_ids(each, asked, prefix)}
        case Not(part):
            return named_ids(part, asked, prefix)
        case AnyItem(path, part):
            return named_ids(part, asked, f"{prefix}{path}.")
        case _:
            return set()


def asks_presence(predicate: Filter | None, asked: Mapping[str, bool], prefix: str = "") -> bool:
    """Whether a predicate asks if there is a reference at all."""
    match predicate:
        case Compare(path, operator):
            return operator is Operator.IS_NULL and f"{prefix}{path}" in asked
        case And(parts) | Or(parts):
            return any(asks_presence(each, asked, prefix) for each in parts)
        case Not(part):
            return asks_presence(part, asked, prefix)
        case AnyItem(path, part):
            return asks_presence(part, asked, f"{prefix}{path}.")
        case _:
            return False


Seen = Callable[[str, bool], Filter]
"""The records that point at a visible client at a path, which may hold a list."""


def seen_by(owners: Filter, ids: Collection[str] | None) -> Seen:
    """By the ids of all visible clients; or without them, where the rows allowed speak of nothing but ids."""

    def seen(path: str, is_list: bool) -> Filter:
        if ids is not None:
            return Compare(path, Operator.IN, tuple(sorted(ids)))
        if is_list:
            rows = rows_of_owners(owners, "")
            assert rows is not None
            return AnyItem(path, rows)
        rows = rows_of_owners(owners, path)
        assert rows is not None
        return And((Compare(path, Operator.IS_NULL, False), rows))

    return seen


def needs_ids(owners: Filter) -> bool:
    """Whether the ids of the visible clients have to be asked for, to tell who points at one of them."""
    return not isinstance(rows_of_owners(owners, ""), Compare)


def without_hidden(
    predicate: Filter, asked: Mapping[str, bool], known: Collection[str], seen: Seen, prefix: str = ""
) -> Filter:
    """The predicate as it is over documents in which nobody points at a hidden client.

    `known` are those of the named clients who are visible.
    """
    match predicate:
        case Compare(path) if f"{prefix}{path}" in asked:
            return _compared(predicate, asked[f"{prefix}{path}"], known, seen)
        case And(parts):
            return And(tuple(without_hidden(each, asked, known, seen, prefix) for each in parts))
        case Or(parts):
            return Or(tuple(without_hidden(each, asked, known, seen, prefix) for each in parts))
        case Not(part):
            return Not(without_hidden(part, asked, known, seen, prefix))
        case AnyItem(path, part):
            return AnyItem(path, without_hidden(part, asked, known, seen, f"{prefix}{path}."))
        case _:
            return predicate


def _compared(comparison: Compare, is_list: bool, known: Collection[str], seen: Seen) -> Filter:
    path, operator, value = comparison.path, comparison.operator, comparison.value
    nothing = Compare(path, Operator.IN, ())
    if operator is Operator.IS_NULL:
        return Not(seen(path, is_list)) if value else seen(path, is_list)
    if operator is Operator.EQ:
        return comparison if value in known else nothing
    if operator is Operator.NE:
        return comparison if value in known else Not(nothing)
    if operator in _OF_MANY and isinstance(value, tuple):
        kept = tuple(each for each in value if each in known)
        if operator is Operator.CONTAINS_ALL and len(kept) < len(value):
            return nothing
        return Compare(path, operator, kept)
    return comparison


def kept_list(given: Sequence[str], stored: Sequence[str], visible: Collection[str]) -> list[str]:
    """A list of references as it is to be stored: as it was given, with the stored ones that its writer does not see.

    Order: each of these stands behind the one that it stood behind, as far as that is still there; else in front.
    """
    result = list(given)
    place = 0
    for client_id in stored:
        if client_id in visible:
            place = result.index(client_id) + 1 if client_id in result else place
        elif client_id not in result:
            result.insert(place, client_id)
            place += 1
    return result


def is_all_hidden(stored: Any, keys: Sequence[Sequence[str]], visible: Collection[str]) -> bool:
    """Whether something is stored of which nothing is visible."""
    return stored is not None and any(not each for each in keys) and shown_value(stored, visible) is None


def kept_value(given: Any, stored: Any, keys: Sequence[Sequence[str]], visible: Collection[str]) -> Any:
    """What is to be stored at the holder of references: as it was given, with what its writer does not see.

    Shape: the keys lead from the holder to each reference in it; of one that holds a reference itself there is one
    without keys. A single hidden reference stays where none is given, and gives way to another one.
    """
    if any(not each for each in keys):
        if isinstance(stored, list):
            return kept_list(given or (), stored, visible) or None
        return stored if given is None and stored not in visible else given
    return _kept_items(given, stored, keys, visible)


def _kept_items(given: Any, stored: Any, keys: Sequence[Sequence[str]], visible: Collection[str]) -> Any:
    """The items of a list of groups; one that was given as it was seen is the stored one, else its place tells."""
    if not isinstance(given, list) or not isinstance(stored, list):
        return given
    seen = [_plain(_as_seen(each, keys, visible)) for each in stored]
    result, free = list(given), set(range(len(stored)))
    waiting = []
    for place, item in enumerate(given):
        match = next((each for each in sorted(free) if seen[each] == _plain(item)), None)
        if match is None:
            waiting.append(place)
        else:
            free.discard(match)
            result[place] = _filled_up(item, stored[match], keys, visible)
    for place in waiting:
        if place in free:
            free.discard(place)
            result[place] = _filled_up(given[place], stored[place], keys, visible)
    return result


def _as_seen(value: Any, keys: Sequence[Sequence[str]], visible: Collection[str]) -> Any:
    copied = _copied(value)
    for each in keys:
        if each:
            hide_at(copied, each, visible)
        else:
            copied = shown_value(copied, visible)
    return copied


def _filled_up(item: Any, stored: Any, keys: Sequence[Sequence[str]], visible: Collection[str]) -> Any:
    """An item that was changed, with the hidden references of the one whose place it has."""
    filled = _copied(item)
    for each in keys:
        *outer, last = each
        source, target = stored, filled
        for key in outer:
            source = source.get(key) if isinstance(source, dict) else None
            target = target.setdefault(key, {}) if isinstance(source, dict) and isinstance(target, dict) else None
        if isinstance(source, dict) and isinstance(target, dict) and hidden_in(source.get(last), (), visible):
            value = kept_value(target.get(last), source[last], ((),), visible)
            target[last] = value
    return filled


def _plain(value: Any) -> Any:
    """A value as it is stored, without what is unset: items are compared by it."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else bson_from(value)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value
