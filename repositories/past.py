"""Clients as they stood at an earlier moment: what changed later is taken back, in the database.

Whoever may read a client now may read its past, as far as the attributes may be read now.
"""

from collections.abc import Collection as Some
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from catalogue.filters import Filter, all_of
from repositories.access import AuthorisedPlan
from repositories.changes import CHANGES, ChangeHistory
from repositories.compile.changes import SEQUENCE, STORED_AT, proof_key, sequence_of
from repositories.compile.filters import Query, query_from
from repositories.compile.pages import projection_from, sort_from
from repositories.compile.past import (
    Past,
    changed_since,
    halves,
    made_since,
    proofs_to_find,
    seen_to_change_since,
    shown_as_was,
    take_back,
    taken_back,
    touched_since,
    unchanged_since,
)
from repositories.errors import TooManyChanged
from repositories.mongo import Collection, Store
from repositories.plan import ID, Order

Stage = dict[str, Any]
Document = dict[str, Any]

LIMIT_CLIENTS = 10_000
_FACTS = ("updatedAt", SEQUENCE, STORED_AT, "tail.version", "tail.at", "tail.observedAt", "tail.values.path")
"""What dates and proofs of an earlier version are found by."""
_BOOKS = frozenset(("tail", "proof"))
"""What a document keeps of itself: nothing hangs on it."""


class AsOf(dict[str, Any]):
    """A document, or a group in it, that was read as of a moment: whatever hangs on it is read as of the same one."""

    __slots__ = ("moment",)

    def __init__(self, values: Document, moment: datetime) -> None:
        super().__init__(values)
        self.moment = moment


def as_of(document: Document, moment: datetime) -> AsOf:
    """The document with its groups, and those in lists, of one moment."""
    return AsOf({key: each if key in _BOOKS else _marked(each, moment) for key, each in document.items()}, moment)


def moment_of(holder: object) -> datetime | None:
    """The moment as of which a document or a group was read; None for the present."""
    return holder.moment if isinstance(holder, AsOf) else None


def _marked(value: Any, moment: datetime) -> Any:
    if isinstance(value, dict):
        return AsOf({key: _marked(each, moment) for key, each in value.items()}, moment)
    return [_marked(each, moment) for each in value] if isinstance(value, list) else value


