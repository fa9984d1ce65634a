"""Clients: one document each, with four facets."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Collection as Some
from typing import Any

from catalogue.attribute import CLIENTS, ClientKind, ClientStage, Facet
from catalogue.filters import Filter
from repositories.access import AuthorisedPlan, Touched
from repositories.base import RecordRepository, Written
from repositories.compile.changes import LOOKUPS, SEQUENCE, STORED_AT
from repositories.compile.filters import query_from
from repositories.compile.indexes import FACET_INDEXES, facet_keys
from repositories.compile.search import words_expression
from repositories.cursors import Cursors, value_at
from repositories.derivations import Derivations
from repositories.errors import AlreadyExists, IndexLimit
from repositories.mongo import IndexSpec, Store
from repositories.past import PastReads
from repositories.plan import ID, Change, Order
from repositories.reading import Document
from repositories.values import bson_from, is_same
from repositories.vault import Vault

ID_PREFIX = "cl_"
BATCH = 1_000
_NO_PLACE = (
    "Kehu keeps a place for each facet, so indexes of your own have taken them: drop one of those, make an attribute "
    "unsortable, or leave facets out of KEHU_WILDCARD_FACETS."
)
WordsOf = Callable[[Mapping[str, object]], Mapping[str, str | None]]
"""From values by path to what search finds them by."""
NUMBER_INDEX = "number"
NUMBERS = "numbers"
"""Every number that a client is found by, those of merged clients too; no other client gets one of them."""
WORDS_INDEX = "words"
MERGED = "merged"
"""The clients who have become part of one: id, number, last version, and when and by whom."""
MERGED_ID = f"{MERGED}.id"
STORED_INDEX = "stored"
"""Counts, from its keys alone, the clients who were there at a moment and have been changed since, seen or not."""
_OLD_INDEXES = frozenset(("changed",))
"""Indexes that an earlier release made, and no question uses any more."""
TERRITORY = ("team", "region")
"""What a client has from its manager, so that an access rule finds it: the names are those of the manager's values."""
BOOK_INDEXES = {
    NUMBER_INDEX: IndexSpec((("number", 1),), unique=True),
    # Clients who were entered before there were merges have it from their first merge on.
    NUMBERS: IndexSpec(((NUMBERS, 1),), unique=True, partial={NUMBERS: {"$exists": True}}),
    MERGED: IndexSpec(((MERGED_ID, 1),), partial={MERGED_ID: {"$exists": True}}),
    "manager": IndexSpec((("managerId", 1), ("_id", 1))),
    "team": IndexSpec((("team", 1), ("_id", 1))),
    "region": IndexSpec((("region", 1), ("_id", 1))),
    WORDS_INDEX: IndexSpec((("words.g", 1),)),
    LOOKUPS: IndexSpec(((f"{LOOKUPS}.$**", 1),)),
    STORED_INDEX: IndexSpec(((STORED_AT, 1), ("updatedAt", 1), ("createdAt", 1))),
}
ACCESS_INDEXES = {"managerId": "manager", "team": "team", "region": "region"}
"""The index that answers an access rule, by the path that it looks at."""


