"""Editions: a catalogue with the schema made of it; built off the event loop, smoke-tested, swapped."""

import asyncio
import gc
import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property

from anyio import to_thread
from graphql import GraphQLSchema, assert_valid_schema, graphql_sync
from strawberry import Schema

from catalogue.catalogue import Catalogue
from policy.attributes import AttributeView
from policy.rules import Policy, Right, Unreadable
from policy.viewer import Viewer
from repositories.repositories import Repositories
from schema.build import build_schema
from schema.context import Live
from schema.masking import Mask, masked_schema

log = logging.getLogger("kehu.editions")

SETTLE_SECONDS = 30.0
"""A machine with other work builds an edition of many attributes in some seconds."""
VIEWS_KEPT = 24
SWEEP_SECONDS = 5.0
MOST_REPLACED = 50
BUILDING_SWITCH_SECONDS = 0.0005


@dataclass(frozen=True)
class Edition:
    """What requests run on; a request and an open socket end on the edition they began with."""

    repositories: Repositories
    schema: Schema
    build_seconds: float

    @property
    def catalogue(self) -> Catalogue:
        return self.repositories.catalogue

    @property
    def version(self) -> str:
        """The sha256 of the catalogue, the same on every node."""
        return self.catalogue.version

    @property
    def key(self) -> str:
        """What tells the documents of the whole schema from those of a view."""
        return self.version

    @cached_property
    def sdl(self) -> str:
        """The whole schema as text."""
        return self.schema.as_str()

    def shown_schema(self) -> GraphQLSchema:
        """The whole schema: nobody looks at it."""
        return self.schema._schema

    @cached_property
    def _views(self) -> "OrderedDict[object, SeenEdition]":
        return OrderedDict()

    def seen_by(self, viewer: Viewer) -> "SeenEdition":
        """The edition as a viewer has it.

        Cost: a look-up; for the first with such roles a copy of the schema, a thirtieth of what it took to build.
        """
        key = self.repositories.access.seen_alike(viewer)
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = self._seen(viewer)
            if len(self._views) > VIEWS_KEPT:
                self._views.popitem(last=False)
        return found

    def _seen(self, viewer: Viewer) -> "SeenEdition":
        access = self.repositories.access
        view, rights = access.view(viewer), access.rights(viewer)
        is_absent = access.policy.unreadable is Unreadable.ABSENT
        # Roles that see the same have the same schema, and share what is remembered of documents.
        same = (each for each in self._views.values() if each.view.key == view.key)
        twin = next(same, None)
        schema = twin.schema if twin is not None else masked_schema(self.schema, Mask(view, hides_selections=is_absent))
        return SeenEdition(self, viewer, view, rights, schema)

    def prepare_for(self, other: "Edition") -> None:
        """Have ready what is asked of another edition just now."""
        for each in list(other._views.values()):
            self.seen_by(each.viewer)


@dataclass(frozen=True)
class SeenEdition:
    """An edition as those with the roles of a viewer have it: what may not be used is not in its schema."""

    edition: Edition
    viewer: Viewer
    """The first who had it."""
    view: AttributeView
    rights: frozenset[Right]
    schema: Schema
    """What documents are checked and carried out by."""

    @property
    def repositories(self) -> Repositories:
        return self.edition.repositories

    @property
    def version(self) -> str:
        return self.edition.version

    @property
    def key(self) -> str:
        """What tells this view's documents from those of others."""
        # The same attributes may be null under one policy and unknown under another.
        return f"{self.version}{self.view.key}{self.repositories.access.policy.unreadable}"

    def holds_beside(self, newest: "SeenEdition", viewer: Viewer) -> bool:
        """Whether somebody may stay on this edition beside the newest one: that keeps nothing from them besides."""
        return self.repositories.access.holds_beside(newest.repositories.access, viewer)

    @cached_property
    def _shown(self) -> Schema:
        return masked_schema(self.edition.schema, Mask(self.view, self.rights, hides_selections=True))

    def shown_schema(self) -> GraphQLSchema:
        """What introspection shows: without what may be named but not read, or not done."""
        return self._shown._schema

    @cached_property
    def sdl(self) -> str:
        """What is shown, as text."""
        return self._shown.as_str()


