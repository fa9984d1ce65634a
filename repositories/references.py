"""What of references to clients somebody may see: one answer at every door, as if hidden clients were not there."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from catalogue.attribute import CLIENTS
from catalogue.filters import And, Compare, Filter
from catalogue.kinds import Operator
from repositories.access import AuthorisedPlan
from repositories.compile.filters import query_from
from repositories.compile.references import (
    Pointing,
    asks_presence,
    hide_at,
    ids_in,
    named_ids,
    needs_ids,
    seen_by,
    without_hidden,
)
from repositories.mongo import Store
from repositories.plan import ID

Document = dict[str, Any]


class ReferenceReads:
    """Asks which clients, of those that are pointed at, may be seen.

    Cost: one command where a document that is read, or a predicate, points at clients; one more for a predicate that
    asks whether there is a reference. None for whoever sees all clients.
    """

    def __init__(self, store: Store) -> None:
        self._clients = store.collection(CLIENTS)

    async def visible(self, rows: Filter | None, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids of clients that may be seen under some rows; all of them where nothing narrows them."""
        if rows is None or not ids:
            return frozenset(ids)
        predicate = And((rows, Compare(ID, Operator.IN, tuple(sorted(ids)))))
        return frozenset(str(each[ID]) for each in await self._clients.find(query_from(predicate), {ID: 1}))

    async def hide(self, pointing: Pointing | None, documents: Sequence[Document]) -> None:
        """Take off documents what points at clients who may not be seen."""
        if pointing is None or not pointing.shown:
            return
        places = [path.split(".") for path in pointing.shown]
        ids = ids_in(documents, places)
        visible = await self.visible(pointing.visible, ids)
        if len(visible) == len(ids):
            return
        for keys in places:
            for each in documents:
                hide_at(each, keys, visible)

    async def resolved_then(self, authorised: AuthorisedPlan) -> AuthorisedPlan:
        """A plan as of a moment, as `resolved` makes its predicate."""
        asked = await self.resolved(authorised.pointing, authorised.asked)
        return authorised if asked is authorised.asked else replace(authorised, asked_then=asked)

    async def resolved(self, pointing: Pointing | None, predicate: Filter | None) -> Filter | None:
        """The predicate as it is for somebody for whom hidden clients are not there."""
        if pointing is None or predicate is None or not pointing.asked:
            return predicate
        known = await self.visible(pointing.visible, named_ids(predicate, pointing.asked))
        every: frozenset[str] | None = None
        if needs_ids(pointing.visible) and asks_presence(predicate, pointing.asked):
            rows = await self._clients.find(query_from(pointing.visible), {ID: 1})
            every = frozenset(str(each[ID]) for each in rows)
        return without_hidden(predicate, pointing.asked, known, seen_by(pointing.visible, every), "")