class ClientRepository(RecordRepository):
    """The book of clients."""

    vault: Vault

    derivations: Derivations

    def __init__(self, store: Store, cursors: Cursors, vault: Vault, derivations: Derivations) -> None:
        super().__init__(store, CLIENTS, "client", cursors, ACCESS_INDEXES, vault)
        self.derivations = derivations
        self.past = PastReads(store, self.collection, self.history)

    async def count(self, authorised: AuthorisedPlan) -> int:
        """How many clients the plan's filter selects, or selected at its moment."""
        if authorised.past is None:
            return await super().count(authorised)
        return await self.past.count(await self._resolved(authorised))

    async def find_one(self, authorised: AuthorisedPlan) -> Document | None:
        """The client that the plan's filter selects, or selected at its moment."""
        if authorised.past is None:
            return await super().find_one(authorised)
        return next(iter(await self._as_was(authorised, {}, 1)), None)

    async def load_many(self, authorised: AuthorisedPlan, ids: Some[str]) -> dict[str, Document]:
        """The clients with these ids, by id, as they are or were; those who may not be read are left out."""
        if authorised.past is None or not ids:
            return await super().load_many(authorised, ids)
        found = await self._as_was(authorised, {ID: {"$in": sorted(ids)}}, len(ids))
        return {str(each[ID]): each for each in found}

    async def load(self, authorised: AuthorisedPlan, record_id: str) -> Document | None:
        """The client with this id, as it is or was, if the plan's filter lets it through."""
        if authorised.past is None:
            return await super().load(authorised, record_id)
        return (await self.load_many(authorised, (record_id,))).get(record_id)

    async def _as_was(self, authorised: AuthorisedPlan, scope: Document, limit: int) -> list[Document]:
        found = await self.past.find(await self._resolved(authorised), scope, limit)
        await self._shown(authorised, found)
        return found

    async def _ordered(self, authorised: AuthorisedPlan, order: Sequence[Order], limit: int) -> list[Document]:
        if authorised.past is None:
            return await super()._ordered(authorised, order, limit)
        hint = await self.small_books.hint_for(authorised.rows)
        return await self.past.page(authorised, self._positions(authorised), order, limit, hint)

    async def prepare(self) -> None:
        """The indexes and the validator for the shape that code owns; those of the catalogue are apart."""
        if self.store.has_validators:
            await self.store.set_validator(CLIENTS, client_validator())
        for name in (await self.collection.indexes()).keys() & _OLD_INDEXES:
            await self.collection.drop_index(name)
        await self.collection.create_indexes(BOOK_INDEXES)
        await self._number_old_histories()
        await self.history.prepare()
        await self.vault.keys.prepare()

    async def _number_old_histories(self) -> None:
        """Give clients of before there were two counters the one that is not shown: both began as one.

        Cost: one look into the index, where there are none; two commands for a thousand of them.
        """
        numbers = {SEQUENCE: {"$ifNull": [f"${SEQUENCE}", "$version"]}, STORED_AT: "$updatedAt"}
        without: Document = {STORED_AT: {"$eq": None}}
        while rows := await self.collection.find(without, {ID: 1}, limit=BATCH):
            ids = {ID: {"$in": [each[ID] for each in rows]}}
            await self.collection.update_many({**ids, **without}, [{"$set": numbers}])

    async def sync_facet_indexes(self, wanted: Some[Facet]) -> None:
        """Make the wildcard indexes of these facets, and drop those of the others; indexes of other names stay.

        Raises: IndexLimit.
        Cost: one command if nothing changes; making them reads the whole book once.
        """
        present = await self.collection.indexes()
        for facet, name in FACET_INDEXES.items():
            if name in present and facet not in wanted:
                await self.collection.drop_index(name)
        missing = {name: facet for facet, name in FACET_INDEXES.items() if facet in wanted and name not in present}
        try:
            await self.collection.create_indexes({name: IndexSpec(facet_keys(each)) for name, each in missing.items()})
        except IndexLimit as error:
            raise IndexLimit(CLIENTS, ", ".join(missing), _NO_PLACE) from error

    async def insert(
        self, record: Mapping[str, object], change: Change, answer: AuthorisedPlan | None = None
    ) -> Written:
        """A new client with its first change.

        Raises: AlreadyExists where the number is, or was, another client's.
        """
        try:
            return await super().insert(_numbered(record), change, answer)
        except AlreadyExists as taken:
            raise AlreadyExists("number", record["number"]) if taken.field == NUMBERS else taken from None

    async def insert_many(
        self, records: Sequence[tuple[Mapping[str, object], Change]], touched: Touched | None = None
    ) -> frozenset[int]:
        """The places of the clients that were refused because their number is, or was, another one's."""
        return await super().insert_many([(_numbered(record), change) for record, change in records], touched)

    async def find_by_numbers(
        self, numbers: Some[str], scope: Filter | None = None, opened: Some[str] = (), with_proof: bool = False
    ) -> dict[str, Document]:
        """Clients in scope by number, without their history; what is encrypted is readable at the opened paths alone.

        By the number of a client who has become part of another one, that one is found.

        Raises: VaultAway where it cannot be read: it must not be taken for unset.
        Cost: one command, and one for the keys.
        """
        if not numbers:
            return {}
        wanted = sorted(numbers)
        query: Document = {"$or": [{"number": {"$in": wanted}}, {NUMBERS: {"$in": wanted}}]}
        if scope is not None:
            query = {"$and": [query_from(scope), query]}
        left_out = {"tail": 0} if with_proof else {"tail": 0, "proof": 0}
        found = await self.collection.find(query, left_out, limit=len(numbers))
        await self.vault.open_values(found, opened)
        known = {number: each for each in found for number in (*each.get(NUMBERS, ()), str(each["number"]))}
        return {number: known[number] for number in wanted if number in known}

    async def find_changed_by(self, key: str, ids: Some[str], manager_id: str) -> dict[str, str]:
        """The clients, among these and those of a manager, whose newer changes have one under an idempotency key.

        Shape: the hash of its request, by id.
        Cost: one command, over the clients of the manager.
        """
        among: list[Document] = [{"managerId": {"$eq": manager_id}}, {ID: {"$in": sorted(ids)}}]
        query: Document = {"$or": among, "tail.key": {"$eq": key}}
        found = await self.collection.find(query, {"tail.key": 1, "tail.hash": 1})
        return {
            str(each[ID]): str(entry.get("hash")) for each in found for entry in each["tail"] if entry.get("key") == key
        }

    async def find_written(self, numbers: Some[str], key: str) -> dict[str, tuple[str, int]]:
        """By number, id and version of the clients among them that a change with this key has made or changed.

        By the number of a client who has become part of another one, that one is looked at.
        Cost: one command, and one for those whose tail does not have it.
        """
        if not numbers:
            return {}
        wanted = sorted(numbers)
        query: Document = {"$or": [{"number": {"$in": wanted}}, {NUMBERS: {"$in": wanted}}]}
        rows = await self.collection.find(query, {"number": 1, NUMBERS: 1, "tail.key": 1, "tail.version": 1})
        versions: dict[str, int] = {}
        for row in rows:
            own = [entry["version"] for entry in row.get("tail", ()) if entry.get("key") == key]
            versions |= {str(row[ID]): own[0]} if own else {}
        others = [str(row[ID]) for row in rows if str(row[ID]) not in versions]
        versions |= await self.history.versions_by_key(others, key)
        known = {number: str(row[ID]) for row in rows for number in (*row.get(NUMBERS, ()), str(row["number"]))}
        by = {number: known[number] for number in wanted if number in known}
        return {number: (each, versions[each]) for number, each in by.items() if each in versions}

    async def index_words(self, paths: Some[str], words_of_values: WordsOf) -> AsyncIterator[int]:
        """Gives clients who have a value at one of the paths, but no words for it, their words; counts them as it goes.

        Safe to stop and to run again: what is done is not done twice.
        Cost: one pass over the clients concerned, one command for a thousand of them.
        """
        done = 0
        for path in sorted(paths):
            query: Document = {path: {"$ne": None}, "words.p": {"$ne": path}}
            rows = self.collection.iterate(query, {path: 1})
            async for batch in _batches(rows, BATCH):
                pairs = [(each, words_of_values({path: value_at(each, path)})) for each in batch]
                await self.collection.bulk_write(
                    [
                        # Whoever changed the value meanwhile has given it its words already.
                        ({ID: each[ID], "words.p": {"$ne": path}}, [{"$set": {"words": words_expression(words)}}])
                        for each, words in pairs
                        if any(words.values())
                    ]
                )
                done += len(batch)
                yield done

    async def move_with(self, manager_id: str, territory: Mapping[str, object]) -> int:
        """How many clients follow their manager into another team or region; None stands for none."""
        given = {name: value for name, value in territory.items() if value is not None}
        gone = dict.fromkeys(territory.keys() - given.keys(), "")
        change: Document = {**({"$set": given} if given else {}), **({"$unset": gone} if gone else {})}
        matched, _ = await self.collection.update_many({"managerId": {"$eq": manager_id}}, change)
        return matched


