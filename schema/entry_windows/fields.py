"""Entry windows as GraphQL shows them, and whether values were entered within them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import strawberry

from acts.checks import now
from acts.entry_weeks import latest_week, monday_of, span_of, spans_of
from acts.entry_windows import EntryWindow, window_attributes, window_from
from catalogue.attribute import CLIENTS, Attribute
from catalogue.filters import Compare, Filter
from catalogue.kinds import Operator
from policy.rules import Right
from repositories.access import AuthorisedPlan
from repositories.compile.entry_times import STATES, EntrySpan
from repositories.entry_windows import ID_PREFIX
from repositories.plan import ID, Page, ReadPlan
from repositories.row_pages import RowPage
from schema.connection import FORWARD_ARGUMENTS, BadPage, connection_types, page_from
from schema.context import Context, Document
from schema.definitions import Definitions
from schema.enums import FacetEnum, WeekdayEnum, WindowStatusEnum
from schema.fields import Fields, described, output_type, plain, resolved
from schema.node import Node, has_prefix
from schema.planning.reads import Arguments, Read, Reading
from schema.planning.selection import page_selection, selection_of
from schema.rows import reads_of_inner_rows, row_connection

MOST_WEEKS = 53
FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Of a week that may be asked about: there are moments before and behind it."""
_PLAIN: Sequence[tuple[str, Any, str]] = (
    ("code", str, "The name by which programs call it; it never changes."),
    ("label", str, "What people call it."),
    ("facet", FacetEnum | None, "The facet whose expected attributes it is about; null where it names attributes."),
    ("weekday", WeekdayEnum, "The day of the week."),
    ("opens", str, "The hour at which it opens, by the clocks of its time zone: 14:00."),
    ("closes", str, "The hour at which it closes, on the same day; 24:00 is the end of the day."),
    ("timeZone", str, "The time zone, such as Asia/Shanghai."),
    ("status", WindowStatusEnum, "Whether it is in use."),
    ("createdAt", datetime, "When it was defined."),
    ("version", int, "Counts the changes, from 1; for expectedVersion."),
)
_FIGURES: Sequence[tuple[str, Any, str]] = (
    ("weekOf", date, "The Monday of the week."),
    ("opensAt", datetime, "When the window opened, or will open."),
    ("closesAt", datetime, "When it closed, or will close."),
    ("isOver", bool, "Whether the week is over; until then its figures grow."),
    ("clients", int, "How many clients there are, but for those entered after the window had closed."),
    ("entered", int, "For how many of them a value of the window's attributes was entered in the week."),
    ("onTime", int, "For how many of those within the window."),
    ("late", int, "For how many of the others after it had closed."),
    ("early", int, "For how many of the others before it opened."),
    ("missing", int, "For how many clients nothing was entered in the week."),
    ("rate", float | None, "The part of the clients that is on time, 0 to 1; null where there are none."),
)


def entry_window_type(definitions: Definitions, manager: Fields) -> Any:
    """`EntryWindow`; `manager` is the field that reads the manager of a row."""
    week = output_type("EntryWeek", "What was entered within one week of a window.", _plain(_FIGURES))
    text = "What was entered for the clients of one manager within one week of a window."
    row = output_type("ManagerEntryWeek", text, (*manager, *_plain(_FIGURES)))
    return output_type(
        "EntryWindow",
        "The hours of a week within which values of some attributes have to be entered.",
        (*_plain(_PLAIN), *_attributes(definitions), _on_time(week), _by_manager(row)),
        (Node,),
        is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
    )


def _plain(rows: Sequence[tuple[str, Any, str]]) -> Fields:
    return tuple((name, annotation, plain(name, text)) for name, annotation, text in rows)


def _attributes(definitions: Definitions) -> Fields:
    async def paths(self: Document, info: strawberry.Info) -> Any:
        context: Context = info.context
        named = self.get("paths")
        if named is None or Right.DEFINE_ATTRIBUTES in context.repositories.access.rights(context.viewer):
            return named
        return [each for each in named if each not in context.seen(CLIENTS).hidden]

    async def attributes(self: Document, info: strawberry.Info) -> Any:
        return [definitions.value(info.context, each) for each in _readable(info.context, window_from(self))]

    attribute: Any = definitions.type
    text = "The attributes that it names, those that you may not read left out; null where it is about a facet."
    yield "paths", None, resolved(paths, "paths", list[str] | None, text)
    text = "The attributes that it is about, as far as they are live and you may read them: those that are counted."
    yield "attributes", None, resolved(attributes, "attributes", list[attribute], text)


