"""All repositories of one database: their indexes, their ids, and cursors that every process understands."""

import pytest

from repositories.errors import BadCursor
from repositories.mongo import MongoSettings, Store, connect
from repositories.plan import Order, Page
from repositories.repositories import AREAS, Repositories, new_id, open_repositories
from tests.books import SMALL, everything, insert, plan


async def cursor_of(repositories: Repositories) -> str:
    authorised = plan({"number"}, Order("profile.name"), page=Page(1))
    found = await repositories.clients.read_page(authorised)
    return repositories.clients.seal(authorised, found.documents)[0]


async def numbers_after(repositories: Repositories, cursor: str) -> list[object]:
    part = await repositories.clients.read_page(plan({"number"}, Order("profile.name"), page=Page(5, after=cursor)))
    return [each["number"] for each in part.documents]


class TestOpenRepositories:
    async def test_the_key_of_the_cursors_is_kept_in_the_database(
        self, store: Store, store_settings: MongoSettings
    ) -> None:
        first = await open_repositories(store, SMALL)
        await insert(first, "A", {"profile.name": "a"})
        await insert(first, "B", {"profile.name": "b"})
        cursor = await cursor_of(first)
        assert await numbers_after(await open_repositories(store, SMALL), cursor) == ["B"]
        if store.driver != "memory":
            second = connect(store_settings)
            assert await numbers_after(await open_repositories(second, SMALL), cursor) == ["B"]
            await second.close()

    async def test_a_secret_of_its_own_is_used_instead(self, store: Store) -> None:
        first = await open_repositories(store, SMALL, "s" * 32)
        await insert(first, "A", {"profile.name": "a"})
        cursor = await cursor_of(first)
        assert await store.collection("settings").count({}) == 0
        assert await numbers_after(await open_repositories(store, SMALL, "s" * 32), cursor) == []
        with pytest.raises(BadCursor):
            await numbers_after(await open_repositories(store, SMALL, "t" * 32), cursor)


class TestPrepare:
    async def test_may_run_at_every_start(self, store: Store) -> None:
        repositories = await open_repositories(store, SMALL)
        await repositories.prepare()
        await insert(repositories, "A", {"profile.name": "a"})
        before = await everything(repositories)
        indexes = [await repositories.of(area).collection.indexes() for area in AREAS]
        again = await open_repositories(store, SMALL)
        await again.prepare()
        assert [await again.of(area).collection.indexes() for area in AREAS] == indexes
        assert await everything(again) == before


class TestNewId:
    async def test_says_the_area_and_is_new_each_time(self, book: Repositories) -> None:
        made = {new_id("clients") for _ in range(100)}
        assert len(made) == 100
        assert all(each.startswith("cl_") for each in made)
        assert new_id("managers").startswith("mg_")
        assert [book.of(area).area for area in AREAS] == ["clients", "managers", "interactions"]
