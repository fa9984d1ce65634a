"""The past of a segment in GraphQL: daily figures, and who came and went."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation

from acts.segments_history import may_see_past, open_move, read_figures, read_moves, seal_move
from catalogue.attribute import CLIENTS
from repositories.errors import BadCursor
from repositories.segment_members import DAY_INDEX, JOINED_INDEX, MEMBERS, SNAPSHOTS
from schema.connection import FORWARD_ARGUMENTS, connection_types, connection_value
from schema.context import Context, Document
from schema.derived.relations import level_page
from schema.enums import SegmentMoveEnum
from schema.fields import Fields, described, output_type, plain, related
from schema.planning.reads import Arguments, Read, Reading, by_id, page_reading
from schema.segments.types import ReadMany


@strawberry.type(description="What one daily snapshot of a segment counted, of the clients that you may see now.")
class SegmentSnapshot:
    """Figures of a day."""

    at: datetime = strawberry.field(description="The moment of the snapshot.")
    size: int = strawberry.field(description="How many members there were.")
    joined: int = strawberry.field(description="How many had come since the snapshot before.")
    left: int = strawberry.field(description="How many had gone since the snapshot before.")
    version: int = strawberry.field(description="The version of the segment at that moment.")


_SNAPSHOTS = connection_types("SegmentSnapshot", SegmentSnapshot, "daily snapshots", has_total=False)
_NOT_ALL = "Null where the segment has looked at an attribute that you may not use."
_MARK = "%Y-%m-%dT%H:%M:%S.%fZ"


def past_fields(namespace: dict[str, Any], read_clients: ReadMany) -> Fields:
    """`history` and `memberChanges` of a segment."""
    moves = connection_types("SegmentMemberChange", _move_type(namespace, read_clients), "moves", has_total=False)
    arguments = {
        **FORWARD_ARGUMENTS,
        "since": described(datetime | None, "Only what was at this moment or later."),
    }
    text = f"Its size day by day, the newest first, as the snapshots counted. {_NOT_ALL}"
    history: Any = _SNAPSHOTS.connection | None
    yield "history", None, related(_history, "history", history, text, arguments, _reads_history)
    text = f"Who came and who went, the newest first, as the snapshots found. {_NOT_ALL}"
    changes: Any = moves.connection | None
    yield "memberChanges", None, related(_moves, "memberChanges", changes, text, arguments, _reads_moves)


def _move_type(namespace: dict[str, Any], read_clients: ReadMany) -> Any:
    async def clients(info: strawberry.Info, holders: Sequence[Document]) -> list[Document | None]:
        found = await read_clients(info, {str(each["clientId"]) for each in holders})
        return [found.get(str(each["clientId"])) for each in holders]

    late = StrawberryAnnotation("Client | None", namespace=namespace)
    text = "The client; null if you may not see the client any more."
    return output_type(
        "SegmentMemberChange",
        "A client who came into a segment, or went out of it, between two daily snapshots.",
        (
            ("at", datetime, plain("at", "The moment of the snapshot that found it.")),
            ("change", SegmentMoveEnum, plain("change", "Whether the client came or went.")),
            ("client", late, related(clients, "client", object, text, reads=by_id(CLIENTS))),
        ),
    )


async def _history(
    info: strawberry.Info,
    holders: Sequence[Document],
    first: int,
    after: str | None = None,
    since: datetime | None = None,
) -> list[Document | None]:
    context: Context = info.context
    page = level_page(context, "history", holders, first, after)
    before = _moment_from(after)
    return await _told(context, holders, lambda each: _figures(context, each, page.limit, before, since))


async def _figures(
    context: Context, segment: Document, limit: int, before: datetime | None, since: datetime | None
) -> Document:
    found = await read_figures(context.viewer, context.repositories, segment, limit + 1, before, since)
    cursors = [f"s{each.at.astimezone(UTC).strftime(_MARK)}" for each in found[:limit]]
    nodes = [asdict(each) for each in found[:limit]]
    return connection_value(nodes, cursors, has_next=len(found) > limit, has_previous=before is not None)


def _moment_from(after: str | None) -> datetime | None:
    """The moment a page of snapshots starts before: its cursor says no more than its own item does."""
    if after is None:
        return None
    try:
        return datetime.strptime(after, f"s{_MARK}").replace(tzinfo=UTC)
    except ValueError:
        raise BadCursor() from None


async def _moves(
    info: strawberry.Info,
    holders: Sequence[Document],
    first: int,
    after: str | None = None,
    since: datetime | None = None,
) -> list[Document | None]:
    context: Context = info.context
    page = level_page(context, "memberChanges", holders, first, after)
    return await _told(context, holders, lambda each: _moves_of(context, each, page.limit, after, since))


async def _told(
    context: Context, holders: Sequence[Document], read: Callable[[Document], Awaitable[Document]]
) -> list[Document | None]:
    """What is read of each segment whose past the viewer may see."""
    known = [may_see_past(context.viewer, context.repositories, each) for each in holders]
    return [await read(each) if is_told else None for each, is_told in zip(holders, known, strict=True)]


async def _moves_of(
    context: Context, segment: Mapping[str, Any], limit: int, after: str | None, since: datetime | None
) -> Document:
    viewer, repositories = context.viewer, context.repositories
    place = None if after is None else open_move(viewer, repositories, segment, after)
    found = await read_moves(viewer, repositories, segment, limit + 1, place, since)
    shown = found[:limit]
    context.touched.note(CLIENTS, {each.client_id for each in shown})
    nodes = [{"at": each.at, "change": each.kind, "clientId": each.client_id} for each in shown]
    cursors = [seal_move(viewer, repositories, segment, each) for each in shown]
    return connection_value(nodes, cursors, has_next=len(found) > limit, has_previous=place is not None)


def _reads_history(given: Arguments, names: frozenset[str]) -> Reading:
    """The figures, and the stays of the viewer's clients where those are not all."""
    reading = page_reading(given, names | {"nodes"}, Read(SNAPSHOTS, index=DAY_INDEX, commands=0, commands_each=1))
    stays = Read(MEMBERS, index=JOINED_INDEX, commands=0, commands_each=2, part="stays")
    return Reading(reading.items, (*reading.reads, stays))


def _reads_moves(given: Arguments, names: frozenset[str]) -> Reading:
    """Those who came and those who went are two lists; the viewer's clients are a third."""
    page = Read(MEMBERS, index=JOINED_INDEX, commands=0, commands_each=3)
    return page_reading(given, names | {"nodes"}, page)
