"""Versions of models in the database."""

from datetime import timedelta

import pytest

from catalogue.model_use import Gives, ModelUse
from repositories.errors import AlreadyExists
from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import AT, insert, open_book

FILE = bytes(range(256))


@pytest.fixture
async def book(store: Store) -> Repositories:
    book = await open_book(store)
    for version, days in (("1", 0), ("10", 2), ("2", 1)):
        facts = {"name": "size", "version": version, "registeredAt": AT + timedelta(days=days)}
        await book.models.add("size", version, facts, FILE + version.encode())
    return book


def use(version: str) -> ModelUse:
    return ModelUse(name="size", version=version, output="y", gives=Gives.NUMBER, inputs=())


class TestModelRepository:
    async def test_versions_are_found_without_their_files(self, book: Repositories) -> None:
        one, newest = await book.models.find("size", "1"), await book.models.find("size")
        assert one is not None
        assert newest is not None
        assert (one["version"], newest["version"], "file" in one) == ("1", "10", False)
        assert await book.models.find("size", "3") is None
        assert [each["version"] for each in await book.models.every()] == ["10", "2", "1"]
        found = await book.models.find_many([use("2"), use("7"), use("1")])
        assert [each and each["version"] for each in found] == ["2", None, "1"]

    async def test_file_comes_back_as_it_was(self, book: Repositories) -> None:
        assert await book.models.read("size", "2") == FILE + b"2"
        assert await book.models.read("size", "7") is None

    async def test_a_version_is_never_replaced(self, book: Repositories) -> None:
        with pytest.raises(AlreadyExists):
            await book.models.add("size", "1", {"name": "size", "version": "1"}, b"other")
        assert await book.models.read("size", "1") == FILE + b"1"

    async def test_how_far_it_was_run_never_goes_back(self, book: Repositories) -> None:
        await book.models.note_scored("size", "1", AT)
        await book.models.note_scored("size", "1", AT - timedelta(hours=1))
        await book.models.note_error("size", "1", "away")
        found = await book.models.find("size", "1")
        assert found is not None
        assert (found["scoredUpTo"], found["error"]) == (AT, "away")
        await book.models.note_error("size", "1", None)
        assert "error" not in (await book.models.find("size", "1") or {})

    async def test_whether_a_client_was_changed_since(self, book: Repositories) -> None:
        assert not await book.models.is_changed_since([None])
        await insert(book, "C1", {"profile.name": "Li"})
        assert not await book.models.is_changed_since([])
        assert await book.models.is_changed_since([None, AT + timedelta(days=9)])
        assert await book.models.is_changed_since([AT, AT + timedelta(days=9)])
        assert not await book.models.is_changed_since([AT + timedelta(seconds=1)])
