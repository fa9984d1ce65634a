"""What every area's repository reads: pages, records and counts of authorised plans."""

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from catalogue.filters import Compare, Filter, Search, all_of
from catalogue.kinds import Operator
from policy.decision import NOBODY
from repositories.access import AuthorisedPlan
from repositories.batching import BatchedReads, SharedReads
from repositories.changes import ChangeHistory
from repositories.compile.filters import query_from
from repositories.compile.owners import rows_of_owners
from repositories.compile.pages import beyond, full_order, projection_from, sort_from
from repositories.compile.search import RANK, rank_expression
from repositories.cursors import Cursors, value_at
from repositories.errors import UnindexedOrder
from repositories.mongo import Store
from repositories.plan import ID, Order, Slice
from repositories.references import ReferenceReads
from repositories.small_books import SmallBooks
from repositories.vault import Vault

Document = dict[str, Any]

SORT_LIMIT_DOCUMENTS = 10_000
BY_RANK = (Order(RANK, is_descending=True),)
_NO_INDEXES: Mapping[str, str] = MappingProxyType({})


class RecordReader:
    """The records of one area, as they may be seen."""

    def __init__(
        self,
        store: Store,
        area: str,
        noun: str,
        cursors: Cursors,
        access_indexes: Mapping[str, str] = _NO_INDEXES,
        vault: Vault | None = None,
        owner_key: str = "",
        owners: "RecordReader | None" = None,
    ) -> None:
        """`owner_key` is where a record says which client it belongs to, `owners` reads the clients."""
        self.area = area
        self.vault = vault
        """Where values of this area may be RESTRICTED."""
        self.noun = noun
        self.owner_key = owner_key
        self._owners = owners
        self._always = {"version", owner_key} if owner_key else {"version"}
        self.cursors = cursors
        self.store = store
        self.collection = store.collection(area)
        self.history = ChangeHistory(store, area)
        self.small_books = SmallBooks(self.collection, access_indexes)
        self.sort_limit_documents = SORT_LIMIT_DOCUMENTS
        self.references = ReferenceReads(store)
        self._point_reads: SharedReads[Document] = SharedReads()

    async def read_page(self, authorised: AuthorisedPlan) -> Slice:
        """One page of records.

        Order: the plan's, then the id unless it ends in a unique path; the same forwards and backwards.
        Raises: BadCursor.
        Cost: one command; one record more than the page, which answers whether there is another page. Where the access
        rule has an index, one count a minute besides.
        """
        plan = authorised.plan
        if plan.page is None:
            raise ValueError("a page is read by a plan that has one")
        authorised, page = await self._narrowed(await self._resolved(authorised)), plan.page
        order = full_order(plan.order if plan.ranked is None else BY_RANK, page.is_backward)
        if plan.ranked is None:
            await self._refuse_unindexed(authorised)
            documents = await self._ordered(authorised, order, page.limit + 1)
        else:
            documents = await self.collection.aggregate(self._ranked_pipeline(authorised, plan.ranked, order))
        is_more = len(documents) > page.limit
        del documents[page.limit :]
        await self._shown(authorised, documents)
        if page.is_backward:
            documents.reverse()
            return Slice(documents, has_next=page.before is not None, has_previous=is_more)
        return Slice(documents, has_next=is_more, has_previous=page.after is not None)

    async def _ordered(self, authorised: AuthorisedPlan, order: Sequence[Order], limit: int) -> list[Document]:
        """The first records of a page, by a full order."""
        query, projection = self._page_query(authorised), projection_from(authorised.plan.paths, order)
        hint = await self.small_books.hint_for(authorised.rows)
        return await self.collection.find(query, projection, sort_from(order), limit, hint=hint)

    async def _refuse_unindexed(self, authorised: AuthorisedPlan) -> None:
        """An index serves one key and the id; more keys are sorted by the server, which is for small lists only.

        Raises: UnindexedOrder.
        """
        order = authorised.plan.order
        if len(order) < 2:
            return
        most = self.sort_limit_documents
        if await self.collection.count(query_from(authorised.filter), limit=most + 1) > most:
            keys = ", ".join(each.path for each in order)
            raise UnindexedOrder(
                f"No index serves the order by {keys}, and more than {most} {self.noun}s would have to be sorted. "
                "Order by one of them, or narrow the filter. The limit is the setting KEHU_SORT_LIMIT_DOCUMENTS."
            )

    def _page_query(self, authorised: AuthorisedPlan) -> Document:
        wanted = _wanted(authorised)
        parts = [query_from(wanted)] if wanted is not None else []
        parts += self._positions(authorised)
        return {"$and": parts} if len(parts) > 1 else parts[0] if parts else {}

    def _positions(self, authorised: AuthorisedPlan) -> list[Document]:
        """Where the page begins and where it ends, as far as it says so.

        Raises: BadCursor.
        """
        plan, page = authorised.plan, authorised.plan.page
        parts: list[Document] = []
        if page is not None and (page.after or page.before):
            binding = self.cursors.binding(authorised)
            for cursor, is_backward in ((page.after, False), (page.before, True)):
                if cursor is not None:
                    order = full_order(plan.order, is_backward)
                    parts.append(beyond(order, self.cursors.open(binding, cursor, len(order))))
        return parts

    def _ranked_pipeline(self, authorised: AuthorisedPlan, search: Search, order: Sequence[Order]) -> list[Document]:
        """What is found, the best first; the rank is worked out for what is found alone."""
        plan, page = authorised.plan, authorised.plan.page
        stages: list[Document] = [
            {"$match": query_from(_wanted(authorised))},
            {"$set": {RANK: rank_expression(search)}},
        ]
        if page is not None:
            binding = self.cursors.binding(authorised)
            for cursor, is_backward in ((page.after, False), (page.before, True)):
                if cursor is not None:
                    keys = full_order(BY_RANK, is_backward)
                    stages.append({"$match": beyond(keys, self.cursors.open(binding, cursor, len(keys)))})
            stages += [{"$sort": dict(sort_from(order))}, {"$limit": page.limit + 1}]
        return [*stages, {"$project": projection_from({*plan.paths, RANK})}]

    def seal(self, authorised: AuthorisedPlan, documents: Sequence[Document]) -> list[str]:
        """The cursors of a page's records."""
        binding = self.cursors.binding(authorised)
        plan = authorised.plan
        paths = [each.path for each in full_order(plan.order if plan.ranked is None else BY_RANK)]
        return [self.cursors.seal(binding, [value_at(each, path) for path in paths]) for each in documents]

    async def count(self, authorised: AuthorisedPlan) -> int:
        """How many records the plan's filter selects, on all its pages together."""
        return await self.collection.count(query_from(_wanted(await self._narrowed(await self._resolved(authorised)))))

    async def find_one(self, authorised: AuthorisedPlan) -> Document | None:
        """The record that the plan's filter selects."""
        authorised = await self._narrowed(await self._resolved(self._with_owner(authorised)))
        found = await self.collection.find_one(query_from(authorised.filter), projection_from(authorised.plan.paths))
        if found is not None:
            await self._shown(authorised, (found,))
        return found

    async def load(self, authorised: AuthorisedPlan, record_id: str) -> Document | None:
        """The record with this id, if the plan's filter lets it through.

        Cost: what is wanted in the same loop tick, by whomever, with the same paths and filter, is one command. The
        document may be shared with other callers: nobody may change it.
        """
        found = await self._reads(self._with_owner(authorised)).load(record_id)
        if found is not None:
            self._noted(authorised, (found,))
        return found

    async def load_many(self, authorised: AuthorisedPlan, ids: Some[str]) -> dict[str, Document]:
        """The records with these ids, by id; those that are not there, or may not be read, are left out.

        Cost: as that of `load`; none for nothing. Where the policy narrows the owners of the records, one command more.
        """
        if not ids:
            return {}
        found = await self._reads(self._with_owner(authorised)).load_many(ids)
        mine = {each: found[each] for each in ids if each in found}
        self._noted(authorised, mine.values())
        return mine

    def _reads(self, authorised: AuthorisedPlan) -> BatchedReads[Document]:
        pointing = authorised.pointing
        whose = (authorised.owners, pointing and pointing.visible)
        key = (authorised.plan.paths, authorised.filter, whose, authorised.veil, authorised.sealed)
        # What is shared must not hold on to what one of those who share it notes.
        return self._point_reads.known(key) or self._point_reads.of(
            key, partial(self._fetch, replace(authorised, touched=None))
        )

    async def _fetch(self, authorised: AuthorisedPlan, ids: list[str]) -> dict[str, Document]:
        authorised = await self._resolved(authorised)
        projection = projection_from(authorised.plan.paths)
        query: Document = {ID: {"$in": sorted(ids)}} if len(ids) > 1 else {ID: {"$eq": ids[0]}}
        if authorised.filter is not None:
            query = {"$and": [query_from(authorised.filter), query]}
        found = await self.collection.find(query, projection, limit=len(ids))
        if authorised.owners is not None:
            found = await self._of_seen_owners(found, authorised.owners)
        await self._shown(authorised, found)
        return {each[ID]: each for each in found}

    async def _resolved(self, authorised: AuthorisedPlan) -> AuthorisedPlan:
        """The plan with a filter that the database can answer: by hashes where values are encrypted, and as if clients
        who may not be seen were not there."""
        if authorised.past is not None:
            return await self.references.resolved_then(authorised)
        predicate = await self.references.resolved(authorised.pointing, authorised.filter)
        predicate = predicate if self.vault is None else await self.vault.resolved(predicate)
        return authorised if predicate is authorised.filter else replace(authorised, filter=predicate)

    def _with_owner(self, authorised: AuthorisedPlan) -> AuthorisedPlan:
        """The plan with the path of the owner: who it is decides, and is noted."""
        plan = authorised.plan
        if not self.owner_key or self.owner_key in plan.paths:
            return authorised
        return replace(authorised, plan=replace(plan, paths=plan.paths | {self.owner_key}))

    async def _narrowed(self, authorised: AuthorisedPlan) -> AuthorisedPlan:
        """The plan for the records of those clients alone that may be read.

        Cost: one command for the ids of the clients, where the policy looks at more than their ids.
        """
        owners = authorised.owners
        if owners is None:
            return authorised
        rows: Filter | None = NOBODY
        if self._owners is not None:
            rows = rows_of_owners(owners, self.owner_key)
            if rows is None:
                found = await self._owners.collection.find(query_from(owners), {ID: 1})
                rows = Compare(self.owner_key, Operator.IN, tuple(sorted(str(each[ID]) for each in found)))
        return replace(authorised, filter=all_of(rows, authorised.filter))

    async def _of_seen_owners(self, documents: Sequence[Document], owners: Filter) -> list[Document]:
        """Those of some records whose clients may be read."""
        if self._owners is None:
            return []
        key = self.owner_key
        seen = await self._owners.existing({str(each[key]) for each in documents if key in each}, owners)
        return [each for each in documents if each.get(key) in seen]

    async def _shown(self, authorised: AuthorisedPlan, documents: Sequence[Document]) -> None:
        """The documents as they may be seen; and noted."""
        if authorised.sealed and self.vault is not None:
            await self.vault.open_at(documents, authorised.sealed)
        if authorised.pointing is not None:
            await self.references.hide(authorised.pointing, documents)
        if authorised.veil is not None:
            authorised.veil.over(documents)
        self._noted(authorised, documents)

    def _noted(self, authorised: AuthorisedPlan, documents: Some[Document]) -> None:
        if authorised.touched is not None:
            authorised.touched.note(self.area, (each[ID] for each in documents), authorised.restricted)

    async def existing(self, ids: Some[str], scope: Filter | None = None) -> frozenset[str]:
        """Those of the ids that are there."""
        if not ids:
            return frozenset()
        predicate = all_of(scope, Compare(ID, Operator.IN, tuple(sorted(ids))))
        return frozenset(str(each[ID]) for each in await self.collection.find(query_from(predicate), {ID: 1}))


def _wanted(authorised: AuthorisedPlan) -> Filter | None:
    return all_of(authorised.filter, authorised.plan.momentary)