class PastReads:
    """Reads the clients of one store as of the moments of plans.

    Cost: a count of the clients changed since, who are joined with their later changes; the others are read as ever.
    """

    def __init__(self, store: Store, collection: Collection, history: ChangeHistory) -> None:
        self.limit_clients = LIMIT_CLIENTS
        self._store = store
        self._clients = collection
        self._history = history

    async def page(
        self,
        authorised: AuthorisedPlan,
        positions: Sequence[Query],
        order: Sequence[Order],
        limit: int,
        hint: str | None,
    ) -> list[Document]:
        """The first documents in an order, behind the positions.

        Raises: TooManyChanged.
        Cost: two commands; a third one where proofs, or dates of change, of clients changed since are selected.
        """
        past = _past_of(authorised)
        is_changed = await self._count_changed(authorised, past) > 0
        rest: list[Stage] = [{"$sort": dict(sort_from(order))}, {"$limit": limit}]
        projection = _projection(authorised, order)
        asked = _all(query_from(_asked(authorised)), *positions)
        if self._store.driver == "memory":
            scratch = await self._in_memory(authorised, past, {})
            found = await scratch.find(asked, projection, sort_from(order), limit)
        elif not is_changed:
            query = _all(query_from(authorised.rows), asked, unchanged_since(past.moment))
            found = await self._clients.find(query, projection, sort_from(order), limit, hint=hint)
        else:
            stages = [*self._both(authorised, past, asked, rest, projection), *rest]
            # Who is changed while the command runs may be met before and after it.
            met: dict[str, Document] = {}
            for each in await self._clients.aggregate(stages, hint=hint):
                met.setdefault(each[ID], each)
            found = list(met.values())
        return await self._settled(authorised, past, found)

    async def count(self, authorised: AuthorisedPlan) -> int:
        """How many clients there were of those asked for.

        Raises: TooManyChanged.
        Cost: three commands, and a fourth one where the filter looks at what changes: the total of now, which an index
        may answer, less those made or changed since, and with those who were there as they were.
        """
        past = _past_of(authorised)
        changed = await self._count_changed(authorised, past)
        rows, asked = query_from(authorised.rows), query_from(_asked(authorised))
        if self._store.driver == "memory":
            return await (await self._in_memory(authorised, past, {})).count(asked)
        present = await self._clients.count(_all(rows, asked))
        if not past.asked:
            return present - await self._clients.count(_all(rows, asked, made_since(past.moment)))
        others = await self._clients.count(_all(rows, asked, touched_since(past.moment)))
        if not changed:
            return present - others
        (first, *more) = self._halves(past, rows, asked, [{"$project": {ID: 1}}])
        found = await self._clients.aggregate([*first, *self._unions(more), {"$count": "clients"}])
        return present - others + (int(found[0]["clients"]) if found else 0)

    async def find(self, authorised: AuthorisedPlan, scope: Query, limit: int) -> list[Document]:
        """The few clients in scope, such as those with certain ids, in no order.

        Cost: one command; a second one as for a page.
        """
        past = _past_of(authorised)
        projection = _projection(authorised, ())
        asked = query_from(_asked(authorised))
        if self._store.driver == "memory":
            found = await (await self._in_memory(authorised, past, scope)).find(asked, projection, limit=limit)
        else:
            stages = self._both(authorised, past, asked, [{"$limit": limit}], projection, scope)
            found = await self._clients.aggregate([*stages, {"$limit": limit}])
        return await self._settled(authorised, past, found)

    async def grouped(self, authorised: AuthorisedPlan) -> tuple[Collection, list[Stage]]:
        """Where the clients of a moment are found who are to be grouped, and the stages that go before.

        Raises: TooManyChanged.
        Cost: one command.
        """
        past = _past_of(authorised)
        is_changed = await self._count_changed(authorised, past) > 0
        rows, asked = query_from(authorised.rows), query_from(_asked(authorised))
        if self._store.driver == "memory":
            return await self._in_memory(authorised, past, {}), [{"$match": asked}]
        same: Stage = {"$match": _all(rows, asked, unchanged_since(past.moment))}
        return self._clients, [same, *(self._unions(self._halves(past, rows, asked, ())) if is_changed else ())]

    async def _count_changed(self, authorised: AuthorisedPlan, past: Past) -> int:
        """How many of the clients that may be read have been changed since.

        Raises: TooManyChanged.
        """
        most = self.limit_clients
        query = _all(query_from(authorised.rows), changed_since(past.moment))
        found = await self._clients.count(query, limit=most + 1)
        told = found
        if found > most and past.is_partial:
            # Whether values were computed that may not be seen must not decide what is answered.
            seen = _all(query_from(authorised.rows), seen_to_change_since(past.moment))
            told = await self._clients.count(seen, limit=most + 1)
        if told > most:
            since = past.moment.isoformat(timespec="seconds")
            raise TooManyChanged(
                f"More than {most} clients have been changed since {since}, and each of them "
                "would have to be taken back. Ask for a later moment, or for one client with client(asOf:). The "
                "limit is the setting KEHU_AS_OF_LIMIT_CLIENTS."
            )
        return found

    def _both(
        self,
        authorised: AuthorisedPlan,
        past: Past,
        asked: Query,
        rest: Sequence[Stage],
        projection: dict[str, int],
        scope: Query | None = None,
    ) -> list[Stage]:
        """The clients who are as they were, and the others as they were."""
        rows = _all(query_from(authorised.rows), scope or {})
        same: list[Stage] = [{"$match": _all(rows, asked, unchanged_since(past.moment))}, *rest]
        last = [*rest, *shown_as_was(past), {"$project": projection}]
        return [*same, {"$project": projection}, *self._unions(self._halves(past, rows, asked, last))]

    def _unions(self, pipelines: Sequence[Sequence[Stage]]) -> list[Stage]:
        return [{"$unionWith": {"coll": self._clients.name, "pipeline": each}} for each in pipelines]

    def _halves(self, past: Past, rows: Query, asked: Query, last: Sequence[Stage]) -> list[list[Stage]]:
        # What is asked of nothing that changes narrows the clients before anything is taken back.
        early, late = ({}, asked) if past.asked else (asked, {})
        return [
            taken_back(past, _all(rows, half, early), late, last, CHANGES, is_joined=is_joined)
            for half, is_joined in halves(past.moment)
        ]

    async def _in_memory(self, authorised: AuthorisedPlan, past: Past, scope: Query) -> Collection:
        """A collection of its own with the whole clients as they were: the memory driver knows no such stages."""
        there: Query = {"createdAt": {"$lte": past.moment}}
        early = {} if past.asked else query_from(_asked(authorised))
        found = await self._clients.find(_all(query_from(authorised.rows), scope, there, early))
        later = await self._history.entries_since([str(each[ID]) for each in found], past.moment)
        for each in found:
            tail = [entry for entry in each["tail"] if entry["at"] > past.moment]
            take_back(past, each, deepcopy([*later.get(str(each[ID]), ()), *tail]))
        return await self._store.scratch(found)

    async def _settled(self, authorised: AuthorisedPlan, past: Past, documents: list[Document]) -> list[Document]:
        """The documents with the dates and the proofs that they had, and with the moment that all in them is as of."""
        paths = authorised.plan.paths
        changed = [each for each in documents if each.get(STORED_AT, past.moment) > past.moment]
        if _needs_facts(paths):
            known = {str(each[ID]): [e for e in each["tail"] if e["version"] <= sequence_of(each)] for each in changed}
            wanted = {str(each[ID]): proofs_to_find(each, paths) for each in changed}
            older = await self._history.facts_before(
                {str(each[ID]): (sequence_of(each), _missing(known[str(each[ID])], wanted[str(each[ID])]))
                 for each in changed}
            )  # fmt: skip
            for each in changed:
                entries = [*older.get(str(each[ID]), ()), *known[str(each[ID])]]
                _settle(each, entries, wanted[str(each[ID])], past.moment)
        return [as_of(each, past.moment) for each in documents]


