"""Rollups of the book: windows that roll with time, and writes that ended before their clients were computed."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from acts.checks import now
from acts.rollup_members import settle_members
from repositories.repositories import Repositories
from repositories.rollups import PROGRAM

ROLL = "rollup.roll"
"""The kind of the job that rolls windows."""
OVERLAP = timedelta(minutes=5)
"""Clocks of servers differ: a span begins so long before the last one ended."""
FIRST_SPAN = timedelta(days=2)
"""How far the first run looks back; what was before was computed when the rollup was defined."""
ABANDONED = timedelta(minutes=1)
"""A write that is older has ended, one way or the other."""

Report = Callable[..., Awaitable[None]]


async def roll(repositories: Repositories, report: Report, checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """How many clients have another value because of the time, and how many unfinished writes were made good.

    Only clients of whom a record has left a window, or come into it, since the last run are computed. Rollups that do
    not go by their segment's filter yet are defined anew first. Safe to stop and to run again.
    Raises: whatever `report` raises.
    Cost: for each rollup with a window the records of two spans, and what computing those clients costs.
    """
    await settle_members(PROGRAM, repositories)
    rollups = repositories.rollups
    until = datetime.fromisoformat(checkpoint["until"]) if "until" in checkpoint else now()
    changed, done = int(checkpoint.get("changed", 0)), int(checkpoint.get("done", 0))
    finished = await rollups.finish(now() - ABANDONED)
    before = await rollups.rolled_until()
    since = until - FIRST_SPAN if before is None else before - OVERLAP
    at_path, after = str(checkpoint.get("path", "")), str(checkpoint.get("after", ""))
    for attribute in rollups.windowed():
        if attribute.path < at_path:
            continue
        last = after if attribute.path == at_path else ""
        while ids := await rollups.crossing(attribute, since, until, last):
            changed += await rollups.compute(ids, (attribute,))
            last, done = ids[-1], done + len(ids)
            reached = {"until": until.isoformat(), "path": attribute.path, "after": last}
            await report(done, checkpoint={**reached, "changed": changed, "done": done})
    await rollups.note_rolled(until)
    return {"changed": changed, "finished": finished}
