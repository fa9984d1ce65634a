"""A page of the rows that an aggregation makes."""

from collections.abc import Sequence
from typing import Any

from repositories.compile.pages import beyond
from repositories.plan import Order

Stage = dict[str, Any]


def paged(
    stages: Sequence[Stage], order: Sequence[Order], limit: int, position: Sequence[object] | None, *, wants_total: bool
) -> list[Stage]:
    """The stages with those of one page behind them; `position` are the values of the row before it, in the order.

    Shape: the rows; where the total is wanted, one document with the rows under "page" and, unless there are none at
    all, their number under "total".
    """
    page: list[Stage] = [] if position is None else [{"$match": beyond(order, position)}]
    page += [{"$sort": {each.path: -1 if each.is_descending else 1 for each in order}}, {"$limit": limit}]
    if wants_total:
        return [*stages, {"$facet": {"page": page, "total": [{"$count": "count"}]}}]
    return [*stages, *page]
