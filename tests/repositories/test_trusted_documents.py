"""Registered documents, as they are stored."""

from datetime import UTC, datetime

import pytest

from repositories.mongo import Store
from repositories.trusted_documents import TrustedDocument, TrustedDocumentRepository

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def document(digest: str = "a1", *ids: str, text: str = "{ a }") -> TrustedDocument:
    return TrustedDocument(digest, text, "A", ids, "ana", AT)


@pytest.fixture
async def kept(store: Store) -> TrustedDocumentRepository:
    made = TrustedDocumentRepository(store)
    await made.prepare()
    return made


class TestRegister:
    async def test_once(self, kept: TrustedDocumentRepository) -> None:
        assert await kept.register(document())
        assert not await kept.register(document())
        assert await kept.all() == [document()]

    async def test_further_ids(self, kept: TrustedDocumentRepository) -> None:
        await kept.register(document("a1", "one"))
        assert await kept.register(document("a1", "two", text="never another text"))
        assert await kept.all() == [document("a1", "one", "two")]


class TestUsing:
    async def test_by_what_was_kept_and_else_by_the_words(self, kept: TrustedDocumentRepository, store: Store) -> None:
        text = "query B { clients(first: 1, orderBy: [{field: PROFILE_NAME}]) { nodes { profile { employees } } } }"
        await kept.register(TrustedDocument("a1", "{ a }", "A", (), "ana", AT, ("profile.name", "interactions:at")))
        await kept.register(TrustedDocument("b1", text, None, (), "ana", AT))
        assert await kept.using({"profile.name"}) == ["A"]
        assert await kept.using({"interactions:at"}) == ["A"]
        assert await kept.using({"profile.employees"}) == []
        await store.collection("trusted_documents").update_one({"_id": "b1"}, {"$unset": {"uses": ""}})
        assert await kept.using({"profile.employees"}) == ["sha256:b1"]
        assert await kept.using({"profile.name"}) == ["A", "sha256:b1"]
        assert await kept.using({"profile.motto"}) == []


class TestFindText:
    async def test_by_digest_and_by_every_id(self, kept: TrustedDocumentRepository) -> None:
        await kept.register(document("a1", "one", "two"))
        found = [await kept.find_text(key) for key in ("a1", "one", "two", "three", "")]
        assert found == ["{ a }", "{ a }", "{ a }", None, None]


class TestTaken:
    async def test_ids_and_what_they_stand_for(self, kept: TrustedDocumentRepository) -> None:
        await kept.register(document("a1", "one", "two"))
        assert await kept.taken({"one", "three"}) == {"one": "a1"}


class TestRemove:
    @pytest.mark.parametrize("key", ["a1", "one"])
    async def test_by_digest_or_id(self, kept: TrustedDocumentRepository, key: str) -> None:
        await kept.register(document("a1", "one"))
        assert await kept.remove(key)
        assert not await kept.remove(key)
        assert await kept.all() == []
