"""The argument `segment` of questions about clients."""

from datetime import datetime

from acts.segments import find_segment, usable_filter
from acts.segments_history import members_at
from catalogue.attribute import CLIENTS
from catalogue.filters import Compare, Filter
from catalogue.kinds import Operator
from policy.segments import SEGMENTS
from repositories.compile.indexes import ID_INDEX
from repositories.errors import NotFound
from repositories.plan import ID
from repositories.segment_members import DAY_INDEX, JOINED_INDEX, MEMBERS, SNAPSHOTS
from schema.context import Context
from schema.planning.reads import Arguments, Read

SEGMENT_MEANING = (
    "The code of a segment: only its members, of those that you may see. As of a moment they are those whom the last "
    "daily snapshot before it has found."
)
_SEGMENT = Read(SEGMENTS, 1, ID_INDEX, part="segment")
_THEN = (
    Read(SNAPSHOTS, 1, DAY_INDEX, part="segment"),
    Read(MEMBERS, 1, JOINED_INDEX, part="segment"),
    Read(CLIENTS, 1, part="segment"),
)


def segment_reads(given: Arguments) -> tuple[Read, ...]:
    """What the argument costs: the segment, and as of a moment its snapshot, its members and whom the viewer sees."""
    if given.get("segment") is None:
        return ()
    return (_SEGMENT,) if given.get("as_of") is None else (_SEGMENT, *_THEN)


async def segment_filter(context: Context, code: str | None, moment: datetime | None = None) -> Filter | None:
    """The predicate of the segment with a code; None where none is named.

    At an earlier moment it is those whom the last snapshot before it has found.
    Raises: NotFound, in the same words for one that is not there and for one that the viewer may not know of;
    SegmentNotUsable; TooManyClients.
    """
    if code is None:
        return None
    found = await context.look_up(lambda: find_segment(context.viewer, context.repositories, code, context.touched))
    if found is None:
        raise NotFound("segment", code)
    if moment is None:
        return usable_filter(context.repositories, found)
    then = await members_at(context.viewer, context.repositories, found, moment)
    return Compare(ID, Operator.IN, then.ids)
