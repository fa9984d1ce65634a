"""The past of segments as a viewer may see it: who was in one, who came and went, and how many there were."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from acts.segments import SegmentNotUsable
from catalogue.attribute import CLIENTS
from catalogue.errors import ErrorCode, KehuError
from catalogue.filters import And, Compare, Filter, Not, Or, paths_of
from catalogue.kinds import Operator
from policy.segments import SegmentMove
from policy.viewer import Viewer
from repositories.errors import BadCursor
from repositories.plan import ID, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories
from repositories.segment_members import CLIENT_ID, JOINED_AT, LEFT_AT, Place
from repositories.segments import EVER_LOOKED_AT

VISIBLE_LIMIT = 20_000
"""Clients of a book whose stays are looked for one by one."""
MEMBERS_LIMIT = 10_000


class TooManyClients(KehuError):
    """A question about the past that would look at more clients than one answer may."""

    code = ErrorCode.TOO_EXPENSIVE


@dataclass(frozen=True, slots=True)
class Figures:
    """What one snapshot counted, of the clients that the viewer may see."""

    at: datetime
    size: int
    joined: int
    left: int
    version: int
    """Of the segment at that moment."""


@dataclass(frozen=True, slots=True)
class Move:
    """One client who came or went."""

    at: datetime
    client_id: str
    kind: SegmentMove


@dataclass(frozen=True, slots=True)
class MembersAt:
    """Who was in a segment at a moment."""

    ids: tuple[str, ...]
    at: datetime
    """The moment of the snapshot that says so: the last one before the moment that was asked for."""


def may_see_past(viewer: Viewer, repositories: Repositories, segment: Mapping[str, Any]) -> bool:
    """Whether the viewer may use every attribute that the segment has ever looked at: its past tells of all of them."""
    return repositories.access.view(viewer).area(CLIENTS).unusable.isdisjoint(segment[EVER_LOOKED_AT])


async def members_at(
    viewer: Viewer, repositories: Repositories, segment: Mapping[str, Any], moment: datetime
) -> MembersAt:
    """The members of a segment at a moment, by the last snapshot at it or before it: of the viewer's clients alone.

    Raises: SegmentNotUsable where no snapshot is that old, or the past is not for the viewer; TooManyClients for more
    than 10,000.
    Cost: two commands, and one more where not all clients may be seen.
    """
    code, segment_id = segment["code"], str(segment[ID])
    found = await repositories.segment_members.last_ended(segment_id, moment)
    if found is None or not may_see_past(viewer, repositories, segment):
        raise SegmentNotUsable(
            f"No snapshot that you may see tells who was in the segment {code} at {moment.isoformat()}. Ask for a "
            "later moment; its `history` lists the snapshots.",
            given=code,
        )
    visible = await visible_clients(viewer, repositories)
    ids = await repositories.segment_members.members_at(segment_id, found["at"], visible, MEMBERS_LIMIT + 1)
    if len(ids) > MEMBERS_LIMIT:
        raise TooManyClients(
            f"The segment {code} had more than {MEMBERS_LIMIT:,} members at {moment.isoformat()}, the most that a "
            "question about the past takes. Ask about the present, or about a smaller segment.",
            given=code,
        )
    return MembersAt(tuple(ids), found["at"])


async def visible_clients(viewer: Viewer, repositories: Repositories) -> Filter | None:
    """The stays of clients that the viewer may see now; None: all of them.

    Raises: TooManyClients for a part of the book with more than 20,000 clients.
    Cost: none where all clients may be seen, or single ones are closed; else one command.
    """
    rows = repositories.access.rows(viewer)
    if rows is None:
        return None
    if paths_of(rows) == {ID}:
        return _of_stays(rows)
    plan = repositories.access.authorise(ReadPlan(CLIENTS, frozenset((ID,))), viewer)
    ids = await repositories.segment_members.matching(plan, "", VISIBLE_LIMIT + 1)
    if len(ids) > VISIBLE_LIMIT:
        raise TooManyClients(
            f"You may see more than {VISIBLE_LIMIT:,} clients, but not all: the past of a segment cannot be told for "
            "so many. Ask somebody who sees the whole book, or ask about the present."
        )
    return Compare(CLIENT_ID, Operator.IN, tuple(ids))


def _of_stays(rows: Filter) -> Filter:
    match rows:
        case Compare(_, operator, value):
            return Compare(CLIENT_ID, operator, value)
        case And(parts):
            return And(tuple(_of_stays(each) for each in parts))
        case Or(parts):
            return Or(tuple(_of_stays(each) for each in parts))
        case Not(part):
            return Not(_of_stays(part))
        case _:
            raise ValueError(f"no decision has rows such as {rows}")


async def read_figures(
    viewer: Viewer,
    repositories: Repositories,
    segment: Mapping[str, Any],
    limit: int,
    before: datetime | None = None,
    since: datetime | None = None,
) -> list[Figures]:
    """The daily figures of a segment, the newest first, counted of the clients that the viewer may see now.

    Cost: one command where all clients may be seen; else two more, and the stays of the viewer's clients are read.
    """
    members, segment_id = repositories.segment_members, str(segment[ID])
    rows = await members.snapshots(segment_id, limit, before, since)
    visible = await visible_clients(viewer, repositories) if rows else None
    if visible is None:
        return [Figures(each["at"], each["size"], each["joined"], each["left"], each["version"]) for each in rows]
    stays = await members.stays(segment_id, visible)
    joined = sorted(each[JOINED_AT] for each in stays)
    left = sorted(each[LEFT_AT] for each in stays if each[LEFT_AT] is not None)
    return [_figures(each, joined, left) for each in rows]


def _figures(snapshot: Document, joined: Sequence[datetime], left: Sequence[datetime]) -> Figures:
    at = snapshot["at"]
    size = bisect_right(joined, at) - bisect_right(left, at)
    return Figures(at, size, joined.count(at), left.count(at), snapshot["version"])


async def read_moves(
    viewer: Viewer,
    repositories: Repositories,
    segment: Mapping[str, Any],
    limit: int,
    after: Move | None = None,
    since: datetime | None = None,
) -> list[Move]:
    """Who came and went, the newest first, then by client; of the clients that the viewer may see now.

    Cost: two commands, and one more where not all clients may be seen.
    """
    visible = await visible_clients(viewer, repositories)
    found: list[Move] = []
    for kind, name in ((SegmentMove.JOINED, JOINED_AT), (SegmentMove.LEFT, LEFT_AT)):
        # Of one client at one moment JOINED comes before LEFT, as the words do.
        is_same_client_behind = after is not None and kind > after.kind
        place = None if after is None else Place(after.at, after.client_id, is_same_client_behind)
        rows = await repositories.segment_members.moves(str(segment[ID]), name, limit, visible, place, since)
        found += [Move(each[name], str(each[CLIENT_ID]), kind) for each in rows]
    found.sort(key=lambda each: (each.client_id, each.kind))
    found.sort(key=lambda each: each.at, reverse=True)
    return found[:limit]


def seal_move(viewer: Viewer, repositories: Repositories, segment: Mapping[str, Any], move: Move) -> str:
    """The cursor of a place among those who came and went."""
    cursors = repositories.segments.cursors
    return cursors.seal(_binding(viewer, repositories, segment), [move.at, move.client_id, str(move.kind)])


def open_move(viewer: Viewer, repositories: Repositories, segment: Mapping[str, Any], cursor: str) -> Move:
    """The place in a cursor. Raises: BadCursor."""
    at, client_id, kind = repositories.segments.cursors.open(_binding(viewer, repositories, segment), cursor, 3)
    if not isinstance(at, datetime):
        raise BadCursor()
    return Move(at, str(client_id), SegmentMove(str(kind)))


def _binding(viewer: Viewer, repositories: Repositories, segment: Mapping[str, Any]) -> bytes:
    return repositories.segments.cursors.bound_to(("segment moves", viewer.person, segment[ID]))
