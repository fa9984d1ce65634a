"""Create and revoke service accounts, and find the one a token belongs to."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from acts.checks import Guard, guard_problems, guarded_change, key_of, now, problem, refuse, request_hash
from catalogue.attribute import Sensitivity
from catalogue.errors import Problem
from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.rules import Right
from policy.scopes import EXPECTED, RESTRICTED_SCOPE, is_scope, scopes_from
from policy.viewer import PURPOSE, PURPOSE_EXPECTED, SYSTEM, Viewer
from repositories.access import NotAllowed, Touched
from repositories.base import Written
from repositories.errors import AlreadyExists
from repositories.plan import ID, Change, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories, new_id
from repositories.service_accounts import PATHS, SERVICE_ACCOUNTS, TOKEN_HASH, Account

TOKEN_PREFIX = "kehu_sa_"
"""By it a token is known for one of ours, in a log or a repository of somebody's code too."""
LONGEST_LIFE_DAYS = 366
NAME_LIMIT = 120
MOST_SCOPES = 50
_TOKEN_BYTES = 32
_TOKEN = re.compile(r"kehu_sa_[A-Za-z0-9_-]{43}")
_REVOKED = "revokedAt"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A service account as an administrator wants it."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """A service account with its token, which is nowhere else."""

    document: Document
    token: str | None
    """None for a request that was carried out before: the token was given out then."""


def check_administrator(viewer: Viewer, repositories: Repositories) -> None:
    """Raises: NotAllowed, unless the viewer may change the directory."""
    repositories.access.require(viewer, Right.CHANGE_DIRECTORY)


async def create_account(
    viewer: Viewer, repositories: Repositories, new: NewAccount, guard: Guard, touched: Touched | None = None
) -> Created:
    """A new service account and its token; for a request made before with the same key, the account alone.

    Raises: NotAllowed; Refused with every problem at once; KeyReused.
    """
    check_administrator(viewer, repositories)
    refuse([*guard_problems(guard), *_problems(new)])
    _refuse_beyond_own(viewer, repositories, new)
    token = f"{TOKEN_PREFIX}{secrets.token_urlsafe(_TOKEN_BYTES)}"
    key = key_of(viewer, guard)
    values: dict[str, object] = {
        "name": new.name,
        "scopes": sorted(set(new.scopes)),
        "expiresAt": new.expires_at,
        "purpose": new.purpose,
    }
    request = request_hash("serviceAccountCreate", values)
    change = Change(values, viewer.person, now(), key=key, request_hash=request)
    record: dict[str, object] = {
        ID: new_id(SERVICE_ACCOUNTS, key),
        "createdBy": viewer.person,
        TOKEN_HASH: hash_of(token),
    }
    answer = repositories.access.authorise(ReadPlan(SERVICE_ACCOUNTS, PATHS), viewer, touched)
    try:
        return Created((await repositories.service_accounts.insert(record, change, answer)).document, token)
    except AlreadyExists:
        replayed = await repositories.service_accounts.replay(str(record[ID]), change, answer)
        if replayed is None:
            raise
        return Created(replayed.document, None)


def _refuse_beyond_own(viewer: Viewer, repositories: Repositories, new: NewAccount) -> None:
    """Raises: NotAllowed, where the program, whose token its maker holds, would read what the maker never may."""
    is_restricted = scopes_from(new.scopes).sensitivity is Sensitivity.RESTRICTED
    if is_restricted and SYSTEM not in viewer.roles and not repositories.access.purposes(viewer):
        raise NotAllowed(
            "A program that reads RESTRICTED values is made by somebody with a purpose to read them, or from the "
            "command line: kehu service-account create.",
            path=("scopes",),
            given=RESTRICTED_SCOPE,
        )


def _problems(new: NewAccount) -> list[Problem]:
    problems = []
    if not 1 <= len(new.name.strip()) <= NAME_LIMIT:
        problems.append(problem("name", new.name, f"1 to {NAME_LIMIT} characters"))
    if not 1 <= len(new.scopes) <= MOST_SCOPES:
        problems.append(problem("scopes", len(new.scopes), f"1 to {MOST_SCOPES} scopes"))
    problems += [problem("scopes", each, EXPECTED) for each in new.scopes if not is_scope(each)]
    if new.purpose is not None and not PURPOSE.fullmatch(new.purpose):
        problems.append(problem("purpose", new.purpose, PURPOSE_EXPECTED))
    left = new.expires_at - datetime.now(UTC)
    if not timedelta(0) < left <= timedelta(days=LONGEST_LIFE_DAYS):
        problems.append(
            problem("expiresAt", new.expires_at.isoformat(), f"a moment in the next {LONGEST_LIFE_DAYS} days")
        )
    return problems


async def revoke_account(
    viewer: Viewer, repositories: Repositories, account_id: str, guard: Guard, touched: Touched | None = None
) -> Written:
    """A service account whose token holds no longer, on any server, two seconds later.

    One that is revoked already stays as it is.
    Raises: NotAllowed, Refused, NotFound, StaleVersion, KeyReused; nothing is changed then.
    """
    check_administrator(viewer, repositories)
    refuse(guard_problems(guard))
    plan = ReadPlan(SERVICE_ACCOUNTS, PATHS, Compare(ID, Operator.EQ, account_id))
    found = await repositories.service_accounts.find_one(repositories.access.authorise(plan, viewer, touched))
    if found is not None and found.get(_REVOKED) is not None:
        return Written(found, is_replay=True)
    request = request_hash("serviceAccountRevoke", account_id, guard.expected_version)
    moment = now()
    change = guarded_change(viewer, guard, {_REVOKED: moment}, request, moment)
    answer = repositories.access.authorise(ReadPlan(SERVICE_ACCOUNTS, PATHS), viewer, touched)
    return await repositories.service_accounts.write(account_id, change, answer)


async def find_account(repositories: Repositories, token_hash: str) -> Account | None:
    """The account of a token, by the hash of it.

    Cost: one command.
    """
    return await repositories.service_accounts.find_by_token(token_hash)


async def find_account_by_id(repositories: Repositories, account_id: str) -> Account | None:
    """The account with this id, whoever asks: what is done for it later needs it.

    Cost: one command.
    """
    return await repositories.service_accounts.find_account(account_id)


async def note_use(repositories: Repositories, account_id: str) -> None:
    """Note that an account is in use just now."""
    await repositories.service_accounts.note_use(account_id, now())


def hash_of(token: str) -> str | None:
    """What is stored of a token; None for a text that cannot be one.

    A fast hash is enough: nobody tries 256 random bits one by one.
    """
    return sha256(token.encode()).hexdigest() if _TOKEN.fullmatch(token) else None
