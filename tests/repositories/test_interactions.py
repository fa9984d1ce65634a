"""The collection of contacts."""

import pytest

from catalogue.filters import Compare, Filter
from catalogue.kinds import Operator
from policy.viewer import Viewer
from repositories.access import AuthorisedPlan, Touched
from repositories.interactions import ID_PREFIX
from repositories.mongo import IndexSpec
from repositories.plan import ID, Order, Page, ReadPlan
from repositories.repositories import Repositories, new_id
from tests.books import ACCESS, AT, VIEWER, change, insert


class TestPrepare:
    async def test_makes_the_index_of_the_lists_and_may_run_again(self, book: Repositories) -> None:
        await book.interactions.prepare()
        before = await book.interactions.collection.indexes()
        assert set(before) == {"_id_", "clientId"}
        assert before["clientId"] == IndexSpec((("clientId", 1), ("at", -1), ("_id", -1)))
        await book.interactions.prepare()
        assert await book.interactions.collection.indexes() == before


class TestIds:
    async def test_say_the_area(self, book: Repositories) -> None:
        assert new_id("interactions").startswith(ID_PREFIX)
        assert book.of("interactions") is book.interactions


class TestOwners:
    """Whoever may not read the client finds the record by no read."""

    @pytest.fixture
    async def contacts(self, book: Repositories) -> tuple[str, str]:
        """A contact of a client in the viewer's book, and one of another manager's client."""
        made = []
        for number, manager in (("C1", "mg_1"), ("C2", "mg_2")):
            client_id = await insert(book, number, {"managerId": manager})
            values = {"at": AT, "channel": "PHONE"}
            record = {ID: new_id("interactions"), "clientId": client_id}
            await book.interactions.insert_many([(record, change(values))])
            made.append(str(record[ID]))
        return made[0], made[1]

    def plan(self, viewer: Viewer, where: Filter | None = None) -> AuthorisedPlan:
        plan = ReadPlan("interactions", frozenset((ID, "at")), where, (Order("at"),), Page(10))
        return ACCESS.authorise(plan, viewer, Touched())

    @pytest.mark.parametrize("walled", [False, True])
    async def test_narrow_every_read(self, book: Repositories, contacts: tuple[str, str], walled: bool) -> None:
        own, other = contacts
        clients = {str(each["_id"]): str(each["clientId"]) for each in await book.interactions.collection.find({})}
        viewer = Viewer("M1", frozenset(("relationship_manager",)), None, "mg_1")
        if walled:
            viewer = Viewer("A1", frozenset(("administrator",)), walled=frozenset((clients[other],)))
        area, plan = book.interactions, self.plan(viewer)
        assert [each["_id"] for each in (await area.read_page(plan)).documents] == [own]
        assert await area.count(plan) == 1
        found = await area.find_one(plan)
        assert found is not None
        assert found["_id"] == own
        assert await area.find_one(self.plan(viewer, Compare(ID, Operator.EQ, other))) is None
        assert (await area.load(plan, own), await area.load(plan, other)) != (None, None)
        assert await area.load(plan, other) is None
        assert set(await area.load_many(plan, contacts)) == {own}
        touched = plan.touched
        assert touched is not None
        assert touched.records == {"interactions": {own}, "clients": {clients[own]}}

    async def test_without_one_nothing_is_kept_back(self, book: Repositories, contacts: tuple[str, str]) -> None:
        plan = self.plan(VIEWER)
        assert {each["_id"] for each in (await book.interactions.read_page(plan)).documents} == set(contacts)
        assert await book.interactions.count(plan) == 2
