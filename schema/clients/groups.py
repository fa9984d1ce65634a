"""Groups of clients with their figures: only what is selected is worked out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from acts.past import moment_from
from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.filters import all_of
from catalogue.kinds import Kind
from repositories.client_groups import Group, GroupPlan, GroupSlice
from repositories.compile.groups import Grouping, Measure, Operation
from repositories.plan import ReadPlan
from schema.clients.segments import SEGMENT_MEANING, segment_filter, segment_reads
from schema.connection import FORWARD_ARGUMENTS, connection_types, edges_of, page_from, page_info
from schema.context import Context, Document
from schema.derived.filters import Filters
from schema.derived.group_keys import key_value
from schema.derived.groups import BadGroups, GroupTypes, group_field_types, groups_from, value_of
from schema.derived.search import search_from
from schema.fields import Fields, described, output_type, plain, related, resolved
from schema.planning.reads import NOTHING, Arguments, Read, Reading, page_size
from schema.planning.selection import PageSelection, Selected, page_selection, place_of, selection_of

CORE_GROUPS = {"KIND": "kind", "STAGE": "stage", "MANAGER": "managerId"}
"""Fields that code owns, and the stored path of each."""
_TYPE = "ClientGroup"
AS_OF_MEANING = "The moment as of which clients are grouped, by when changes were entered. Now, if left out."
_FOR_CHARTS = "A floating-point number, for charts"
_EXACT = "Every digit, as text; of LONG and DECIMAL fields"
_MEANINGS = {
    Operation.SUM: f"The sum over the clients of the group that have the value; 0 if none has. {_FOR_CHARTS}.",
    Operation.AVERAGE: f"The average over the clients that have the value; null if none has. {_FOR_CHARTS}.",
    Operation.MINIMUM: f"The least value in the group; null if no client has one. {_FOR_CHARTS}.",
    Operation.MAXIMUM: f"The greatest value in the group; null if no client has one. {_FOR_CHARTS}.",
    Operation.SUM_EXACT: f"The sum over the clients of the group that have the value. {_EXACT}; up to 34 digits.",
    Operation.AVERAGE_EXACT: f"The average, to 34 digits; null if no client has the value. {_EXACT}.",
    Operation.MINIMUM_EXACT: f"The least value in the group. {_EXACT}.",
    Operation.MAXIMUM_EXACT: f"The greatest value in the group. {_EXACT}.",
}
_EXACT_KINDS = (Kind.LONG, Kind.DECIMAL)


@dataclass(frozen=True, slots=True)
class GroupSelection:
    """What was selected of a page of groups."""

    page: PageSelection
    measures: tuple[Measure, ...]
    wants_count: bool


def client_group_queries(catalogue: Catalogue, where: Any, filters: Filters) -> Fields:
    """The field of Query about groups of clients."""
    types = group_field_types(catalogue, CLIENTS, "Client", CORE_GROUPS)
    connection = connection_types(_TYPE, _group_type(types), "groups of clients").connection

    async def groups(
        info: strawberry.Info,
        by: list[Mapping[str, Any]],
        first: int,
        where: Mapping[str, Any] | None = None,
        search: str | None = None,
        segment: str | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
    ) -> Any:
        context: Context = info.context
        selected = _selected(info, types)
        _check_exact(catalogue, selected.measures)
        keys = groups_from(catalogue, CLIENTS, CORE_GROUPS, by)
        paths = frozenset((*(each.path for each in keys), *(each.path for each in selected.measures)))
        page = page_from(context.page_limit, first, after)
        grouping = Grouping(keys, selected.measures, selected.wants_count, selected.page.wants_total)
        moment = moment_from(as_of)
        inside = await segment_filter(context, segment, moment)
        predicate = all_of(filters.filter_from(where), inside, search_from(search, catalogue))
        asked = ReadPlan(CLIENTS, frozenset(), predicate, page=page, grouped=paths, as_of=moment)
        authorised = context.authorise(asked)
        plan = GroupPlan(authorised, replace(grouping, smallest=max(1, authorised.floor)), catalogue.version)
        found = await context.repositories.client_groups.read_page(plan)
        return _connection(context, plan, found, selected.page)

    yield _many(groups, types.by, where, connection)


def _many(resolver: Any, by: Any, where: Any, connection: Any) -> tuple[str, Any, Any]:
    arguments = {
        "by": described(list[by], "One to three keys."),
        "where": described(where | None, "Which clients; all that you may see, if left out."),
        "search": described(str | None, "A text that stands in a searchable attribute or in the number."),
        "segment": described(str | None, SEGMENT_MEANING),
        "as_of": described(datetime | None, AS_OF_MEANING, "asOf"),
        **FORWARD_ARGUMENTS,
    }
    text = (
        "Clients by what they have in common, with figures; in order of the keys, unset lowest. While clients change, "
        "figures of a large book may be a moment old: 2 seconds at most, unless set otherwise."
    )
    return "clientGroups", None, resolved(resolver, "clientGroups", connection, text, arguments, _reads)


def _reads(given: Arguments, names: frozenset[str]) -> Reading:
    """One command for the page and the total; a group counts as a document, however many clients are behind it."""
    size = page_size(given)
    if not names:
        return NOTHING
    commands = 1 if given.get("as_of") is None else 2
    return Reading(size, (*segment_reads(given), Read(CLIENTS, size, commands=commands, is_scan=True)))


def _group_type(types: GroupTypes) -> Any:
    key: Any = types.key
    fields: list[tuple[str, Any, Any]] = [
        ("keys", list[key], plain("keys", "What the clients have in common, in the order of `by`.")),
        ("count", int, plain("count", "How many clients are in the group.")),
    ]
    if types.measure is not None:
        fields += [_figure(each, types.measure) for each in Operation]
    return output_type(_TYPE, "Clients that have something in common, and their figures.", fields)


def _figure(operation: Operation, measure: Any) -> tuple[str, Any, Any]:
    async def read(_info: Any, holders: Sequence[Document], of: Any) -> list[Any]:
        figure = Measure(operation, str(value_of(of)))
        return [group["figures"][figure] for group in holders]

    of = {"of": described(measure, "Of which field.")}
    type_: Any = Decimal if operation.is_exact else float
    return str(operation), None, related(read, str(operation), type_ | None, _MEANINGS[operation], of)


def _check_exact(catalogue: Catalogue, measures: Sequence[Measure]) -> None:
    """Nothing, where every exact figure is of a kind that has one. Raises: BadGroups."""
    for measure in measures:
        attribute = catalogue.get_live(measure.path)
        if measure.operation.is_exact and attribute.kind not in _EXACT_KINDS:
            instead = str(measure.operation).removesuffix("Exact")
            message = (
                f"{measure.operation} goes with LONG and DECIMAL; {measure.path} is {attribute.kind}. Use {instead}."
            )
            raise BadGroups(message, path=(str(measure.operation),), given=measure.path)


def _selected(info: strawberry.Info, types: GroupTypes) -> GroupSelection:
    """What was selected of the page: worked out once for an operation."""
    context: Context = info.context

    def selected() -> GroupSelection:
        page = page_selection(selection_of(info._raw_info), _TYPE, _TYPE)
        measures = dict.fromkeys(each for field in page.nodes for each in _measures(field, types))
        return GroupSelection(page, tuple(measures), any(each.name == "count" for each in page.nodes))

    return context.planned(place_of(info), selected)


def _measures(field: Selected, types: GroupTypes) -> list[Measure]:
    if types.measure is None or field.name not in list(Operation):
        return []
    of = field.arguments["of"]
    # In the document it stands as its name, in a variable as the member or its value.
    path = types.measure[of].value if of in types.measure.__members__ else value_of(of)
    return [Measure(Operation(field.name), str(path))]


def _connection(context: Context, plan: GroupPlan, found: GroupSlice, selection: PageSelection) -> dict[str, Any]:
    repositories, page = context.repositories, plan.authorised.plan.page
    attributes = [repositories.catalogue.find(each.path) for each in plan.grouping.by]
    nodes = [_node(each, plan.grouping, attributes) for each in found.groups]
    value: dict[str, Any] = {"nodes": nodes, "totalCount": found.total}
    groups = found.groups if selection.wants_cursors else found.groups[:: max(1, len(found.groups) - 1)]
    wants_any = selection.wants_cursors or selection.wants_start or selection.wants_end
    cursors = repositories.client_groups.seal(plan, groups) if wants_any else []
    if selection.wants_edges:
        value["edges"] = edges_of(nodes, cursors if selection.wants_cursors else [])
    value["pageInfo"] = page_info(
        cursors, has_next=found.has_next, has_previous=page is not None and page.after is not None
    )
    return value


def _node(group: Group, grouping: Grouping, attributes: Sequence[Attribute | None]) -> dict[str, Any]:
    rows = zip(grouping.by, attributes, group.keys, strict=True)
    return {
        "keys": [key_value(*row) for row in rows],
        "count": group.count,
        "figures": dict(zip(grouping.measures, group.figures, strict=True)),
    }
