"""The segments of clients: which ones they are in now, or were in at a moment, and when they joined and left."""

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from acts.segments_history import may_see_past
from catalogue.attribute import CLIENTS
from catalogue.errors import ErrorCode, KehuError
from catalogue.filters import Compare
from catalogue.kinds import Operator
from catalogue.saved_filters import meaning_of
from policy.segments import SEGMENTS, SegmentStatus
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.plan import ID, Page, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories
from repositories.segment_members import CLIENT_ID, JOINED_AT, LEFT_AT, SEGMENT_ID, Stay
from repositories.segments import EVER_LOOKED_AT

SEGMENTS_LIMIT = 500
"""Segments that clients are held against at once."""
FILTERS_A_COMMAND = 250
_NEEDED = frozenset(("code", "where", "status", EVER_LOOKED_AT))


class TooManySegments(KehuError):
    """There are more segments than clients are held against."""

    code = ErrorCode.TOO_EXPENSIVE


@dataclass(frozen=True, slots=True)
class KnownStay:
    """One stay of a client in a segment, as daily snapshots have found it."""

    segment: Document
    joined_at: datetime
    left_at: datetime | None


async def segments_now(
    viewer: Viewer, repositories: Repositories, client_ids: Some[str], paths: Some[str], touched: Touched | None = None
) -> dict[str, list[Document]]:
    """The segments that each of some clients is in, of those that the viewer may know of, with the wanted paths.

    Order: by code. Segments that the attributes no longer fit have no members.
    Raises: TooManySegments.
    Cost: one command for the segments, and one for each 250 of them, however many clients.
    """
    active = Compare("status", Operator.EQ, str(SegmentStatus.ACTIVE))
    segments = await _known(viewer, repositories, paths, active, touched)
    catalogue, access = repositories.catalogue, repositories.access
    meant = [(each, meaning_of(catalogue, each["where"]).predicate) for each in segments]
    plans = [
        (each, access.authorise(ReadPlan(CLIENTS, frozenset(), predicate), viewer, touched))
        for each, predicate in meant
        if predicate is not None
    ]
    found: dict[str, list[Document]] = {each: [] for each in client_ids}
    for start in range(0, len(plans), FILTERS_A_COMMAND):
        batch = plans[start : start + FILTERS_A_COMMAND]
        fitting = await repositories.segment_members.fitting([plan for _, plan in batch], client_ids)
        for (segment, _), ids in zip(batch, fitting, strict=True):
            for each in ids:
                found[each].append(segment)
    return found


async def segments_then(
    viewer: Viewer,
    repositories: Repositories,
    client_ids: Some[str],
    moment: datetime,
    paths: Some[str],
    touched: Touched | None = None,
) -> dict[str, list[Document]]:
    """The segments that each of some clients was in at a moment, by the daily snapshots before it; retired ones too.

    Order: by code. A segment's past is for those who may use all that it has ever looked at.
    Raises: TooManySegments.
    Cost: two commands.
    """
    segments = await past_segments(viewer, repositories, paths, touched)
    found: dict[str, list[Document]] = {each: [] for each in client_ids}
    stays = await repositories.segment_members.inside_at(client_ids, segments.keys(), moment)
    for each in sorted(stays, key=lambda stay: str(stay[SEGMENT_ID])):
        found[str(each[CLIENT_ID])].append(segments[str(each[SEGMENT_ID])])
    return found


async def past_segments(
    viewer: Viewer, repositories: Repositories, paths: Some[str], touched: Touched | None = None
) -> Mapping[str, Document]:
    """The segments whose past the viewer may see, by id, with the wanted paths. Raises: TooManySegments."""
    found = await _known(viewer, repositories, paths, None, touched)
    return {str(each[ID]): each for each in found if may_see_past(viewer, repositories, each)}


async def read_stays(
    repositories: Repositories,
    segments: Mapping[str, Document],
    client_id: str,
    limit: int,
    after: Stay | None = None,
    moment: datetime | None = None,
) -> list[KnownStay]:
    """Stays of a client in the given segments, the newest first, then by segment; as of a moment, if there is one.

    Cost: one command.
    """
    rows = await repositories.segment_members.stays_of(client_id, segments.keys(), limit, after, moment)
    return [KnownStay(segments[str(each[SEGMENT_ID])], each[JOINED_AT], _left(each, moment)) for each in rows]


def _left(stay: Document, moment: datetime | None) -> datetime | None:
    left: datetime | None = stay[LEFT_AT]
    return None if left is None or (moment is not None and left > moment) else left


async def _known(
    viewer: Viewer, repositories: Repositories, paths: Some[str], where: Compare | None, touched: Touched | None
) -> Sequence[Document]:
    plan = ReadPlan(SEGMENTS, _NEEDED | frozenset(paths), where, page=Page(SEGMENTS_LIMIT))
    found = await repositories.segments.read_page(repositories.access.authorise(plan, viewer, touched))
    if found.has_next:
        raise TooManySegments(
            f"There are more than {SEGMENTS_LIMIT} segments, the most that clients are held against at once. Ask for "
            "the members of a segment instead, or retire segments that nobody needs."
        )
    return found.documents
