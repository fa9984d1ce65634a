"""Questions about segments."""

from collections.abc import Sequence
from typing import Any

import strawberry

from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.segments import SEGMENTS, SegmentStatus
from repositories.compile.indexes import ID_INDEX
from repositories.plan import ReadPlan
from repositories.segments import segment_id
from schema.connection import FORWARD_ARGUMENTS, page_from
from schema.context import Context, Document
from schema.enums import SegmentStatusEnum
from schema.fields import Fields, described, resolved
from schema.pages import read_connection
from schema.planning.paths import NODE
from schema.planning.reads import Arguments, Read, Reading, by_id, page_reading, total_of
from schema.planning.selection import page_selection, record_fields, selection_of
from schema.segments.types import segment_paths


def segment_queries(segment: Any, connection: Any) -> Fields:
    """The fields of Query about segments."""

    async def one(info: strawberry.Info, code: str) -> Any:
        context: Context = info.context
        authorised = context.authorise(ReadPlan(SEGMENTS, segment_paths(record_fields(info, "Segment", NODE))))

        async def find() -> Document | None:
            return await context.repositories.segments.load(authorised, segment_id(code))

        return await context.look_up(find)

    async def many(
        info: strawberry.Info,
        first: int,
        status: Sequence[SegmentStatus] | None = None,
        after: str | None = None,
    ) -> Any:
        context: Context = info.context
        selection = page_selection(selection_of(info._raw_info), "Segment", "Segment", NODE)
        wanted = tuple(str(each) for each in (status if status is not None else (SegmentStatus.ACTIVE,)))
        plan = ReadPlan(
            SEGMENTS,
            segment_paths(selection.nodes),
            Compare("status", Operator.IN, wanted),
            page=page_from(context.page_limit, first, after),
        )
        return await read_connection(context, plan, selection)

    text = "One segment, by its code; null if there is none that you may know of."
    given = {"code": described(str, "The code.")}
    yield "segment", None, resolved(one, "segment", segment | None, text, given, by_id(SEGMENTS))
    text = "Segments in order of their codes: those whose attributes you may all use."
    arguments = {
        "status": described(list[SegmentStatusEnum] | None, "Only these; the active ones, if left out."),
        **FORWARD_ARGUMENTS,
    }
    yield "segments", None, resolved(many, "segments", connection, text, arguments, _reads_many)


def _reads_many(given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(SEGMENTS, index=ID_INDEX), total_of(SEGMENTS))
