"""One page of the rows that an aggregation makes, with their cursors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from repositories.access import AuthorisedPlan
from repositories.compile.rows import paged
from repositories.cursors import Cursors, value_at
from repositories.mongo import Collection
from repositories.plan import Order

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RowPage:
    """One page of rows, each with its cursor."""

    rows: list[Document]
    cursors: list[str]
    has_next: bool
    has_previous: bool
    total: int | None
    """None where it was not wanted."""


@dataclass(frozen=True, slots=True)
class RowPages:
    """Reads pages of rows that an aggregation over a collection makes."""

    collection: Collection
    cursors: Cursors

    async def read(
        self,
        authorised: AuthorisedPlan,
        stages: Sequence[Document],
        order: Sequence[Order],
        asked: object,
        *,
        wants_total: bool,
    ) -> RowPage:
        """One page; `asked` is what a cursor is bound to, besides the person and what is in the plan's filter.

        Raises: BadCursor.
        Cost: one command.
        """
        page = authorised.plan.page
        if page is None:
            raise ValueError("a page is read by a plan that has one")
        binding = self.cursors.bound_to((asked, authorised.principal, authorised.asked))
        position = None if page.after is None else self.cursors.open(binding, page.after, len(order))
        pipeline = paged(stages, order, page.limit + 1, position, wants_total=wants_total)
        rows: list[Document] = await self.collection.aggregate(pipeline)
        total: int | None = None
        if wants_total:
            (both,) = rows
            rows, total = both["page"], both["total"][0]["count"] if both["total"] else 0
        has_next = len(rows) > page.limit
        shown = rows[: page.limit]
        cursors = [self.cursors.seal(binding, [value_at(row, each.path) for each in order]) for row in shown]
        return RowPage(shown, cursors, has_next, page.after is not None, total)