def _past_of(authorised: AuthorisedPlan) -> Past:
    if authorised.past is None:
        raise ValueError("a plan without a moment is about the present")
    return authorised.past


def _asked(authorised: AuthorisedPlan) -> Filter | None:
    return all_of(authorised.asked_then or authorised.asked, authorised.plan.momentary)


def _all(*parts: Query) -> Query:
    given = [each for each in parts if each]
    return {"$and": given} if len(given) > 1 else given[0] if given else {}


def _needs_facts(paths: Some[str]) -> bool:
    return "updatedAt" in paths or any(each.startswith("proof.") for each in paths)


def _projection(authorised: AuthorisedPlan, order: Sequence[Order]) -> dict[str, int]:
    paths = authorised.plan.paths
    return projection_from({*paths, "version", *(_FACTS if _needs_facts(paths) else ())}, order)


def _missing(entries: Sequence[Document], paths: Some[str]) -> frozenset[str] | None:
    """The paths whose last change is in none of the entries; None where the entries have all that is needed."""
    told = {row["path"] for each in entries for row in each["values"]}
    missing = frozenset(paths) - told
    return None if entries and not missing else missing


def _settle(document: Document, entries: Sequence[Document], paths: Some[str], moment: datetime) -> None:
    """The entries are that which the document has come to, and older ones, oldest first."""
    if entries and document.get("updatedAt", moment) > moment:
        # The change that came next was entered before changes said what they found.
        document["updatedAt"] = entries[-1]["at"]
    proofs = document.setdefault("proof", {})
    for path in paths:
        setting = next((e for e in reversed(entries) if any(row["path"] == path for row in e["values"])), None)
        key = proof_key(path)
        proofs.pop(key, None)
        if setting is not None:
            proofs[key] = {"v": setting["version"], "o": setting.get("observedAt") or setting["at"]}
