"""Service accounts: programs that sign in with a token of their own, of which only a hash is stored."""

from dataclasses import dataclass
from datetime import datetime

from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID
from repositories.reading import Document

SERVICE_ACCOUNTS = "service_accounts"
ID_PREFIX = "sa_"
TOKEN_HASH = "tokenHash"
TOKEN_INDEX = "token"
PATHS = frozenset(
    ("name", "scopes", "purpose", "expiresAt", "revokedAt", "lastUsedAt", "createdBy", "version", "createdAt")
)
"""All that anybody may read of an account: the hash is not among it."""


@dataclass(frozen=True, slots=True)
class Account:
    """What signing in needs of an account."""

    id: str
    scopes: frozenset[str]
    purpose: str | None
    expires_at: float
    """Units: seconds since 1970."""
    is_revoked: bool
    last_used_at: float | None


class ServiceAccountRepository(RecordRepository):
    """The programs that may sign in."""

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, SERVICE_ACCOUNTS, "service account", cursors)

    async def prepare(self) -> None:
        """The index by which an account is found when its token comes."""
        await self.collection.create_indexes({TOKEN_INDEX: IndexSpec(((TOKEN_HASH, 1),), unique=True)})

    async def find_by_token(self, token_hash: str) -> Account | None:
        """The account of a token, whether it still holds or not.

        Cost: one command; equal hashes are found by the index, so no time tells how much of a token was right.
        """
        found = await self.collection.find_one({TOKEN_HASH: {"$eq": token_hash}}, _OF_ACCOUNT)
        return None if found is None else _account_from(found)

    async def find_account(self, account_id: str) -> Account | None:
        """The account with this id, whether it still holds or not.

        Cost: one command.
        """
        found = await self.collection.find_one({ID: {"$eq": account_id}}, _OF_ACCOUNT)
        return None if found is None else _account_from(found)

    async def note_use(self, record_id: str, at: datetime) -> None:
        """Write when an account was last used: no change of the record, and not in its history."""
        await self.collection.update_one({ID: {"$eq": record_id}}, {"$max": {"lastUsedAt": at}})


_OF_ACCOUNT = {"scopes": 1, "purpose": 1, "expiresAt": 1, "revokedAt": 1, "lastUsedAt": 1}


def _account_from(found: Document) -> Account:
    used = found.get("lastUsedAt")
    return Account(
        str(found[ID]),
        frozenset(found["scopes"]),
        found.get("purpose"),
        found["expiresAt"].timestamp(),
        found.get("revokedAt") is not None,
        None if used is None else used.timestamp(),
    )
