"""Questions about clients."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import strawberry

from acts.past import moment_from
from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, KehuError
from catalogue.filters import And, AnyItem, Compare, Filter, all_of
from catalogue.kinds import Operator
from repositories.changes import CHANGES, VERSION_INDEX
from repositories.clients import ACCESS_INDEXES, MERGED, MERGED_ID, NUMBER_INDEX, NUMBERS, WORDS_INDEX
from repositories.compile.indexes import ID_INDEX, index_of_order, is_served
from repositories.plan import ReadPlan
from schema.clients.segments import SEGMENT_MEANING, segment_filter, segment_reads
from schema.clients.types import by_number, load_client, selected_paths
from schema.connection import PAGE_ARGUMENTS, page_from
from schema.context import Context, Document
from schema.derived.filters import Filters
from schema.derived.orders import order_from
from schema.derived.search import SEARCH_MEANING, search_from
from schema.fields import Fields, described, resolved
from schema.pages import read_connection
from schema.planning.paths import NODE
from schema.planning.reads import Arguments, Read, Reading, page_reading, total_of
from schema.planning.selection import PageSelection, page_selection, place_of, selection_of

_INDEXED = frozenset((NUMBER_INDEX, *ACCESS_INDEXES))
"""Paths of clients that code owns an index of."""


AS_OF_MEANING = (
    "The moment as of which clients are read, by when changes were entered: values, filters and order, and what is "
    "selected below. Now, if left out."
)
_EARLIER = Read(CHANGES, index=VERSION_INDEX, part="asOf")
"""Where dates and proofs of earlier versions have moved out of the clients."""


class AmbiguousClient(KehuError):
    """A client was asked for by nothing, or by two things."""

    code = ErrorCode.INVALID_VALUE


@dataclass(frozen=True, slots=True)
class ClientTypes:
    """The types of an edition that questions about clients need."""

    client: Any
    connection: Any
    where: Any
    order: Any
    filters: Filters
    catalogue: Catalogue


def client_queries(types: ClientTypes) -> Fields:
    """The fields of Query about clients."""

    async def client(
        info: strawberry.Info, id: str | None = None, number: str | None = None, as_of: datetime | None = None
    ) -> Any:
        if (id is None) == (number is None):
            given = "neither" if id is None else "both"
            raise AmbiguousClient(f"client takes either id or number; got {given}. Give one of them.", given=given)
        context: Context = info.context
        moment = moment_from(as_of)
        if id is not None:
            return await context.look_up(lambda: _find_by_id(info, id, moment))
        return await context.look_up(lambda: _find_by_number(context, str(number), selected_paths(info), moment))

    async def clients(
        info: strawberry.Info,
        where: Mapping[str, Any] | None = None,
        search: str | None = None,
        segment: str | None = None,
        order_by: list[Mapping[str, Any]] | None = None,
        as_of: datetime | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        context: Context = info.context
        page = page_from(context.page_limit, first, after, last, before)
        selection, paths = _selected(info)
        found = search_from(search, context.repositories.catalogue)
        order = order_from(order_by)
        # An order that was asked for goes before how well the search is met.
        ranked = found if not order else None
        moment = moment_from(as_of)
        inside = await segment_filter(context, segment, moment)
        wanted = all_of(types.filters.filter_from(where), inside, found)
        plan = ReadPlan(CLIENTS, paths, wanted, order, page, ranked, as_of=moment)
        return await read_connection(context, plan, selection)

    yield _one(client, types)
    yield _many(clients, types)


async def _find_by_number(
    context: Context, number: str, paths: frozenset[str], moment: datetime | None
) -> Document | None:
    """The client who has a number, or who has taken in the one that had it, by the moment that is asked about.

    Cost: one command; another one where nobody has the number now.
    """
    clients = context.repositories.clients
    found = await clients.find_one(context.authorise(ReadPlan(CLIENTS, paths, by_number(number), as_of=moment)))
    if found is not None:
        return found
    return await _find_former(context, Compare(NUMBERS, Operator.EQ, number), ("number", number), paths, moment)


async def _find_by_id(info: strawberry.Info, client_id: str, moment: datetime | None) -> Document | None:
    """The client who has an id, or who has taken in the one that had it.

    Cost: one command, with what others look up just now; another one where nobody has the id now.
    """
    found = await load_client(info, client_id, moment)
    if found is not None:
        return found
    former = Compare(MERGED_ID, Operator.EQ, client_id)
    return await _find_former(info.context, former, ("id", client_id), selected_paths(info), moment)


async def _find_former(
    context: Context, former: Filter, name: tuple[str, str], paths: frozenset[str], moment: datetime | None
) -> Document | None:
    """The client who has taken in the one of a name: an id, or a number."""
    if moment is not None:
        # Before that it was the name of somebody else.
        taken_in = And((Compare(name[0], Operator.EQ, name[1]), Compare("at", Operator.LTE, moment)))
        former = And((former, AnyItem(MERGED, taken_in)))
    return await context.repositories.clients.find_one(
        context.authorise(ReadPlan(CLIENTS, paths, former, as_of=moment))
    )


def _selected(info: strawberry.Info) -> tuple[PageSelection, frozenset[str]]:
    """What was selected of the page, and the paths of its clients: worked out once for an operation."""
    context: Context = info.context

    def page() -> tuple[PageSelection, frozenset[str]]:
        selection = page_selection(selection_of(info._raw_info), "Client", "Client", NODE)
        return selection, context.client_paths(selection.nodes)

    return context.planned(place_of(info), page)


def _one(resolver: Any, types: ClientTypes) -> tuple[str, Any, Any]:
    arguments = {
        "id": described(strawberry.ID | None, "The id of the client."),
        "number": described(str | None, "The client number, instead of the id."),
        "as_of": described(datetime | None, AS_OF_MEANING, "asOf"),
    }
    text = (
        "One client, by id or by number; null if there is none that you may see. The id and the number of a client who "
        "was merged find the one who was kept."
    )
    return "client", None, resolved(resolver, "client", types.client | None, text, arguments, _reads_one)


def _reads_one(given: Arguments, _names: frozenset[str]) -> Reading:
    is_by_id = given.get("id") is not None
    found = Read(CLIENTS, 1, ID_INDEX if is_by_id else NUMBER_INDEX, commands=2)
    return Reading(1, (found,) if given.get("as_of") is None else (found, _EARLIER))


def _many(resolver: Any, types: ClientTypes) -> tuple[str, Any, Any]:
    order: Any = types.order
    arguments = {
        "where": described(types.where | None, "Which clients; all that you may see, if left out."),
        "search": described(str | None, SEARCH_MEANING),
        "segment": described(str | None, SEGMENT_MEANING),
        "order_by": described(list[order] | None, "In which order; by id within it.", "orderBy"),
        "as_of": described(datetime | None, AS_OF_MEANING, "asOf"),
        **PAGE_ARGUMENTS,
    }
    text = "Clients, a page at a time. Exactly the selected attributes are read."
    reads = partial(_reads_many, types.catalogue, types.filters)
    return "clients", None, resolved(resolver, "clients", types.connection, text, arguments, reads)


def _reads_many(catalogue: Catalogue, filters: Filters, given: Arguments, names: frozenset[str]) -> Reading:
    """A page by the index of its order, or of what is searched for; without one the clients are counted and sorted.

    A filter that no index serves may look through the whole book for a page.
    """
    order = order_from(given.get("order_by"))
    index = index_of_order(catalogue, CLIENTS, order) if given.get("search") is None else WORDS_INDEX
    where = filters.filter_from(given.get("where"))
    has_segment = given.get("segment") is not None
    # What a segment looks for is not known before it is read.
    is_found = given.get("search") is not None or (is_served(catalogue, CLIENTS, where, _INDEXED) and not has_segment)
    page = Read(CLIENTS, index=index, commands=2 if len(order) > 1 else 1, is_scan=index is None or not is_found)
    if given.get("as_of") is None:
        reading = page_reading(given, names, page, total_of(CLIENTS))
        return replace(reading, reads=(*reading.reads, *segment_reads(given)))
    # All clients changed since may have to be looked at, and are counted first: once for the page, once for the total.
    page = replace(page, commands=page.commands + 1, is_scan=True)
    reading = page_reading(given, names, page, replace(total_of(CLIENTS), commands=4))
    return replace(reading, reads=(*reading.reads, *segment_reads(given), _EARLIER))
