"""The collection of service accounts."""

from datetime import timedelta

import pytest

from repositories.errors import AlreadyExists
from repositories.plan import ID
from repositories.repositories import Repositories, new_id
from repositories.service_accounts import SERVICE_ACCOUNTS, TOKEN_HASH, Account
from tests.books import AT, change, everything, seen

HASH = "a" * 64


async def add(book: Repositories, token_hash: str = HASH) -> str:
    made = {ID: new_id(SERVICE_ACCOUNTS), TOKEN_HASH: token_hash, "createdBy": "root"}
    values = {"name": "crm", "scopes": ["clients:all"], "expiresAt": AT + timedelta(days=1), "purpose": "AUDIT"}
    await book.service_accounts.insert(made, change(values))
    return made[ID]


class TestPrepare:
    async def test_makes_its_index_and_may_run_again(self, book: Repositories) -> None:
        before = await book.service_accounts.collection.indexes()
        assert set(before) == {"_id_", "token"}
        await book.service_accounts.prepare()
        assert await book.service_accounts.collection.indexes() == before


class TestFindByToken:
    async def test_what_signing_in_needs(self, book: Repositories) -> None:
        one = await add(book)
        ends = (AT + timedelta(days=1)).timestamp()
        expected = Account(one, frozenset(("clients:all",)), "AUDIT", ends, False, None)
        assert await book.service_accounts.find_by_token(HASH) == expected

    async def test_revoked(self, book: Repositories) -> None:
        one = await add(book)
        await book.service_accounts.write(one, change({"revokedAt": AT}), seen("version", area=SERVICE_ACCOUNTS))
        found = await book.service_accounts.find_by_token(HASH)
        assert found is not None
        assert found.is_revoked

    async def test_none(self, book: Repositories) -> None:
        await add(book)
        assert await book.service_accounts.find_by_token("b" * 64) is None

    async def test_one_account_a_token(self, book: Repositories) -> None:
        await add(book)
        before = await everything(book)
        with pytest.raises(AlreadyExists):
            await add(book)
        assert await everything(book) == before


class TestNoteUse:
    async def test_later_ones_only_and_no_change(self, book: Repositories) -> None:
        one = await add(book)
        for seconds in (60, 0):
            await book.service_accounts.note_use(one, AT + timedelta(seconds=seconds))
        found = await book.service_accounts.find_by_token(HASH)
        assert found is not None
        assert found.last_used_at == (AT + timedelta(seconds=60)).timestamp()
        (row,) = (await everything(book))["service_accounts"]
        assert (row["version"], len(row["tail"])) == (1, 1)
