"""Editions: built off the event loop, tried out, swapped; the last good one survives a bad one."""

import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import strawberry
from graphql import GraphQLError

from acts.attributes import define_attribute, retire_attribute
from api import editions as module
from api.editions import Edition, Editions, build_edition
from api.execution import Documents, core_schema, run
from api.graphql_request import GraphQLRequest
from catalogue.catalogue import Catalogue
from repositories.mongo import MongoSettings, connect
from repositories.repositories import Repositories
from schema.build import build_schema
from schema.context import Context, Live
from tests.books import APPROVED, SMALL, VIEWER, attribute, make_client, open_book

MOTTO = attribute("profile.motto")


@pytest.fixture
async def book() -> AsyncIterator[Repositories]:
    store = connect(MongoSettings(driver="memory"))
    yield await open_book(store)
    await store.close()


@asynccontextmanager
async def followed(book: Repositories) -> AsyncIterator[Editions]:
    editions = Editions(book)
    async with anyio.create_task_group() as group:
        group.start_soon(editions.follow)
        yield editions
        group.cancel_scope.cancel()


async def swapped(editions: Editions, path: str) -> None:
    with anyio.fail_after(5):
        while editions.current.catalogue.find(path) is None:  # noqa: ASYNC110
            await anyio.sleep(0.01)


async def asked(edition: Edition, query: str) -> Any:
    prepared = Documents(10, 1000).prepare(edition, query)
    request = GraphQLRequest(query, None, None, None)
    result = await run(edition, prepared, request, Context(VIEWER, edition.repositories))
    assert result.errors is None
    return result.data


class TestBuildEdition:
    async def test_is_the_schema_of_a_catalogue(self, book: Repositories) -> None:
        edition = build_edition(book)
        assert edition.version == SMALL.version == edition.catalogue.version
        assert "type ClientProfile {" in edition.sdl
        assert edition.build_seconds > 0

    async def test_the_same_catalogue_gives_the_same_schema(self, book: Repositories) -> None:
        again = Catalogue(reversed(SMALL.attributes), SMALL.relations)
        assert build_edition(book.on(again)).sdl == build_edition(book).sdl

    async def test_one_that_does_not_answer_is_not_made(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @strawberry.type
        class Query:
            broken: int

        schema = strawberry.Schema(Query)
        schema._schema.query_type = None
        monkeypatch.setattr(module, "build_schema", lambda _catalogue: schema)
        with pytest.raises(GraphQLError, match="not supported by the schema"):
            build_edition(book)


class TestFollow:
    async def test_a_new_attribute_is_swapped_in(self, book: Repositories) -> None:
        async with followed(book) as editions:
            first = editions.current
            await define_attribute(VIEWER, book, MOTTO)
            await editions.settle()
            assert editions.current.catalogue.find("profile.motto") == MOTTO
            assert "motto" in editions.current.sdl
            assert "motto" not in first.sdl

    async def test_requests_end_on_the_edition_they_began_with(self, book: Repositories) -> None:
        await define_attribute(VIEWER, book, MOTTO)
        book = book.on(book.feed.catalogue)
        await make_client(book, profile={"name": "A", "motto": "Steel"})
        query = "{ clients(first: 1) { nodes { profile { motto } } } }"
        async with followed(book) as editions:
            first = editions.current
            await retire_attribute(VIEWER, book, "profile.motto", approved=APPROVED)
            await editions.settle()
            assert "motto" not in core_schema(editions.current).type_map["ClientProfile"].fields  # type: ignore[attr-defined]
            assert await asked(first, query) == {"clients": {"nodes": [{"profile": {"motto": "Steel"}}]}}

    async def test_the_last_good_edition_survives_a_bad_one(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse(catalogue: Catalogue) -> Any:
            if catalogue.find("profile.bad"):
                raise RuntimeError("no schema of this")
            return build_schema(catalogue)

        monkeypatch.setattr(module, "build_schema", refuse)
        monkeypatch.setattr(module, "SETTLE_SECONDS", 0.3)
        async with followed(book) as editions:
            await define_attribute(VIEWER, book, MOTTO)
            await swapped(editions, "profile.motto")
            good = editions.current
            with caplog.at_level(logging.ERROR, "kehu.editions"):
                await define_attribute(VIEWER, book, attribute("profile.bad"))
                await editions.settle()
            assert editions.current is good
            assert "no edition could be built" in caplog.text
            assert await asked(good, "{ clients(first: 1) { totalCount } }") == {"clients": {"totalCount": 0}}
            monkeypatch.setattr(module, "build_schema", build_schema)
            await define_attribute(VIEWER, book, attribute("profile.later"))
            await swapped(editions, "profile.later")
            assert editions.current.catalogue.find("profile.bad") is not None

    async def test_one_build_at_a_time_off_the_event_loop_however_many_changes(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        builds: list[tuple[str, int]] = []
        running = threading.Lock()

        def slow(catalogue: Catalogue) -> Any:
            assert running.acquire(blocking=False)
            builds.append((catalogue.version, threading.get_ident()))
            time.sleep(0.3)
            running.release()
            return build_schema(catalogue)

        async with followed(book) as editions:
            await anyio.sleep(0.05)
            monkeypatch.setattr(module, "build_schema", slow)
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await anyio.sleep(0.01)
                    ticks += 1

            async with anyio.create_task_group() as group:
                group.start_soon(tick)
                for number in range(20):
                    await define_attribute(VIEWER, book, attribute(f"profile.a{number}"))
                    await anyio.lowlevel.checkpoint()
                await swapped(editions, "profile.a19")
                group.cancel_scope.cancel()
        assert len(builds) < 6
        assert len({version for version, _ in builds}) == len(builds)
        assert threading.get_ident() not in {thread for _, thread in builds}
        assert ticks > 20


class TestSettle:
    async def test_says_that_it_is_not_live_where_no_edition_comes(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "SETTLE_SECONDS", 0.1)
        editions = Editions(book)
        await define_attribute(VIEWER, book, MOTTO)
        # nobody follows, so the edition never comes
        live = await editions.settle(lambda catalogue: catalogue.find("profile.motto") is not None)
        assert live == Live(editions.current.version, is_live=False)

    async def test_many_in_a_row_are_each_live_when_they_are_answered(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where every build takes longer than what comes next, and others define at the same time."""

        def slow(catalogue: Catalogue) -> Any:
            time.sleep(0.05)
            return build_schema(catalogue)

        monkeypatch.setattr(module, "build_schema", slow)
        async with followed(book) as editions:

            async def define(key: str) -> None:
                path = f"profile.{key}"
                await define_attribute(VIEWER, book, attribute(path))
                live = await editions.settle(lambda catalogue: catalogue.find(path) is not None)
                assert live.is_live
                assert editions.current.catalogue.find(path) is not None

            async def define_in_a_row(name: str) -> None:
                for number in range(8):
                    await define(f"{name}{number}")

            async with anyio.create_task_group() as group:
                for name in ("a", "b", "c"):
                    group.start_soon(define_in_a_row, name)
