"""The live catalogue: read anew, followed as it changes, and the same for every process."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from catalogue.catalogue import Catalogue
from policy.rules import Policy
from repositories.attributes import DefinitionChange
from repositories.catalogue_feed import CatalogueFeed
from repositories.errors import Unavailable
from repositories.mongo import MongoSettings, Store, connect
from repositories.repositories import Repositories
from tests.books import AT, SMALL, attribute, open_book

BY_ME = DefinitionChange("M001", AT)


class Told:
    """What a follower was called with."""

    def __init__(self) -> None:
        self.catalogues: list[Catalogue] = []
        self.changed = anyio.Event()

    async def __call__(self, catalogue: Catalogue, _policy: Policy) -> None:
        self.catalogues.append(catalogue)
        self.changed.set()

    async def wait_for(self, path: str) -> float:
        """Seconds until a catalogue with the path came."""
        began = time.monotonic()
        with anyio.fail_after(5):
            while not (self.catalogues and self.catalogues[-1].find(path)):
                await self.changed.wait()
                self.changed = anyio.Event()
        return time.monotonic() - began


@asynccontextmanager
async def following(feed: CatalogueFeed) -> AsyncIterator[Told]:
    told = Told()
    async with anyio.create_task_group() as group:
        group.start_soon(feed.follow, told)
        try:
            yield told
        finally:
            group.cancel_scope.cancel()


@asynccontextmanager
async def another_process(store: Store, settings: MongoSettings) -> AsyncIterator[Repositories]:
    """A second view of the same database: of its own connections, where there is a server to connect to."""
    if store.driver == "memory":
        yield await open_book(store)
        return
    second = connect(settings)
    try:
        yield await open_book(second)
    finally:
        await second.close()


class TestRefresh:
    async def test_puts_stored_definitions_over_built_in_ones(self, book: Repositories) -> None:
        assert book.feed.catalogue.version == SMALL.version
        renamed = attribute("profile.name", label="Company", revision=2)
        await book.attributes.write(renamed, BY_ME, 0)
        await book.attributes.write(attribute("profile.motto"), BY_ME, 1)
        await book.feed.refresh()
        assert book.feed.sequence == 2
        assert book.feed.catalogue.find("profile.name") == renamed
        assert book.feed.catalogue.find("profile.motto") is not None
        assert book.feed.built_in is SMALL

    async def test_two_processes_come_to_one_version(
        self, book: Repositories, store: Store, store_settings: MongoSettings
    ) -> None:
        async with another_process(store, store_settings) as other:
            for number in range(3):
                await book.attributes.write(attribute(f"profile.a{number}"), BY_ME, number)
                await book.feed.refresh()
            await other.feed.refresh()
            assert other.feed.catalogue.version == book.feed.catalogue.version
            assert other.feed.catalogue.version != SMALL.version

    async def test_of_nothing_new_keeps_the_catalogue(self, book: Repositories) -> None:
        before = book.feed.catalogue
        await book.feed.refresh()
        assert book.feed.catalogue is before


class TestFollow:
    async def test_tells_of_another_process_within_two_seconds(
        self, book: Repositories, store: Store, store_settings: MongoSettings
    ) -> None:
        async with another_process(store, store_settings) as other, following(other.feed) as told:
            for number in range(3):
                await anyio.sleep(0.2)
                await book.attributes.write(attribute(f"profile.a{number}"), BY_ME, number)
                assert await told.wait_for(f"profile.a{number}") < 2

    async def test_tells_nothing_twice(self, book: Repositories) -> None:
        async with following(book.feed) as told:
            await book.attributes.write(attribute("profile.a"), BY_ME, 0)
            await told.wait_for("profile.a")
            await book.feed.refresh()
            await anyio.sleep(0.8)
        assert len(told.catalogues) == 1

    async def test_goes_on_after_the_database_was_away(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("repositories.catalogue_feed.WATCHED_POLL_SECONDS", 0.1)
        read = book.attributes.read_since
        failures = iter([True, True])

        async def sometimes(sequence: int) -> object:
            if next(failures, False):
                raise Unavailable
            return await read(sequence)

        monkeypatch.setattr(book.attributes, "read_since", sometimes)
        async with following(book.feed) as told:
            await book.attributes.write(attribute("profile.a"), BY_ME, 0)
            await told.wait_for("profile.a")
        assert next(failures, None) is None

    async def test_polls_where_there_is_no_change_stream(self, book: Repositories, store: Store) -> None:
        store.has_change_streams = False
        async with following(book.feed) as told:
            await anyio.sleep(0.1)
            await book.attributes.write(attribute("profile.a"), BY_ME, 0)
            assert await told.wait_for("profile.a") < 2
