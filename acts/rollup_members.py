"""Rollups for the members of a segment follow its filter: their definitions are written anew when it changes."""

import logging
from collections.abc import Mapping

from acts.attributes import change_attribute
from acts.checks import UNGUARDED, Guard
from acts.segments import change_segment
from catalogue.errors import KehuError
from catalogue.filters import Filter
from catalogue.rollups.definition import where_text
from catalogue.rollups.reading import rolled_up
from policy.segments import SEGMENTS, SegmentStatus
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.plan import ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories
from repositories.rollups import PROGRAM
from repositories.segments import segment_id

log = logging.getLogger("kehu.rollups")


async def change_segment_with_rollups(
    viewer: Viewer,
    repositories: Repositories,
    code: str,
    words: Mapping[str, str | None],
    where: Filter | None = None,
    guard: Guard = UNGUARDED,
    *,
    to_successors: bool = False,
    dry_run: bool = False,
    touched: Touched | None = None,
) -> Document:
    """A segment as `change_segment` makes it; the rollups for its members are defined anew by the same person.

    Raises: as `change_segment`.
    Cost: besides, what a change of an attribute costs for each such rollup whose members are others now.
    """
    changed = await change_segment(
        viewer, repositories, code, words, where, guard, to_successors=to_successors, dry_run=dry_run, touched=touched
    )
    if not dry_run:
        await settle_members(viewer, repositories, code)
    return changed


async def settle_members(viewer: Viewer, repositories: Repositories, code: str | None = None) -> list[str]:
    """The paths of rollups that have been defined anew, because their segment stands for others now.

    What cannot be defined now is tried again by the job that rolls windows; whoever changed the segment is through.
    Cost: one command where rollups name segments; what a change of an attribute costs for each that is behind.
    """
    await repositories.feed.refresh()
    named = {
        each.path: (each.rollup.segment, each.segment_where)
        for each in rolled_up(repositories.feed.catalogue)
        if each.rollup is not None and each.rollup.segment is not None and code in (None, each.rollup.segment)
    }
    if not named:
        return []
    plan = repositories.access.authorise(ReadPlan(SEGMENTS, frozenset(("status", "where"))), PROGRAM)
    found = await repositories.segments.load_many(plan, {segment_id(each) for each, _ in named.values()})
    done: list[str] = []
    for path, (segment, text) in named.items():
        now = found.get(segment_id(segment))
        if now is None or now["status"] != SegmentStatus.ACTIVE or where_text(now["where"]) == text:
            continue
        try:
            await change_attribute(viewer, repositories, path, {})
            done.append(path)
        except KehuError as refused:
            log.warning("%s still goes by an older filter of the segment %s: %s", path, segment, refused)
    return done
