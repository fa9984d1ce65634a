"""Relationship managers: their type, the questions about them, and how they are made and changed."""

from collections.abc import Collection, Mapping
from typing import Any

import strawberry

from acts.managers_approved import change_or_propose, create_or_propose
from catalogue.catalogue import Catalogue
from policy.rules import Right
from repositories.compile.indexes import ID_INDEX
from repositories.managers import ID_PREFIX, MANAGERS
from repositories.plan import ReadPlan
from schema.connection import FORWARD_ARGUMENTS, connection_types, page_from
from schema.context import Context, Document
from schema.derived.fields import Reference, group_types
from schema.derived.inputs import group_inputs
from schema.fields import Fields, described, input_type, output_type, plain, resolved
from schema.inputs import ID_ROW, KEY_ROW, VERSION_ROW, guard_from
from schema.mutation import Result, mutation
from schema.node import Node, has_prefix
from schema.pages import read_connection
from schema.planning.paths import NODE, record_paths
from schema.planning.reads import Arguments, Read, Reading, by_id, page_reading, total_of
from schema.planning.selection import page_selection, place_of, record_fields, selection_of


def manager_type(catalogue: Catalogue, reference: Reference, figures: Fields = ()) -> Any:
    """`Manager`, whose fields follow from the catalogue's area `managers`; `figures` are those of their clients."""
    core = (
        ("person", str, plain("person", "The name by which a token calls the person.")),
        ("version", int, plain("version", "The version of the record, for expectedVersion.")),
    )
    return output_type(
        "Manager",
        "A relationship manager: who is accountable for clients.",
        (*core, *figures, *group_types(catalogue, MANAGERS, "Manager", "", reference)),
        (Node,),
        is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
    )


async def read_managers(info: strawberry.Info, ids: Collection[str]) -> Mapping[str, Document]:
    """Managers by id, with the paths selected under a field.

    Cost: one command.
    """
    context: Context = info.context
    plan = context.authorise(ReadPlan(MANAGERS, _paths(info)))
    return await context.repositories.managers.load_many(plan, ids)


def _paths(info: strawberry.Info, payload_type: str | None = None) -> frozenset[str]:
    context: Context = info.context

    def paths() -> frozenset[str]:
        fields = record_fields(info, "Manager", NODE, payload=payload_type, noun="manager")
        return record_paths(context.repositories.catalogue, MANAGERS, "Manager", fields)

    return context.planned(place_of(info), paths)


def manager_queries(manager: Any) -> Fields:
    """The fields of Query about managers."""
    connection = connection_types("Manager", manager, "managers").connection

    async def one(info: strawberry.Info, id: str) -> Any:
        async def find() -> Document | None:
            return (await read_managers(info, (id,))).get(id)

        return await info.context.look_up(find)

    async def many(info: strawberry.Info, first: int, after: str | None = None) -> Any:
        context: Context = info.context
        selection = page_selection(selection_of(info._raw_info), "Manager", "Manager", NODE)
        paths = record_paths(context.repositories.catalogue, MANAGERS, "Manager", selection.nodes)
        page = page_from(context.page_limit, first, after)
        return await read_connection(context, ReadPlan(MANAGERS, paths, page=page), selection)

    text = "One relationship manager; null if there is none with this id."
    given = {"id": described(strawberry.ID, "The id.")}
    yield "manager", None, resolved(one, "manager", manager | None, text, given, by_id(MANAGERS))
    text = "Relationship managers."
    yield "managers", None, resolved(many, "managers", connection, text, FORWARD_ARGUMENTS, _reads_many)


def _reads_many(given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(MANAGERS, index=ID_INDEX), total_of(MANAGERS))


def manager_mutations(catalogue: Catalogue, manager: Any, approval: Any) -> Fields:
    """The fields of Mutation about managers."""
    rows = list(group_inputs(catalogue, MANAGERS, "Manager", ""))
    person = ("person", str, "The name by which a token calls the person; it never changes.")
    create_input: Any = input_type("ManagerCreateInput", "A new manager.", [person, *rows, KEY_ROW])
    changes: Any = input_type("ManagerChanges", "What is to change: left out stays, null clears, a value sets.", rows)
    change_input: Any = input_type(
        "ManagerChangeInput",
        "A change of one manager.",
        (ID_ROW, VERSION_ROW, ("changes", changes, "What is to change."), KEY_ROW),
    )

    text = "What roles that decide approvals wait for: a second person; null where there are no such new ones."
    waiting = ("approval", approval | None, plain("approval", text))
    result = Result("manager", manager, "The manager as they are now; null if refused.", (waiting,))
    rights = (Right.CHANGE_DIRECTORY,)
    yield mutation("managerCreate", "A new relationship manager.", create_input, result, _create, rights)
    text = "Change a relationship manager; the clients follow into another team."
    yield mutation("managerChange", text, change_input, result, _change, rights)


async def _create(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    values = {key: value for key, value in given.items() if key not in ("person", "idempotencyKey")}
    entered = await create_or_propose(
        context.viewer,
        context.repositories,
        given["person"],
        values,
        guard_from(given),
        paths=_paths(info, "ManagerCreatePayload"),
        touched=context.touched,
    )
    return {"manager": entered.manager, "approval": entered.approval}


async def _change(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    entered = await change_or_propose(
        context.viewer,
        context.repositories,
        given["id"],
        given["changes"],
        guard_from(given),
        paths=_paths(info, "ManagerChangePayload"),
        touched=context.touched,
    )
    return {"manager": entered.manager, "approval": entered.approval}
