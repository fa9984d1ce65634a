"""Approvals: what somebody proposes and another person decides."""

from datetime import datetime

from policy.approvals import APPROVALS
from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID
from repositories.reading import Document

ID_PREFIX = "ap_"
OPEN = "open"
"""The path that only an undecided approval has: act and subject, of which there is one at a time."""
OPEN_DAYS = 14
PROPOSED_INDEX = "proposed"
INDEXES = {
    PROPOSED_INDEX: IndexSpec((("proposedAt", 1), ("_id", 1))),
    OPEN: IndexSpec(((OPEN, 1),), unique=True, partial={OPEN: {"$exists": True}}),
}


class ApprovalRepository(RecordRepository):
    """All approvals, open and closed; none is ever deleted."""

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, APPROVALS, "approval", cursors)
        self.open_days = OPEN_DAYS
        """How long a new one waits for a decision."""

    async def prepare(self) -> None:
        """The index that they are listed by, and the one that keeps a second one about the same thing out."""
        await self.collection.create_indexes(INDEXES)

    async def over(self, moment: datetime, most: int) -> list[Document]:
        """Approvals that nobody decided in time, and that are not closed yet.

        Cost: one command, over the index of the open ones.
        """
        query = {OPEN: {"$exists": True}, "expiresAt": {"$lte": moment}}
        return await self.collection.find(query, {ID: 1}, limit=most)

    async def find_open(self, about: str) -> Document | None:
        """The approval that is not closed about a thing; it may have expired meanwhile."""
        return await self.collection.find_one({OPEN: {"$eq": about}})
