"""Grants and walls: their type, the list of them, and how they are made and revoked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry

from acts.grants import LONGEST_GRANT_DAYS, NewGrant, create_grant, revoke_grant
from catalogue.filters import Compare, Filter, all_of
from catalogue.kinds import Operator
from policy.rules import Right
from repositories.compile.indexes import ID_INDEX
from repositories.grants import CLIENT_ID, GRANTS, ID_PREFIX, PATHS, GrantKind
from repositories.plan import ReadPlan
from schema.connection import FORWARD_ARGUMENTS, connection_types, page_from
from schema.context import Context
from schema.enums import GrantKindEnum
from schema.fields import Fields, described, input_type, output_type, plain, resolved
from schema.inputs import ID_ROW, KEY_ROW, VERSION_ROW, guard_from
from schema.mutation import Result, mutation
from schema.node import Node, has_prefix
from schema.pages import read_connection
from schema.planning.reads import Arguments, Read, Reading, page_reading, total_of
from schema.planning.selection import page_selection, selection_of

_RIGHTS = (Right.GRANT_ACCESS, Right.READ_AUDIT)
_CREATE = (
    ("kind", GrantKindEnum, "Whether the client is opened or closed."),
    ("clientId", strawberry.ID, "The client."),
    ("person", str | None, "To whom, as the directory names the person; or a team instead."),
    ("team", str | None, "To which team."),
    ("startsAt", datetime | None, "From when on; at once, if left out."),
    ("endsAt", datetime | None, f"Until when: at most {LONGEST_GRANT_DAYS} days for a grant; a wall may have no end."),
    ("reason", str, "Why."),
    KEY_ROW,
)


def grant_type(client: Fields) -> Any:
    """`Grant`; `client` is the field that reads the client it is about."""
    rows: Sequence[tuple[str, Any, str]] = (
        ("kind", GrantKindEnum, "Whether the client is opened or closed."),
        ("person", str | None, "To whom; null where it is for a team."),
        ("team", str | None, "To which team; null where it is for a person."),
        ("reason", str, "Why."),
        ("startsAt", datetime, "From when on."),
        ("endsAt", datetime | None, "Until when; null: until it is revoked."),
        ("revokedAt", datetime | None, "When it was ended before its time."),
        ("grantedBy", str, "Who made it."),
        ("createdAt", datetime, "When it was made."),
        ("version", int, "Counts the changes, from 1; for expectedVersion."),
    )
    return output_type(
        "Grant",
        "A single client that is opened to a person or a team, or closed, for a time. A wall beats every grant.",
        (*client, *((name, annotation, plain(name, text)) for name, annotation, text in rows)),
        (Node,),
        is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
    )


def grant_queries(grant: Any) -> Fields:
    """The field of Query about grants."""
    connection = connection_types("Grant", grant, "grants and walls").connection

    async def many(
        info: strawberry.Info,
        first: int,
        client_id: str | None = None,
        person: str | None = None,
        after: str | None = None,
    ) -> Any:
        context: Context = info.context
        context.repositories.access.require(context.viewer, *_RIGHTS)
        selection = page_selection(selection_of(info._raw_info), "Grant")
        page = page_from(context.page_limit, first, after)
        plan = ReadPlan(GRANTS, PATHS, _about(client_id, person), page=page)
        return await read_connection(context, plan, selection)

    arguments = {
        "client_id": described(strawberry.ID | None, "Only about this client.", "clientId"),
        "person": described(str | None, "Only for this person."),
        **FORWARD_ARGUMENTS,
    }
    text = "Grants and walls, those that are over too; for those who make them, and for auditors."
    yield "grants", None, resolved(many, "grants", connection, text, arguments, _reads_many, _RIGHTS)


def _about(client_id: str | None, person: str | None) -> Filter | None:
    given = {CLIENT_ID: client_id, "person": person}
    return all_of(*(Compare(path, Operator.EQ, value) for path, value in given.items() if value is not None))


def _reads_many(given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(GRANTS, index=ID_INDEX), total_of(GRANTS))


def grant_mutations(grant: Any) -> Fields:
    """The fields of Mutation about grants."""
    create_input: Any = input_type("GrantCreateInput", "A client that is opened or closed to somebody.", _CREATE)
    revoke_input: Any = input_type("GrantRevokeInput", "Which grant or wall ends.", (ID_ROW, VERSION_ROW, KEY_ROW))

    rights = (Right.GRANT_ACCESS,)
    result = Result("grant", grant, "The grant or wall as it is now; null if refused.")
    text = "Open a client to a person or a team for a time, or build a wall; everywhere within two seconds."
    yield mutation("grantCreate", text, create_input, result, _create, rights)
    text = "End a grant, or take a wall down, before its time."
    yield mutation("grantRevoke", text, revoke_input, result, _revoke, rights)


async def _create(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    new = NewGrant(
        GrantKind(given["kind"]),
        given["clientId"],
        given["reason"],
        given.get("person"),
        given.get("team"),
        given.get("startsAt"),
        given.get("endsAt"),
    )
    written = await create_grant(context.viewer, context.repositories, new, guard_from(given), context.touched)
    return {"grant": written.document}


async def _revoke(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    written = await revoke_grant(context.viewer, context.repositories, given["id"], guard_from(given), context.touched)
    return {"grant": written.document}
