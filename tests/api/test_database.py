"""Which database a command talks to."""

from pathlib import Path
from typing import Any

import pytest

from api.database import database_uri, is_embedded, mongo_settings, open_book, open_repositories_of, open_served_book
from api.settings import Settings
from catalogue.attribute import Facet
from catalogue.builtin import builtin_catalogue
from catalogue.builtin.computed import uncomputed
from repositories.embedded import EmbeddedMongod
from repositories.embedded.directory import MongodDirectory
from repositories.mongo import connect
from tests.books import make_client


def settings(tmp_path: Path, **more: Any) -> Settings:
    return Settings(data_dir=tmp_path, **more)


class TestMongoSettings:
    def test_follow_the_settings(self, tmp_path: Path) -> None:
        chosen = settings(tmp_path, mongodb_driver="motor", database="bank", mongo_pool_connections=7)
        made = mongo_settings(chosen, "mongodb://h/")
        assert (made.uri, made.driver, made.database, made.max_pool_size) == ("mongodb://h/", "motor", "bank", 7)
        assert made.timeout_seconds == chosen.mongo_timeout_seconds


class TestIsEmbedded:
    @pytest.mark.parametrize(
        ("uri", "driver", "expected"),
        [("", "pymongo", True), ("", "motor", True), ("", "memory", False), ("mongodb://h/", "pymongo", False)],
    )
    def test_without_a_uri_unless_in_memory(self, tmp_path: Path, uri: str, driver: str, expected: bool) -> None:
        assert is_embedded(settings(tmp_path, mongodb_uri=uri, mongodb_driver=driver)) is expected


class TestDatabaseUri:
    async def test_of_somebody_elses_database(self, tmp_path: Path) -> None:
        async with database_uri(settings(tmp_path, mongodb_uri="mongodb://h/")) as uri:
            assert uri == "mongodb://h/"
        assert not MongodDirectory(tmp_path).root.exists()

    async def test_a_running_mongod_is_shared_and_left_running(self, tmp_path: Path) -> None:
        mongod = EmbeddedMongod(tmp_path, cache_gb=0.25)
        running = await mongod.start()
        try:
            async with database_uri(settings(tmp_path)) as uri:
                assert uri == running
            assert mongod.is_running
        finally:
            await mongod.stop()
        async with open_repositories_of(settings(tmp_path, embedded_cache_gb=0.25)) as repositories:
            await make_client(repositories)
        assert EmbeddedMongod(tmp_path).directory.find_orphan() is None


class TestOpenBook:
    async def test_makes_the_indexes_of_the_built_in_catalogue(self, tmp_path: Path) -> None:
        chosen = settings(tmp_path, mongodb_driver="memory", cursor_secret="s" * 40)
        store = connect(mongo_settings(chosen, ""))
        repositories = await open_book(chosen, store)
        assert repositories.catalogue is uncomputed(builtin_catalogue())
        names = set(await repositories.clients.collection.indexes())
        assert {f"order_{each.path}" for each in builtin_catalogue().sortable()} <= names
        assert await store.collection("settings").count({}) == 0
        await store.close()

    async def test_follows_the_settings(self, tmp_path: Path) -> None:
        chosen = settings(
            tmp_path, mongodb_driver="memory", approval_days=3, sort_limit_documents=7, as_of_limit_clients=5
        )
        store = connect(mongo_settings(chosen, ""))
        repositories = await open_book(chosen, store)
        assert (repositories.approvals.open_days, repositories.clients.sort_limit_documents) == (3, 7)
        assert repositories.clients.past.limit_clients == 5
        await store.close()


class TestOpenServedBook:
    async def test_makes_the_indexes_of_the_facets_and_a_command_beside_it_leaves_them(self, tmp_path: Path) -> None:
        chosen = settings(tmp_path, mongodb_driver="memory", wildcard_facets=(Facet.ATTITUDE,))
        store = connect(mongo_settings(chosen, ""))
        await open_served_book(chosen, store)
        repositories = await open_book(settings(tmp_path, mongodb_driver="memory"), store)
        names = set(await repositories.clients.collection.indexes())
        assert {name for name in names if name.startswith("facet_")} == {"facet_attitude"}
        await store.close()
