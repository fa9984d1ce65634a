"""What every area's repository does: read an authorised plan, and write one change as one command."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from catalogue.filters import And, Compare, all_of
from catalogue.kinds import Operator
from repositories.access import AuthorisedPlan, Touched
from repositories.changes import CREATED
from repositories.compile.changes import SEQUENCE, Stage, change_pipeline, sequence_of
from repositories.compile.derivations import first_stages
from repositories.compile.filters import query_from
from repositories.compile.news import ANSWERED, is_conditional
from repositories.compile.pages import projection_from
from repositories.compile.records import assign, new_document
from repositories.cursors import value_at
from repositories.derivations import Derivations, stored_paths
from repositories.errors import (
    DocumentTooLarge,
    KeyReused,
    NotFound,
    RepositoryError,
    RepositoryFault,
    StaleVersion,
    Unavailable,
)
from repositories.mongo import BulkError
from repositories.plan import ID, Change
from repositories.reading import Document, RecordReader
from repositories.rollups import Rollups

log = logging.getLogger("kehu.repositories")

WRITE_ATTEMPTS = 5
_BOOKKEEPING = {"tail.version": 1, "moved": 1, SEQUENCE: 1}
_OWN_ENTRY = {"tail.by": 1, "tail.at": 1, "tail.key": 1}


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to."""

    document: Document
    is_replay: bool = False
    """Whether the same request had been carried out before; nothing was changed again."""


class RecordRepository(RecordReader):
    """The records of one area: documents with a version and a tail of changes."""

    derivations: Derivations | None = None
    """What is computed with a change, where records of this area have derived values."""
    rollups: Rollups | None = None
    """What is computed of clients after a change, where records of this area point at them."""

    def _mark(self) -> Document:
        return {} if self.rollups is None else self.rollups.mark(self.area)

    async def _follow(self, documents: Iterable[Mapping[str, object]], mark: Document) -> None:
        """Have the rollups of the clients computed whom records that were written point at."""
        if self.rollups is not None and mark:
            owners = {str(each[self.owner_key]) for each in documents if self.owner_key in each}
            await self.rollups.follow(self.area, owners, mark)

    def _noted_change(self, touched: Touched | None, document: Document, sequence: int, change: Change) -> None:
        if touched is not None:
            touched.note_change(self.area, document[ID], sequence, change.values, document.get(self.owner_key))

    async def insert(
        self, record: Mapping[str, object], change: Change, answer: AuthorisedPlan | None = None
    ) -> Written:
        """A new record with its first change; whoever made it knows all that is in it.

        Raises: AlreadyExists where a unique value is taken.
        """
        (sealed,) = await self._sealed([(str(record[ID]), change)])
        stored, mark = new_document(record, sealed), self._mark()
        derived = await self._insert({**stored, **mark})
        await self._follow((stored,), mark)
        document = stored if sealed is change else new_document(record, change)
        for path, value in derived.items():
            assign(document, path, value)
        if answer is not None:
            self._noted(answer, (document,))
            self._noted_change(answer.touched, document, CREATED, change)
        return Written(document)

    async def _insert(self, stored: Document) -> dict[str, object]:
        """What was computed for the record, by path."""
        derivations = () if self.derivations is None else self.derivations.for_new()
        if not derivations:
            await self.collection.insert_one(stored)
            return {}
        paths = stored_paths(derivations)
        query: Document = {ID: {"$eq": stored[ID]}, "version": {"$exists": False}}
        # Where the record is there already, its id is taken.
        pipeline: list[Stage] = [{"$replaceWith": {"$literal": stored}}, *first_stages(derivations)]
        made = await self.collection.find_one_and_update(query, pipeline, dict.fromkeys(paths, 1), upsert=True)
        values = {path: value_at(made, path) for path in paths}
        return {path: value for path, value in values.items() if value is not None}

    def _pipeline(self, change: Change, mark: Document) -> list[Stage]:
        """The stages of a change, with what is computed of it."""
        stages = change_pipeline(change) if self.derivations is None else self.derivations.pipeline(change)
        marking: list[Stage] = [{"$set": {name: {"$literal": each} for name, each in mark.items()}}] if mark else []
        return [*stages, *marking]

    async def insert_many(
        self, records: Sequence[tuple[Mapping[str, object], Change]], touched: Touched | None = None
    ) -> frozenset[int]:
        """The places of the records that were refused because a unique value is taken; the others are in.

        Their changes bear the key of their batch, or none; never one of a request, which could come again.
        Cost: three commands; where there are formulas, one more for a hundred records.
        """
        sealed = await self._sealed([(str(record[ID]), change) for record, change in records])
        mark = self._mark()
        documents = [
            {**new_document(record, change), **mark} for (record, _), change in zip(records, sealed, strict=True)
        ]
        if self.derivations is not None:
            await self.derivations.complete(documents)
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
        await self._follow((each for place, each in enumerate(documents) if place not in refused), mark)
        return refused

    async def write_many(self, changes: Sequence[tuple[str, Change]], touched: Touched | None = None) -> frozenset[int]:
        """The places of the changes that met another version than they expect, or a record that would become too large.

        The others are written.

        Each change carries a key of its batch, by which it is found again.
        Cost: two commands, and three for each tail that is full.
        """
        ids = [record_id for record_id, _ in changes]
        sealed = zip(ids, await self._sealed(changes), strict=True)
        mark = self._mark()
        pairs = [(target_query(each, change), self._pipeline(change, mark)) for each, change in sealed]
        await self._write_all(ids, pairs)
        owner = {self.owner_key: 1} if self.owner_key else {}
        rows = await self.collection.find({ID: {"$in": ids}}, {"tail.key": 1, "tail.version": 1, **owner})
        await self._follow(rows, mark)
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

    async def _write_all(self, ids: Sequence[str], pairs: Sequence[tuple[Document, list[Stage]]]) -> None:
        """Write what can be written: a record that would become too large, also without its history, stays as it is."""
        done = await self.collection.bulk_write(pairs)
        _duplicates_only([each for each in done.errors if not each.is_too_large])
        if done.errors:
            relieved = await self.history.relieve({ids[each.index] for each in done.errors})
            again = [pairs[each.index] for each in done.errors if ids[each.index] in relieved]
            done = await self.collection.bulk_write(again)
            _duplicates_only([each for each in done.errors if not each.is_too_large])

    async def write(self, record_id: str, change: Change, answer: AuthorisedPlan) -> Written:
        """The record after one change, as far as the answer's plan shows it; for its rows alone.

        Raises: NotFound, StaleVersion, KeyReused; nothing is changed then.
        Cost: one command, unless the record's older changes have moved out and a key has to be looked up among them.
        """
        (change,) = await self._sealed([(record_id, change)])
        paths = answer.plan.paths
        projection = {**projection_from({*paths, *self._always}), **_BOOKKEEPING}
        if is_conditional(change):
            projection |= _OWN_ENTRY
        if "tail" in paths:
            projection = {name: 1 for name in projection if not name.startswith("tail.")}
        mark = self._mark()
        pipeline = self._pipeline(change, mark)
        # A key is new if it is neither in the tail nor among the changes that have left it. Where only the change that
        # made the record has left, there is none to look for: it came in bulk, and its key is no request's.
        moved: list[int | None] = [None, CREATED]
        is_relieved = False
        for _ in range(WRITE_ATTEMPTS):
            is_new = {} if change.key is None else {**_not_yet(change.key), "moved": {"$in": moved}}
            query = target_query(record_id, change, **is_new)
            try:
                document = await self.collection.find_one_and_update(query, pipeline, projection)
            except DocumentTooLarge:
                if is_relieved or not await self.history.relieve((record_id,)):
                    raise
                is_relieved = True
                continue
            if document is not None:
                if _has_entered(document, change):
                    self._noted_change(answer.touched, document, sequence_of(document), change)
                    await self.history.move_when_full(record_id, document)
                await self._follow((document,), mark)
                await self._shown(answer, (document,))
                return Written(document)
            # The record as it is goes before the look-up of the key: changes that move out in between are noticed.
            scope = And((Compare(ID, Operator.EQ, record_id), *((change.where,) if change.where else ())))
            present = await self.collection.find_one(query_from(scope), {"version": 1, SEQUENCE: 1, "moved": 1})
            earlier = None if change.key is None else await self.history.find_by_key(record_id, change.key)
            if present is None:
                raise NotFound(self.noun, record_id)
            if earlier is not None:
                return await self._replay(record_id, change, earlier, answer, projection)
            is_stale = change.expected_version not in (None, present["version"])
            if is_stale or change.expected_sequence not in (None, sequence_of(present)):
                raise StaleVersion(self.noun, change.expected_version, present["version"])
            # Nothing speaks against it any more: somebody has come in between.
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
        if "version" in earlier:
            self._noted_change(answer.touched, document, earlier["version"], change)
        await self._shown(answer, (document,))
        return Written(document, is_replay=True)

    async def _sealed(self, changes: Sequence[tuple[str, Change]]) -> list[Change]:
        """The changes as they are stored: RESTRICTED values encrypted."""
        return [each for _, each in changes] if self.vault is None else await self.vault.sealed(changes)


