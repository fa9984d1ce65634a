"""Open a client to somebody, or close one, for a time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from acts.checks import UNGUARDED, Guard, now
from acts.grants import LONGEST_GRANT_DAYS, NewGrant, create_grant, revoke_grant, single_clients
from catalogue.errors import Refused
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.errors import KeyReused, NotFound, StaleVersion
from repositories.grants import GrantKind, SingleClients
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import VIEWER, everything, insert

SOON = timedelta(hours=1)
LEAD = Viewer("M002", frozenset({"administrator"}), team="east")
LATER = timedelta(days=LONGEST_GRANT_DAYS + 2)


def wanted(client: str, **changes: Any) -> NewGrant:
    return replace(NewGrant(GrantKind.GRANT, client, "cover for a colleague", "M009", ends_at=now() + SOON), **changes)


class TestCreateGrant:
    async def test_holds_for_the_person_until_its_end(self, book: Repositories) -> None:
        one, two = await insert(book, "A", {}), await insert(book, "B", {})
        await create_grant(VIEWER, book, wanted(one), UNGUARDED)
        await create_grant(VIEWER, book, wanted(two, kind=GrantKind.WALL, ends_at=None), UNGUARDED)
        assert await single_clients(book, "M009", None) == SingleClients(frozenset({one}), frozenset({two}))
        assert await single_clients(book, "M010", None) == SingleClients()
        moment = now() + SOON + SOON
        assert await book.grants.of_person("M009", None, moment) == SingleClients(walled=frozenset({two}))

    async def test_holds_for_a_team(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        await create_grant(VIEWER, book, wanted(one, person=None, team="north"), UNGUARDED)
        assert (await single_clients(book, "M010", "north")).granted == {one}
        assert await single_clients(book, "M010", "south") == SingleClients()

    async def test_begins_when_it_says(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        await create_grant(VIEWER, book, wanted(one, starts_at=now() + SOON / 2), UNGUARDED)
        assert await single_clients(book, "M009", None) == SingleClients()
        assert (await book.grants.of_person("M009", None, now() + SOON / 1.5)).granted == {one}

    async def test_the_same_request_makes_one(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        asked = wanted(one)
        first = await create_grant(VIEWER, book, asked, Guard(idempotency_key="k"))
        again = await create_grant(VIEWER, book, asked, Guard(idempotency_key="k"))
        assert again.is_replay
        assert again.document[ID] == first.document[ID]
        with pytest.raises(KeyReused):
            await create_grant(VIEWER, book, replace(asked, reason="another"), Guard(idempotency_key="k"))

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"person": None}, "person"),
            ({"team": "north"}, "person"),
            ({"reason": ""}, "reason"),
            ({"ends_at": None}, "endsAt"),
            ({"ends_at": now() - SOON}, "endsAt"),
            ({"ends_at": now() + LATER}, "endsAt"),
            ({"starts_at": now() + LATER}, "endsAt"),
            ({"client_id": "cl_missing"}, "clientId"),
        ],
    )
    async def test_refused(self, book: Repositories, changes: dict[str, Any], path: str) -> None:
        one = await insert(book, "A", {})
        before = await everything(book)
        with pytest.raises(Refused) as refused:
            await create_grant(VIEWER, book, wanted(one, **changes), UNGUARDED)
        assert [each.path for each in refused.value.problems()] == [(path,)]
        assert await everything(book) == before

    @pytest.mark.parametrize("whose", [{"person": LEAD.person}, {"person": None, "team": LEAD.team}])
    async def test_not_to_oneself(self, book: Repositories, whose: dict[str, Any]) -> None:
        one = await insert(book, "A", {})
        before = await everything(book)
        with pytest.raises(NotAllowed, match="opens a client to themselves"):
            await create_grant(LEAD, book, wanted(one, **whose), UNGUARDED)
        assert await everything(book) == before
        await create_grant(LEAD, book, wanted(one, kind=GrantKind.WALL, **whose), UNGUARDED)

    async def test_takes_the_right(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        for role in ("relationship_manager", "team_lead", "auditor", "data_steward"):
            with pytest.raises(NotAllowed, match="GRANT_ACCESS"):
                await create_grant(Viewer("x", frozenset((role,))), book, wanted(one), UNGUARDED)


class TestRevokeGrant:
    async def test_ends_it(self, book: Repositories) -> None:
        one = await insert(book, "A", {})
        made = await create_grant(VIEWER, book, wanted(one), UNGUARDED)
        written = await revoke_grant(VIEWER, book, str(made.document[ID]), Guard(1))
        assert written.document["revokedAt"] is not None
        assert await single_clients(book, "M009", None) == SingleClients()
        with pytest.raises(StaleVersion):
            await revoke_grant(VIEWER, book, str(made.document[ID]), Guard(1))
        with pytest.raises(NotFound):
            await revoke_grant(VIEWER, book, "gr_missing", UNGUARDED)

    @pytest.mark.parametrize("whose", [{"person": LEAD.person}, {"person": None, "team": LEAD.team}])
    async def test_a_wall_is_not_taken_down_by_whom_it_keeps_out(
        self, book: Repositories, whose: dict[str, Any]
    ) -> None:
        one = await insert(book, "A", {})
        made = await create_grant(VIEWER, book, wanted(one, kind=GrantKind.WALL, **whose), UNGUARDED)
        before = await everything(book)
        with pytest.raises(NotAllowed, match="takes down a wall before themselves"):
            await revoke_grant(LEAD, book, str(made.document[ID]), UNGUARDED)
        assert await everything(book) == before
        await revoke_grant(VIEWER, book, str(made.document[ID]), UNGUARDED)

    async def test_takes_the_right(self, book: Repositories) -> None:
        with pytest.raises(NotAllowed, match="GRANT_ACCESS"):
            await revoke_grant(Viewer("x", frozenset(("auditor",))), book, "gr_1", UNGUARDED)
