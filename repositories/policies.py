"""The stored rule tables: one after the other, the last one in force; none is ever changed or removed."""

from datetime import datetime
from typing import Any

from policy.rules import BUILT_IN, Policy
from repositories.errors import AlreadyExists
from repositories.mongo import Store

POLICIES = "policies"
Document = dict[str, Any]


class OutrunByAnotherTable(Exception):
    """Another table came into force since this one was written."""


class PolicyRepository:
    """Rule tables by revision; the built-in one has the revision 0 and is stored nowhere."""

    def __init__(self, store: Store) -> None:
        self._collection = store.collection(POLICIES)

    async def newest(self) -> Policy:
        """The table in force.

        Cost: one read of one small document.
        """
        rows = await self._collection.find({}, sort=[("_id", -1)], limit=1)
        return Policy.model_validate(rows[0]["policy"]) if rows else BUILT_IN

    async def newer(self, revision: int) -> Policy | None:
        """The table in force, if it is not the one of this revision.

        Cost: one index key, and the document where there is one.
        """
        rows = await self._collection.find({"_id": {"$gt": revision}}, sort=[("_id", -1)], limit=1)
        return Policy.model_validate(rows[0]["policy"]) if rows else None

    async def append(self, policy: Policy, by: str, at: datetime, reason: str | None) -> None:
        """Put a table in force; its revision is one more than that of the table it replaces.

        Raises: OutrunByAnotherTable.
        """
        row: Document = {"_id": policy.revision, "policy": policy.model_dump(mode="json"), "by": by, "at": at}
        try:
            await self._collection.insert_one(row | ({"reason": reason} if reason else {}))
        except AlreadyExists:
            raise OutrunByAnotherTable from None

    async def history(self, limit: int) -> list[Document]:
        """The stored tables with who put them in force and when, the newest first."""
        return await self._collection.find({}, sort=[("_id", -1)], limit=limit)
