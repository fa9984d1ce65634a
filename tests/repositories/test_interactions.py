"""The collection of contacts."""

from repositories.interactions import ID_PREFIX
from repositories.mongo import IndexSpec
from repositories.repositories import Repositories, new_id


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