def _on_time(week: Any) -> tuple[str, Any, Any]:
    async def on_time(self: Document, info: strawberry.Info, weeks: int, manager: str | None = None) -> Any:
        if not 1 <= weeks <= MOST_WEEKS:
            raise BadPage(f"weeks takes 1 to {MOST_WEEKS}; got {weeks}.", given=str(weeks))
        context: Context = info.context
        window, moment = window_from(self), now()
        attributes = _readable(context, window)
        if not attributes:
            return []
        whose = None if manager is None else Compare("managerId", Operator.EQ, manager)
        spans = spans_of(window.hours, moment, weeks)
        times = context.repositories.entry_times
        rows = await times.by_week(_authorised(context, attributes, whose), _paths(attributes), spans)
        return [_week(row, span, moment) for row, span in zip(rows, spans, strict=True)]

    text = "What was entered in the last weeks, the newest first; none where you may read none of the attributes."
    arguments = {
        "weeks": described(int, f"How many weeks, 1 to {MOST_WEEKS}; this one is among them."),
        "manager": described(strawberry.ID | None, "Only of the clients of this manager."),
    }
    return "onTime", None, resolved(on_time, "onTime", list[week], text, arguments, _reads_weeks)


def _by_manager(row: Any) -> tuple[str, Any, Any]:
    connection = connection_types("ManagerEntryWeek", row, "managers with a week of a window").connection

    async def on_time_by_manager(
        self: Document, info: strawberry.Info, first: int, after: str | None = None, week_of: date | None = None
    ) -> Any:
        if week_of is not None and not FIRST_YEAR <= week_of.year <= LAST_YEAR:
            raise BadPage(f"weekOf takes a day from {FIRST_YEAR} to {LAST_YEAR}; got {week_of}.", given=str(week_of))
        context: Context = info.context
        window, moment = window_from(self), now()
        attributes = _readable(context, window)
        page = page_from(context.page_limit, first, after)
        selection = page_selection(selection_of(info._raw_info), "ManagerEntryWeek")
        if not attributes:
            return row_connection(RowPage([], [], has_next=False, has_previous=False, total=0), [])
        monday = latest_week(window.hours, moment) if week_of is None else monday_of(week_of)
        span = span_of(window.hours, monday)
        found = await context.repositories.entry_times.by_manager(
            _authorised(context, attributes, None, page),
            _paths(attributes),
            span,
            f"{self[ID]} {monday}",
            wants_total=selection.wants_total,
        )
        return row_connection(found, [_week(each, span, moment) | _manager_of(each) for each in found.rows])

    text = "The managers for one week, of the clients that you may read; the least punctual first."
    arguments = {
        "week_of": described(date | None, "A day of the week; this one, if left out.", "weekOf"),
        **FORWARD_ARGUMENTS,
    }
    name = "onTimeByManager"
    return name, None, resolved(on_time_by_manager, name, connection, text, arguments, reads_of_inner_rows)


def _reads_weeks(given: Arguments, _names: frozenset[str]) -> Reading:
    """One pass over the clients, whatever the number of weeks; one for each window."""
    return Reading(max(0, given.get("weeks") or 0), (Read(CLIENTS, commands=0, commands_each=1, is_scan=True),))


def _readable(context: Context, window: EntryWindow) -> list[Attribute]:
    catalogue = context.repositories.access.catalogue(context.viewer)
    return window_attributes(catalogue, window, context.seen(CLIENTS))


def _authorised(
    context: Context, attributes: Sequence[Attribute], whose: Filter | None, page: Page | None = None
) -> AuthorisedPlan:
    paths = frozenset((*_paths(attributes), "managerId"))
    return context.authorise(ReadPlan(CLIENTS, paths, whose, page=page))


def _paths(attributes: Sequence[Attribute]) -> list[str]:
    return [each.path for each in attributes]


def _week(row: Document, span: EntrySpan, moment: datetime) -> Document:
    figures = {name: int(row.get(name, 0)) for name in STATES}
    clients = int(row.get("clients", 0))
    return figures | {
        "weekOf": span.week_of,
        "opensAt": span.opens_at,
        "closesAt": span.closes_at,
        "isOver": span.ends_at <= moment,
        "clients": clients,
        "entered": clients - figures["missing"],
        "rate": figures["onTime"] / clients if clients else None,
    }


def _manager_of(row: Document) -> Document:
    return {} if row[ID] is None else {"managerId": row[ID]}
