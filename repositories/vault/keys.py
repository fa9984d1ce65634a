"""The key vault: one wrapped data key for each client, in a collection of the same database."""

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from typing import Any

from repositories.errors import RepositoryFault
from repositories.mongo import IndexSpec, Store

Document = dict[str, Any]

KEYS = "__kehu_keys"
"""The collection; documents as MongoDB's drivers make them, so that their tools can read them."""
NAME_INDEX = "keyAltNames"
_INDEXES = {NAME_INDEX: IndexSpec((("keyAltNames", 1),), unique=True)}


class KeyVault:
    """Wrapped data keys, each with one name: the id of its client."""

    def __init__(self, store: Store) -> None:
        self._keys = store.collection(KEYS)

    async def prepare(self) -> None:
        """The index that gives a client one key, whoever asks for it first."""
        await self._keys.create_indexes(_INDEXES)

    async def find_by_names(self, names: Some[str]) -> dict[str, Document]:
        """Keys by name.

        Cost: one command; none for nothing.
        """
        if not names:
            return {}
        found = await self._keys.find({"keyAltNames": {"$in": sorted(names)}}, limit=len(names))
        return {name: each for each in found for name in each["keyAltNames"]}

    async def find(self, query: Mapping[str, Any]) -> list[Document]:
        """The keys that a query of libmongocrypt's selects.

        Cost: one command.
        """
        return await self._keys.find(query)

    async def add(self, keys: Sequence[Document]) -> None:
        """Keep new keys; where somebody has made a key of the same name meanwhile, that one stays."""
        done = await self._keys.insert_many(keys)
        if not all(each.is_duplicate for each in done.errors):
            raise RepositoryFault

    async def delete(self, name: str) -> int:
        """How many keys of this name were deleted."""
        return await self._keys.delete_many({"keyAltNames": {"$eq": name}})

    async def names(self, after: str, limit: int) -> list[str]:
        """Names of keys behind a name, in order."""
        query = {"keyAltNames": {"$gt": after}}
        found = await self._keys.find(query, {"keyAltNames": 1}, sort=[("keyAltNames", 1)], limit=limit)
        return [str(each["keyAltNames"][0]) for each in found]

    async def rewrap(self, rewrapped: Sequence[Mapping[str, Any]]) -> None:
        """Put newly wrapped material in the place of the old; a key that has gone meanwhile stays gone."""
        pairs = [
            (
                {"_id": each["_id"]},
                {
                    "$set": {"keyMaterial": each["keyMaterial"], "masterKey": each["masterKey"]},
                    "$currentDate": {"updateDate": True},
                },
            )
            for each in rewrapped
        ]
        done = await self._keys.bulk_write(pairs)
        if done.errors:
            raise RepositoryFault
