"""How fresh and how complete the clients are that somebody may read: worked out by the database, never kept."""

from collections.abc import Collection as Some
from collections.abc import Sequence
from typing import Any, TypeVar

from catalogue.attribute import CLIENTS
from catalogue.filters import Compare, all_of
from catalogue.kinds import Operator
from repositories.access import AuthorisedPlan
from repositories.compile.freshness import (
    COUNT_ORDER,
    SHARE_ORDER,
    STALE_ORDER,
    Aging,
    Expected,
    StaleKey,
    filled_by_manager,
    filled_rows,
    stale_counts,
    stale_values,
)
from repositories.cursors import Cursors
from repositories.mongo import Store
from repositories.plan import ID
from repositories.row_pages import RowPage, RowPages

Document = dict[str, Any]
Asked = TypeVar("Asked", Aging, Expected)


class ClientFreshness:
    """Questions about the age and the absence of values.

    Only attributes among the paths of the authorised plan are looked at: those that the viewer may read.
    Cost: each is one command. What is not about named clients looks at all clients that the viewer may read.
    """

    def __init__(self, store: Store, cursors: Cursors) -> None:
        self._clients = store.collection(CLIENTS)
        self._pages = RowPages(self._clients, cursors)

    async def stale_values(
        self, authorised: AuthorisedPlan, aging: Sequence[Aging], asked: object = None, *, wants_total: bool = False
    ) -> RowPage:
        """One page of stale values, the oldest first; `asked` is what a cursor is bound to besides the plan.

        Raises: BadCursor.
        """
        stages = stale_values(authorised.filter, _selected(authorised, aging))
        question = f"staleValues {asked}"
        found = await self._pages.read(authorised, stages, STALE_ORDER, question, wants_total=wants_total)
        if authorised.touched is not None:
            # Nobody has read a RESTRICTED value: that it is old is all that is said of it.
            authorised.touched.note(CLIENTS, (str(each[ID]) for each in found.rows))
        return found

    async def stale_counts(
        self,
        authorised: AuthorisedPlan,
        aging: Sequence[Aging],
        by: StaleKey,
        asked: object = None,
        *,
        wants_total: bool = False,
    ) -> RowPage:
        """One page of counts of stale values, the most first.

        Raises: BadCursor.
        """
        stages = stale_counts(authorised.filter, _selected(authorised, aging), by)
        question = f"staleValueCounts {by} {asked}"
        return await self._pages.read(authorised, stages, COUNT_ORDER, question, wants_total=wants_total)

    async def filled(
        self, authorised: AuthorisedPlan, ids: Some[str], expected: Sequence[Expected]
    ) -> dict[str, tuple[str, list[bool]]]:
        """Kind of each client, and whether each expected value is there; by id, those who may be read."""
        if not ids or not expected:
            return {}
        predicate = all_of(authorised.filter, Compare(ID, Operator.IN, tuple(sorted(ids))))
        rows = await self._clients.aggregate(filled_rows(predicate, _selected(authorised, expected)))
        return {str(row[ID]): (str(row["kind"]), list(row["has"])) for row in rows}

    async def filled_of_managers(
        self, authorised: AuthorisedPlan, ids: Some[str], expected: Sequence[Expected]
    ) -> dict[str, Document]:
        """How complete the clients of managers are, by the manager's id; without those who have none to be read."""
        if not ids:
            return {}
        predicate = all_of(authorised.filter, Compare("managerId", Operator.IN, tuple(sorted(ids))))
        rows = await self._clients.aggregate(filled_by_manager(predicate, _selected(authorised, expected)))
        return {str(row[ID]): row for row in rows}

    async def filled_by_manager(
        self,
        authorised: AuthorisedPlan,
        expected: Sequence[Expected],
        asked: object = None,
        *,
        wants_total: bool = False,
    ) -> RowPage:
        """One page of managers, the least complete first; clients without a manager are a row of their own.

        Raises: BadCursor.
        """
        stages = filled_by_manager(authorised.filter, _selected(authorised, expected))
        question = f"completenessByManager {asked}"
        return await self._pages.read(authorised, stages, SHARE_ORDER, question, wants_total=wants_total)


def _selected(authorised: AuthorisedPlan, asked: Sequence[Asked]) -> Sequence[Asked]:
    """The same.

    Raises: ValueError for an attribute that may not be read, or was not selected: nothing may be said of it.
    """
    if missed := [each.path for each in asked if not is_selected(authorised, each.path)]:
        raise ValueError(f"{', '.join(missed)} may not be read, or was not selected")
    return asked


def is_selected(authorised: AuthorisedPlan, path: str) -> bool:
    """Whether an attribute, or what may be read of a list of groups, is among the paths of the plan."""
    return any(each == path or each.startswith(f"{path}.") for each in authorised.plan.paths)
