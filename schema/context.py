"""What a resolver knows of its request."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from strawberry.dataloader import DataLoader

from policy.viewer import Viewer
from repositories.repositories import Repositories

Document = dict[str, Any]
Loader = DataLoader[str, Document | None]
Settle = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    return None


@dataclass(slots=True)
class Context:
    """One request: who asks, by which catalogue, and what was read on the way."""

    viewer: Viewer
    repositories: Repositories
    settle: Settle = _nothing
    """Waits a moment for the next edition, after a definition has changed."""
    page_limit: int = 200
    loaders: dict[object, Loader] = field(default_factory=dict)
    plans: dict[object, Any] = field(default_factory=dict)
    """Whatever was worked out of a field's selection, so that a list works it out once."""

    def loader(self, key: object, read: Callable[[Collection[str]], Awaitable[Mapping[str, Document]]]) -> Loader:
        """The loader for one kind of look-up by id: everything asked in one tick goes out as one command."""
        if key not in self.loaders:

            async def load(ids: list[str]) -> list[Document | None]:
                found = await read(ids)
                return [found.get(each) for each in ids]

            self.loaders[key] = DataLoader(load_fn=load)
        return self.loaders[key]
