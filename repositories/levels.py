"""The first records under each of many holders: one command a level, however many holders there are."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from repositories.access import AuthorisedPlan
from repositories.base import RecordRepository
from repositories.batching import LARGEST, SharedReads
from repositories.compile.filters import query_from
from repositories.compile.levels import (
    ROWS,
    SEEN,
    LevelQuery,
    all_lists,
    behind,
    count_pipeline,
    level_sort,
    one_list,
    scan_pipeline,
    seek_pipeline,
)
from repositories.compile.pages import full_order, projection_from, sort_from
from repositories.plan import ID, Slice
from repositories.veil import Veil

Document = dict[str, Any]

SCANNED = 30
"""Units: records a list. Up to about here a scan costs less than a seek; see docs/decisions/0016-list-relations.md."""
LEVEL_LIMIT = 10_000
"""Units: records that one command may come to, under all holders together."""
SEEKS = 500
"""Levels that are read by seeking after a scan has met long lists."""


class LevelReads:
    """Reads the lists that records of one area form under the records they point at."""

    __slots__ = ("_key", "_repository", "_seeks_left", "_shared")

    def __init__(self, repository: RecordRepository, key: str) -> None:
        self._repository = repository
        self._key = key
        self._seeks_left = 0
        self._shared: SharedReads[list[Document]] = SharedReads()

    async def read(self, authorised: AuthorisedPlan, holders: Sequence[str]) -> dict[str, Slice]:
        """One page of each holder's list.

        Order: the plan's, then the id.
        Raises: BadCursor. A cursor is a position in the order, good for the list of any holder.
        Cost: one command; a second one when a scan meets long lists, and then not again for a while. First pages that
        are wanted in the same loop tick, by whomever, are one command. Nobody may change the records.
        """
        plan = authorised.plan
        if plan.page is None or plan.page.is_backward:
            raise ValueError("lists are read by a plan with a page from the start")
        query, wanted = self._query(authorised), list(dict.fromkeys(holders))
        most, is_later = plan.page.limit, plan.page.after is not None
        found: Mapping[str, list[Document]]
        if is_later or not wanted:
            found = await self._seen(query, authorised.veil, wanted)
        else:
            question = (plan.paths, authorised.filter, authorised.veil, plan.order, most)
            largest = max(1, min(LARGEST, LEVEL_LIMIT // most))
            found = await self._shared.of(question, partial(self._seen, query, authorised.veil), largest).load_many(
                wanted
            )
        if authorised.touched is not None:
            shown = (row[ID] for each in wanted for row in found[each][:most])
            authorised.touched.note(self._repository.area, shown, authorised.restricted)
        return {
            each: Slice(found[each][:most], has_next=len(found[each]) > most, has_previous=is_later) for each in wanted
        }

    async def count(self, authorised: AuthorisedPlan, holders: Sequence[str]) -> dict[str, int]:
        """How long each holder's list is, on all its pages together.

        Cost: one command, over the keys of the index alone unless the policy looks at more.
        """
        parts = [query_from(authorised.filter)] if authorised.filter is not None else []
        wanted = list(dict.fromkeys(holders))
        rows = await self._repository.collection.aggregate(count_pipeline(self._key, parts, wanted))
        return dict.fromkeys(wanted, 0) | {each[ID]: each[SEEN] for each in rows}

    def _query(self, authorised: AuthorisedPlan) -> LevelQuery:
        plan, page = authorised.plan, authorised.plan.page
        order = full_order(plan.order)
        parts = [query_from(authorised.filter)] if authorised.filter is not None else []
        if page is not None and page.after is not None:
            cursors = self._repository.cursors
            position = cursors.open(cursors.binding(authorised), page.after, len(order))
            parts.append(behind(order, position))
        return LevelQuery(self._key, tuple(parts), order, plan.paths, page.limit + 1 if page else 0)

    async def _seen(self, query: LevelQuery, veil: Veil | None, holders: Sequence[str]) -> Mapping[str, list[Document]]:
        """The rows as they may be seen."""
        found = await self._rows(query, holders)
        if veil is not None:
            for rows in found.values():
                veil.over(rows)
        return found

    async def _rows(self, query: LevelQuery, holders: Sequence[str]) -> dict[str, list[Document]]:
        if len(holders) == 1:
            rows = await self._repository.collection.find(
                one_list(query, holders[0]),
                projection_from(query.paths, query.order),
                sort_from(query.order),
                limit=query.limit,
            )
            return {holders[0]: rows}
        if self._repository.store.driver == "memory":
            return await self._cut(query, holders)
        found: dict[str, list[Document]] = {each: [] for each in holders}
        waiting = holders
        if self._seeks_left:
            self._seeks_left -= 1
        elif holders:
            waiting = await self._scan(query, holders, found)
            self._seeks_left = SEEKS if waiting else 0
        if waiting:
            await self._seek(query, waiting, found)
        return found

    async def _scan(self, query: LevelQuery, holders: Sequence[str], found: dict[str, list[Document]]) -> Sequence[str]:
        """The holders whose lists a bounded walk did not come to, or did not come to the wanted end of."""
        most = (SCANNED + query.limit) * len(holders)
        groups = await self._repository.collection.aggregate(scan_pipeline(query, holders, most))
        found.update((each[ID], each[ROWS]) for each in groups)
        if sum(each[SEEN] for each in groups) < most:
            return ()
        last = max(each[ID] for each in groups)
        return [each for each in holders if each > last or (each == last and len(found[each]) < query.limit)]

    async def _seek(self, query: LevelQuery, holders: Sequence[str], found: dict[str, list[Document]]) -> None:
        collection = self._repository.collection
        groups = await collection.aggregate(seek_pipeline(query, holders, collection.name))
        found.update((each[ID], each[ROWS]) for each in groups)

    async def _cut(self, query: LevelQuery, holders: Sequence[str]) -> dict[str, list[Document]]:
        """All lists whole, cut here: the memory driver has no indexes to seek by."""
        projection = projection_from({*query.paths, query.key}, query.order)
        rows = await self._repository.collection.find(all_lists(query, holders), projection, level_sort(query))
        found: dict[str, list[Document]] = {each: [] for each in holders}
        for each in rows:
            if len(found[each[query.key]]) < query.limit:
                found[each[query.key]].append(each)
        return found
