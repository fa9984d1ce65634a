"""How many of the values that a client should have are there: of one client, and of all clients of a manager."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from catalogue.attribute import CLIENTS, Attribute, Facet
from catalogue.expectations import expected_attributes
from repositories.access import AuthorisedPlan
from repositories.client_freshness import is_selected
from repositories.compile.freshness import Expected, facets_of
from repositories.compile.indexes import ID_INDEX
from repositories.plan import ID, Page, ReadPlan
from schema.connection import FORWARD_ARGUMENTS, connection_types, page_from
from schema.context import Context, Document
from schema.definitions import Definitions
from schema.enums import FacetEnum
from schema.fields import Fields, described, output_type, plain, related, resolved
from schema.planning.reads import Arguments, Read, Reading, items_only
from schema.planning.selection import page_selection, selection_of
from schema.rows import reads_of_rows, row_connection

_ENTERED = "How many values are expected: of the attributes that people enter, for the kind of client, as you may read."
_FILLED = "How many of them are there."
_SHARE = "The part of them that is there, 0 to 1; null where none is expected."
_FACET = {"facet": described(FacetEnum | None, "Only of this facet.")}
_FIGURES: tuple[tuple[str, Any, str], ...] = (
    ("filled", int, _FILLED),
    ("expected", int, _ENTERED),
    ("share", float | None, _SHARE),
)
_FacetCompleteness: Any = output_type(
    "FacetCompleteness",
    "How complete one facet is.",
    (
        ("facet", FacetEnum, plain("facet", "The facet.")),
        *((name, type_, plain(name, text)) for name, type_, text in _FIGURES),
    ),
)


def _figures() -> Fields:
    yield from ((name, type_, plain(name, text)) for name, type_, text in _FIGURES)
    text = "The same for each facet in which anything is expected."
    yield "facets", list[_FacetCompleteness], plain("facets", text)


def _missing(definitions: Definitions) -> tuple[str, Any, Any]:
    async def missing(self: Document, info: strawberry.Info, first: int) -> Any:
        limit = page_from(info.context.page_limit, first, None).limit
        return [definitions.value(info.context, each) for each in self["absent"][:limit]]

    attribute: Any = definitions.type
    text = "The attributes that have no value, in order of their path."
    first = {"first": FORWARD_ARGUMENTS["first"]}
    return "missing", None, resolved(missing, "missing", list[attribute], text, first, items_only)


def client_completeness(definitions: Definitions) -> Fields:
    """The field of a client."""
    made: Any = output_type("Completeness", "How complete a client is.", (*_figures(), _missing(definitions)))

    async def completeness(
        info: strawberry.Info, holders: Sequence[Document], facet: Facet | None = None
    ) -> list[Document]:
        context: Context = info.context
        attributes, authorised, expected = _asked(context, facet)
        ids = {str(each[ID]) for each in holders}
        found = await context.repositories.freshness.filled(authorised, ids, expected)
        # Who has gone since the client itself was read has nothing; nor has anybody where nothing is expected.
        of_none: tuple[str, list[bool]] = ("", [False] * len(expected))
        return [_of_client(attributes, expected, *found.get(str(each[ID]), of_none)) for each in holders]

    text = "How many of the values that are expected of the client are there."
    yield "completeness", None, related(completeness, "completeness", made, text, _FACET, _reads_of_client)


def manager_completeness() -> Fields:
    """The field of a manager."""
    made: Any = output_type("BookCompleteness", "How complete the clients of a manager are.", _book_fields())

    async def completeness(
        info: strawberry.Info, holders: Sequence[Document], facet: Facet | None = None
    ) -> list[Document]:
        context: Context = info.context
        _, authorised, expected = _asked(context, facet)
        ids = {str(each[ID]) for each in holders}
        found = await context.repositories.freshness.filled_of_managers(authorised, ids, expected)
        return [_of_manager(found.get(str(each[ID]), {}), expected) for each in holders]

    text = "How complete the clients of the manager are, of those that you may read."
    yield "completeness", None, related(completeness, "completeness", made, text, _FACET, _reads_of_managers)


def completeness_queries(manager: Fields) -> Fields:
    """The field of Query; `manager` is the field that reads the manager of a row."""
    text = "How complete the clients of one manager are."
    node = output_type("ManagerCompleteness", text, (*manager, *_book_fields()))
    connection = connection_types("ManagerCompleteness", node, "managers with figures").connection

    async def by_manager(
        info: strawberry.Info, first: int, after: str | None = None, facet: Facet | None = None
    ) -> Any:
        context: Context = info.context
        _, authorised, expected = _asked(context, facet, page_from(context.page_limit, first, after))
        selection = page_selection(selection_of(info._raw_info), "ManagerCompleteness")
        page = await context.repositories.freshness.filled_by_manager(
            authorised, expected, facet and str(facet), wants_total=selection.wants_total
        )
        return row_connection(page, [_of_manager(row, expected) | _manager_of(row) for row in page.rows])

    text = "Managers by how complete their clients are, of those that you may read; the least complete first."
    arguments = {**_FACET, **FORWARD_ARGUMENTS}
    yield (
        "completenessByManager",
        None,
        resolved(by_manager, "completenessByManager", connection, text, arguments, reads_of_rows),
    )


def _book_fields() -> Fields:
    yield "clients", int, plain("clients", "How many clients there are.")
    yield from _figures()


def _reads_of_client(_given: Arguments, _names: frozenset[str]) -> Reading:
    return Reading(1, (Read(CLIENTS, 1, ID_INDEX),))


def _reads_of_managers(_given: Arguments, _names: frozenset[str]) -> Reading:
    """One command a level; all clients of the managers are looked at."""
    return Reading(1, (Read(CLIENTS, 1, is_scan=True),))


def _asked(
    context: Context, facet: Facet | None, page: Page | None = None
) -> tuple[list[Attribute], AuthorisedPlan, list[Expected]]:
    """The expected attributes that the viewer may read, and the clients."""
    catalogue, seen = context.repositories.access.catalogue(context.viewer), context.seen(CLIENTS)
    # Whether there is a reference that somebody may not see is not told.
    untold = seen.unusable | context.repositories.access.references(context.viewer)
    attributes = [each for each in expected_attributes(catalogue, facet) if each.path not in untold]
    paths = frozenset((*(each.path for each in attributes), "kind", "managerId"))
    authorised = context.authorise(ReadPlan(CLIENTS, paths, page=page))
    # Of a list of groups there may be nothing left to read.
    attributes = [each for each in attributes if is_selected(authorised, each.path)]
    return attributes, authorised, [Expected(each.path, each.facet, catalogue.kinds_with(each)) for each in attributes]


def _of_client(
    attributes: Sequence[Attribute], expected: Sequence[Expected], kind: str, has: Sequence[bool]
) -> Document:
    rows = [row for row in zip(attributes, expected, has, strict=True) if kind in row[1].kinds]
    facets = [
        _share(sum(there for _, each, there in rows if each.facet == facet), sum(r[1].facet == facet for r in rows))
        | {"facet": Facet(facet)}
        for facet in facets_of([each for _, each, _ in rows])
    ]
    absent = [attribute for attribute, _, there in rows if not there]
    return {"absent": absent, "facets": facets, **_share(sum(row[2] for row in rows), len(rows))}


def _of_manager(row: Mapping[str, Any], expected: Sequence[Expected]) -> Document:
    facets = [
        _share(row.get(f"{each}Filled", 0), row.get(f"{each}Expected", 0)) | {"facet": Facet(each)}
        for each in facets_of(expected)
    ]
    whole = _share(sum(each["filled"] for each in facets), sum(each["expected"] for each in facets))
    return {"clients": row.get("clients", 0), "facets": facets, **whole}


def _manager_of(row: Mapping[str, Any]) -> Document:
    return {} if row[ID] is None else {"managerId": row[ID]}


def _share(filled: int, expected: int) -> Document:
    return {"filled": filled, "expected": expected, "share": filled / expected if expected else None}
