"""Keyed hashes, by which an encrypted value is found without being read."""

import hmac
from collections.abc import Awaitable, Callable
from secrets import token_bytes
from typing import Any

from bson import Binary

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.filters import And, Compare, Filter, Not, Or
from catalogue.kinds import Operator
from repositories.compile.changes import lookup_path
from repositories.mongo import Store
from repositories.vault.errors import VaultAway

SECRET_ID = "lookupSecret"
_BYTES = 32

Encrypt = Callable[[bytes], Awaitable[Binary]]
Decrypt = Callable[[Binary], Awaitable[Any]]


class Lookups:
    """Hashes under a key for each path; all of them follow from one secret, which the master key protects.

    The secret is none of the data keys, so new master keys and erased clients leave the hashes as they are.
    """

    def __init__(self, store: Store, encrypt: Encrypt, decrypt: Decrypt) -> None:
        self._settings = store.collection("settings")
        self._encrypt = encrypt
        self._decrypt = decrypt
        self._secret: bytes | None = None
        self._by_path: dict[str, bytes] = {}

    async def prepare(self) -> None:
        """Tells whether this process has the master key that the database is used with.

        Raises: VaultAway.
        """
        await self._known_secret()

    async def digest(self, path: str, value: str) -> bytes:
        """The keyed hash of a value at a path: equal for equal values there, and for no others.

        Raises: VaultAway.
        """
        key = self._by_path.get(path)
        if key is None:
            key = self._by_path[path] = _mac(await self._known_secret(), path)
        return _mac(key, value)

    async def resolved(self, predicate: Filter, paths: frozenset[str]) -> Filter:
        """The predicate with the comparisons of these paths made ones of their hashes."""
        match predicate:
            case Compare(path, Operator.EQ, str() as value) if path in paths:
                return Compare(lookup_path(path), Operator.EQ, await self.digest(path, value))
            case Compare(path, Operator.IN, tuple() as values) if path in paths:
                digests = [await self.digest(path, str(each)) for each in values]
                return Compare(lookup_path(path), Operator.IN, tuple(digests))
            case And(parts):
                return And(tuple([await self.resolved(each, paths) for each in parts]))
            case Or(parts):
                return Or(tuple([await self.resolved(each, paths) for each in parts]))
            case Not(part):
                return Not(await self.resolved(part, paths))
            case _:
                return predicate

    async def _known_secret(self) -> bytes:
        if self._secret is None:
            found = await self._settings.find_one({"_id": SECRET_ID})
            if found is None:
                made = await self._encrypt(token_bytes(_BYTES))
                # Of several servers that start at once, the first one's stays.
                await self._settings.update_one({"_id": SECRET_ID}, {"$setOnInsert": {"value": made}}, upsert=True)
                found = await self._settings.find_one({"_id": SECRET_ID})
            if found is None:
                raise VaultAway
            self._secret = bytes(await self._decrypt(found["value"]))
        return self._secret


def lookup_paths(catalogue: Catalogue) -> frozenset[str]:
    """The paths whose values have hashes."""
    inside = catalogue.restricted(CLIENTS)
    return frozenset(path for path in inside if (found := catalogue.find(path)) is not None and found.is_lookup)


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")
