"""The segments of a client in GraphQL: those it is in, and when it joined and left."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation

from acts.segments_of_clients import KnownStay, past_segments, read_stays, segments_now, segments_then
from catalogue.attribute import CLIENTS
from policy.segments import SEGMENTS
from repositories.compile.indexes import ID_INDEX
from repositories.errors import BadCursor
from repositories.past import moment_of
from repositories.plan import ID
from repositories.segment_members import CLIENT_ID, MEMBERS, Stay
from repositories.segments import segment_id
from schema.connection import FORWARD_ARGUMENTS, connection_types, connection_value
from schema.context import Context, Document
from schema.derived.relations import level_page
from schema.fields import Fields, output_type, plain, related
from schema.planning.paths import NODE
from schema.planning.reads import Arguments, Read, Reading, page_reading
from schema.planning.selection import Selected, page_selection, place_of, selection_of
from schema.segments.types import segment_paths

_FITTING = Read(CLIENTS, 1, ID_INDEX, commands=2, part="members")
"""Up to 500 filters, 250 of them a command."""
_MARK = "%Y-%m-%dT%H:%M:%S.%fZ"
_CODE_MARK = "s"


def segments_of_client(namespace: dict[str, Any]) -> Fields:
    """`segments` and `segmentHistory` of a client; the namespace will have `Segment` and its connection."""
    late = StrawberryAnnotation("SegmentConnection", namespace=namespace)
    text = (
        "The segments that the client is in, of those that you may know of, by code. As of a moment they are those "
        "that the last daily snapshots before it have found the client in."
    )
    yield "segments", late, related(_segments, "segments", object, text, FORWARD_ARGUMENTS, _reads_segments)
    stays = connection_types("SegmentStay", _stay_type(namespace), "stays in segments", has_total=False).connection
    text = "When the client joined segments and left them, the newest first, as the daily snapshots have found."
    yield "segmentHistory", None, related(_stays, "segmentHistory", stays, text, FORWARD_ARGUMENTS, _reads_stays)


def _stay_type(namespace: dict[str, Any]) -> Any:
    late = StrawberryAnnotation("Segment", namespace=namespace)
    return output_type(
        "SegmentStay",
        "One stay of a client in a segment; those who go and come back have several.",
        (
            ("segment", late, plain("segment", "The segment, as it is now.")),
            ("joinedAt", datetime, plain("joinedAt", "The moment of the snapshot that first found the client in it.")),
            (
                "leftAt",
                datetime | None,
                plain("leftAt", "The moment of the snapshot that found it no more; null while it stays."),
            ),
        ),
    )


async def _segments(
    info: strawberry.Info, holders: Sequence[Document], first: int, after: str | None = None
) -> list[Document]:
    context: Context = info.context
    page = level_page(context, "segments", holders, first, after)
    paths = context.planned(place_of(info), lambda: segment_paths(_nodes(info, "Segment", "Segment", NODE)))
    behind = _code_from(after)
    found: dict[datetime | None, dict[str, list[Document]]] = {}
    for moment in dict.fromkeys(moment_of(each) for each in holders):
        ids = {str(each[ID]) for each in holders if moment_of(each) == moment}
        given = (context.viewer, context.repositories, ids)
        if moment is None:
            found[moment] = await segments_now(*given, paths, context.touched)
        else:
            found[moment] = await segments_then(*given, moment, paths, context.touched)
    return [_page(found[moment_of(each)][str(each[ID])], page.limit, behind) for each in holders]


def _page(segments: Sequence[Document], limit: int, behind: str | None) -> Document:
    """One page of what is all in hand, in order of the ids."""
    rest = [each for each in segments if behind is None or str(each[ID]) > behind]
    shown = rest[:limit]
    cursors = [f"{_CODE_MARK}{each['code']}" for each in shown]
    page = connection_value(shown, cursors, has_next=len(rest) > limit, has_previous=behind is not None)
    return {**page, "totalCount": len(segments)}


def _code_from(after: str | None) -> str | None:
    """The id that a page starts behind: a cursor says no more than its own item does."""
    if after is None:
        return None
    if not after.startswith(_CODE_MARK):
        raise BadCursor()
    return segment_id(after.removeprefix(_CODE_MARK))


async def _stays(
    info: strawberry.Info, holders: Sequence[Document], first: int, after: str | None = None
) -> list[Document]:
    context: Context = info.context
    page = level_page(context, "segmentHistory", holders, first, after)
    paths = context.planned(place_of(info), lambda: _paths_of_stays(info))
    segments = await past_segments(context.viewer, context.repositories, paths, context.touched)
    behind = _stay_from(after)
    return [await _stays_of(context, each, segments, page.limit, behind) for each in holders]


def _paths_of_stays(info: strawberry.Info) -> frozenset[str]:
    named = [each for each in _nodes(info, "SegmentStay", "SegmentStay") if each.name == "segment"]
    return frozenset().union(*(segment_paths(each.fields("Segment", NODE)) for each in named))


async def _stays_of(
    context: Context, client: Document, segments: Mapping[str, Document], limit: int, behind: Stay | None
) -> Document:
    moment = moment_of(client)
    found = await read_stays(context.repositories, segments, str(client[ID]), limit + 1, behind, moment)
    nodes = [{"segment": each.segment, "joinedAt": each.joined_at, "leftAt": each.left_at} for each in found[:limit]]
    cursors = [_stay_mark(each) for each in found[:limit]]
    return connection_value(nodes, cursors, has_next=len(found) > limit, has_previous=behind is not None)


def _stay_mark(stay: KnownStay) -> str:
    return f"{stay.joined_at.astimezone(UTC).strftime(_MARK)}{_CODE_MARK}{stay.segment['code']}"


def _stay_from(after: str | None) -> Stay | None:
    """The place that a page starts behind: a cursor says no more than its own item does."""
    if after is None:
        return None
    moment, _, code = after.partition(_CODE_MARK)
    try:
        return Stay(datetime.strptime(moment, _MARK).replace(tzinfo=UTC), segment_id(code))
    except ValueError:
        raise BadCursor() from None


def _nodes(info: strawberry.Info, noun: str, *types: str) -> Sequence[Selected]:
    return page_selection(selection_of(info._raw_info), noun, *types).nodes


def _reads_segments(given: Arguments, names: frozenset[str]) -> Reading:
    """Every segment once, whatever is shown of them, and the clients, who are held against their filters."""
    page = Read(SEGMENTS, index=ID_INDEX, is_scan=True)
    reading = page_reading(given, names | {"nodes"}, page)
    return Reading(reading.items, (*reading.reads, _FITTING))


def _reads_stays(given: Arguments, names: frozenset[str]) -> Reading:
    """Every segment once, and the stays of each client."""
    known = Read(SEGMENTS, index=ID_INDEX, is_scan=True, part="segment")
    reading = page_reading(given, names | {"nodes"}, Read(MEMBERS, index=CLIENT_ID, commands=0, commands_each=1))
    return Reading(reading.items, (*reading.reads, known))
