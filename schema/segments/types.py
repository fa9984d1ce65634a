"""Segments as GraphQL shows them, with their members of now and their past."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation

from catalogue.attribute import CLIENTS
from catalogue.saved_filters import Meaning, meaning_of
from policy.segments import SegmentStatus
from repositories.plan import ReadPlan
from repositories.segments import EVER_LOOKED_AT, ID_PREFIX
from schema.connection import FORWARD_ARGUMENTS
from schema.context import Context, Document
from schema.derived.relations import level_page
from schema.enums import SegmentStatusEnum
from schema.fields import Fields, output_type, plain, related
from schema.node import Node, has_prefix
from schema.pages import read_connection
from schema.planning.paths import NODE
from schema.planning.reads import Arguments, Read, Reading, page_reading, total_of
from schema.planning.selection import PageSelection, Selected, page_selection, place_of, selection_of
from schema.scalars import Json

ReadMany = Callable[[strawberry.Info, Collection[str]], Awaitable[Mapping[str, Document]]]
"""From ids to clients, with the paths selected under the field."""

_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("code", str, "What it is named by: unique, and never used again."),
    ("label", str, "What people read as the name."),
    ("description", str | None, "What it is for."),
    ("playbook", str | None, "What to do for its members."),
    ("owner", str | None, "Who answers for it."),
    ("status", SegmentStatusEnum, "Where it stands in its life."),
    ("where", Json, "The filter that it stands for, as it would be given as `where`."),
    ("definedBy", str, "Who defined it."),
    ("updatedAt", datetime, "When it was last changed."),
    ("retiredAt", datetime | None, "When it was retired."),
    ("version", int, "Counts the changes, from 1; for expectedVersion."),
)
_OF_MEANING = frozenset(("status", "where"))
_OF_PAST = frozenset(("_id", EVER_LOOKED_AT))
_PATHS = {
    "id": frozenset(("_id",)),
    "definedAt": frozenset(("createdAt",)),
    "size": _OF_MEANING,
    "members": _OF_MEANING,
    "problems": _OF_MEANING,
    "migrated": _OF_MEANING,
    "history": _OF_PAST,
    "memberChanges": _OF_PAST,
    "__typename": frozenset[str](),
}
"""The paths of fields that are not read from the path of their own name."""


@strawberry.type(description="Something about a segment that whoever keeps it should mend.")
class SegmentProblem:
    """A segment with a breaking problem has no members; never all clients."""

    message: str = strawberry.field(description="What is wrong and what to do, in a sentence.")
    path: str | None = strawberry.field(description="The attribute, or the place in `where`.")
    successor: str | None = strawberry.field(description="The attribute to use instead.")
    isBreaking: bool = strawberry.field(
        name="isBreaking", description="Whether the segment has no members until it is mended."
    )


def segment_paths(fields: Sequence[Selected]) -> frozenset[str]:
    """The paths of a segment that the fields need."""
    return frozenset().union(*(_PATHS.get(each.name, frozenset((each.name,))) for each in fields))


def segment_type(namespace: dict[str, Any], past: Fields) -> Any:
    """`Segment`; the namespace will have the connection of clients, and `past` are its lists of what was."""
    late = StrawberryAnnotation("ClientConnection | None", namespace=namespace)
    text = "Its members of now, of those that you may see; null where it is retired or broken. By id."
    members = related(_members, "members", object, text, FORWARD_ARGUMENTS, _reads_members)
    text = "How many members it has now, of those that you may see; null where it is retired or broken."
    size = related(_sizes, "size", int | None, text, reads=_reads_size)
    text = "What should be mended, the deprecated attributes that it looks at included; empty if there is nothing."
    problems = related(_problems, "problems", list[SegmentProblem], text)
    text = "Its filter with the successors of deprecated attributes in their place; null where there are none that fit."
    return output_type(
        "Segment",
        "A saved filter over clients, with words and a playbook. Members are worked out when they are asked for.",
        (
            *((name, annotation, plain(name, text)) for name, annotation, text in _FIELDS),
            ("definedAt", None, related(_defined, "definedAt", datetime, "When it was defined.")),
            ("problems", None, problems),
            ("migrated", None, related(_migrated, "migrated", Json | None, text)),
            ("size", None, size),
            ("members", late, members),
            *past,
        ),
        (Node,),
        is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
    )


def _meaning(context: Context, segment: Document) -> Meaning:
    return meaning_of(context.repositories.catalogue, segment["where"], context.seen(CLIENTS).unusable)


async def _defined(_info: strawberry.Info, holders: Sequence[Document]) -> list[datetime]:
    return [each["createdAt"] for each in holders]


async def _problems(info: strawberry.Info, holders: Sequence[Document]) -> list[list[Document]]:
    return [
        [
            {
                "message": each.message,
                "path": each.path,
                "successor": each.successor,
                "isBreaking": each.is_breaking,
            }
            for each in _meaning(info.context, holder).problems
        ]
        for holder in holders
    ]


async def _migrated(info: strawberry.Info, holders: Sequence[Document]) -> list[Any]:
    return [_meaning(info.context, each).migrated for each in holders]


def _plan(context: Context, segment: Document, plan: ReadPlan) -> ReadPlan | None:
    """The plan for the members of a segment; None where it has none."""
    predicate = _meaning(context, segment).predicate
    if predicate is None or segment["status"] != SegmentStatus.ACTIVE:
        return None
    return ReadPlan(plan.area, plan.paths, predicate, page=plan.page)


async def _sizes(info: strawberry.Info, holders: Sequence[Document]) -> list[int | None]:
    context: Context = info.context
    plans = [_plan(context, each, ReadPlan(CLIENTS, frozenset())) for each in holders]
    clients = context.repositories.clients
    return [None if each is None else await clients.count(context.authorise(each)) for each in plans]


async def _members(
    info: strawberry.Info, holders: Sequence[Document], first: int, after: str | None = None
) -> list[Document | None]:
    context: Context = info.context
    page = level_page(context, "members", holders, first, after)
    selection, paths = _selected(info)
    plans = [_plan(context, each, ReadPlan(CLIENTS, paths, page=page)) for each in holders]
    return [None if each is None else await read_connection(context, each, selection) for each in plans]


def _selected(info: strawberry.Info) -> tuple[PageSelection, frozenset[str]]:
    context: Context = info.context

    def page() -> tuple[PageSelection, frozenset[str]]:
        selection = page_selection(selection_of(info._raw_info), "Client", "Client", NODE)
        return selection, context.client_paths(selection.nodes)

    return context.planned(place_of(info), page)


def _reads_size(_given: Arguments, _names: frozenset[str]) -> Reading:
    """A count over the book for each segment."""
    return Reading(1, (Read(CLIENTS, commands=0, commands_each=1, is_scan=True, part="size"),))


def _reads_members(given: Arguments, names: frozenset[str]) -> Reading:
    """A page for each segment, whose filter no index may serve."""
    page = Read(CLIENTS, commands=0, commands_each=1, is_scan=True)
    return page_reading(given, names, page, total_of(CLIENTS))
