"""The demonstration book on a database: loaded once, whole, and every client of it valid."""

from acts.demo import load_demo
from catalogue.builtin import builtin_catalogue
from repositories.mongo import Store
from tests.books import everything, make_client, open_book


class TestLoadDemo:
    async def test_into_an_empty_database_once(self, store: Store) -> None:
        book = await open_book(store, builtin_catalogue())
        told: list[tuple[int, int]] = []
        assert await load_demo(book, 120, lambda done, count: told.append((done, count))) == 120
        assert told == [(120, 120)]
        before = await everything(book)
        assert len(before["clients"]) == 120
        assert len({each["number"] for each in before["clients"]}) == 120
        managers = {each["_id"]: each.get("team") for each in before["managers"]}
        assert all(managers[each["managerId"]] == each["team"] for each in before["clients"])
        ids = {each["_id"] for each in before["clients"]}
        parents = {each["profile"].get("parent") for each in before["clients"]} - {None}
        assert parents <= ids
        assert await load_demo(book, 120, lambda done, count: told.append((done, count))) == 0
        assert await everything(book) == before
        assert len(told) == 1

    async def test_not_beside_clients_who_are_there(self, store: Store) -> None:
        book = await open_book(store, builtin_catalogue())
        await make_client(book)
        before = await everything(book)
        assert await load_demo(book, 10, lambda _done, _count: None) == 0
        assert await everything(book) == before

    async def test_of_no_clients(self, store: Store) -> None:
        book = await open_book(store, builtin_catalogue())
        before = await everything(book)
        assert await load_demo(book, 0, lambda _done, _count: None) == 0
        assert await everything(book) == before
