"""Service accounts: their type, the list of them, and how they are made and revoked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from acts.service_accounts import (
    LONGEST_LIFE_DAYS,
    NewAccount,
    check_administrator,
    create_account,
    revoke_account,
)
from catalogue.errors import ErrorCode, Problem
from policy.rules import Right
from policy.scopes import EXPECTED
from repositories.compile.indexes import ID_INDEX
from repositories.plan import ReadPlan
from repositories.service_accounts import ID_PREFIX, PATHS, SERVICE_ACCOUNTS
from schema.connection import FORWARD_ARGUMENTS, connection_types, page_from
from schema.context import Context
from schema.errors import error_value
from schema.fields import Fields, input_type, output_type, plain, resolved
from schema.inputs import ID_ROW, KEY_ROW, VERSION_ROW, guard_from
from schema.mutation import Result, mutation
from schema.node import Node, has_prefix
from schema.pages import read_connection
from schema.planning.reads import Arguments, Read, Reading, page_reading, total_of
from schema.planning.selection import page_selection, selection_of

_CREATE = (
    ("name", str, "What people call it."),
    ("scopes", list[str], f"What it may do: {EXPECTED}."),
    ("expiresAt", datetime, f"When its token ends, at most {LONGEST_LIFE_DAYS} days from now."),
    ("purpose", str | None, "What it reads data for, unless a request says otherwise: a word in capitals."),
    KEY_ROW,
)
_RIGHTS = (Right.CHANGE_DIRECTORY,)
_SHOWN_BEFORE = Problem(
    ErrorCode.ALREADY_EXISTS,
    "This service account was made before by the same request; its token was shown then and is kept nowhere. "
    "If it is lost, revoke the account and create another with a new key.",
    ("token",),
)


def service_account_type() -> Any:
    """`ServiceAccount`."""
    return output_type(
        "ServiceAccount",
        "A program that signs in with a token of its own.",
        (
            ("name", str, plain("name", "What people call it.")),
            ("scopes", list[str], plain("scopes", "What it may do.")),
            ("purpose", str | None, plain("purpose", "What it reads data for, unless a request says otherwise.")),
            ("expiresAt", datetime, plain("expiresAt", "When its token ends.")),
            ("revokedAt", datetime | None, plain("revokedAt", "When it was revoked; null while it holds.")),
            ("lastUsedAt", datetime | None, plain("lastUsedAt", "When it last signed in, to the minute.")),
            ("createdBy", str, plain("createdBy", "The administrator who made it.")),
            ("createdAt", datetime, plain("createdAt", "When it was made.")),
            ("version", int, plain("version", "Counts the changes, from 1; for expectedVersion.")),
        ),
        (Node,),
        is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
    )


def service_account_queries(account: Any) -> Fields:
    """The field of Query about service accounts."""
    connection = connection_types("ServiceAccount", account, "service accounts").connection

    async def many(info: strawberry.Info, first: int, after: str | None = None) -> Any:
        context: Context = info.context
        check_administrator(context.viewer, context.repositories)
        selection = page_selection(selection_of(info._raw_info), "ServiceAccount")
        plan = ReadPlan(SERVICE_ACCOUNTS, PATHS, page=page_from(context.page_limit, first, after))
        return await read_connection(context, plan, selection)

    text = "Service accounts, those that are revoked or have expired too; for administrators."
    made = resolved(many, "serviceAccounts", connection, text, FORWARD_ARGUMENTS, _reads_many, _RIGHTS)
    yield "serviceAccounts", None, made


def _reads_many(given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(SERVICE_ACCOUNTS, index=ID_INDEX), total_of(SERVICE_ACCOUNTS))


def service_account_mutations(account: Any) -> Fields:
    """The fields of Mutation about service accounts."""
    create_input: Any = input_type("ServiceAccountCreateInput", "A new service account.", _CREATE)
    revoke_input: Any = input_type(
        "ServiceAccountRevokeInput", "Which service account ends.", (ID_ROW, VERSION_ROW, KEY_ROW)
    )
    shown = (("token", str | None, plain("token", "The token, shown this once: keep it where secrets are kept.")),)

    result = Result("serviceAccount", account, "The account as it is now; null if refused.")
    text = "A new service account with its token; for administrators."
    with_token = result._replace(more=shown)
    yield mutation("serviceAccountCreate", text, create_input, with_token, _create, _RIGHTS)
    text = "End a service account: within two seconds its token is refused everywhere; for administrators."
    yield mutation("serviceAccountRevoke", text, revoke_input, result, _revoke, _RIGHTS)


async def _create(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    new = NewAccount(given["name"], tuple(given["scopes"]), given["expiresAt"], given.get("purpose"))
    created = await create_account(context.viewer, context.repositories, new, guard_from(given), context.touched)
    errors = [] if created.token is not None else [error_value(_SHOWN_BEFORE)]
    return {"serviceAccount": created.document, "token": created.token, "errors": errors}


async def _revoke(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    written = await revoke_account(
        context.viewer, context.repositories, given["id"], guard_from(given), context.touched
    )
    return {"serviceAccount": written.document}
