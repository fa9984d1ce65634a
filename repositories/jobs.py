"""Jobs: a queue in one collection, of which whoever holds the lease of a job alone may write what becomes of it."""

from collections.abc import Collection as Some
from collections.abc import Mapping
from datetime import datetime

from policy.jobs import BY, FINISHED, JOBS, JobState
from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.errors import AlreadyExists
from repositories.jobs_progress import JobProgress
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID
from repositories.reading import Document

SCHEDULES = "schedules"
"""When each schedule last made a job."""
ID_PREFIX = "jb_"
KEPT_DAYS = 30
MOST_TRIES = 5
"""Attempts since the last checkpoint; after so many a job is given up."""
QUEUED_INDEX = "queued"
INDEXES = {
    QUEUED_INDEX: IndexSpec((("queuedAt", 1), ("_id", 1))),
    BY: IndexSpec(((BY, 1), ("queuedAt", 1), ("_id", 1))),
    # Whoever looks for work asks for two states and the first of both that is due.
    "due": IndexSpec((("state", 1), ("dueAt", 1))),
    "finished": IndexSpec((("finishedAt", 1),), partial={"finishedAt": {"$exists": True}}),
}
GIVEN_UP = "The job was left unfinished {tries} times without getting on, by workers that ended or could not go on."
_OPEN = [str(JobState.QUEUED), str(JobState.RUNNING)]


