"""Ask for jobs, and what the worker tells a job's handler and hears of it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Collection as Some
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from acts.checks import now, request_hash
from catalogue.errors import ErrorCode, KehuError
from policy.jobs import BY, JOBS, JobState
from policy.viewer import SYSTEM, Viewer
from repositories.access import Touched
from repositories.errors import AlreadyExists, KeyReused, Unavailable
from repositories.jobs import JobRepository
from repositories.plan import ID, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories, new_id

INPUT_LIMIT_BYTES = 1_000_000
PATHS = frozenset(
    (
        "kind", "state", "by", "attempts", "done", "total", "note", "error", "errorCode", "queuedAt", "startedAt",
        "finishedAt", "version", "roles",
    )
)  # fmt: skip
"""What may be shown of a job; of its input and its result see `own_texts`, its checkpoint is between its attempts."""
WHOLE = PATHS | {"input", "checkpoint", "result", "purpose", "tries"}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is, in units of its own."""

    done: int = 0
    total: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work, asked for by somebody and done by a worker."""

    id: str
    kind: str
    input: Mapping[str, Any]
    state: JobState
    by: str
    """The person, the service account or the program that asked for it."""
    roles: frozenset[str]
    """The roles that it was asked with: the job has those of them that its person still has when it runs."""
    purpose: str | None
    attempts: int
    progress: Progress
    checkpoint: Mapping[str, Any]
    result: Mapping[str, Any]
    error: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    tries: int = 0
    """Attempts since the last checkpoint."""


class JobStopped(Exception):
    """The job is not to go on here; a handler lets it pass, having left everything as of its last checkpoint."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What a worker has a job in hand by."""

    owner: str
    """Of this one claim."""
    seconds: float
    clock: Callable[[], datetime] = now

    def end(self) -> datetime:
        """Until when the job is this worker's, renewed now."""
        return self.clock() + timedelta(seconds=self.seconds)


Noted = Callable[[Viewer, str, Touched], Awaitable[None]]
"""Returns when what was read and changed for somebody is in the audit."""


async def unaudited(_viewer: Viewer, _name: str, _touched: Touched) -> None:
    """Where there is no audit."""


@dataclass(slots=True)
class JobRun:
    """One attempt at a job, as its handler sees it."""

    job: Job
    """The checkpoint is where an earlier attempt, or the run before a pause, got to; empty at first."""
    viewer: Viewer
    jobs: JobRepository
    lease: Lease
    noted: Noted = unaudited
    touched: Touched = field(default_factory=Touched)
    """What the handler's acts read and change goes here, so that it is in the audit under the person's name."""
    stop: str | None = None
    """Why the job is not to go on; set by the worker."""
    is_lost: bool = False
    """Whether somebody else may have the job by now."""

    async def report(
        self,
        done: int,
        total: int | None = None,
        *,
        checkpoint: Mapping[str, Any] | None = None,
        note: str | None = None,
    ) -> None:
        """Note how far the job is, and where another attempt is to begin; the lease is renewed with it.

        What is left out stays as it was. The audit is written first: what is done without it is done again.
        Raises: JobStopped when the job was paused or cancelled, the worker is to end, or the lease was lost.
        Cost: one command, and what the audit takes where anything was touched.
        """
        await self.note_touched()
        before = self.job.progress
        progress = Progress(done, before.total if total is None else total, before.note if note is None else note)
        values: dict[str, object] = {"done": progress.done, "total": progress.total, "note": progress.note}
        if checkpoint is not None:
            values |= {"checkpoint": json_text(checkpoint), "tries": 0}
        state = await self.jobs.renew(self.job.id, self.lease.owner, self.lease.end(), values)
        if state is None:
            self.stop, self.is_lost = "its lease was lost", True
        else:
            self.job = replace(self.job, progress=progress)
            if checkpoint is not None:
                self.job = replace(self.job, checkpoint=checkpoint, tries=0)
            if state is not JobState.RUNNING:
                self.stop = f"it is {state}"
        if self.stop is not None:
            raise JobStopped(f"The job {self.job.id} does not go on here: {self.stop}.")

    async def note_touched(self) -> None:
        """Put what was read and changed so far into the audit."""
        if self.touched.changes or self.touched.records:
            await self.noted(self.viewer, f"job {self.job.kind} {self.job.id}", self.touched)
            forget(self.touched)


