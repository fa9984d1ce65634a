"""Whether values were entered within their windows, of the clients that somebody may read."""

from collections.abc import Sequence
from typing import Any

from catalogue.attribute import CLIENTS
from repositories.access import AuthorisedPlan
from repositories.client_freshness import is_selected
from repositories.compile.entry_times import RATE_ORDER, EntrySpan, entry_managers, entry_weeks
from repositories.cursors import Cursors
from repositories.mongo import Store
from repositories.plan import ID
from repositories.row_pages import RowPage, RowPages

Document = dict[str, Any]


class EntryTimes:
    """Questions about the times of entry.

    Only attributes among the paths of the authorised plan are looked at: those that the viewer may read.
    Cost: each is one command. It looks at all clients that the viewer may read, and at the changes of those alone whose
    tails do not reach back far enough.
    """

    def __init__(self, store: Store, cursors: Cursors) -> None:
        self._clients = store.collection(CLIENTS)
        self._pages = RowPages(self._clients, cursors)

    async def by_week(
        self, authorised: AuthorisedPlan, paths: Sequence[str], spans: Sequence[EntrySpan]
    ) -> list[Document]:
        """The figures of each week, in the order of the weeks; those of a week without clients are empty."""
        paths = [each for each in paths if is_selected(authorised, each)]
        rows = await self._clients.aggregate(entry_weeks(authorised.filter, paths, spans))
        found = {int(row[ID]): row for row in rows}
        return [found.get(place, {}) for place in range(len(spans))]

    async def by_manager(
        self,
        authorised: AuthorisedPlan,
        paths: Sequence[str],
        span: EntrySpan,
        asked: str,
        *,
        wants_total: bool = False,
    ) -> RowPage:
        """One page of managers for one week, the least punctual first; `asked` names the window and the week.

        Raises: BadCursor.
        """
        paths = [each for each in paths if is_selected(authorised, each)]
        stages = entry_managers(authorised.filter, paths, span)
        question = f"onTimeByManager {asked}"
        return await self._pages.read(authorised, stages, RATE_ORDER, question, wants_total=wants_total)