def _not_yet(key: str) -> Document:
    """What holds of a record for which nothing was done under a key, as far as it says itself."""
    return {"tail.key": {"$ne": key}, f"{ANSWERED}.key": {"$ne": key}}


def _has_entered(document: Document, change: Change) -> bool:
    """Whether the newest entry of a record is that of a change: there is none where nothing was news."""
    if not is_conditional(change):
        return True
    newest = document["tail"][-1] if document.get("tail") else {}
    is_ours = newest.get("by") == change.by and newest["at"] >= change.at
    return is_ours and (change.key is None or newest.get("key") == change.key)


def target_query(record_id: str, change: Change, **conditions: object) -> Document:
    """The record that a change may be written to: its version and what else must hold are in the command itself."""
    query: Document = {ID: {"$eq": record_id}, **conditions}
    if change.expected_version is not None:
        query["version"] = {"$eq": change.expected_version}
    if change.expected_sequence is not None:
        query["$or"] = [
            {SEQUENCE: {"$eq": change.expected_sequence}},
            {SEQUENCE: {"$eq": None}, "version": {"$eq": change.expected_sequence}},
        ]
    return query if change.where is None else {"$and": [query, query_from(change.where)]}


def _duplicates_only(errors: Sequence[BulkError]) -> frozenset[int]:
    for each in errors:
        if not each.is_duplicate:
            raise RepositoryFault
    return frozenset(each.index for each in errors)
