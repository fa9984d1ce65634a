"""Grants and walls: single clients that are opened to somebody, or closed, for a time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.mongo import IndexSpec, Store

GRANTS = "grants"
ID_PREFIX = "gr_"
CLIENT_ID = "clientId"
PATHS = frozenset(
    (
        "kind",
        CLIENT_ID,
        "person",
        "team",
        "reason",
        "startsAt",
        "endsAt",
        "grantedBy",
        "revokedAt",
        "createdAt",
        "version",
    )
)
"""Everything of a grant but its history."""
MOST = 1_000
"""Grants and walls of one person that hold at a time: their clients stand in each of his questions."""
INDEXES = {
    "person": IndexSpec((("person", 1), ("endsAt", 1))),
    "team": IndexSpec((("team", 1), ("endsAt", 1))),
    CLIENT_ID: IndexSpec(((CLIENT_ID, 1), ("_id", 1))),
}


class GrantKind(StrEnum):
    """What a grant does."""

    GRANT = "GRANT"
    WALL = "WALL"


@dataclass(frozen=True, slots=True)
class SingleClients:
    """The clients that are open, and those that are closed, to one person at a moment."""

    granted: frozenset[str] = frozenset()
    walled: frozenset[str] = frozenset()


class GrantRepository(RecordRepository):
    """All grants and walls, those that are over too; none is ever deleted."""

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, GRANTS, "grant", cursors)

    async def prepare(self) -> None:
        """The indexes that they are found by: whose they are, and about whom."""
        await self.collection.create_indexes(INDEXES)

    async def of_person(self, person: str, team: str | None, moment: datetime) -> SingleClients:
        """What holds for a person at a moment, by his own name or by his team's.

        Cost: one command, over the keys of an index.
        """
        whose: list[dict[str, object]] = [{"person": {"$eq": person}}]
        if team is not None:
            whose.append({"team": {"$eq": team}})
        holds: list[dict[str, object]] = [
            {"startsAt": {"$lte": moment}},
            {"$or": [{"endsAt": {"$gt": moment}}, {"endsAt": {"$eq": None}}]},
            {"revokedAt": {"$eq": None}},
        ]
        found = await self.collection.find({"$and": [{"$or": whose}, *holds]}, {"kind": 1, CLIENT_ID: 1})
        granted = frozenset(str(each[CLIENT_ID]) for each in found if each["kind"] == GrantKind.GRANT)
        walled = frozenset(str(each[CLIENT_ID]) for each in found if each["kind"] == GrantKind.WALL)
        return SingleClients(granted, walled)
