"""The collection of managers: one record a person."""

import pytest

from repositories.errors import AlreadyExists, NotFound
from repositories.managers import Person
from repositories.plan import ID, Page, ReadPlan
from repositories.repositories import Repositories, new_id
from tests.books import ACCESS, VIEWER, change, everything, seen


async def add(book: Repositories, person: str, name: str) -> str:
    made = {ID: new_id("managers"), "person": person}
    await book.managers.insert(made, change({"name": name}))
    return made[ID]


class TestPrepare:
    async def test_makes_the_index_that_code_owns_and_may_run_again(self, book: Repositories) -> None:
        before = await book.managers.collection.indexes()
        assert set(before) == {"_id_", "person"}
        await book.managers.prepare()
        assert await book.managers.collection.indexes() == before


class TestInsert:
    async def test_a_person_is_a_manager_once(self, book: Repositories) -> None:
        await add(book, "M001", "Li")
        before = await everything(book)
        with pytest.raises(AlreadyExists, match='person "M001"'):
            await add(book, "M001", "Wang")
        assert await everything(book) == before


class TestWrite:
    async def test_keeps_a_history_as_clients_do(self, book: Repositories) -> None:
        one = await add(book, "M001", "Li")
        written = await book.managers.write(one, change({"team": "north"}, expected_version=1), seen("name", "team"))
        assert {key: written.document[key] for key in ("name", "team", "version")} == {
            "name": "Li",
            "team": "north",
            "version": 2,
        }
        with pytest.raises(NotFound, match='no manager "mg_missing"'):
            await book.managers.write("mg_missing", change({"team": "south"}), seen())


class TestReadPage:
    async def test_by_id(self, book: Repositories) -> None:
        ids = [await add(book, f"M{number}", "Li") for number in range(3)]
        part = await book.managers.read_page(
            ACCESS.authorise(ReadPlan("managers", frozenset(("person",)), page=Page(2)), VIEWER)
        )
        assert [each[ID] for each in part.documents] == sorted(ids)[:2]
        assert part.has_next


class TestFindPerson:
    async def test_what_signing_in_needs(self, book: Repositories) -> None:
        made = {ID: new_id("managers"), "person": "M001"}
        values = {"name": "Li", "team": "north", "region": "华东", "roles": ["auditor", "team_lead"], "isActive": False}
        await book.managers.insert(made, change(values))
        expected = Person(made[ID], frozenset(("auditor", "team_lead")), "north", "华东", False)
        assert await book.managers.find_person("M001") == expected

    async def test_a_record_that_says_little(self, book: Repositories) -> None:
        one = await add(book, "M001", "Li")
        assert await book.managers.find_person("M001") == Person(one, frozenset(), None, None, True)

    async def test_nobody(self, book: Repositories) -> None:
        await add(book, "M001", "Li")
        assert await book.managers.find_person("M00") is None
