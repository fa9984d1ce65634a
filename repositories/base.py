"""What every area's repository does: read an authorised plan, and write one change as one command."""

import logging
from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from catalogue.filters import And, Compare, Filter, Search, all_of
from catalogue.kinds import Operator
from repositories.access import AuthorisedPlan, Touched
from repositories.batching import BatchedReads, SharedReads
from repositories.changes import CREATED, ChangeHistory
from repositories.compile.changes import change_pipeline
from repositories.compile.filters import query_from
from repositories.compile.pages import beyond, full_order, projection_from, sort_from
from repositories.compile.records import new_document
from repositories.compile.search import RANK, rank_expression
from repositories.cursors import Cursors, value_at
from repositories.errors import (
    KeyReused,
    NotFound,
    RepositoryError,
    RepositoryFault,
    StaleVersion,
    Unavailable,
    UnindexedOrder,
)
from repositories.mongo import BulkError, Store
from repositories.plan import ID, Change, Order, Slice
from repositories.small_books import SmallBooks
from repositories.vault import Vault

log = logging.getLogger("kehu.repositories")

Document = dict[str, Any]

SORT_LIMIT_DOCUMENTS = 10_000
WRITE_ATTEMPTS = 5
BY_RANK = (Order(RANK, is_descending=True),)
_BOOKKEEPING = {"tail.version": 1, "moved": 1}
_NO_INDEXES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to."""

    document: Document
    is_replay: bool = False
    """Whether the same request had been carried out before; nothing was changed again."""


class RecordRepository:
    """The records of one area: documents with a version and a tail of changes."""

    def __init__(
        self,
        store: Store,
        area: str,
        noun: str,
        cursors: Cursors,
        access_indexes: Mapping[str, str] = _NO_INDEXES,
        vault: Vault | None = None,
        owner_key: str = "",
    ) -> None:
        """`owner_key` is where a record says which client it belongs to."""
        self.area = area
        self.vault = vault
        """Where values of this area may be RESTRICTED."""
        self.noun = noun
        self.owner_key = owner_key
        self._always = {"version", owner_key} if owner_key else {"version"}
        self.cursors = cursors
        self.store = store
        self.collection = store.collection(area)
        self.history = ChangeHistory(store, area)
        self.small_books = SmallBooks(self.collection, access_indexes)
        self.sort_limit_documents = SORT_LIMIT_DOCUMENTS
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
        authorised, page = await self._resolved(authorised), plan.page
        order = full_order(plan.order if plan.ranked is None else BY_RANK, page.is_backward)
        if plan.ranked is None:
            await self._refuse_unindexed(authorised)
            query, projection = self._page_query(authorised), projection_from(plan.paths, order)
            hint = await self.small_books.hint_for(authorised.rows)
            documents = await self.collection.find(query, projection, sort_from(order), page.limit + 1, hint=hint)
        else:
            documents = await self.collection.aggregate(self._ranked_pipeline(authorised, plan.ranked, order))
        is_more = len(documents) > page.limit
        del documents[page.limit :]
        await self._shown(authorised, documents)
        if page.is_backward:
            documents.reverse()
            return Slice(documents, has_next=page.before is not None, has_previous=is_more)
        return Slice(documents, has_next=is_more, has_previous=page.after is not None)

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
        plan, page = authorised.plan, authorised.plan.page
        wanted = _wanted(authorised)
        parts = [query_from(wanted)] if wanted is not None else []
        if page is not None and (page.after or page.before):
            binding = self.cursors.binding(authorised)
            for cursor, is_backward in ((page.after, False), (page.before, True)):
                if cursor is not None:
                    order = full_order(plan.order, is_backward)
                    parts.append(beyond(order, self.cursors.open(binding, cursor, len(order))))
        return {"$and": parts} if len(parts) > 1 else parts[0] if parts else {}

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
        return await self.collection.count(query_from(_wanted(await self._resolved(authorised))))

    async def find_one(self, authorised: AuthorisedPlan) -> Document | None:
        """The record that the plan's filter selects."""
        authorised = await self._resolved(authorised)
        found = await self.collection.find_one(query_from(authorised.filter), projection_from(authorised.plan.paths))
        if found is not None:
            await self._shown(authorised, (found,))
        return found

    async def load(self, authorised: AuthorisedPlan, record_id: str) -> Document | None:
        """The record with this id, if the plan's filter lets it through.

        Cost: what is wanted in the same loop tick, by whomever, with the same paths and filter, is one command. The
        document may be shared with other callers: nobody may change it.
        """
        found = await self._reads(authorised).load(record_id)
        if found is not None:
            self._noted(authorised, (found,))
        return found

    async def load_many(self, authorised: AuthorisedPlan, ids: Some[str]) -> dict[str, Document]:
        """The records with these ids, by id; those that are not there, or may not be read, are left out.

        Cost: as that of `load`; none for nothing.
        """
        if not ids:
            return {}
        found = await self._reads(authorised).load_many(ids)
        mine = {each: found[each] for each in ids if each in found}
        self._noted(authorised, mine.values())
        return mine

    def _reads(self, authorised: AuthorisedPlan) -> BatchedReads[Document]:
        # What is shared must not hold on to what one of those who share it notes.
        question = replace(authorised, touched=None)
        key = (question.plan.paths, question.filter, question.owners, question.veil, question.sealed)
        return self._point_reads.of(key, partial(self._fetch, question))

    async def _fetch(self, authorised: AuthorisedPlan, ids: list[str]) -> dict[str, Document]:
        authorised = await self._resolved(authorised)
        projection = projection_from(authorised.plan.paths)
        query: Document = {ID: {"$in": sorted(ids)}} if len(ids) > 1 else {ID: {"$eq": ids[0]}}
        if authorised.filter is not None:
            query = {"$and": [query_from(authorised.filter), query]}
        found = await self.collection.find(query, projection, limit=len(ids))
        await self._shown(authorised, found)
        return {each[ID]: each for each in found}

    async def _resolved(self, authorised: AuthorisedPlan) -> AuthorisedPlan:
        """The plan with a filter that the database can answer where values are encrypted."""
        predicate = authorised.filter
        found = predicate if self.vault is None else await self.vault.resolved(predicate)
        return authorised if found is predicate else replace(authorised, filter=found)

    async def _shown(self, authorised: AuthorisedPlan, documents: Sequence[Document]) -> None:
        """The documents as they may be seen; and noted."""
        if authorised.sealed and self.vault is not None:
            await self.vault.open_at(documents, authorised.sealed)
        if authorised.veil is not None:
            authorised.veil.over(documents)
        self._noted(authorised, documents)

    def _noted(self, authorised: AuthorisedPlan, documents: Some[Document]) -> None:
        if authorised.touched is not None:
            authorised.touched.note(self.area, (each[ID] for each in documents), authorised.restricted)

    def _noted_change(self, touched: Touched | None, document: Document, version: int, change: Change) -> None:
        if touched is not None:
            touched.note_change(self.area, document[ID], version, change.values, document.get(self.owner_key))

    async def insert(
        self, record: Mapping[str, object], change: Change, answer: AuthorisedPlan | None = None
    ) -> Written:
        """A new record with its first change; whoever made it knows all that is in it.

        Raises: AlreadyExists where a unique value is taken.
        """
        (sealed,) = await self._sealed([(str(record[ID]), change)])
        stored = new_document(record, sealed)
        await self.collection.insert_one(stored)
        document = stored if sealed is change else new_document(record, change)
        if answer is not None:
            self._noted(answer, (document,))
            self._noted_change(answer.touched, document, CREATED, change)
        return Written(document)

    async def insert_many(
        self, records: Sequence[tuple[Mapping[str, object], Change]], touched: Touched | None = None
    ) -> frozenset[int]:
        """The places of the records that were refused because a unique value is taken; the others are in.

        Their changes bear the key of their batch, or none; never one of a request, which could come again.
        Cost: three commands.
        """
        sealed = await self._sealed([(str(record[ID]), change) for record, change in records])
        documents = [new_document(record, change) for (record, _), change in zip(records, sealed, strict=True)]
        done = await self.collection.insert_many(documents)
        refused = _duplicates_only(done.errors)
        for place, (document, (_, change)) in enumerate(zip(documents, records, strict=True)):
            if place not in refused:
                self._noted_change(touched, document, CREATED, change)
        try:
            await self.history.move_created([each for place, each in enumerate(documents) if place not in refused])
        except RepositoryError as error:
            # The records are in, and as right with that change in their tails.
            log.warning("the first changes of %d new %ss stay in their tails: %s", len(documents), self.noun, error)
        return refused

    async def write_many(self, changes: Sequence[tuple[str, Change]], touched: Touched | None = None) -> frozenset[int]:
        """The places of the changes that met another version than they expect; the others are written.

        Each change carries a key of its batch, by which it is found again.
        Cost: two commands, and three for each tail that is full.
        """
        ids = [record_id for record_id, _ in changes]
        sealed = zip(ids, await self._sealed(changes), strict=True)
        pairs = [(target_query(each, change), change_pipeline(change)) for each, change in sealed]
        done = await self.collection.bulk_write(pairs)
        _duplicates_only(done.errors)
        rows = await self.collection.find({ID: {"$in": ids}}, {"tail.key": 1, "tail.version": 1})
        keys = {str(row[ID]): {entry.get("key"): entry["version"] for entry in row["tail"]} for row in rows}
        stale: set[int] = set()
        for place, (record_id, change) in enumerate(changes):
            version = keys.get(record_id, {}).get(change.key)
            if version is None:
                stale.add(place)
            else:
                self._noted_change(touched, {ID: record_id}, version, change)
        for row in rows:
            await self.history.move_when_full(str(row[ID]), row)
        return frozenset(stale)

    async def write(self, record_id: str, change: Change, answer: AuthorisedPlan) -> Written:
        """The record after one change, as far as the answer's plan shows it; for its rows alone.

        Raises: NotFound, StaleVersion, KeyReused; nothing is changed then.
        Cost: one command, unless the record's older changes have moved out and a key has to be looked up among them.
        """
        (change,) = await self._sealed([(record_id, change)])
        paths = answer.plan.paths
        projection = {**projection_from({*paths, *self._always}), **_BOOKKEEPING}
        if any(path == "tail" or path.startswith("tail.") for path in paths):
            projection.pop("tail.version")
        pipeline = change_pipeline(change)
        # A key is new if it is neither in the tail nor among the changes that have left it. Where only the change that
        # made the record has left, there is none to look for: it came in bulk, and its key is no request's.
        moved: list[int | None] = [None, CREATED]
        for _ in range(WRITE_ATTEMPTS):
            is_new = {} if change.key is None else {"tail.key": {"$ne": change.key}, "moved": {"$in": moved}}
            query = target_query(record_id, change, **is_new)
            document = await self.collection.find_one_and_update(query, pipeline, projection)
            if document is not None:
                self._noted_change(answer.touched, document, document["version"], change)
                await self.history.move_when_full(record_id, document)
                await self._shown(answer, (document,))
                return Written(document)
            # The record as it is goes before the look-up of the key: changes that move out in between are noticed.
            scope = And((Compare(ID, Operator.EQ, record_id), *((change.where,) if change.where else ())))
            present = await self.collection.find_one(query_from(scope), {"version": 1, "moved": 1})
            earlier = None if change.key is None else await self.history.find_by_key(record_id, change.key)
            if present is None:
                raise NotFound(self.noun, record_id)
            if earlier is not None:
                return await self._replay(record_id, change, earlier, answer, projection)
            if change.key is None or change.expected_version not in (None, present["version"]):
                raise StaleVersion(self.noun, change.expected_version, present["version"])
            moved = [present.get("moved")]
        raise Unavailable(f"This {self.noun} is changed by others without a pause; send the change again with its key.")

    async def replay(self, record_id: str, change: Change, answer: AuthorisedPlan) -> Written | None:
        """The record that the same request has made or changed already; None if its key is new.

        Raises: KeyReused if the key came with another request.
        """
        earlier = None if change.key is None else await self.history.find_by_key(record_id, change.key)
        if earlier is None:
            return None
        if self.vault is not None:
            change = replace(change, request_hash=await self.vault.request_hash(change))
        return await self._replay(
            record_id, change, earlier, answer, projection_from({*answer.plan.paths, *self._always})
        )

    async def _replay(
        self,
        record_id: str,
        change: Change,
        earlier: Document,
        answer: AuthorisedPlan,
        projection: Mapping[str, int],
    ) -> Written:
        if earlier.get("hash") != change.request_hash:
            raise KeyReused((change.key or "").partition(":")[2])
        scope = all_of(Compare(ID, Operator.EQ, record_id), answer.rows)
        document = await self.collection.find_one(query_from(scope), projection)
        if document is None:
            raise NotFound(self.noun, record_id)
        # Whoever was stopped between the change and its entry asks again, and then it has one.
        self._noted_change(answer.touched, document, earlier["version"], change)
        await self._shown(answer, (document,))
        return Written(document, is_replay=True)

    async def _sealed(self, changes: Sequence[tuple[str, Change]]) -> list[Change]:
        """The changes as they are stored: RESTRICTED values encrypted."""
        return [each for _, each in changes] if self.vault is None else await self.vault.sealed(changes)

    async def existing(self, ids: Some[str], scope: Filter | None = None) -> frozenset[str]:
        """Those of the ids that are there."""
        if not ids:
            return frozenset()
        predicate = all_of(scope, Compare(ID, Operator.IN, tuple(sorted(ids))))
        return frozenset(str(each[ID]) for each in await self.collection.find(query_from(predicate), {ID: 1}))


def target_query(record_id: str, change: Change, **conditions: object) -> Document:
    """The record that a change may be written to: its version and what else must hold are in the command itself."""
    query: Document = {ID: {"$eq": record_id}, **conditions}
    if change.expected_version is not None:
        query["version"] = {"$eq": change.expected_version}
    return query if change.where is None else {"$and": [query, query_from(change.where)]}


def _wanted(authorised: AuthorisedPlan) -> Filter | None:
    return all_of(authorised.filter, authorised.plan.momentary)


def _duplicates_only(errors: Sequence[BulkError]) -> frozenset[int]:
    for each in errors:
        if not each.is_duplicate:
            raise RepositoryFault
    return frozenset(each.index for each in errors)
