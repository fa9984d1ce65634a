"""The contacts of the demonstration book: valid, alike everywhere, and in step with the clients."""

import pytest

from acts.demo import load_demo
from acts.demo_book import DemoClient, demo_clients, demo_managers
from acts.demo_interactions import demo_interactions
from catalogue.builtin import builtin_catalogue
from catalogue.builtin.interactions import INTERACTIONS_AREA
from catalogue.values import check_nested
from repositories.mongo import Store
from tests.books import open_book


@pytest.fixture(scope="module")
def clients() -> list[DemoClient]:
    return list(demo_clients(300, demo_managers()))


class TestDemoInteractions:
    def test_each_keeps_the_rules(self, clients: list[DemoClient]) -> None:
        catalogue = builtin_catalogue()
        for client in clients:
            for each in demo_interactions(client):
                assert check_nested(catalogue, each, area=INTERACTIONS_AREA).problems == []

    def test_a_few_for_a_client(self, clients: list[DemoClient]) -> None:
        counts = [len(list(demo_interactions(each))) for each in clients]
        assert max(counts) <= 6
        assert 2 <= sum(counts) / len(counts) <= 5

    def test_the_same_every_time(self, clients: list[DemoClient]) -> None:
        assert [list(demo_interactions(each)) for each in clients] == [
            list(demo_interactions(each)) for each in clients
        ]

    def test_newest_first_from_the_last_contact_on(self, clients: list[DemoClient]) -> None:
        known = 0
        for client in clients:
            moments = [each["at"] for each in demo_interactions(client)]
            assert moments == sorted(moments, reverse=True)  # type: ignore[type-var]
            last = client["values"]["behaviour"].get("lastContactAt")
            if last is not None and moments:
                known += 1
                assert moments[0] == last
        assert known > 200


class TestLoadDemo:
    async def test_under_their_clients_and_managers(self, store: Store) -> None:
        book = await open_book(store, builtin_catalogue())
        await load_demo(book, 40, lambda _done, _count: None)
        records = await book.interactions.collection.find({})
        clients = {each["_id"]: each for each in await book.clients.collection.find({})}
        assert len(records) > 60
        assert all(clients[each["clientId"]]["managerId"] == each["managerId"] for each in records)
