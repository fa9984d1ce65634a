"""Questions about entry windows."""

from typing import Any

import strawberry

from catalogue.filters import Compare
from catalogue.kinds import Operator
from repositories.compile.indexes import ID_INDEX
from repositories.entry_windows import CODE, ENTRY_WINDOWS, PATHS, WindowStatus
from repositories.plan import ReadPlan
from schema.connection import FORWARD_ARGUMENTS, connection_types, page_from
from schema.context import Context
from schema.enums import WindowStatusEnum
from schema.fields import Fields, described, resolved
from schema.pages import read_connection
from schema.planning.reads import Arguments, Read, Reading, page_reading, total_of
from schema.planning.selection import page_selection, selection_of


def entry_window_queries(window: Any) -> Fields:
    """The fields of Query about entry windows."""
    connection = connection_types("EntryWindow", window, "entry windows").connection

    async def one(info: strawberry.Info, code: str) -> Any:
        context: Context = info.context
        plan = context.authorise(ReadPlan(ENTRY_WINDOWS, PATHS, Compare(CODE, Operator.EQ, code)))
        return await context.repositories.entry_windows.find_one(plan)

    async def many(
        info: strawberry.Info, first: int, after: str | None = None, status: WindowStatus | None = None
    ) -> Any:
        context: Context = info.context
        selection = page_selection(selection_of(info._raw_info), "EntryWindow")
        page = page_from(context.page_limit, first, after)
        where = None if status is None else Compare("status", Operator.EQ, str(WindowStatus(status)))
        return await read_connection(context, ReadPlan(ENTRY_WINDOWS, PATHS, where, page=page), selection)

    text = "One entry window; null if there is none with this code."
    code = {"code": described(str, "The code of the window.")}
    yield "entryWindow", None, resolved(one, "entryWindow", window | None, text, code, _reads_one)
    text = "Entry windows."
    arguments = {
        "status": described(WindowStatusEnum | None, "Only these; all of them, if left out."),
        **FORWARD_ARGUMENTS,
    }
    yield "entryWindows", None, resolved(many, "entryWindows", connection, text, arguments, _reads_many)


def _reads_one(_given: Arguments, _names: frozenset[str]) -> Reading:
    return Reading(1, (Read(ENTRY_WINDOWS, 1, CODE),))


def _reads_many(given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(ENTRY_WINDOWS, index=ID_INDEX), total_of(ENTRY_WINDOWS))
