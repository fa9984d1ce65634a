"""The history of records: the newest changes in a record's own tail, the older ones in the collection `changes`."""

from collections.abc import Collection as Some
from collections.abc import Sequence
from typing import Any

from repositories.errors import RepositoryFault
from repositories.mongo import IndexSpec, Store

Document = dict[str, Any]

TAIL_LIMIT = 20
"""Changes kept in a record; when there are more, all but the last few move out together."""
TAIL_KEPT = 8

_INDEXES = {
    "record_version": IndexSpec((("recordId", 1), ("version", -1))),
    "record_key": IndexSpec((("recordId", 1), ("key", 1))),
}


class ChangeHistory:
    """Every accepted change of the records of one area."""

    def __init__(self, store: Store, area: str) -> None:
        self._records = store.collection(area)
        self._moved = store.collection("changes")
        self._area = area

    async def prepare(self) -> None:
        """The indexes that a key and a record's history are found by."""
        await self._moved.create_indexes(_INDEXES)

    async def move_when_full(self, record_id: str, document: Document) -> None:
        """Move the older part of a tail out, if it has grown too long.

        Safe to interrupt and to do twice: a moved change has the record's id and its version as its own id.
        """
        tail = document.get("tail")
        if not isinstance(tail, list) or len(tail) <= TAIL_LIMIT:
            return
        whole = await self._records.find_one({"_id": {"$eq": record_id}}, {"tail": 1})
        entries = whole["tail"] if whole else []
        leaving = entries[:-TAIL_KEPT]
        if not leaving:
            return
        rows = [
            {"_id": f"{record_id}:{entry['version']}", "recordId": record_id, "area": self._area, **entry}
            for entry in leaving
        ]
        done = await self._moved.insert_many(rows)
        if not all(each.is_duplicate for each in done.errors):
            raise RepositoryFault
        last = leaving[-1]["version"]
        kept = {"$filter": {"input": "$tail", "as": "entry", "cond": {"$gt": ["$$entry.version", last]}}}
        moved = {"$max": [{"$ifNull": ["$moved", 0]}, last]}
        await self._records.update_one({"_id": {"$eq": record_id}}, [{"$set": {"tail": kept, "moved": moved}}])

    async def find_by_key(self, record_id: str, key: str) -> Document | None:
        """The change that an idempotency key made."""
        document = await self._records.find_one({"_id": {"$eq": record_id}, "tail.key": {"$eq": key}}, {"tail": 1})
        for entry in document["tail"] if document else []:
            if entry.get("key") == key:
                return dict(entry)
        return await self._moved.find_one({"recordId": {"$eq": record_id}, "key": {"$eq": key}})

    async def read(
        self,
        record_id: str,
        tail: Sequence[Document],
        limit: int,
        *,
        before: int | None,
        paths: Some[str],
        since: object,
    ) -> list[Document]:
        """Changes of a record, newest first, each with its values at the paths (all of them if none are named).

        Order: by version, descending, from below `before`.
        Cost: one command, and none where the tail is enough.
        """
        found = [entry for entry in reversed(tail) if _is_wanted(entry, before, paths, since)]
        oldest = min((entry["version"] for entry in tail), default=0)
        if len(found) < limit and oldest > 1:
            bound = oldest if before is None else min(before, oldest)
            query: Document = {"recordId": {"$eq": record_id}, "version": {"$lt": bound}}
            if paths:
                query["values.path"] = {"$in": sorted(paths)}
            if since is not None:
                query["at"] = {"$gte": since}
            found += await self._moved.find(query, sort=[("version", -1)], limit=limit - len(found))
        return found[:limit]

    async def find_entries(self, wanted: Some[tuple[str, int]]) -> dict[tuple[str, int], Document]:
        """Moved changes by record and version.

        Cost: one command, none for nothing.
        """
        if not wanted:
            return {}
        ids = [f"{record_id}:{version}" for record_id, version in sorted(wanted)]
        rows = await self._moved.find({"_id": {"$in": ids}}, limit=len(ids))
        return {(str(row["recordId"]), row["version"]): row for row in rows}


def _is_wanted(entry: Document, before: int | None, paths: Some[str], since: object) -> bool:
    if before is not None and entry["version"] >= before:
        return False
    if since is not None and entry["at"] < since:
        return False
    return not paths or any(row["path"] in paths for row in entry["values"])
