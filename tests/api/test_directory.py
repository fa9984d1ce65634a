"""Who people and programs are, by the directory."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acts.checks import UNGUARDED
from acts.managers import create_manager
from acts.service_accounts import NewAccount, create_account
from api.claims import Claims, InvalidToken
from api.directory import Directory
from policy.viewer import SYSTEM, Viewer
from repositories.errors import RepositoryFault, Unavailable
from repositories.managers import ManagerRepository
from repositories.mongo import MongoSettings, connect
from repositories.repositories import Repositories
from repositories.service_accounts import ServiceAccountRepository
from tests.books import VIEWER, everything, open_book

ROOT = Viewer("root", frozenset(("administrator",)))
END = 2_000_000_000


@pytest.fixture
async def book() -> AsyncIterator[Repositories]:
    store = connect(MongoSettings(driver="memory", database="directory"))
    try:
        yield await open_book(store)
        await store.drop_database()
    finally:
        await store.close()


@pytest.fixture
def directory(book: Repositories) -> Directory:
    return Directory(lambda: book)


async def enter(book: Repositories, person: str, *roles: str, **more: object) -> str:
    written = await create_manager(
        VIEWER, book, person, {"name": person, "team": "north", "roles": list(roles)} | more, UNGUARDED
    )
    return str(written.document["_id"])


class TestPerson:
    async def test_of_an_identity_provider(self, book: Repositories, directory: Directory) -> None:
        own = await enter(book, "ana", "team_lead", "auditor")
        viewer = await directory.person(Claims("ana", END))
        assert viewer == Viewer("ana", frozenset(("auditor", "team_lead")), "north", own)
        assert (viewer.expires_at, viewer.scopes, viewer.is_service_account) == (END, None, False)

    @pytest.mark.parametrize(("role", "roles"), [("auditor", ("auditor",)), ("administrator", ())])
    async def test_a_role_of_the_token_narrows(
        self, book: Repositories, directory: Directory, role: str, roles: tuple[str, ...]
    ) -> None:
        await enter(book, "ana", "team_lead", "auditor")
        viewer = await directory.person(Claims("ana", END, role, "south", is_local=True))
        assert (viewer.roles, viewer.team) == (frozenset(roles), "north")

    async def test_no_role_of_our_own_commands(self, book: Repositories, directory: Directory) -> None:
        """The act refuses such a role; somebody who writes past Kehu gains nothing by it either."""
        await enter(book, "ana", "auditor")
        await book.managers.collection.update_one({"person": "ana"}, {"$set": {"roles": ["auditor", SYSTEM]}})
        assert (await directory.person(Claims("ana", END))).roles == {"auditor"}

    async def test_an_unknown_one_of_a_provider(self, book: Repositories, directory: Directory) -> None:
        before = await everything(book)
        with pytest.raises(InvalidToken):
            await directory.person(Claims("ana", END))
        assert await everything(book) == before

    async def test_first_sight_of_many_requests_at_once(self, book: Repositories, directory: Directory) -> None:
        claims = Claims("new", END, "team_lead", "south", is_local=True)
        viewers = await asyncio.gather(*(directory.person(claims) for _ in range(20)))
        (row,) = (await everything(book))["managers"]
        assert set(viewers) == {Viewer("new", frozenset(("team_lead",)), "south", row["_id"])}

    async def test_one_read_for_many_requests(
        self, book: Repositories, directory: Directory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await enter(book, "ana", "auditor")
        reads = counted(monkeypatch, ManagerRepository, "find_person")
        for _ in range(3):
            await asyncio.gather(*(directory.person(Claims("ana", END)) for _ in range(100)))
        assert len(reads) == 1

    @pytest.mark.parametrize("error", [Unavailable(), RepositoryFault()])
    async def test_a_directory_that_cannot_be_read_lets_nobody_in(
        self, directory: Directory, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        async def away(*_given: object) -> None:
            raise error

        monkeypatch.setattr(ManagerRepository, "find_person", away)
        monkeypatch.setattr(ServiceAccountRepository, "find_by_token", away)
        with pytest.raises(Unavailable):
            await directory.person(Claims("ana", END, "administrator", is_local=True))
        with pytest.raises(Unavailable):
            await directory.account("kehu_sa_" + "a" * 43)


class TestAccount:
    async def test_holds_until_it_expires(self, book: Repositories) -> None:
        now = [datetime.now(UTC).timestamp()]
        directory = Directory(lambda: book, lambda: now[0])
        token = await new_token(book)
        viewer = await directory.account(token)
        expected = (frozenset(("integration",)), frozenset(("clients:all",)), "AUDIT")
        assert (viewer.roles, viewer.scopes, viewer.purpose) == expected
        assert viewer.expires_at is not None
        now[0] = viewer.expires_at - 0.1
        assert await directory.account(token) == viewer
        now[0] = viewer.expires_at
        with pytest.raises(InvalidToken):
            await directory.account(token)

    async def test_use_is_noted_once_a_minute(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        token = await new_token(book)
        notes = counted(monkeypatch, ServiceAccountRepository, "note_use")
        start = datetime.now(UTC).timestamp()
        now = [start]
        directory = Directory(lambda: book, lambda: now[0])
        for seconds, count in ((0, 1), (59, 1), (61, 2)):
            now[0] = start + seconds
            await asyncio.gather(*(directory.account(token) for _ in range(10)))
            assert len(notes) == count

    async def test_a_use_that_cannot_be_noted_is_let_in(
        self, book: Repositories, directory: Directory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = await new_token(book)

        async def away(*_given: object) -> None:
            raise Unavailable

        monkeypatch.setattr(ServiceAccountRepository, "note_use", away)
        assert (await directory.account(token)).is_service_account

    async def test_texts_of_another_shape_cost_no_read(
        self, directory: Directory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reads = counted(monkeypatch, ServiceAccountRepository, "find_by_token")
        for text in ("kehu_sa_", "kehu_sa_" + "$" * 43, "kehu_sa_" + "a" * 5_000):
            with pytest.raises(InvalidToken):
                await directory.account(text)
        assert reads == []


async def new_token(book: Repositories) -> str:
    new = NewAccount("crm", ("clients:all",), datetime.now(UTC) + timedelta(hours=1), "AUDIT")
    return (await create_account(ROOT, book, new, UNGUARDED)).token or ""


def counted(monkeypatch: pytest.MonkeyPatch, kind: Any, name: str) -> list[object]:
    """The calls of a method from now on."""
    calls: list[object] = []
    own = getattr(kind, name)

    async def counting(*given: Any) -> Any:
        calls.append(given)
        return await own(*given)

    monkeypatch.setattr(kind, name, counting)
    return calls