class Editions:
    """The edition of the moment, and the way to the next one."""

    def __init__(self, repositories: Repositories, is_quiet: Callable[[], bool] = lambda: True) -> None:
        self._repositories = repositories
        self._swapped = asyncio.Event()
        self._is_quiet = is_quiet
        self._replaced = 0
        self._current = build_edition(repositories)

    @property
    def current(self) -> Edition:
        return self._current

    async def follow(self) -> None:
        """Swap in an edition for every new catalogue, until cancelled.

        One build at a time: what changes meanwhile is in the next one, however many changes there were.
        """
        sweeper = asyncio.create_task(self._sweep())
        try:
            await self._repositories.feed.follow(self._change)
        finally:
            sweeper.cancel()

    async def _sweep(self) -> None:
        """Give back what replaced editions took, when nobody waits: it stops the process for a moment."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            if self._replaced and (self._is_quiet() or self._replaced >= MOST_REPLACED):
                self._replaced = 0
                gc.unfreeze()
                gc.collect()
                gc.freeze()

    async def _change(self, catalogue: Catalogue, policy: Policy) -> None:
        if policy.revision != self._current.repositories.access.policy.revision:
            # Of a policy alone no schema has to be built: what it takes away is a mask over the same one.
            self._current = replace(
                self._current, repositories=self._current.repositories.on(self._current.catalogue, policy)
            )
            self._tell()
            log.info("the policy of revision %d is in force", policy.revision)
        if catalogue.version == self._current.version:
            return
        try:
            with unnoticed():
                edition = await to_thread.run_sync(self._next, catalogue)
        except Exception:
            # Whatever went wrong with the new one, the last good edition goes on answering.
            log.exception("no edition could be built of catalogue %s; the last one stays", catalogue.version[:12])
            return
        self._current = edition
        self._replaced += 1
        # Strawberry remembers types of up to 128 schemas here, which would keep old editions alive.
        Schema.get_type_by_name.cache_clear()
        self._tell()
        log.info("edition %s is live; it took %.2f s to build", edition.version[:12], edition.build_seconds)

    def _tell(self) -> None:
        """Wake whoever waits for what has just been swapped in."""
        swapped, self._swapped = self._swapped, asyncio.Event()
        swapped.set()

    def _next(self, catalogue: Catalogue) -> Edition:
        made = build_edition(self._current.repositories.on(catalogue))
        made.prepare_for(self._current)
        return made

    async def settle(self, has: Callable[[Catalogue], bool] | None = None) -> Live:
        """Wait for the edition that has what was just defined, so that whoever defined it can use it at once.

        Without `has`: for the edition of the newest catalogue and policy. After half a minute the answer is given
        all the same, and says that this server is not so far.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while not (self._is_current() if has is None else has(self._current.catalogue)):
            left = deadline - time.monotonic()
            if left <= 0:
                return Live(self._current.version, is_live=False)
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._swapped.wait()
        return Live(self._current.version, is_live=True)

    def _is_current(self) -> bool:
        feed, current = self._repositories.feed, self._current
        is_policy = current.repositories.access.policy.revision == feed.policy.revision
        return is_policy and current.version == feed.catalogue.version


@contextmanager
def unnoticed() -> Iterator[None]:
    """Lets a thread build while the event loop goes on answering.

    A build makes hundreds of thousands of objects that stay: looking through them for garbage again and again would
    stop every request for as long as it takes. And the loop gets its turn back sooner than Python would give it.
    """
    interval, was_collecting = sys.getswitchinterval(), gc.isenabled()
    gc.disable()
    sys.setswitchinterval(BUILDING_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        # What was built stays for long: no later collection needs to look through it, and none is due for it now.
        gc.freeze()
        if was_collecting:
            gc.enable()


def build_edition(repositories: Repositories) -> Edition:
    """The edition of a catalogue, tried out.

    Raises: whatever is wrong with it, rather than serve it.
    """
    start = time.perf_counter()
    schema = build_schema(repositories.catalogue)
    core = schema._schema
    assert_valid_schema(core)
    tried = graphql_sync(core, "{ __typename }")
    if tried.errors:
        raise tried.errors[0]
    return Edition(repositories, schema, time.perf_counter() - start)
