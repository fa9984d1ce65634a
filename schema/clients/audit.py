"""Who read a client, and who changed it: for those who may read the audit."""

from datetime import datetime
from functools import partial
from typing import Any

import strawberry

from catalogue.attribute import CLIENTS
from policy.rules import Right, Unreadable
from repositories.audit import AUDIT, CHANGED, CHANGED_INDEX, CLIENT_INDEX, READ
from repositories.plan import ID
from schema.connection import FORWARD_ARGUMENTS, connection_types, connection_value, page_from
from schema.context import Context, Document
from schema.fields import Fields, described, resolved
from schema.planning.reads import Arguments, Read, Reading, page_reading


def _at() -> Any:
    return strawberry.field(description="When it was, by the clock of the server.")


def _person() -> Any:
    return strawberry.field(description="The person or program.")


def _roles() -> Any:
    return strawberry.field(description="The roles it was done in.")


def _purpose() -> Any:
    return strawberry.field(description="What it was for, as the person said; null if nobody said.")


def _operation() -> Any:
    return strawberry.field(description="The name of the GraphQL operation or of the command; null if it has none.")


def _outcome() -> Any:
    return strawberry.field(description="ok, `refused` with the first code, `error`, or `broken off`.")


@strawberry.type(description="One request that met the client.")
class ClientRead:
    """The client was in the answer, or was looked at for it."""

    at: datetime = _at()
    person: str = _person()
    roles: list[str] = _roles()
    purpose: str | None = _purpose()
    operation: str | None = _operation()
    attributes: list[str] = strawberry.field(
        description="The attributes that were read, filtered or sorted by; `history` stands for past values."
    )
    outcome: str = _outcome()


@strawberry.type(description="One request that changed the client or a record of it.")
class ClientChanged:
    """What was changed and from what is in the history."""

    at: datetime = _at()
    person: str = _person()
    roles: list[str] = _roles()
    purpose: str | None = _purpose()
    operation: str | None = _operation()
    attributes: list[str] = strawberry.field(
        description="The attributes that were set or cleared; of all clients together, where it were several."
    )
    outcome: str = _outcome()


_READS = connection_types("ClientRead", ClientRead, "reads", has_total=False)
_CHANGES = connection_types("ClientChanged", ClientChanged, "changing requests", has_total=False)


def audit_fields() -> Fields:
    """The fields of a client that read the audit."""
    arguments = {
        "since": described(datetime | None, "Only what was at this moment or later."),
        **FORWARD_ARGUMENTS,
    }
    for name, types, role, index, text in (
        ("whoRead", _READS, READ, CLIENT_INDEX, "Who has read this client, newest first; for auditors."),
        ("whoChanged", _CHANGES, CHANGED, CHANGED_INDEX, "Who has changed this client, newest first; for auditors."),
    ):
        reads = partial(_reads, index)
        yield name, None, resolved(_resolver(role), name, types.connection, text, arguments, reads, (Right.READ_AUDIT,))


def _resolver(role: str) -> Any:
    async def entries(
        self: Any, info: strawberry.Info, first: int, since: datetime | None = None, after: str | None = None
    ) -> Any:
        return await _page(info.context, str(self[ID]), role, since, first, after)

    return entries


def _reads(index: str, given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(AUDIT, index=index, commands=0, commands_each=1))


async def _page(
    context: Context, client_id: str, role: str, since: datetime | None, first: int, after: str | None
) -> Document:
    """One page of the entries that name a client.

    Raises: NotAllowed, BadPage, BadCursor.
    """
    viewer, access, audit = context.viewer, context.repositories.access, context.repositories.audit
    access.require(viewer, Right.READ_AUDIT)
    page = page_from(context.page_limit, first, after)
    found = await audit.read_page(client_id, role, page, viewer.person, since)
    # Where what may not be read is as good as unknown, its name is not told here either.
    secret = context.seen(CLIENTS).hidden if access.policy.unreadable is Unreadable.ABSENT else frozenset[str]()
    named = "attributes" if role == READ else "written"
    nodes = [_shown(each, named, secret) for each in found.documents]
    cursors = audit.seal(client_id, role, viewer.person, found.documents)
    return connection_value(nodes, cursors, has_next=found.has_next, has_previous=found.has_previous)


def _shown(entry: Document, named: str, secret: frozenset[str]) -> Document:
    return {**entry, "attributes": [each for each in entry.get(named, ()) if each not in secret]}
