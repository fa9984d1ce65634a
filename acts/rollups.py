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
    Cost: for each length of window the records of a span, and what computing those clients costs.
    """
    await settle_members(PROGRAM, repositories)
    rollups = repositories.rollups
    until = datetime.fromisoformat(checkpoint["until"]) if "until" in checkpoint else now()
    changed, done = int(checkpoint.get("changed", 0)), int(checkpoint.get("done", 0))
    finished = await rollups.finish(now() - ABANDONED)
    before = await rollups.rolled_until()
    since = until - FIRST_SPAN if before is None else before - OVERLAP
    at_area, after = str(checkpoint.get("area", "")), str(checkpoint.get("after", ""))
    for area, attributes in rollups.windowed().items():
        if area < at_area:
            continue
        last = after if area == at_area else ""
        while ids := await rollups.crossing(attributes, since, until, last):
            # Whoever counted a moment earlier and writes later is met again: the next span begins before this one ends.
            changed += await rollups.compute(ids, attributes, is_final=False)
            last, done = ids[-1], done + len(ids)
            reached = {"until": until.isoformat(), "area": area, "after": last}
            await report(done, checkpoint={**reached, "changed": changed, "done": done})
    await rollups.note_rolled(until)
    return {"changed": changed, "finished": finished}
