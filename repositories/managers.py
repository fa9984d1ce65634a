"""Relationship managers: who is accountable, and the directory of everybody who signs in."""

from dataclasses import dataclass

from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.mongo import Store
from repositories.plan import ID

MANAGERS = "managers"
ID_PREFIX = "mg_"


@dataclass(frozen=True, slots=True)
class Person:
    """What the directory says of somebody who signs in."""

    manager_id: str
    roles: frozenset[str]
    team: str | None
    region: str | None
    is_active: bool
    """Not active is who is said not to be; a record that says nothing is of an active person."""


class ManagerRepository(RecordRepository):
    """The bank's own directory of relationship managers."""

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, MANAGERS, "manager", cursors)

    async def prepare(self) -> None:
        """The index that code owns; the one by team is the catalogue's, because managers are sorted by it."""
        await self.collection.create_index([("person", 1)], "person", unique=True)

    async def find_person(self, person: str) -> Person | None:
        """The directory's record of a person.

        Cost: one command, by a unique index.
        """
        found = await self.collection.find_one({"person": {"$eq": person}}, _OF_PERSON)
        if found is None:
            return None
        roles = found.get("roles") or ()
        team, region = found.get("team"), found.get("region")
        return Person(str(found[ID]), frozenset(roles), team, region, found.get("isActive") is not False)

    async def is_active(self, manager_id: str) -> bool:
        """Whether there is such a manager, and nobody has said that they are not active."""
        return await self.collection.count({ID: {"$eq": manager_id}, "isActive": {"$ne": False}}, limit=1) > 0


_OF_PERSON = {"roles": 1, "team": 1, "region": 1, "isActive": 1}
