"""Contacts and visits: their type, the list under a client, and how one is recorded."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation

from acts.interactions import REQUIRED, NewInteraction, record_interaction
from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.relation import Relation
from policy.rules import Right
from repositories.interactions import CLIENT_ID, ID_PREFIX, INTERACTIONS
from schema.connection import connection_types
from schema.context import Context, Document
from schema.derived.fields import Reference, group_types
from schema.derived.inputs import group_inputs
from schema.derived.relations import Listed, list_field
from schema.fields import Fields, input_type, output_type, plain, related
from schema.inputs import KEY_ROW, guard_from
from schema.mutation import Result, mutation
from schema.node import Node, has_prefix
from schema.planning.paths import NODE, record_paths
from schema.planning.reads import by_id
from schema.planning.selection import Selected, record_fields

ReadMany = Callable[[strawberry.Info, Collection[str]], Awaitable[Mapping[str, Document]]]
"""From ids to the records of another area, with the paths selected under the field."""


def interaction_type(catalogue: Catalogue, reference: Reference, read_clients: ReadMany, manager: Fields) -> Any:
    """`Interaction`, whose fields follow from the catalogue's area `interactions`."""

    async def clients(info: strawberry.Info, holders: Sequence[Document]) -> list[Document | None]:
        found = await read_clients(info, {str(each[CLIENT_ID]) for each in holders})
        return [found.get(str(each[CLIENT_ID])) for each in holders]

    late = StrawberryAnnotation("Client | None", namespace=reference.namespace)
    core: Fields = (
        ("client", late, related(clients, "client", object, _OF_CLIENT, reads=by_id(CLIENTS))),
        ("version", int, plain("version", "Counts the changes, from 1; for expectedVersion.")),
        ("createdAt", datetime, plain("createdAt", "When the contact was recorded.")),
        ("updatedAt", datetime, plain("updatedAt", "When the record was last changed.")),
    )
    return output_type(
        "Interaction",
        "One contact with a client: a call, a letter or a visit with its report.",
        (*core, *manager, *group_types(catalogue, INTERACTIONS, "Interaction", "", reference)),
        (Node,),
        is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
    )


def interaction_paths(catalogue: Catalogue, fields: Sequence[Selected]) -> frozenset[str]:
    """The paths of a record that the fields need."""
    plain_fields = [each for each in fields if each.name not in _POINTERS]
    pointers = {_POINTERS[each.name] for each in fields if each.name in _POINTERS}
    return record_paths(catalogue, INTERACTIONS, "Interaction", plain_fields) | pointers


_OF_CLIENT = "The client; null if you may not see the client."
_POINTERS = {"client": CLIENT_ID, "manager": "managerId"}


def interaction_lists(relations: Sequence[Relation], target: str, interaction: Any) -> Fields:
    """The lists of contacts under the records of another area, one for each relation that has one."""
    connection = connection_types("Interaction", interaction, "contacts and visits").connection
    for each in relations:
        if each.area == INTERACTIONS and each.target == target:
            yield from list_field(each, Listed("Interaction", connection, interaction_paths, _levels(each)))


def _levels(relation: Relation) -> Callable[[Context], Any]:
    return lambda context: context.repositories.interactions.levels[relation.stored_in]


def interaction_mutations(catalogue: Catalogue, interaction: Any) -> Fields:
    """The fields of Mutation about contacts."""
    required: dict[str, Any] = {"at": datetime, "channel": str}
    rows = [
        (key, required.get(key, annotation), text.removesuffix(" Null clears it."), mark)
        for key, annotation, text, mark in group_inputs(catalogue, INTERACTIONS, "Interaction", "")
    ]
    given: Any = input_type(
        "InteractionRecordInput",
        "A contact that took place.",
        (
            ("clientId", strawberry.ID, "The client."),
            ("managerId", strawberry.ID | None, "The manager who was in touch with the client."),
            *sorted(rows, key=lambda row: row[0] not in REQUIRED),
            KEY_ROW,
        ),
    )

    text = "Record a contact with a client, or a visit with its report."
    result = Result("interaction", interaction, "The record; null if refused.")
    yield mutation("interactionRecord", text, given, result, _record, (Right.RECORD_CONTACTS,))


async def _record(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    fields = record_fields(info, "Interaction", NODE, payload="InteractionRecordPayload", noun="interaction")
    paths = interaction_paths(context.repositories.catalogue, fields)
    values = {key: value for key, value in given.items() if key not in ("clientId", "managerId", "idempotencyKey")}
    new = NewInteraction(given["clientId"], given.get("managerId"), values)
    written = await record_interaction(
        context.viewer, context.repositories, new, guard_from(given), paths=paths, touched=context.touched
    )
    return {"interaction": written.document}
