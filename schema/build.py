"""The schema of one catalogue: fields first, relations second; the only file that sees every area."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from acts.jobs import PATHS as JOB_PATHS
from acts.performers import PERFORMERS
from catalogue.attribute import CLIENTS, Facet
from catalogue.catalogue import Catalogue
from catalogue.filter_json import CORE_PATHS
from catalogue.kinds import KINDS, Kind
from policy.approvals import APPROVALS
from policy.decision import is_within
from policy.files import FILES
from policy.jobs import JOBS
from policy.rules import Right
from policy.segments import SEGMENTS
from repositories.clients import ID_PREFIX
from repositories.compile.indexes import ID_INDEX
from repositories.entry_windows import ENTRY_WINDOWS
from repositories.entry_windows import PATHS as ENTRY_WINDOW_PATHS
from repositories.files import PATHS as FILE_PATHS
from repositories.grants import GRANTS
from repositories.grants import PATHS as GRANT_PATHS
from repositories.interactions import INTERACTIONS
from repositories.managers import MANAGERS
from repositories.past import moment_of
from repositories.plan import ReadPlan
from repositories.repositories import AREA_BY_PREFIX
from repositories.service_accounts import PATHS as SERVICE_ACCOUNT_PATHS
from repositories.service_accounts import SERVICE_ACCOUNTS
from schema.approvals.mutations import approval_mutations
from schema.approvals.queries import approval_paths, approval_queries
from schema.approvals.types import ApprovalType
from schema.attributes.mutations import attribute_mutations
from schema.attributes.preview import preview_queries
from schema.attributes.queries import attribute_queries, find_attribute, shown_attribute
from schema.attributes.types import AttributeType
from schema.clients.audit import audit_fields
from schema.clients.bulk import bulk_mutations
from schema.clients.completeness import client_completeness, completeness_queries, manager_completeness
from schema.clients.duplicates import stewardship_queries
from schema.clients.freshness import freshness_queries
from schema.clients.groups import client_group_queries
from schema.clients.handover import handover_field
from schema.clients.merge import merged_clients
from schema.clients.mutations import client_mutations
from schema.clients.queries import ClientTypes, client_queries
from schema.clients.relations import client_fields
from schema.clients.types import attribute_value_type, read_clients, read_references
from schema.connection import BadPage, connection_types
from schema.context import MISSED_LOOKUPS, Context, Document
from schema.definitions import Definitions
from schema.derived.fields import Reference, group_types
from schema.derived.filters import Filters, facet_filters
from schema.derived.kinds import named_operators, string_operators
from schema.derived.orders import order_type
from schema.entry_windows.fields import entry_window_type
from schema.entry_windows.mutations import entry_window_mutations
from schema.entry_windows.queries import entry_window_queries
from schema.enums import FACET_MEANINGS, ClientKindEnum, ClientStageEnum
from schema.errors import Refusal, RowRefusal
from schema.fields import Fields, described, input_type, output_type, plain, read_field, refusable, related, resolved
from schema.files.fields import FileType, file_mutations, file_queries
from schema.grants.fields import grant_mutations, grant_queries, grant_type
from schema.interactions.fields import (
    interaction_lists,
    interaction_mutations,
    interaction_paths,
    interaction_type,
)
from schema.introspection import Executor, published
from schema.jobs.mutations import job_mutations
from schema.jobs.queries import job_queries
from schema.jobs.subscriptions import job_subscriptions
from schema.jobs.types import JobType
from schema.managers.fields import manager_mutations, manager_queries, manager_type, read_managers
from schema.models.mutations import model_mutations
from schema.models.queries import model_queries
from schema.node import ATTRIBUTE_PREFIX, Node, has_prefix
from schema.planning.handover import take_up_fetched
from schema.planning.paths import NODE, record_paths
from schema.planning.reads import Arguments, Read, Reading, by_id
from schema.planning.selection import Selected, selection_of
from schema.policies.fields import policy_mutations, policy_queries
from schema.scalars import SCALARS
from schema.segments.mutations import segment_mutations
from schema.segments.of_clients import segments_of_client
from schema.segments.past import past_fields
from schema.segments.queries import segment_queries
from schema.segments.types import segment_paths, segment_type
from schema.service_accounts.fields import service_account_mutations, service_account_queries, service_account_type
from schema.viewer.fields import viewer_queries

_CORE_ORDERS = {"NUMBER": "number"}
_NODE_LIMIT = 200
_NEVER_REFUSED = ("viewer", "nodes")
"""Root fields that are not null: who asks has a viewer, and nodes that are not there are null one by one."""
_FIXED_TYPES = (AttributeType, ApprovalType, JobType, FileType, Refusal, RowRefusal)
_DEFINITIONS = Definitions(AttributeType, shown_attribute)
_THE_CLIENT = "The client."
_THE_MANAGER = "The accountable manager; null where the client has none."


def build_schema(catalogue: Catalogue) -> strawberry.Schema:
    """The whole schema, derived from the catalogue.

    Cost: about half a millisecond an attribute; run it in a thread.
    """
    reference = Reference("Client", read_references)
    manager = manager_type(catalogue, reference, manager_completeness())
    pointed = "The relationship manager who was in touch with the client."
    interaction = interaction_type(catalogue, reference, read_clients, [_manager_field(manager, pointed)])
    lists = interaction_lists(catalogue.relations, CLIENTS, interaction)
    client = _client_type(catalogue, manager, reference, lists)
    clients = connection_types("Client", client, "clients").connection
    reference.namespace.update({"Client": client, "ClientConnection": clients})
    segment = segment_type(reference.namespace, past_fields(reference.namespace, read_clients))
    segments = connection_types("Segment", segment, "segments").connection
    reference.namespace.update({"Segment": segment, "SegmentConnection": segments})
    grant = grant_type([_client_field(client, "The client; null if you may not see the client.")])
    account = service_account_type()
    window = entry_window_type(_DEFINITIONS, [_manager_field(manager, _THE_MANAGER)])
    types = _types_of_questions(catalogue, client, clients)
    queries = (
        *viewer_queries([_manager_field(manager, "The directory's record; null for a service account.")]),
        *_node_queries(),
        *client_queries(types),
        *client_group_queries(catalogue, types.where, types.filters),
        *stewardship_queries(lambda name, text, key: _client_field(client, text, name, key)),
        *attribute_queries(),
        *preview_queries(),
        *manager_queries(manager),
        *policy_queries(),
        *grant_queries(grant),
        *approval_queries(),
        *segment_queries(segment, segments),
        *service_account_queries(account),
        *(each for fields in (job_queries, model_queries) for each in fields()),
        *_freshness_queries(client, manager, window),
        *file_queries(),
    )
    mutations = (
        *client_mutations(catalogue, client, ApprovalType),
        *attribute_mutations(build_schema, ApprovalType),
        *manager_mutations(catalogue, manager, ApprovalType),
        *policy_mutations(ApprovalType),
        *grant_mutations(grant),
        *interaction_mutations(catalogue, interaction),
        *approval_mutations(PERFORMERS),
        *segment_mutations(segment, types.where, types.filters),
        *service_account_mutations(account),
        *(each for fields in (job_mutations, model_mutations) for each in fields()),
        *entry_window_mutations(window),
        *file_mutations(),
        *bulk_mutations(JobType, ApprovalType, types.where, types.filters),
    )
    return _assembled(queries, mutations, (client, manager, interaction, account, grant, window, segment))


def _assembled(queries: Fields, mutations: Fields, records: Collection[Any]) -> strawberry.Schema:
    """The schema of these fields; what only an interface leads to is among the records, or named here."""
    schema = strawberry.Schema(
        query=output_type("Query", "Everything that can be asked.", map(_at_root, queries)),
        mutation=output_type(
            "Mutation", "Everything that can be done; each answers with what became of it.", mutations
        ),
        subscription=output_type("Subscription", "Everything that can be followed as it changes.", job_subscriptions()),
        types=[*records, *_FIXED_TYPES],
        config=StrawberryConfig(auto_camel_case=False, default_resolver=read_field, scalar_map=SCALARS),
        execution_context_class=Executor,
    )
    take_up_fetched(schema._schema)
    schema._schema.directives = published(schema._schema.directives)
    return schema


def _at_root(row: tuple[str, Any, StrawberryField]) -> tuple[str, Any, StrawberryField]:
    name, annotation, field = row
    return name, annotation, field if name in _NEVER_REFUSED else refusable(field)


def _types_of_questions(catalogue: Catalogue, client: Any, clients: Any) -> ClientTypes:
    return ClientTypes(
        client,
        clients,
        _where_type(catalogue),
        order_type(catalogue, CLIENTS, "Client", _CORE_ORDERS),
        Filters(catalogue, CLIENTS, CORE_PATHS),
        catalogue,
    )


def _freshness_queries(client: Any, manager: Any, window: Any) -> Fields:
    yield from freshness_queries(
        _DEFINITIONS, [_client_field(client, _THE_CLIENT)], [_manager_field(manager, _THE_MANAGER)]
    )
    yield from completeness_queries([_manager_field(manager, _THE_MANAGER)])
    yield from entry_window_queries(window)


def _manager_field(
    manager: Any, text: str, name: str = "manager", key: str = "managerId"
) -> tuple[str, Any, StrawberryField]:
    async def managers(info: strawberry.Info, holders: Sequence[Document]) -> list[Document | None]:
        found = await read_managers(info, {each[key] for each in holders if key in each})
        return [found.get(str(each.get(key))) for each in holders]

    return name, None, related(managers, name, manager | None, text, reads=by_id(MANAGERS))


def _right_field() -> tuple[str, Any, StrawberryField]:
    async def can_change(info: strawberry.Info, holders: Sequence[Document]) -> list[bool]:
        context: Context = info.context
        rows = context.repositories.access.rows(context.viewer, Right.CHANGE_CLIENTS)
        return [moment_of(each) is None and is_within(rows, each) for each in holders]

    text = "Whether you may change this client; nobody changes what was, so never with asOf."
    return "viewerCanChange", None, related(can_change, "viewerCanChange", bool, text)


def _client_field(
    client: Any, text: str, name: str = "client", key: str = "clientId"
) -> tuple[str, Any, StrawberryField]:
    async def clients(info: strawberry.Info, holders: Sequence[Document]) -> list[Document | None]:
        found = await read_clients(info, {str(each[key]) for each in holders})
        return [found.get(str(each[key])) for each in holders]

    return name, None, related(clients, name, client | None, text, reads=by_id(CLIENTS))


def _client_type(catalogue: Catalogue, manager: Any, reference: Reference, lists: Fields) -> Any:
    core: Fields = (
        ("number", str, plain("number", "The client number, unique in the bank.")),
        ("kind", ClientKindEnum, plain("kind", "Organisation or person; it never changes.")),
        ("stage", ClientStageEnum, plain("stage", "Where the relationship stands.")),
        ("version", int, plain("version", "Counts the changes, from 1; for expectedVersion.")),
        ("createdAt", datetime, plain("createdAt", "When the client was entered.")),
        ("updatedAt", datetime, plain("updatedAt", "When the client was last changed.")),
        _manager_field(manager, "The accountable relationship manager."),
        _right_field(),
        ("mergedClients", None, merged_clients()),
        *lists,
    )
    return output_type(
        "Client",
        "One client: a flexible document with four facets.",
        (
            *core,
            *_facets(catalogue, reference),
            *client_fields(catalogue, attribute_value_type(AttributeType), shown_attribute),
            *client_completeness(_DEFINITIONS),
            handover_field(lambda name, text, key: _manager_field(manager, text, name, key)),
            *audit_fields(),
            *segments_of_client(reference.namespace),
        ),
        (Node,),
        is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
    )


def _facets(catalogue: Catalogue, reference: Reference) -> Fields:
    for facet in Facet:
        fields = list(group_types(catalogue, CLIENTS, "Client", str(facet), reference))
        text = FACET_MEANINGS[facet.name]
        made: Any = output_type(f"Client{facet.value.capitalize()}", text, fields)
        yield str(facet), made, plain(str(facet), text)


def _where_type(catalogue: Catalogue) -> Any:
    namespace: dict[str, Any] = {}
    itself = StrawberryAnnotation("ClientWhere | None", namespace=namespace)
    many = StrawberryAnnotation("list[ClientWhere] | None", namespace=namespace)
    codes = KINDS[Kind.CODE].operators
    ids = KINDS[Kind.CLIENT].operators
    rows: list[tuple[str, Any, str]] = [
        ("and", many, "All of these."),
        ("or", many, "At least one of these."),
        ("not", itself, "Not this."),
        ("number", string_operators() | None, "The client number."),
        ("kind", named_operators("ClientKind", ClientKindEnum, codes) | None, "Organisation or person."),
        ("stage", named_operators("ClientStage", ClientStageEnum, codes) | None, "Where the relationship stands."),
        ("manager", named_operators("Id", strawberry.ID, ids) | None, "The id of the accountable manager."),
        *facet_filters(catalogue, CLIENTS, "Client"),
    ]
    made = input_type("ClientWhere", "Which clients; everything given must hold.", rows)
    namespace["ClientWhere"] = made
    return made


def _node_queries() -> Fields:
    async def node(info: strawberry.Info, id: str) -> Any:
        return (await _read_nodes(info, [id]))[0]

    async def nodes(info: strawberry.Info, ids: list[str]) -> Any:
        if len(ids) > _NODE_LIMIT:
            raise BadPage(f"nodes takes up to {_NODE_LIMIT} ids; got {len(ids)}. Read more in further requests.")
        return await _read_nodes(info, ids)

    text = "The record with this global id; null if there is none that you may see."
    one = {"id": described(strawberry.ID, "The id.")}
    yield "node", None, resolved(node, "node", Node | None, text, one, _reads_of_nodes)
    text = "The records with these global ids, in the same order, null where there is none that you may see."
    arguments = {"ids": described(list[strawberry.ID], "Up to 200 ids.")}
    yield "nodes", None, resolved(nodes, "nodes", list[Node | None], text, arguments, _reads_of_nodes)


def _reads_of_nodes(given: Arguments, _names: frozenset[str]) -> Reading:
    """One command an area; an id of no area is counted, though nothing is read for it."""
    ids = given["ids"] if "ids" in given else [given["id"]]
    areas = Counter(_area_of(each) for each in ids)
    return Reading(
        len(ids), tuple(Read(area, count, area and ID_INDEX, commands=int(bool(area))) for area, count in areas.items())
    )


def _area_of(record_id: str) -> str | None:
    return next((area for prefix, area in AREA_BY_PREFIX.items() if record_id.startswith(prefix)), None)


async def _read_nodes(info: strawberry.Info, ids: Collection[str]) -> list[Document | None]:
    """The records of several areas.

    Cost: one command an area.
    """
    context: Context = info.context
    await context.spending.check(MISSED_LOOKUPS)
    selected = selection_of(info._raw_info)
    found: dict[str, Document | None] = {}
    for prefix, area in AREA_BY_PREFIX.items():
        if wanted := {each for each in ids if each.startswith(prefix)}:
            paths = _NODE_PATHS[area](context, selected) | {"_id"}
            plan = context.authorise(ReadPlan(area, paths))
            found |= await context.repositories.of(area).load_many(plan, wanted)
    for each in ids:
        if each.startswith(ATTRIBUTE_PREFIX):
            found[each] = find_attribute(context, each.removeprefix(ATTRIBUTE_PREFIX))
    await context.spending.spend(MISSED_LOOKUPS, sum(found.get(each) is None for each in ids))
    return [found.get(each) for each in ids]


_NODE_PATHS: Mapping[str, Callable[[Context, Selected], frozenset[str]]] = {
    CLIENTS: lambda context, selected: context.client_paths(selected.fields("Client", NODE)),
    MANAGERS: lambda context, selected: record_paths(
        context.repositories.catalogue, MANAGERS, "Manager", selected.fields("Manager", NODE)
    ),
    INTERACTIONS: lambda context, selected: interaction_paths(
        context.repositories.catalogue, selected.fields("Interaction", NODE)
    ),
    GRANTS: lambda _context, _selected: GRANT_PATHS,
    JOBS: lambda _context, _selected: JOB_PATHS,
    APPROVALS: lambda _context, selected: approval_paths(selected.fields("Approval", NODE)),
    SERVICE_ACCOUNTS: lambda _context, _selected: SERVICE_ACCOUNT_PATHS,
    ENTRY_WINDOWS: lambda _context, _selected: ENTRY_WINDOW_PATHS,
    FILES: lambda _context, _selected: FILE_PATHS,
    SEGMENTS: lambda _context, selected: segment_paths(selected.fields("Segment", NODE)),
}