class JobRepository(RecordRepository):
    """All jobs, the finished ones for some days.

    Stored: `dueAt` is when a queued job may begin, and when the lease of a running one ends. `lease.owner` is there
    while a worker has the job in hand, also after it was paused or cancelled, until that worker lets go. `tries` counts
    the attempts since the last checkpoint, `version` what people see change. Input, checkpoint and result are JSON
    texts, so nothing in them can be a word of the database.
    """

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, JOBS, "job", cursors)
        self.progress = JobProgress(self.versions)
        """For all who follow jobs in this process."""
        self.kept_days = KEPT_DAYS
        """How long finished jobs are kept."""
        self.schedules = store.collection(SCHEDULES)

    async def prepare(self) -> None:
        """The indexes for those who look for work, and for those who look at it."""
        await self.collection.create_indexes(INDEXES)

    async def add(self, job: Document) -> Document:
        """The job as it is stored: a new one, or the one that has its id already.

        Raises: AlreadyExists if that one has gone between the two commands.
        """
        try:
            await self.collection.insert_one(dict(job))
        except AlreadyExists:
            found = await self.collection.find_one({ID: {"$eq": job[ID]}})
            if found is None:
                raise
            return found
        return job

    async def claim(self, owner: str, kinds: Some[str], moment: datetime, until: datetime) -> Document | None:
        """The first job that is due and of these kinds, now leased by the owner; None if there is none.

        A job whose lease ran out is due as a queued one is.
        Cost: one command, over two ranges of an index.
        """
        due = {
            "state": {"$in": _OPEN},
            "dueAt": {"$lte": moment},
            "kind": {"$in": sorted(kinds)},
            "tries": {"$lt": MOST_TRIES},
        }
        taken = {"state": str(JobState.RUNNING), "lease": {"owner": owner}, "dueAt": until}
        change = {
            "$set": taken,
            "$inc": {"attempts": 1, "tries": 1, "version": 1},
            "$min": {"startedAt": moment},
        }
        return await self.collection.find_one_and_update(due, change, sort=[("dueAt", 1)])

    async def bury(self, moment: datetime) -> int:
        """How many jobs were given up: their leases ran out, and they have been tried often enough."""
        left = {
            "state": {"$in": _OPEN},
            "dueAt": {"$lte": moment},
            "tries": {"$gte": MOST_TRIES},
        }
        error = GIVEN_UP.format(tries=MOST_TRIES)
        values = {"state": str(JobState.FAILED), "finishedAt": moment, "error": error, "errorCode": "INTERNAL"}
        change = {"$set": values, "$inc": {"version": 1}, "$unset": {"lease": ""}}
        return (await self.collection.update_many(left, change))[1]

    async def renew(
        self, job_id: str, owner: str, until: datetime, values: Mapping[str, object] | None = None
    ) -> JobState | None:
        """Where the job stands, with its lease renewed and, if given, its progress; None if the lease was lost."""
        change: dict[str, object] = {"$set": {**(values or {}), "dueAt": until}}
        if values is not None:
            change["$inc"] = {"version": 1}
        found = await self.collection.find_one_and_update(_held(job_id, owner), change, {"state": 1})
        return None if found is None else JobState(found["state"])

    async def finish(self, job_id: str, owner: str, values: Mapping[str, object]) -> bool:
        """Whether what came of a job is written: its lease was not lost, and nobody has cancelled it meanwhile."""
        held = {**_held(job_id, owner), "state": {"$ne": str(JobState.CANCELLED)}}
        change = {"$set": dict(values), "$inc": {"version": 1}, "$unset": {"lease": ""}}
        return (await self.collection.update_one(held, change))[0] == 1

    async def try_again(self, job_id: str, owner: str, due: datetime, values: Mapping[str, object]) -> bool:
        """Whether a job that could not go on is back in the queue, to be tried again when it is due."""
        held = {**_held(job_id, owner), "state": {"$in": _OPEN}}
        again = {**values, "state": str(JobState.QUEUED), "dueAt": due}
        change = {"$set": again, "$inc": {"version": 1}, "$unset": {"lease": ""}}
        return (await self.collection.update_one(held, change))[0] == 1

    async def release(self, job_id: str, owner: str, tries: int, moment: datetime) -> None:
        """Let go of a job without counting the attempt: one that is to go on is back in the queue."""
        common = {"$inc": {"attempts": -1, "version": 1}, "$unset": {"lease": ""}}
        free = {"dueAt": moment, "tries": tries}
        held = {**_held(job_id, owner), "state": {"$in": _OPEN}}
        back = {**free, "state": str(JobState.QUEUED)}
        if not (await self.collection.update_one(held, {"$set": back, **common}))[0]:
            await self.collection.update_one(_held(job_id, owner), {"$set": free, **common})

    async def steer(
        self,
        job_id: str,
        states: Some[JobState],
        values: Mapping[str, object],
        moment: datetime | None = None,
        cleared: Some[str] = (),
    ) -> Document | None:
        """The job after somebody has paused, resumed or cancelled it or sent it again; None if it stands otherwise.

        With a moment it is not due before that, nor before the worker that may still have it in hand has let go.
        """
        change: dict[str, object] = {"$set": dict(values), "$inc": {"version": 1}}
        if moment is not None:
            change["$max"] = {"dueAt": moment}
        if cleared:
            change["$unset"] = dict.fromkeys(cleared, "")
        where = {ID: {"$eq": job_id}, "state": {"$in": [str(each) for each in states]}}
        return await self.collection.find_one_and_update(where, change)

    async def versions(self, ids: Some[str]) -> dict[str, int]:
        """How often each of these jobs has changed for those who look at it; those that are gone are left out."""
        found = await self.collection.find({ID: {"$in": sorted(ids)}}, {"version": 1})
        return {str(each[ID]): each["version"] for each in found}

    async def over(self, ids: Some[str]) -> frozenset[str]:
        """Those of the jobs that nobody goes on with: done, cancelled and let go of, or gone."""
        goes_on = [str(each) for each in JobState if each not in (JobState.DONE, JobState.CANCELLED)]
        where = {ID: {"$in": sorted(ids)}, "$or": [{"state": {"$in": goes_on}}, {"lease": {"$exists": True}}]}
        found = await self.collection.find(where, {ID: 1})
        return frozenset(ids) - {str(each[ID]) for each in found}

    async def count_open(self, kind: str, by: str) -> int:
        """How many jobs of a kind somebody has that are not finished."""
        unfinished = {"$in": [str(each) for each in JobState if each not in FINISHED]}
        return await self.collection.count({BY: {"$eq": by}, "kind": {"$eq": kind}, "state": unfinished})

    async def remove_finished(self, before: datetime) -> int:
        """How many jobs were removed, that were finished before a moment."""
        return await self.collection.delete_many({"finishedAt": {"$lt": before}})

    async def last_moment(self, schedule: str, beginning: datetime) -> datetime:
        """When a schedule last made a job; a schedule that nobody has seen before begins now."""
        found = await self.schedules.find_one_and_update(
            {ID: {"$eq": schedule}}, {"$setOnInsert": {"at": beginning}}, upsert=True
        )
        return beginning if found is None else found["at"]

    async def note_moment(self, schedule: str, at: datetime) -> None:
        """Note that a schedule has made its job of a moment."""
        await self.schedules.update_one({ID: {"$eq": schedule}}, {"$max": {"at": at}}, upsert=True)


def _held(job_id: str, owner: str) -> Document:
    """A job as long as its lease is this owner's; each claim is an owner of its own."""
    return {ID: {"$eq": job_id}, "lease.owner": {"$eq": owner}}
