"""Daily snapshots of segments: who came and who went since the last one."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from acts.checks import now
from catalogue.attribute import CLIENTS
from catalogue.saved_filters import meaning_of
from policy.viewer import program
from repositories.access import AuthorisedPlan
from repositories.plan import ID, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories

log = logging.getLogger("kehu.segments")

BATCH = 5_000
TAKER = program("kehu-segments")
"""Who looks at the book: whoever asks for the job, all clients are counted, or everybody else's would have left."""

Report = Callable[..., Awaitable[None]]
"""`report(done, total, checkpoint=..)`, as a job's run has it."""


@dataclass(frozen=True, slots=True)
class SnapshotsTaken:
    """What became of the segments of a day."""

    taken: int
    joined: int
    left: int
    broken: tuple[str, ...]
    """The codes of segments that the catalogue no longer fits: nobody is said to have left them."""


async def take_snapshots(
    repositories: Repositories,
    *,
    report: Report | None = None,
    checkpoint: Mapping[str, Any] | None = None,
    moment: datetime | None = None,
    batch: int = BATCH,
) -> SnapshotsTaken:
    """The snapshots of a day, of every active segment; those that are whole already stay as they are.

    Stopped after a batch it goes on from the checkpoint that was reported; a batch done twice changes nothing.
    Cost: one pass over the ids of each segment's members, two commands a batch and up to five more where somebody
    came or went; what does not change is not written.
    """
    at = moment or now()
    segments = await repositories.segments.active()
    taken = joined = left = 0
    broken: list[str] = []
    for place, segment in enumerate(segments):
        predicate = meaning_of(repositories.catalogue, segment["where"]).predicate
        if predicate is None:
            log.warning("segment %s no longer fits the attributes; no snapshot is taken of it", segment["code"])
            broken.append(segment["code"])
            continue
        plan = repositories.access.authorise(ReadPlan(CLIENTS, frozenset((ID,)), predicate), TAKER)
        snapshot = await repositories.segment_members.begin(str(segment[ID]), at, segment["version"])
        if "endedAt" in snapshot:
            continue
        after = _after(checkpoint, snapshot)
        while after is not None:
            after = await _batch(repositories, plan, snapshot, after, batch)
            if report is not None and after is not None:
                await report(place, len(segments), checkpoint={"snapshot": snapshot[ID], "after": after})
        done = await repositories.segment_members.end(snapshot, now())
        taken, joined, left = taken + 1, joined + done["joined"], left + done["left"]
        if report is not None:
            await report(place + 1, len(segments))
    return SnapshotsTaken(taken, joined, left, tuple(broken))


def _after(checkpoint: Mapping[str, Any] | None, snapshot: Document) -> str | None:
    """The id behind which a snapshot goes on."""
    given = checkpoint or {}
    return str(given["after"]) if given.get("snapshot") == snapshot[ID] else ""


async def _batch(
    repositories: Repositories, plan: AuthorisedPlan, snapshot: Document, after: str, size: int
) -> str | None:
    """Brings the stays of one stretch of ids up to date; the id that it ends with, None behind the last."""
    members, segment_id, at = repositories.segment_members, str(snapshot["segmentId"]), snapshot["at"]
    found = await members.matching(plan, after, size)
    until = found[-1] if len(found) == size else None
    inside = await members.inside(segment_id, after, until)
    out = inside.keys() - set(found)
    there = await repositories.clients.existing(out)
    await members.forget(out - there)
    undone = {each for each in there if inside[each] == at}
    await members.write(segment_id, at, set(found) - inside.keys(), there - undone, undone)
    return until
