"""Define, change and retire segments."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import strawberry

from acts.rollup_members import change_segment_with_rollups
from acts.segments import CODE_EXPECTED, NewSegment, define_segment, retire_segment
from policy.rules import Right
from schema.context import Context, Document
from schema.derived.filters import Filters
from schema.fields import Fields, Row, input_type
from schema.inputs import KEY_ROW, VERSION_ROW, guard_from
from schema.mutation import Result, mutation

_CODE = ("code", str, "The code of the segment.")
_DRY_RUN = ("dryRun", bool, "Check everything and answer the segment as it would be, with its size; write nothing.")
_WORDS: tuple[Row, ...] = (
    ("description", str | None, "What it is for."),
    ("playbook", str | None, "What to do for its members."),
    ("owner", str | None, "Who answers for it."),
)
_WORD_NAMES = ("label", *(name for name, _, _ in _WORDS))
_DEFINE: tuple[Row, ...] = (
    ("code", str, f"What it is named by: {CODE_EXPECTED}."),
    ("label", str, "What people read as the name."),
    *_WORDS,
    _DRY_RUN,
    KEY_ROW,
)
_CHANGE: tuple[Row, ...] = (
    _CODE,
    VERSION_ROW,
    ("label", str | None, "What people read as the name."),
    ("useSuccessors", bool, "Put the successors of deprecated attributes in their place, as `migrated` shows."),
    *_WORDS,
    _DRY_RUN,
    KEY_ROW,
)
_RETIRE: tuple[Row, ...] = (_CODE, VERSION_ROW, KEY_ROW)
Act = Callable[[Context, Mapping[str, Any]], Awaitable[Document]]


def segment_mutations(segment: Any, where: Any, filters: Filters) -> Fields:
    """The fields of Mutation about segments."""
    rows = (*_DEFINE, ("where", where, "Which clients are in it."))
    given: Any = input_type("SegmentDefineInput", "A new segment.", rows, {"dryRun": False})
    text = "Define a segment: a saved filter that `clients` and `clientGroups` take by its code."
    yield _mutation("segmentDefine", text, given, partial(_define, filters), segment)
    text = "Which clients are in it from now on; they come and go with the next snapshot."
    rows = (*_CHANGE, ("where", where | None, text))
    defaults = {"dryRun": False, "useSuccessors": False}
    given = input_type("SegmentChangeInput", "A change; left out stays.", rows, defaults)
    text = "Change the words or the filter of a segment. Cursors of its members are refused when the filter is another."
    yield _mutation("segmentChange", text, given, partial(_change, filters), segment)
    given = input_type("SegmentRetireInput", "Which segment goes.", _RETIRE)
    text = "Retire a segment: it has no members any more, its past stays, its code is never used again."
    yield _mutation("segmentRetire", text, given, _retire, segment)


async def _define(filters: Filters, context: Context, given: Mapping[str, Any]) -> Document:
    words = {name: given.get(name) for name, _, _ in _WORDS}
    new = NewSegment(given["code"], given["label"], _filter(filters, given), **words)
    return await define_segment(
        context.viewer,
        context.repositories,
        new,
        guard_from(given),
        dry_run=given["dryRun"],
        touched=context.touched,
    )


async def _change(filters: Filters, context: Context, given: Mapping[str, Any]) -> Document:
    return await change_segment_with_rollups(
        context.viewer,
        context.repositories,
        given["code"],
        {name: given[name] for name in _WORD_NAMES if name in given},
        None if given.get("where") is None else _filter(filters, given),
        guard_from(given),
        to_successors=given["useSuccessors"],
        dry_run=given["dryRun"],
        touched=context.touched,
    )


async def _retire(context: Context, given: Mapping[str, Any]) -> Document:
    return await retire_segment(context.viewer, context.repositories, given["code"], guard_from(given), context.touched)


def _filter(filters: Filters, given: Mapping[str, Any]) -> Any:
    return filters.filter_from(given["where"])


def _mutation(name: str, text: str, given: Any, act: Act, segment: Any) -> tuple[str, Any, Any]:
    async def carry_out(info: strawberry.Info, input: Mapping[str, Any]) -> dict[str, Any]:
        return {"segment": await act(info.context, input)}

    result = Result("segment", segment, "The segment as it is now; null if refused.")
    return mutation(name, text, given, result, carry_out, (Right.DEFINE_SEGMENTS,))
