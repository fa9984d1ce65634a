"""Managers: entered, changed, entered at first sight; their clients follow into another team."""

from dataclasses import replace

import anyio
import pytest

from acts.checks import UNGUARDED, Guard
from acts.clients import NewClient, create_client
from acts.managers import PERSON, change_manager, create_manager, enter_person
from catalogue.attribute import ClientKind
from catalogue.errors import Refused
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.errors import AlreadyExists, KeyReused, NotFound, StaleVersion
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import NO_PROOF, VIEWER, everything, stored


async def make(book: Repositories, person: str = "M9", guard: Guard = UNGUARDED, **values: object) -> str:
    written = await create_manager(VIEWER, book, person, {"name": "Li", "team": "north"} | values, guard)
    return str(written.document[ID])


async def client_of(book: Repositories, manager: str, number: str) -> str:
    new = NewClient(number, ClientKind.PERSON, manager_id=manager)
    return str((await create_client(VIEWER, book, new, NO_PROOF, UNGUARDED)).document[ID])


class TestCreateManager:
    async def test_the_same_request_again_answers_the_manager_it_made(self, book: Repositories) -> None:
        one = await make(book, guard=Guard(idempotency_key="k"))
        before = await everything(book)
        assert await make(book, guard=Guard(idempotency_key="k")) == one
        with pytest.raises(KeyReused):
            await make(book, guard=Guard(idempotency_key="k"), team="south")
        with pytest.raises(AlreadyExists):
            await make(book)
        assert await everything(book) == before

    async def test_says_every_problem_at_once_and_writes_nothing(self, book: Repositories) -> None:
        before = await everything(book)
        with pytest.raises(Refused) as refused:
            await create_manager(VIEWER, book, "", {"team": 5, "nothing": 1}, Guard(idempotency_key=""))
        assert {".".join(each.path) for each in refused.value.problems()} == {
            "idempotencyKey",
            "team",
            "nothing",
            "person",
        }
        with pytest.raises(Refused, match="name"):
            await create_manager(VIEWER, book, "M9", {}, UNGUARDED)
        assert await everything(book) == before


class TestPersonShape:
    @pytest.mark.parametrize("person", ["M001", "ana@bank.example", "auth0|5f7c", "00u1-a_b", "客户", "x" * 200])
    def test_names_that_tokens_give(self, person: str) -> None:
        assert PERSON.fullmatch(person)

    @pytest.mark.parametrize("person", ["", " ", "@ana", "a:b", "a\nb", "a$b", "x" * 201])
    def test_others(self, person: str) -> None:
        assert PERSON.fullmatch(person) is None


class TestChangeManager:
    async def test_the_clients_follow_into_another_team(self, book: Repositories) -> None:
        one, other = await make(book), await make(book, "M8")
        mine, theirs = await client_of(book, one, "C1"), await client_of(book, other, "C2")
        assert (await stored(book, mine))["team"] == "north"
        written = await change_manager(VIEWER, book, one, {"team": "south"}, Guard(1), paths={"team", "version"})
        assert (written.document["team"], written.document["version"]) == ("south", 2)
        assert [(await stored(book, each))["team"] for each in (mine, theirs)] == ["south", "north"]
        await change_manager(VIEWER, book, one, {"team": None}, Guard(2))
        assert "team" not in await stored(book, mine)

    async def test_a_repeat_finishes_what_was_stopped_between_the_two_commands(self, book: Repositories) -> None:
        one = await make(book)
        mine = await client_of(book, one, "C1")
        guard = Guard(1, "k")
        await change_manager(VIEWER, book, one, {"team": "south"}, guard)
        await book.clients.collection.update_one({ID: mine}, {"$set": {"team": "north"}})
        written = await change_manager(VIEWER, book, one, {"team": "south"}, guard)
        assert written.is_replay
        assert (await stored(book, mine))["team"] == "south"

    @pytest.mark.parametrize("changes", [{"roles": ["auditor"]}, {"team": "south"}, {"team": None, "name": "Li"}])
    async def test_nobody_changes_what_they_may_do_themselves(
        self, book: Repositories, changes: dict[str, object]
    ) -> None:
        own = await make(book, VIEWER.person, roles=["administrator"])
        viewer = replace(VIEWER, manager_id=own)
        before = await everything(book)
        with pytest.raises(NotAllowed, match="of your own record"):
            await change_manager(viewer, book, own, changes, UNGUARDED)
        assert await everything(book) == before
        await change_manager(viewer, book, own, {"name": "Wang"}, UNGUARDED)
        await change_manager(replace(VIEWER, person="M003"), book, own, changes, UNGUARDED)

    async def test_refusals_change_nothing(self, book: Repositories) -> None:
        one = await make(book)
        before = await everything(book)
        for changes in ({}, {"name": None}, {"team": 5, "nothing": 1}):
            with pytest.raises(Refused):
                await change_manager(VIEWER, book, one, changes, UNGUARDED)
        with pytest.raises(StaleVersion):
            await change_manager(VIEWER, book, one, {"team": "south"}, Guard(2))
        with pytest.raises(NotFound):
            await change_manager(VIEWER, book, "mg_missing", {"team": "south"}, UNGUARDED)
        assert await everything(book) == before


class TestEnterPerson:
    async def test_at_first_sight_once_however_many_requests(self, book: Repositories) -> None:
        viewer = Viewer("new", frozenset(("team_lead", "auditor")), "north")
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(enter_person, book, viewer)
        before = await everything(book)
        (found,) = before["managers"]
        assert (found["person"], found["name"], found["team"]) == ("new", "new", "north")
        assert found["roles"] == ["auditor", "team_lead"]
        await enter_person(book, Viewer("new", frozenset(("auditor",)), "south"))
        assert await everything(book) == before
