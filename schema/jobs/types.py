"""Jobs as GraphQL shows them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import strawberry

from acts.jobs import own_texts, shown_words
from policy.jobs import BY, JOBS, JobState
from policy.viewer import Viewer
from repositories.compile.indexes import ID_INDEX
from repositories.jobs import ID_PREFIX
from repositories.plan import ID
from schema.context import Context, Document
from schema.enums import JobStateEnum
from schema.fields import Fields, output_type, plain, related
from schema.node import Node, has_prefix
from schema.planning.reads import Read, Reading
from schema.scalars import Json, Long

_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("kind", str, "What is done, as a code: retention."),
    ("state", JobStateEnum, "Where it stands."),
    ("attempts", int, "How often a worker has begun with it, or gone on with it."),
    ("errorCode", str | None, "What stopped it last, in one word; null if nothing did."),
    ("queuedAt", datetime, "When it was asked for."),
    ("startedAt", datetime | None, "When a worker first began with it."),
    ("finishedAt", datetime | None, "When it was done, given up or cancelled."),
)
_PROGRESS: Any = output_type(
    "JobProgress",
    "How far a job is.",
    (
        ("done", Long, plain("done", "How much is done, in units of its kind: rows, clients, batches.")),
        ("total", Long | None, plain("total", "Of how much; null while nobody knows.")),
        ("share", float | None, plain("share", "The same as a number from 0 to 1; null while nobody knows.")),
        ("note", str | None, plain("note", "What it does just now; only for whoever asked for it.")),
    ),
)


def _worked_out(name: str, returns: object, text: str, value: Callable[[Viewer, Document], object]) -> Any:
    async def many(info: strawberry.Info, holders: Sequence[Document]) -> list[object]:
        return [value(info.context.viewer, each) for each in holders]

    return name, None, related(many, name, returns, text)


def _own_text(name: str, text: str, weight: int) -> Any:
    reading = Reading(1, (Read(JOBS, weight, ID_INDEX),))

    async def many(info: strawberry.Info, holders: Sequence[Document]) -> list[object]:
        context: Context = info.context
        own = {str(each[ID]) for each in holders if each[BY] == context.viewer.person}
        found = await own_texts(context.viewer, context.repositories, name, own)
        return [found.get(str(each[ID])) for each in holders]

    return name, None, related(many, name, Json | None, text, reads=lambda _arguments, _names: reading)


def progress_value(viewer: Viewer, job: Document) -> Document:
    """How far a job is, as its fields are read from it."""
    done, total = job["done"], job.get("total")
    is_done = job["state"] == JobState.DONE or total == 0
    share = 1.0 if is_done else min(1.0, done / total) if total else None
    return {"done": done, "total": total, "share": share, "note": shown_words(viewer, job, "note")}


_ERROR = (
    "Why it stopped last, in a sentence: a failed job for good, a queued one until it is tried again. What somebody "
    "else's job was given may stand in it, so it is shown to whoever asked for the job; of Kehu's own jobs to all who "
    "see them."
)
_WORKED_OUT: Fields = (
    _worked_out(
        "askedBy", str, "The person, the service account or the program that asked for it.", lambda _, of: of["by"]
    ),
    _worked_out("progress", _PROGRESS, "How far it is.", progress_value),
    _own_text(
        "input",
        "What it was asked to do, for whoever asked for it: the file, the map, the filter; null for others.",
        50,
    ),
    _own_text("result", "What came of it, for whoever asked for it: counts, ids of files; null until it is done.", 1),
    _worked_out("error", str | None, _ERROR, lambda viewer, job: shown_words(viewer, job, "error")),
)

JobType: Any = output_type(
    "Job",
    "A piece of work that a worker does in the background, for whoever asked for it and by what they may do.",
    (*((name, annotation, plain(name, text)) for name, annotation, text in _FIELDS), *_WORKED_OUT),
    (Node,),
    is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
)
