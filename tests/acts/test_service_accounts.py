"""Create and revoke service accounts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from acts.checks import UNGUARDED, Guard
from acts.service_accounts import (
    LONGEST_LIFE_DAYS,
    MOST_SCOPES,
    Created,
    NewAccount,
    create_account,
    find_account,
    hash_of,
    note_use,
    revoke_account,
)
from catalogue.errors import Refused
from policy.rules import BUILT_IN
from policy.viewer import ROLES, Viewer, program
from repositories.access import NotAllowed
from repositories.errors import KeyReused, NotFound, StaleVersion
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import everything

ROOT = Viewer("root", frozenset(("administrator",)))
OTHERS = [
    *(Viewer("ana", frozenset((role,))) for role in ROLES if role != "administrator"),
    Viewer("ana", frozenset()),
    Viewer("sa_1", frozenset(("integration",)), scopes=frozenset(("clients:all",))),
]


def wanted(**changes: object) -> NewAccount:
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    return replace(NewAccount("crm", ("clients:all", "read:PUBLIC"), tomorrow), **changes)  # type: ignore[arg-type]


async def made(book: Repositories, guard: Guard = UNGUARDED) -> Created:
    return await create_account(ROOT, book, wanted(), guard)


class TestCreateAccount:
    async def test_the_token_is_given_out_and_its_hash_stored(self, book: Repositories) -> None:
        created = await made(book)
        assert created.token is not None
        assert created.token.startswith("kehu_sa_")
        assert len(created.token) == len("kehu_sa_") + 43
        stored = await everything(book)
        assert created.token not in str(stored)
        (row,) = stored["service_accounts"]
        assert row["tokenHash"] == sha256(created.token.encode()).hexdigest()
        assert {name: row[name] for name in ("name", "scopes", "createdBy", "version")} == {
            "name": "crm",
            "scopes": ["clients:all", "read:PUBLIC"],
            "createdBy": "root",
            "version": 1,
        }

    async def test_restricted_values_take_a_maker_who_may_read_them(self, book: Repositories) -> None:
        """The maker has the token: what no administrator reads alone he must not read through a program of his."""
        asked = wanted(scopes=("clients:all", "read:RESTRICTED"))
        before = await everything(book)
        with pytest.raises(NotAllowed, match="RESTRICTED"):
            await create_account(ROOT, book, asked, UNGUARDED)
        assert await everything(book) == before
        assert (await create_account(program("kehu"), book, asked, UNGUARDED)).token is not None
        rules = [each.model_copy(update={"purposes": ("AUDIT",)}) for each in BUILT_IN.rules]
        under = book.on(book.catalogue, BUILT_IN.model_copy(update={"rules": tuple(rules)}))
        assert (await create_account(ROOT, under, asked, UNGUARDED)).token is not None

    async def test_no_two_tokens_are_equal(self, book: Repositories) -> None:
        assert len({(await made(book)).token for _ in range(20)}) == 20

    async def test_a_repeat_shows_no_token(self, book: Repositories) -> None:
        new, guard = wanted(), Guard(idempotency_key="k")
        first = await create_account(ROOT, book, new, guard)
        before = await everything(book)
        second = await create_account(ROOT, book, new, guard)
        assert (second.token, second.document[ID]) == (None, first.document[ID])
        with pytest.raises(KeyReused):
            await create_account(ROOT, book, replace(new, name="other"), guard)
        assert await everything(book) == before

    @pytest.mark.parametrize("viewer", OTHERS, ids=lambda viewer: ",".join(viewer.roles) or "none")
    async def test_for_administrators_only(self, book: Repositories, viewer: Viewer) -> None:
        with pytest.raises(NotAllowed, match="This takes the right CHANGE_DIRECTORY, which your roles "):
            await create_account(viewer, book, wanted(), UNGUARDED)
        assert (await everything(book))["service_accounts"] == []

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"name": ""}, "name"),
            ({"name": "  "}, "name"),
            ({"name": "x" * 121}, "name"),
            ({"scopes": ()}, "scopes"),
            ({"scopes": ("clients:everything",)}, "scopes"),
            ({"scopes": tuple(f"clients:team:{number}" for number in range(MOST_SCOPES + 1))}, "scopes"),
            ({"purpose": "audit"}, "purpose"),
            ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expiresAt"),
            ({"expires_at": datetime.now(UTC) + timedelta(days=LONGEST_LIFE_DAYS + 1)}, "expiresAt"),
        ],
    )
    async def test_refusals(self, book: Repositories, changes: dict[str, object], path: str) -> None:
        with pytest.raises(Refused) as refused:
            await create_account(ROOT, book, wanted(**changes), UNGUARDED)
        assert [each.path for each in refused.value.problems()] == [(path,)]
        assert (await everything(book))["service_accounts"] == []

    async def test_every_problem_at_once(self, book: Repositories) -> None:
        with pytest.raises(Refused) as refused:
            await create_account(ROOT, book, wanted(name="", scopes=("a", "b"), purpose="?"), Guard(None, ""))
        paths = [each.path[0] for each in refused.value.problems()]
        assert paths == ["idempotencyKey", "name", "scopes", "scopes", "purpose"]


class TestRevokeAccount:
    async def test_stays_revoked(self, book: Repositories) -> None:
        created = await made(book)
        own = str(created.document[ID])
        written = await revoke_account(ROOT, book, own, Guard(1, "k"))
        assert written.document["revokedAt"] is not None
        assert written.document["version"] == 2
        before = await everything(book)
        for guard in (Guard(1, "k"), UNGUARDED):
            again = await revoke_account(ROOT, book, own, guard)
            assert (again.is_replay, again.document["revokedAt"]) == (True, written.document["revokedAt"])
        assert await everything(book) == before
        assert "tokenHash" not in written.document

    async def test_refusals_change_nothing(self, book: Repositories) -> None:
        own = str((await made(book)).document[ID])
        before = await everything(book)
        for viewer in OTHERS:
            with pytest.raises(NotAllowed):
                await revoke_account(viewer, book, own, UNGUARDED)
        with pytest.raises(StaleVersion):
            await revoke_account(ROOT, book, own, Guard(2))
        with pytest.raises(NotFound):
            await revoke_account(ROOT, book, "sa_missing", UNGUARDED)
        assert await everything(book) == before


class TestFindAccount:
    async def test_by_its_token(self, book: Repositories) -> None:
        created = await made(book)
        token_hash = hash_of(created.token or "")
        assert token_hash is not None
        found = await find_account(book, token_hash)
        assert found is not None
        assert (found.id, found.scopes) == (created.document[ID], frozenset(("clients:all", "read:PUBLIC")))
        await note_use(book, found.id)
        used = await find_account(book, token_hash)
        assert used is not None
        assert used.last_used_at is not None


class TestHashOf:
    @pytest.mark.parametrize("text", ["", "kehu_sa_", "kehu_sa_" + "a" * 42, "kehu_sa_" + "a" * 44, "x" * 51])
    def test_of_no_token(self, text: str) -> None:
        assert hash_of(text) is None
