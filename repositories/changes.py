"""The history of records: the newest changes in a record's own tail, the older ones in the collection `changes`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from repositories.batching import SharedReads
from repositories.compile.news import ANSWERED
from repositories.errors import RepositoryFault
from repositories.mongo import IndexSpec, Store

Document = dict[str, Any]

TAIL_LIMIT = 20
"""Changes kept in a record; when there are more, all but the last few move out together."""
TAIL_KEPT = 8
PART_OF = "mergedInto"
"""The last change of a record that has become part of another one has its id here."""
CREATED = 1
"""The version of a record that its first change has made."""

CHANGES = "changes"
"""The collection of the changes that have left their records' tails."""
VERSION_INDEX = "record_version"
_INDEXES = {
    VERSION_INDEX: IndexSpec((("recordId", 1), ("version", -1))),
    "record_key": IndexSpec((("recordId", 1), ("key", 1))),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a history is read on: at changes entered up to a moment, behind so many of that very moment.

    It says nothing of changes that were not shown, as their number would.
    """

    at: datetime
    told: int = 0


class ChangeHistory:
    """Every accepted change of the records of one area."""

    def __init__(self, store: Store, area: str) -> None:
        self._records = store.collection(area)
        self._moved = store.collection(CHANGES)
        self._area = area
        self._entries: SharedReads[Document] = SharedReads()

    async def prepare(self) -> None:
        """The indexes that a key and a record's history are found by."""
        await self._moved.create_indexes(_INDEXES)

    async def part_of(self, record_id: str) -> str | None:
        """Whom a record that is gone has become part of; None where it was erased.

        Cost: one command for each merge on the way, by an index.
        """
        found = await self._moved.find_one({"recordId": {"$eq": record_id}, PART_OF: {"$exists": True}}, {PART_OF: 1})
        if found is None:
            return None
        kept = str(found[PART_OF])
        return await self.part_of(kept) or kept

    async def move_when_full(self, record_id: str, document: Document) -> None:
        """Move the older part of a tail out, if it has grown too long.

        Safe to interrupt and to do twice: a moved change has the record's id and its version as its own id.
        """
        tail = document.get("tail")
        if not isinstance(tail, list) or len(tail) <= TAIL_LIMIT:
            return
        whole = await self._records.find_one({"_id": {"$eq": record_id}}, {"tail": 1})
        entries = whole["tail"] if whole else []
        if leaving := entries[:-TAIL_KEPT]:
            await self._move({record_id: leaving}, leaving[-1]["version"])

    async def relieve(self, record_ids: Some[str]) -> frozenset[str]:
        """Those of the records that have room again: all but the newest change of their tails has moved out.

        A tail of long texts can fill a document before it is long enough to move.
        Cost: three commands for each record.
        """
        found: set[str] = set()
        for record_id in sorted(record_ids):
            whole = await self._records.find_one({"_id": {"$eq": record_id}}, {"tail": 1})
            if leaving := (whole["tail"] if whole else [])[:-1]:
                await self._move({record_id: leaving}, leaving[-1]["version"])
                found.add(record_id)
        return frozenset(found)

    async def move_created(self, documents: Some[Document]) -> None:
        """Move the change that made each record out: it holds all the values once more, and is seldom looked at.

        Safe to interrupt: a record whose tail still has it is as right.
        Cost: two commands, however many records.
        """
        if documents:
            await self._move({str(each["_id"]): each["tail"] for each in documents}, CREATED)

    async def _move(self, leaving: Mapping[str, Sequence[Document]], last: int) -> None:
        """Move entries of tails, by record, out; they are those up to the version `last`."""
        rows = [
            {"_id": f"{record_id}:{entry['version']}", "recordId": record_id, "area": self._area, **entry}
            for record_id, entries in leaving.items()
            for entry in entries
        ]
        done = await self._moved.insert_many(rows)
        if not all(each.is_duplicate for each in done.errors):
            raise RepositoryFault
        kept = {"$filter": {"input": "$tail", "as": "entry", "cond": {"$gt": ["$$entry.version", last]}}}
        moved = {"$max": [{"$ifNull": ["$moved", 0]}, last]}
        query = {"_id": {"$in": list(leaving)}}
        await self._records.update_many(query, [{"$set": {"tail": kept, "moved": moved}}])

    async def find_by_key(self, record_id: str, key: str) -> Document | None:
        """The change that an idempotency key made; its hash alone where there was nothing to change."""
        where = {"$or": [{"tail.key": {"$eq": key}}, {f"{ANSWERED}.key": {"$eq": key}}]}
        document = await self._records.find_one({"_id": {"$eq": record_id}, **where}, {"tail": 1, ANSWERED: 1})
        for entry in (*document["tail"], *document.get(ANSWERED, ())) if document else ():
            if entry.get("key") == key:
                return dict(entry)
        return await self._moved.find_one({"recordId": {"$eq": record_id}, "key": {"$eq": key}})

    async def versions_by_key(self, record_ids: Some[str], key: str) -> dict[str, int]:
        """The version that a key made of each of these records, where that change has left its tail."""
        if not record_ids:
            return {}
        query: Document = {"recordId": {"$in": sorted(record_ids)}, "key": {"$eq": key}}
        return {
            str(each["recordId"]): each["version"]
            for each in await self._moved.find(query, {"recordId": 1, "version": 1})
        }

    async def read(
        self,
        record_id: str,
        tail: Sequence[Document],
        limit: int,
        *,
        before: Place | None,
        paths: Some[str],
        since: object,
        hidden: Some[str] = (),
    ) -> list[Document]:
        """Changes of a record, newest first, each with its values at the paths (all of them if none are named).

        What changed nothing but hidden paths is left out, as if it had not been.

        Order: the newest first, from `before` on.
        Cost: one command, and none where the tail is enough.
        """
        until = None if before is None else before.at
        told = 0 if before is None else before.told
        found = [entry for entry in reversed(tail) if _is_wanted(entry, until, paths, since, hidden)]
        oldest = min((entry["version"] for entry in tail), default=None)
        if len(found) < limit + told and oldest != CREATED:
            query: Document = {"recordId": {"$eq": record_id}}
            if oldest is not None:
                query["version"] = {"$lt": oldest}
            if wanted := sorted(set(paths) - set(hidden)):
                query["values.path"] = {"$in": wanted}
            elif paths:
                return _behind(found, before)[:limit]
            elif hidden:
                shown = {"values": {"$elemMatch": {"path": {"$nin": sorted(hidden)}}}}
                query["$or"] = [shown, {"values": {"$size": 0}}]
            span = {name: each for name, each in (("$gte", since), ("$lte", until)) if each is not None}
            if span:
                query["at"] = span
            found += await self._moved.find(query, sort=[("version", -1)], limit=limit + told - len(found))
        return _behind(found, before)[:limit]

    async def between(
        self, record_id: str, tail: Sequence[Document], after: datetime, until: datetime, limit: int
    ) -> list[Document]:
        """The changes of a record that were entered behind one moment and up to another, oldest first.

        Cost: one command, and none where the tail is enough.
        """
        found = [entry for entry in tail if after < entry["at"] <= until][:limit]
        if tail and (tail[0]["at"] <= after or tail[0]["version"] == CREATED):
            return found
        query: Document = {"recordId": {"$eq": record_id}, "at": {"$gt": after, "$lte": until}}
        if tail:
            query["version"] = {"$lt": tail[0]["version"]}
        older = await self._moved.find(query, sort=[("version", 1)], limit=limit)
        return [*older, *found][:limit]

    async def versions_since(
        self, moment: datetime, programs: Some[str] = (), computed: Some[str] = (), follows: str | None = None
    ) -> AsyncIterator[tuple[str, int]]:
        """Every change entered at a moment or later, as record and version.

        Left out is what one of the programs has entered at computed paths alone, and what sets the path `follows`
        alone, where a record says whose it is: both follow from other changes.
        Cost: two passes over collections, flat memory. A change that moves out of its tail meanwhile is met twice, or
        once.
        """
        kept = dict.fromkeys(("version", "at", "by", "values.path"), 1)
        tails = self._records.iterate({"tail.at": {"$gte": moment}}, {f"tail.{name}": 1 for name in kept})
        async for record in tails:
            for entry in record["tail"]:
                if entry["at"] >= moment and not _follows(entry, programs, computed, follows):
                    yield str(record["_id"]), int(entry["version"])
        moved = {"area": {"$eq": self._area}, "at": {"$gte": moment}}
        async for row in self._moved.iterate(moved, {"recordId": 1, **kept}):
            if not _follows(row, programs, computed, follows):
                yield str(row["recordId"]), int(row["version"])

    async def entries_since(self, record_ids: Some[str], moment: datetime) -> dict[str, list[Document]]:
        """The moved changes of records that were entered after a moment, by record, oldest first."""
        query = {"recordId": {"$in": sorted(record_ids)}, "at": {"$gt": moment}}
        return _by_record(await self._moved.find(query, sort=[("version", 1)]))

    async def facts_before(self, wanted: Mapping[str, tuple[int, Some[str] | None]]) -> dict[str, list[Document]]:
        """Moved changes without their values, by record, oldest first: of a version, and older ones of certain paths.

        Shape: `wanted` is a version and paths by record; None instead of paths says that nothing is wanted.
        Cost: one command; none for nothing.
        """
        parts: list[Document] = []
        for record_id, (version, paths) in sorted(wanted.items()):
            if paths is None:
                continue
            which: list[Document] = [{"version": {"$eq": version}}]
            if paths:
                which.append({"version": {"$lte": version}, "values.path": {"$in": sorted(paths)}})
            parts.append({"recordId": {"$eq": record_id}, "$or": which})
        if not parts:
            return {}
        kept = {"recordId": 1, "version": 1, "at": 1, "observedAt": 1, "values.path": 1}
        return _by_record(await self._moved.find({"$or": parts}, kept, sort=[("version", 1)]))

    async def find_entries(self, wanted: Some[tuple[str, int]]) -> dict[tuple[str, int], Document]:
        """Moved changes by record and version, without their values.

        Cost: what is wanted in the same loop tick, by whomever, is one command; none for nothing.
        """
        if not wanted:
            return {}
        ids = {f"{record_id}:{version}": (record_id, version) for record_id, version in wanted}
        found = await self._entries.of("entries", self._fetch_entries).load_many(ids)
        return {key: found[each] for each, key in ids.items() if each in found}

    async def _fetch_entries(self, ids: list[str]) -> dict[str, Document]:
        rows = await self._moved.find({"_id": {"$in": sorted(ids)}}, {"values": 0}, limit=len(ids))
        return {row["_id"]: row for row in rows}


def _follows(entry: Document, programs: Some[str], computed: Some[str], owner: str | None) -> bool:
    paths = {row["path"] for row in entry["values"]}
    return paths == {owner} or (entry.get("by") in programs and paths.issubset(computed))


def _by_record(entries: Some[Document]) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for each in entries:
        found.setdefault(str(each["recordId"]), []).append(each)
    return found


def _behind(entries: list[Document], place: Place | None) -> list[Document]:
    """The entries without those of the place's moment that were told before."""
    if place is None:
        return entries
    of_moment = next((count for count, each in enumerate(entries) if each["at"] != place.at), len(entries))
    return entries[min(place.told, of_moment) :]


def _is_wanted(entry: Document, until: datetime | None, paths: Some[str], since: object, hidden: Some[str]) -> bool:
    if until is not None and entry["at"] > until:
        return False
    if since is not None and entry["at"] < since:
        return False
    rows = entry["values"]
    if not paths:
        return not hidden or not rows or any(row["path"] not in hidden for row in rows)
    return any(row["path"] in paths and row["path"] not in hidden for row in rows)
