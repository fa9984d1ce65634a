"""Who was in a segment when: one span of time for each stay, and one row of figures a day."""

from collections.abc import Collection as Some
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS
from catalogue.filters import Filter
from repositories.access import AuthorisedPlan
from repositories.compile.filters import query_from
from repositories.errors import RepositoryFault
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID

Document = dict[str, Any]

MEMBERS = "segment_members"
SNAPSHOTS = "segment_snapshots"
SEGMENT_ID, CLIENT_ID, JOINED_AT, LEFT_AT = "segmentId", "clientId", "joinedAt", "leftAt"
SEGMENT_CLIENT_INDEX = "segment_client"
JOINED_INDEX, LEFT_INDEX = "segment_joined", "segment_left"
DAY_INDEX = "segment_day"
_MEMBER_INDEXES = {
    SEGMENT_CLIENT_INDEX: IndexSpec(((SEGMENT_ID, 1), (LEFT_AT, 1), (CLIENT_ID, 1))),
    JOINED_INDEX: IndexSpec(((SEGMENT_ID, 1), (JOINED_AT, -1), (CLIENT_ID, 1))),
    LEFT_INDEX: IndexSpec(((SEGMENT_ID, 1), (LEFT_AT, -1), (CLIENT_ID, 1))),
    CLIENT_ID: IndexSpec(((CLIENT_ID, 1),)),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list of those who came or went."""

    at: datetime
    client_id: str
    includes_client: bool = False
    """Whether what the client did at the same moment comes behind it."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A place in the list of a client's stays."""

    joined_at: datetime
    segment_id: str


class SegmentMemberRepository:
    """Stays of clients in segments, as daily snapshots have found them.

    A stay is open while nothing is at `leftAt`. What does not change is not written, so storage follows the changes.
    """

    def __init__(self, store: Store) -> None:
        self._members = store.collection(MEMBERS)
        self._snapshots = store.collection(SNAPSHOTS)
        self._clients = store.collection(CLIENTS)

    async def prepare(self) -> None:
        """The indexes by which stays and snapshots are found."""
        await self._members.create_indexes(_MEMBER_INDEXES)
        await self._snapshots.create_indexes({DAY_INDEX: IndexSpec(((SEGMENT_ID, 1), ("at", -1)))})

    async def begin(self, segment_id: str, at: datetime, version: int) -> Document:
        """The snapshot of a segment for a day: the first that begins it says of which moment it is."""
        key = {ID: {"$eq": _snapshot_id(segment_id, at)}}
        row = {SEGMENT_ID: segment_id, "at": at, "version": version}
        found = await self._snapshots.find_one_and_update(key, {"$setOnInsert": row}, upsert=True)
        if found is None:
            raise RepositoryFault
        return found

    async def end(self, snapshot: Document, at: datetime) -> Document:
        """The snapshot with its figures, which are counted from the stays: done again they are the same."""
        segment, moment = {SEGMENT_ID: {"$eq": snapshot[SEGMENT_ID]}}, snapshot["at"]
        figures = {
            "size": await self._members.count({**segment, LEFT_AT: {"$eq": None}}),
            "joined": await self._members.count({**segment, JOINED_AT: {"$eq": moment}}),
            "left": await self._members.count({**segment, LEFT_AT: {"$eq": moment}}),
        }
        await self._snapshots.update_one({ID: {"$eq": snapshot[ID]}}, {"$set": {**figures, "endedAt": at}})
        return {**snapshot, **figures, "endedAt": at}

    async def matching(self, authorised: AuthorisedPlan, after: str, limit: int) -> list[str]:
        """The ids of clients that a plan selects, behind one, in their order.

        Cost: one command that answers ids alone; where no index serves the filter, it looks through the book in order.
        """
        query: Document = {ID: {"$gt": after}}
        if authorised.filter is not None:
            query = {"$and": [query_from(authorised.filter), query]}
        return [str(each[ID]) for each in await self._clients.find(query, {ID: 1}, [(ID, 1)], limit)]

    async def fitting(self, plans: Sequence[AuthorisedPlan], client_ids: Some[str]) -> list[list[str]]:
        """For each of some plans, which of some clients it selects, in their order.

        Cost: one command that reads each of those clients once; none without plans or clients.
        """
        if not plans or not client_ids:
            return [[] for _ in plans]
        queries = [query_from(each.filter) for each in plans]
        parts = {f"p{place}": [{"$match": each}, {"$project": {ID: 1}}] for place, each in enumerate(queries)}
        among: Document = {"$match": {ID: {"$in": sorted(client_ids)}}}
        (found,) = await self._clients.aggregate([among, {"$facet": parts}])
        return [sorted(str(row[ID]) for row in found[f"p{place}"]) for place in range(len(plans))]

    async def inside_at(self, client_ids: Some[str], segment_ids: Some[str], moment: datetime) -> list[Document]:
        """The stays of some clients in some segments that had begun at a moment and not ended, as snapshots know."""
        query = {
            CLIENT_ID: {"$in": sorted(client_ids)},
            SEGMENT_ID: {"$in": sorted(segment_ids)},
            JOINED_AT: {"$lte": moment},
            "$or": [{LEFT_AT: {"$eq": None}}, {LEFT_AT: {"$gt": moment}}],
        }
        return await self._members.find(query, {ID: 0, CLIENT_ID: 1, SEGMENT_ID: 1})

    async def stays_of(
        self,
        client_id: str,
        segment_ids: Some[str],
        limit: int,
        after: Stay | None = None,
        moment: datetime | None = None,
    ) -> list[Document]:
        """Stays of a client in some segments; those that had begun at a moment, if there is one.

        Order: newest first, then by segment; those behind a place alone.
        Cost: one command by the index of clients, of whom each has few stays.
        """
        query: Document = {CLIENT_ID: {"$eq": client_id}, SEGMENT_ID: {"$in": sorted(segment_ids)}}
        if moment is not None:
            query[JOINED_AT] = {"$lte": moment}
        if after is not None:
            same = {JOINED_AT: {"$eq": after.joined_at}, SEGMENT_ID: {"$gt": after.segment_id}}
            query = {"$and": [query, {"$or": [{JOINED_AT: {"$lt": after.joined_at}}, same]}]}
        order = [(JOINED_AT, -1), (SEGMENT_ID, 1)]
        return await self._members.find(query, {ID: 0, SEGMENT_ID: 1, JOINED_AT: 1, LEFT_AT: 1}, order, limit)

    async def inside(self, segment_id: str, after: str, until: str | None) -> dict[str, datetime]:
        """The clients in a segment, behind one id and up to another, with when they joined."""
        span = {"$gt": after} if until is None else {"$gt": after, "$lte": until}
        query = {SEGMENT_ID: {"$eq": segment_id}, LEFT_AT: {"$eq": None}, CLIENT_ID: span}
        found = await self._members.find(query, {ID: 0, CLIENT_ID: 1, JOINED_AT: 1})
        return {str(each[CLIENT_ID]): each[JOINED_AT] for each in found}

    async def write(self, segment_id: str, at: datetime, joined: Some[str], left: Some[str], undone: Some[str]) -> None:
        """Open and close stays as of a moment.

        Whoever left at the very moment and is back has not left; `undone` joined at it and are out again. So a part
        that was done before is done again without a trace.
        Cost: up to four commands.
        """
        segment = {SEGMENT_ID: {"$eq": segment_id}}
        if undone:
            await self._members.delete_many({**segment, JOINED_AT: {"$eq": at}, CLIENT_ID: {"$in": sorted(undone)}})
        if left:
            query = {**segment, LEFT_AT: {"$eq": None}, CLIENT_ID: {"$in": sorted(left)}}
            await self._members.update_many(query, {"$set": {LEFT_AT: at}})
        if not joined:
            return
        query = {**segment, LEFT_AT: {"$eq": at}, CLIENT_ID: {"$in": sorted(joined)}}
        back = {str(each[CLIENT_ID]) for each in await self._members.find(query, {CLIENT_ID: 1})}
        if back:
            await self._members.update_many(query, {"$set": {LEFT_AT: None}})
        rows = [
            {ID: _stay_id(segment_id, each, at), SEGMENT_ID: segment_id, CLIENT_ID: each, JOINED_AT: at, LEFT_AT: None}
            for each in sorted(set(joined) - back)
        ]
        await self._members.insert_many(rows, ignore_duplicates=True)

    async def forget(self, client_ids: Some[str]) -> None:
        """Take clients who are no more out of all segments, and out of their past."""
        if client_ids:
            await self._members.delete_many({CLIENT_ID: {"$in": sorted(client_ids)}})

    async def last_ended(self, segment_id: str, moment: datetime) -> Document | None:
        """The last whole snapshot of a segment at a moment or before it."""
        query = {SEGMENT_ID: {"$eq": segment_id}, "at": {"$lte": moment}, "endedAt": {"$ne": None}}
        rows = await self._snapshots.find(query, sort=[("at", -1)], limit=1)
        return rows[0] if rows else None

    async def snapshots(
        self, segment_id: str, limit: int, before: datetime | None, since: datetime | None
    ) -> list[Document]:
        """Whole snapshots of a segment, the newest first."""
        span = {name: each for name, each in (("$lt", before), ("$gte", since)) if each is not None}
        query: Document = {SEGMENT_ID: {"$eq": segment_id}, "endedAt": {"$ne": None}}
        if span:
            query["at"] = span
        return await self._snapshots.find(query, sort=[("at", -1)], limit=limit)

    async def members_at(self, segment_id: str, at: datetime, visible: Filter | None, limit: int) -> list[str]:
        """The ids of the visible clients who were in a segment at the moment of a snapshot, in their order."""
        query = {
            SEGMENT_ID: {"$eq": segment_id},
            JOINED_AT: {"$lte": at},
            "$or": [{LEFT_AT: {"$eq": None}}, {LEFT_AT: {"$gt": at}}],
        }
        rows = await self._members.find(_within(query, visible), {CLIENT_ID: 1}, [(CLIENT_ID, 1)], limit)
        return [str(each[CLIENT_ID]) for each in rows]

    async def stays(self, segment_id: str, visible: Filter) -> list[Document]:
        """When the visible clients joined and left."""
        query = _within({SEGMENT_ID: {"$eq": segment_id}}, visible)
        return await self._members.find(query, {ID: 0, JOINED_AT: 1, LEFT_AT: 1})

    async def moves(
        self,
        segment_id: str,
        name: str,
        limit: int,
        visible: Filter | None = None,
        after: Place | None = None,
        since: datetime | None = None,
    ) -> list[Document]:
        """Stays of visible clients that have something at `joinedAt`, or at `leftAt`.

        Order: newest first, then by client; those behind a place alone.
        """
        query: Document = {SEGMENT_ID: {"$eq": segment_id}, name: {"$ne": None}}
        if since is not None:
            query[name]["$gte"] = since
        if after is not None:
            later = "$gte" if after.includes_client else "$gt"
            same = {name: {"$eq": after.at}, CLIENT_ID: {later: after.client_id}}
            query = {"$and": [query, {"$or": [{name: {"$lt": after.at}}, same]}]}
        order = [(name, -1), (CLIENT_ID, 1)]
        return await self._members.find(_within(query, visible), {ID: 0, CLIENT_ID: 1, name: 1}, order, limit)


def _within(query: Document, visible: Filter | None) -> Document:
    return query if visible is None else {"$and": [query, query_from(visible)]}


def _snapshot_id(segment_id: str, at: datetime) -> str:
    return f"{segment_id}:{at.date().isoformat()}"


def _stay_id(segment_id: str, client_id: str, at: datetime) -> str:
    return f"{segment_id}:{client_id}:{at.date().isoformat()}"
