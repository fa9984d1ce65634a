"""Small books: where the access rule leaves few records, they are read by its index and sorted in memory."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from catalogue.filters import And, Compare, Filter
from catalogue.kinds import Operator
from repositories.compile.filters import query_from
from repositories.mongo import Collection

SMALL_BOOK = 1_000
"""Most records that are read for one page, however few of them are on it."""
KEPT_SECONDS = 60.0
KEPT_BOOKS = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    hint: str | None
    until: float


class SmallBooks:
    """Which index a page has to be read by, from the access rule.

    The planner finds the way of a small book by itself, but it keeps one plan for all books: after a large one it first
    walks the index of the order for ten times as long as the large one took. With a hint it has nothing to choose.
    """

    def __init__(self, collection: Collection, indexes: Mapping[str, str]) -> None:
        self._collection = collection
        self._indexes = indexes
        self._kept: OrderedDict[Compare, _Kept] = OrderedDict()

    async def hint_for(self, rows: Filter | None) -> str | None:
        """The name of the access rule's index where it leaves a small book, else None: the planner chooses.

        Cost: one count of at most 1,001 index keys a minute for each rule.
        """
        rule = _indexed_part(rows, self._indexes)
        if rule is None:
            return None
        kept = self._kept.get(rule)
        if kept is None or kept.until < time.monotonic():
            count = await self._collection.count(query_from(rule), limit=SMALL_BOOK + 1)
            hint = self._indexes[rule.path] if count <= SMALL_BOOK else None
            self._kept[rule] = kept = _Kept(hint, time.monotonic() + KEPT_SECONDS)
            self._kept.move_to_end(rule)
            if len(self._kept) > KEPT_BOOKS:
                self._kept.popitem(last=False)
        return kept.hint


def _indexed_part(rows: Filter | None, indexes: Mapping[str, str]) -> Compare | None:
    """What of the access rule an index answers."""
    match rows:
        case Compare(path, Operator.EQ | Operator.IN) if path in indexes:
            return rows
        case And(parts):
            return next((found for each in parts if (found := _indexed_part(each, indexes))), None)
        case _:
            return None