def _numbered(record: Mapping[str, object]) -> Mapping[str, object]:
    return record if "number" not in record else {**record, NUMBERS: [record["number"]]}


async def _batches(rows: AsyncIterator[Document], size: int) -> AsyncIterator[list[Document]]:
    batch: list[Document] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def differences(document: Document, values: Mapping[str, object]) -> dict[str, object]:
    """Those of the canonical values, by path, that are not what the document has; None stands for unset."""
    return {path: value for path, value in values.items() if not is_same(value_at(document, path), value)}


def put_values(document: Document, values: Mapping[str, object]) -> None:
    """Give a document that was read the canonical values, by path, as a change would."""
    for path, value in values.items():
        holder = document
        *outer, key = path.split(".")
        for name in outer:
            inner = holder.get(name)
            if not isinstance(inner, dict):
                inner = holder[name] = {}
            holder = inner
        holder[key] = bson_from(value)


def client_validator() -> dict[str, Any]:
    """The JSON schema of what code owns in a client; what the catalogue owns is checked on the way in."""
    return {
        "bsonType": "object",
        "required": ["_id", "number", "kind", "stage", "version", "createdAt", "updatedAt"],
        "properties": {
            "_id": {"bsonType": "string"},
            "number": {"bsonType": "string", "minLength": 1},
            "kind": {"enum": [str(each) for each in ClientKind]},
            "stage": {"enum": [str(each) for each in ClientStage]},
            "managerId": {"bsonType": "string"},
            **{name: {"bsonType": "string"} for name in TERRITORY},
            **{name: {"bsonType": ["int", "long"], "minimum": 1} for name in ("version", SEQUENCE)},
            "createdAt": {"bsonType": "date"},
            **{name: {"bsonType": "date"} for name in ("updatedAt", STORED_AT)},
            "tail": {"bsonType": "array"},
            **{name: {"bsonType": "array"} for name in (NUMBERS, MERGED)},
            **{str(facet): {"bsonType": "object"} for facet in Facet},
        },
    }
