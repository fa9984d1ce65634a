"""Values that are older than their attributes allow: a list, the oldest first, and counts of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import strawberry

from acts.checks import now
from catalogue.attribute import CLIENTS, Attribute, Facet
from catalogue.catalogue import unknown_attribute
from catalogue.expectations import aging_attributes, stale_before
from catalogue.filters import Compare
from catalogue.kinds import Operator
from repositories.access import AuthorisedPlan
from repositories.client_freshness import is_selected
from repositories.compile.freshness import Aging, StaleKey
from repositories.plan import ID, Page, ReadPlan
from schema.connection import FORWARD_ARGUMENTS, connection_types, page_from
from schema.context import Context, Document
from schema.definitions import Definitions
from schema.enums import FacetEnum, StaleKeyEnum
from schema.fields import Fields, described, output_type, plain, resolved
from schema.planning.paths import named_attributes
from schema.planning.selection import page_selection, selection_of
from schema.rows import reads_of_rows, row_connection

_SECONDS_AN_HOUR = 3_600
_ARGUMENTS = {
    "manager": described(strawberry.ID | None, "Only of the clients of this manager."),
    "paths": described(list[str] | None, "Only of these attributes."),
    "facet": described(FacetEnum | None, "Only of this facet."),
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for, and as far as the viewer may read it."""

    authorised: AuthorisedPlan
    attributes: Mapping[str, Attribute]
    moment: datetime
    text: str
    """The arguments, for cursors."""

    @property
    def aging(self) -> list[Aging]:
        return [Aging(path, stale_before(each, self.moment)) for path, each in self.attributes.items()]


def freshness_queries(definitions: Definitions, client: Fields, manager: Fields) -> Fields:
    """The fields of Query about stale values; `client` and `manager` are the fields that read those of a row."""
    values = connection_types("StaleValue", _value_type(definitions, client), "stale values").connection
    counts = connection_types("StaleValueCount", _count_type(definitions, manager), "counts of stale values").connection

    async def stale_values(
        info: strawberry.Info,
        first: int,
        after: str | None = None,
        manager: str | None = None,
        paths: list[str] | None = None,
        facet: Facet | None = None,
    ) -> Any:
        context: Context = info.context
        asked = _asked(context, page_from(context.page_limit, first, after), manager, paths, facet)
        selection = page_selection(selection_of(info._raw_info), "StaleValue")
        page = await context.repositories.freshness.stale_values(
            asked.authorised, asked.aging, asked.text, wants_total=selection.wants_total
        )
        return row_connection(page, [_value(context, each, asked, definitions) for each in page.rows])

    async def stale_value_counts(
        info: strawberry.Info,
        by: StaleKey,
        first: int,
        after: str | None = None,
        manager: str | None = None,
        paths: list[str] | None = None,
        facet: Facet | None = None,
    ) -> Any:
        context: Context = info.context
        asked = _asked(context, page_from(context.page_limit, first, after), manager, paths, facet)
        selection = page_selection(selection_of(info._raw_info), "StaleValueCount")
        page = await context.repositories.freshness.stale_counts(
            asked.authorised, asked.aging, StaleKey(by), asked.text, wants_total=selection.wants_total
        )
        return row_connection(page, [_count(context, each, asked, definitions) for each in page.rows])

    text = "Values older than their attributes allow, of clients and attributes that you may read; the oldest first."
    arguments = {**_ARGUMENTS, **FORWARD_ARGUMENTS}
    yield "staleValues", None, resolved(stale_values, "staleValues", values, text, arguments, reads_of_rows)
    text = "How many values are stale, by manager, by attribute or by both; the most first."
    arguments = {"by": described(StaleKeyEnum, "What is counted by."), **arguments}
    yield (
        "staleValueCounts",
        None,
        resolved(stale_value_counts, "staleValueCounts", counts, text, arguments, reads_of_rows),
    )


def _value_type(definitions: Definitions, client: Fields) -> Any:
    return output_type(
        "StaleValue",
        "A value that is older than its attribute allows.",
        (
            *client,
            ("path", str, plain("path", "The path of the attribute.")),
            ("definition", definitions.type, plain("definition", "The definition of the attribute.")),
            (
                "observedAt",
                datetime,
                plain("observedAt", "When it was observed; when it was entered, if nobody said."),
            ),
            ("ageHours", int, plain("ageHours", "The whole hours since then.")),
            ("overdueHours", int, plain("overdueHours", "The whole hours since it became stale.")),
        ),
    )


def _count_type(definitions: Definitions, manager: Fields) -> Any:
    attribute = "The attribute; null where nothing is counted by attribute."
    return output_type(
        "StaleValueCount",
        "How many values of a manager's clients, or of an attribute, are stale.",
        (
            *manager,
            ("definition", definitions.type | None, plain("definition", attribute)),
            ("values", int, plain("values", "How many values are stale.")),
            ("clients", int, plain("clients", "How many clients have one of them.")),
            ("oldestObservedAt", datetime, plain("oldestObservedAt", "When the oldest of them was observed.")),
        ),
    )


def _asked(context: Context, page: Page, manager: str | None, paths: list[str] | None, facet: Facet | None) -> _Asked:
    """What is asked for; attributes that the viewer may not read, or only in part of their signs, are left out.

    Raises: UnknownAttribute for such a one that is named, as for one that is not there.
    """
    catalogue, seen = context.repositories.access.catalogue(context.viewer), context.seen(CLIENTS)
    aging: Sequence[Attribute] = aging_attributes(catalogue, facet)
    if paths is not None:
        named = named_attributes(catalogue, {"paths": paths, "facet": facet})
        for each in named:
            if each.path in seen.unusable:
                raise unknown_attribute(each.path)
        wanted = {each.path for each in named}
        aging = [each for each in aging if each.path in wanted]
    # Whether there is a reference that somebody may not see is not told, nor how old it is.
    untold = seen.unusable | context.repositories.access.references(context.viewer)
    attributes = {each.path: each for each in aging if each.path not in untold}
    whose = None if manager is None else Compare("managerId", Operator.EQ, manager)
    plan = ReadPlan(CLIENTS, frozenset((*attributes, "managerId")), whose, page=page)
    text = repr((sorted(paths) if paths is not None else None, facet and str(facet)))
    authorised = context.authorise(plan)
    # Of a list of groups there may be nothing left to read.
    attributes = {path: each for path, each in attributes.items() if is_selected(authorised, path)}
    return _Asked(authorised, attributes, now(), text)


def _value(context: Context, row: Document, asked: _Asked, definitions: Definitions) -> Document:
    path, observed = row["stale"]["p"], row["stale"]["o"]
    attribute = asked.attributes[path]
    age = int((asked.moment - observed).total_seconds()) // _SECONDS_AN_HOUR
    return {
        "clientId": row[ID],
        "path": path,
        "definition": definitions.value(context, attribute),
        "observedAt": observed,
        "ageHours": age,
        "overdueHours": age - (attribute.max_age_hours or 0),
    }


def _count(context: Context, row: Document, asked: _Asked, definitions: Definitions) -> Document:
    attribute = asked.attributes.get(row["path"])
    own = {} if row["manager"] is None else {"managerId": row["manager"]}
    return own | {
        "definition": None if attribute is None else definitions.value(context, attribute),
        "values": row["count"],
        "clients": row["clients"],
        "oldestObservedAt": row["oldest"],
    }
