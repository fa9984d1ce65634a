"""The live catalogue and the policy in force, followed as they change: what an edition is made of."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from catalogue.builtin.computed import uncomputed
from catalogue.catalogue import Catalogue
from policy.rules import BUILT_IN, Policy
from repositories.attributes import ATTRIBUTES, AttributeRepository
from repositories.ending import ended
from repositories.errors import RepositoryError
from repositories.mongo import Store
from repositories.policies import PolicyRepository

log = logging.getLogger("kehu.catalogue")

POLL_SECONDS = 0.5
"""How often the head is looked at where there is no change stream; a look is one index key."""
WATCHED_POLL_SECONDS = 1.0
"""While there is one it tells of definitions at once; for the policy the poll is all there is."""
RETRY_SECONDS = 1.0


class CatalogueFeed:
    """Keeps one catalogue and one policy current.

    Where the store computes nothing, the built-in attributes have no formulas and no rollups.
    """

    def __init__(
        self, store: Store, attributes: AttributeRepository, policies: PolicyRepository, built_in: Catalogue
    ) -> None:
        self._store = store
        self._attributes = attributes
        self._policies = policies
        self._wake = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._is_watching = False
        self._told = (0, 0)
        self.sequence = 0
        self.built_in = built_in if store.has_formulas else uncomputed(built_in)
        self.catalogue = self.built_in
        self.policy = BUILT_IN

    async def refresh(self) -> None:
        """Make catalogue and policy current; whoever follows them is woken if anything was new."""
        async with self._refreshing:
            changed, sequence = await self._attributes.read_since(self.sequence)
            if changed:
                self.catalogue = self.catalogue.with_attributes(changed)
                self.sequence = sequence
                self._wake.set()
            newer = await self._policies.newer(self.policy.revision)
            if newer is not None:
                self.policy = newer
                self._wake.set()

    async def follow(self, changed: Callable[[Catalogue, Policy], Awaitable[None]]) -> None:
        """Calls back with each new catalogue or policy, until cancelled.

        A change stream wakes it at once; the head is polled besides, slowly while the stream lives.
        """
        watcher = asyncio.create_task(self._watch()) if self._store.has_change_streams else None
        try:
            while True:
                try:
                    await self.refresh()
                    if self._told != (self.sequence, self.policy.revision):
                        self._told = (self.sequence, self.policy.revision)
                        await changed(self.catalogue, self.policy)
                except RepositoryError as error:
                    log.warning("the catalogue could not be read: %s", error)
                with suppress(TimeoutError):
                    # not wait_for: until Python 3.12 it forgets a cancellation that comes as the event is set
                    async with asyncio.timeout(WATCHED_POLL_SECONDS if self._is_watching else POLL_SECONDS):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            if watcher is not None:
                await ended(watcher)

    async def _watch(self) -> None:
        while True:
            try:
                async with self._store.watch(ATTRIBUTES) as events:
                    self._is_watching = True
                    self._wake.set()
                    async for _ in events:
                        self._wake.set()
            except RepositoryError as error:
                log.info("no change stream on the attributes (%s); their head is polled", error)
            self._is_watching = False
            await asyncio.sleep(RETRY_SECONDS)
