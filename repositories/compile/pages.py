"""Keyset pages: what to sort by, what to fetch, and which records lie behind a position."""

from collections.abc import Collection, Sequence

from repositories.compile.filters import Query
from repositories.plan import ID, Order

UNIQUE = frozenset(("number",))
"""Paths that every record has, each with a value of its own; the index of one has its name."""
_NEVER_UNSET = UNIQUE | {ID}
Position = Sequence[object]
"""The values of the order's keys and the id, as stored; None for unset, which sorts lowest."""


def full_order(order: Sequence[Order], is_backward: bool = False) -> tuple[Order, ...]:
    """The order with its tie-break by id, which goes the way of the last key so that one index serves both.

    Behind a unique path there are no ties, and its own index serves the order as it is.
    """
    last = order[-1] if order else Order(ID)
    keys = tuple(order) if last.path in UNIQUE else (*order, Order(ID, last.is_descending))
    return tuple(Order(each.path, each.is_descending != is_backward) for each in keys)


def sort_from(order: Sequence[Order]) -> list[tuple[str, int]]:
    """The order as MongoDB's sort."""
    return [(each.path, -1 if each.is_descending else 1) for each in order]


def beyond(order: Sequence[Order], position: Position) -> Query:
    """What comes after a position in a full order: a later key, or an equal one and a later rest.

    Shape: {"$or": [...]}, one branch a key; unset values sort lowest, as in MongoDB.
    """
    branches: list[Query] = []
    equal: list[Query] = []
    for key, value in zip(order, position, strict=True):
        if (step := _past(key, value)) is not None:
            branches.append({"$and": [*equal, step]} if equal else step)
        equal.append({key.path: {"$eq": value}})
    return {"$or": branches} if len(branches) > 1 else branches[0]


def _past(key: Order, value: object) -> Query | None:
    if key.is_descending:
        if value is None:
            return None
        below: Query = {key.path: {"$lt": value}}
        return below if key.path in _NEVER_UNSET else {"$or": [below, {key.path: {"$eq": None}}]}
    return {key.path: {"$ne": None}} if value is None else {key.path: {"$gt": value}}


def projection_from(paths: Collection[str], order: Sequence[Order] = ()) -> dict[str, int]:
    """The projection that fetches the paths, and those the order needs for its cursors.

    Order: sorted by path, so that equal questions are equal commands. A path under another one is left out,
    because MongoDB refuses both together.
    """
    wanted = sorted({*paths, *(each.path for each in order)})
    kept: list[str] = []
    for path in wanted:
        if not any(path.startswith(f"{outer}.") for outer in kept):
            kept.append(path)
    projection = dict.fromkeys(kept, 1)
    return projection or {ID: 1}
