"""What a resolver knows of its request."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from graphql import GraphQLSchema
from strawberry.dataloader import DataLoader

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from policy.attributes import AreaView
from policy.viewer import Viewer
from repositories.access import AuthorisedPlan, Touched
from repositories.plan import ReadPlan
from repositories.repositories import Repositories
from schema.planning.paths import client_paths
from schema.planning.selection import Selected

Document = dict[str, Any]
Loader = DataLoader[Any, Any]
Planned = TypeVar("Planned")


MISSED_LOOKUPS = "look-ups that find nothing"
RESTRICTED_VALUES = "RESTRICTED values"
"""Records that a person names, and that are not there or may not be seen."""


class Spending(Protocol):
    """What one person has asked for within the last minute."""

    async def check(self, what: str) -> None:
        """Raises: an error of the caller's, once the person has spent what there is."""

    async def spend(self, what: str, count: int = 1) -> None:
        """Count something. Raises: as `check`, where it is more than there is."""


class Unlimited:
    """Where nobody counts."""

    async def check(self, what: str) -> None:
        """All may go on."""

    async def spend(self, what: str, count: int = 1) -> None:
        """Nothing is counted."""


@dataclass(frozen=True, slots=True)
class Live:
    """The edition of this server, after something was defined."""

    edition: str | None
    is_live: bool
    """Whether what was defined is in it."""


Settle = Callable[[Callable[[Catalogue], bool] | None], Awaitable[Live]]


async def at_once(_has: Callable[[Catalogue], bool] | None = None) -> Live:
    """Where there are no editions: whoever asks makes one of their own."""
    return Live(None, is_live=True)


@dataclass(slots=True)
class Context:
    """One request: who asks, by which catalogue, and what was read on the way."""

    viewer: Viewer
    repositories: Repositories
    settle: Settle = at_once
    """Waits for the edition that has what was defined; for the newest one, where nothing is named."""
    page_limit: int = 200
    shown_schema: Callable[[], GraphQLSchema] | None = None
    """What introspection looks at; the whole schema without it."""
    touched: Touched = field(default_factory=Touched)
    """What of the book the request has met so far, and what it was not shown."""
    spending: Spending = field(default_factory=Unlimited)
    loaders: dict[object, Loader] = field(default_factory=dict)
    plans: dict[object, Any] = field(default_factory=dict)
    """Whatever was worked out of a field's selection, so that a list works it out once."""

    def authorise(self, plan: ReadPlan) -> AuthorisedPlan:
        """The plan, narrowed to what the viewer may read."""
        return self.repositories.access.authorise(plan, self.viewer, self.touched)

    def client_paths(self, fields: Sequence[Selected]) -> frozenset[str]:
        """The paths of a client that selected fields need."""
        return client_paths(self.repositories.access.catalogue(self.viewer), fields, self.seen(CLIENTS).hidden)

    def seen(self, area: str) -> AreaView:
        """What the viewer may see of the attributes of an area."""
        return self.repositories.access.view(self.viewer).area(area)

    async def look_up(self, find: Callable[[], Awaitable[Planned | None]]) -> Planned | None:
        """One record that the caller names, or None; who has missed too often may not try on, be it there or not.

        Raises: as `Spending.check`.
        """
        await self.spending.check(MISSED_LOOKUPS)
        found = await find()
        if found is None:
            await self.spending.spend(MISSED_LOOKUPS)
        return found

    def planned(self, place: object, work_out: Callable[[], Planned]) -> Planned:
        """What was worked out of the selection at a place; worked out now if it is asked for the first time."""
        if place not in self.plans:
            self.plans[place] = work_out()
        found: Planned = self.plans[place]
        return found

    def loader(self, key: object, read: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]) -> Loader:
        """The loader of one field: the holders that ask for it in one tick are read for together."""
        if key not in self.loaders:

            async def load(holders: list[Any]) -> list[Any]:
                return list(await read(holders))

            # A holder is a dictionary, which cannot be a key; it lives as long as the request, so its identity can.
            self.loaders[key] = DataLoader(load_fn=load, cache_key_fn=id)
        return self.loaders[key]