def forget(touched: Touched) -> None:
    """Begin anew with what was touched, in the same object: acts hold on to it."""
    fresh = Touched()
    for name in Touched.__dataclass_fields__:
        setattr(touched, name, getattr(fresh, name))


JobHandler = Callable[[Viewer, Repositories, JobRun], Awaitable[Mapping[str, Any]]]
"""Does a job and answers its result.

Idempotent from its last checkpoint: a batch that was done and not reported is done again and then changes nothing. A
KehuError ends the job for good, but for UNAVAILABLE; whatever else it raises is tried again.
"""


async def enqueue(
    viewer: Viewer,
    repositories: Repositories,
    kind: str,
    given: Mapping[str, Any],
    *,
    key: str | None = None,
    start_after: datetime | None = None,
) -> Job:
    """The new job, which a worker will do; with a key, the one that the same request made before.

    Whether somebody may have it done is to be checked before. What is given are JSON values: the input of the job.
    Raises: KeyReused; KehuError with INVALID_VALUE for an input that is too long.
    Cost: one command.
    """
    moment = now()
    text = json_text(given)
    if len(text.encode()) > INPUT_LIMIT_BYTES:
        raise KehuError(
            f"The input of a job takes up to {INPUT_LIMIT_BYTES:,} bytes; got {len(text.encode()):,}. Send less.",
            code=ErrorCode.INVALID_VALUE,
            expected=f"up to {INPUT_LIMIT_BYTES:,} bytes",
        )
    document = {
        ID: new_id(JOBS, None if key is None else f"{viewer.person}:{kind}:{key}"),
        "kind": kind,
        "input": text,
        "request": request_hash(kind, text),
        "state": str(JobState.QUEUED),
        "by": viewer.person,
        "roles": sorted(viewer.roles),
        "purpose": viewer.purpose,
        "attempts": 0,
        "tries": 0,
        "done": 0,
        "dueAt": moment if start_after is None else max(moment, start_after),
        "queuedAt": moment,
        "version": 1,
    }
    try:
        stored = await repositories.jobs.add(document)
    except AlreadyExists:
        raise Unavailable("The job of this key has just been removed; send the request again.") from None
    if stored["request"] != document["request"]:
        raise KeyReused(key)
    return job_from(stored)


async def find_job(viewer: Viewer, repositories: Repositories, job_id: str) -> Job | None:
    """A job that the viewer may see, with everything that is known of it; None if there is none."""
    found = await repositories.jobs.load(repositories.access.authorise(ReadPlan(JOBS, WHOLE), viewer), job_id)
    return None if found is None else job_from(found)


async def own_texts(viewer: Viewer, repositories: Repositories, path: str, ids: Some[str]) -> dict[str, Any]:
    """What those of these jobs that the viewer asked for have as `input` or `result`, as JSON values, by id.

    Cost: one command; none for none.
    """
    plan = repositories.access.authorise(ReadPlan(JOBS, frozenset((BY, path))), viewer)
    found = await repositories.jobs.load_many(plan, ids)
    return {each: json.loads(row[path]) for each, row in found.items() if row[BY] == viewer.person and row.get(path)}


def shown_words(viewer: Viewer, job: Document, path: str) -> str | None:
    """What a job says in words, to those who may hear it: values that it was given may stand in them.

    Of Kehu's own jobs all who see them may.
    """
    is_heard = viewer.person == job["by"] or SYSTEM in job["roles"]
    words: str | None = job.get(path) if is_heard else None
    return words


def json_text(values: Mapping[str, Any]) -> str:
    """JSON values as they are stored.

    Raises: TypeError or ValueError for what is none: the fault of who wrote the act.
    """
    return json.dumps(values, ensure_ascii=False, allow_nan=False, sort_keys=True)


def job_from(stored: Document) -> Job:
    """A job from its whole document."""
    return Job(
        str(stored[ID]),
        stored["kind"],
        json.loads(stored["input"]),
        JobState(stored["state"]),
        stored["by"],
        frozenset(stored["roles"]),
        stored.get("purpose"),
        stored["attempts"],
        Progress(stored["done"], stored.get("total"), stored.get("note")),
        json.loads(stored.get("checkpoint") or "{}"),
        json.loads(stored.get("result") or "{}"),
        stored.get("error"),
        stored["queuedAt"],
        stored.get("startedAt"),
        stored.get("finishedAt"),
        stored["tries"],
    )
