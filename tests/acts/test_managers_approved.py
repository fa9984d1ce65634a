"""Roles that decide approvals: given by two people, whatever the door; all others by one."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from acts.approvals import Decision, decide_approval
from acts.checks import UNGUARDED, Guard
from acts.managers_approved import Entered, change_or_propose, create_or_propose
from acts.performers import PERFORMERS
from catalogue.errors import ErrorCode, KehuError, Refused
from catalogue.kinds import Kind
from policy.approvals import DECIDING_ROLES, ROLE_GRANT, RULES, may_decide
from policy.viewer import ROLES, Viewer
from repositories.access import NotAllowed
from repositories.errors import KeyReused, NotFound, StaleVersion
from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import OTHER, SMALL, VIEWER, attribute, everything, open_book

YES = Decision(is_approved=True)
CATALOGUE = SMALL.with_attributes((attribute("isActive", Kind.BOOLEAN, area="managers"),))
PLAIN = sorted(set(ROLES) - DECIDING_ROLES)


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, CATALOGUE)


async def make(book: Repositories, person: str, *roles: str, guard: Guard = UNGUARDED, **more: object) -> Entered:
    given: Mapping[str, object] = {"name": "Li", "roles": list(roles), **more}
    return await create_or_propose(VIEWER, book, person, given, guard)


async def record(book: Repositories, person: str) -> dict[str, Any]:
    found = await book.managers.collection.find_one({"person": person})
    assert found is not None
    return found


async def decide(book: Repositories, entered: Entered, viewer: Viewer = OTHER) -> dict[str, Any]:
    assert entered.approval is not None
    return await decide_approval(viewer, book, str(entered.approval["_id"]), YES, UNGUARDED, PERFORMERS)


class TestCreate:
    async def test_the_roles_that_decide_wait(self, book: Repositories) -> None:
        made = await make(book, "M9", "relationship_manager", "administrator", "risk_officer", team="north")
        assert (await record(book, "M9"))["roles"] == ["relationship_manager"]
        assert made.approval is not None
        assert (made.approval["act"], made.approval["proposedBy"]) == (ROLE_GRANT, VIEWER.person)
        assert made.approval["summary"] == "Give M9 the roles administrator and risk_officer."
        done = await decide(book, made)
        assert done.get("outcomeErrors", []) == []
        assert (await record(book, "M9"))["roles"] == ["relationship_manager", "administrator", "risk_officer"]
        change = (await record(book, "M9"))["tail"][-1]
        assert (change["by"], change["source"]) == (
            OTHER.person,
            f"approval {done['_id']}, proposed by {VIEWER.person}",
        )

    @pytest.mark.parametrize("role", PLAIN)
    async def test_others_do_not(self, book: Repositories, role: str) -> None:
        assert (await make(book, "M9", role)).approval is None
        assert (await record(book, "M9"))["roles"] == [role]

    async def test_the_same_request_again_answers_the_same(self, book: Repositories) -> None:
        first = await make(book, "M9", "administrator", guard=Guard(idempotency_key="k"))
        before = await everything(book)
        again = await make(book, "M9", "administrator", guard=Guard(idempotency_key="k"))
        assert (again.approval or {})["_id"] == (first.approval or {})["_id"]
        assert await everything(book) == before
        with pytest.raises(KeyReused):
            await make(book, "M9", "data_steward", guard=Guard(idempotency_key="k"), team="x")

    async def test_what_is_wrong_is_refused_before_anything_is_proposed(self, book: Repositories) -> None:
        before = await everything(book)
        with pytest.raises(Refused):
            await make(book, "M9", "administrator", "emperor")
        steward = Viewer("S1", frozenset(("data_steward",)))
        with pytest.raises(NotAllowed):
            await create_or_propose(steward, book, "M9", {"name": "Li", "roles": ["administrator"]})
        assert await everything(book) == before


class TestChange:
    async def test_what_one_may_do_is_done_and_the_rest_waits(self, book: Repositories) -> None:
        await make(book, "M9", "auditor")
        manager = str((await record(book, "M9"))["_id"])
        changes = {"team": "south", "roles": ["team_lead", "data_steward"]}
        entered = await change_or_propose(VIEWER, book, manager, changes, Guard(1), paths={"team", "roles"})
        found = await record(book, "M9")
        assert (found["team"], found["roles"], found["version"]) == ("south", ["team_lead"], 2)
        await decide(book, entered)
        assert (await record(book, "M9"))["roles"] == ["team_lead", "data_steward"]

    async def test_roles_that_are_there_stay_and_go_by_one_person(self, book: Repositories) -> None:
        await decide(book, await make(book, "M9", "administrator"))
        manager = str((await record(book, "M9"))["_id"])
        kept = await change_or_propose(VIEWER, book, manager, {"roles": ["administrator", "auditor"]})
        assert kept.approval is None
        assert (await record(book, "M9"))["roles"] == ["administrator", "auditor"]
        await change_or_propose(VIEWER, book, manager, {"roles": []})
        assert (await record(book, "M9"))["roles"] == []
        again = await change_or_propose(VIEWER, book, manager, {"roles": ["administrator"]})
        assert again.approval is not None
        assert (await record(book, "M9"))["roles"] == []

    async def test_whoever_comes_back_with_such_a_role_comes_back_by_two(self, book: Repositories) -> None:
        await decide(book, await make(book, "M9", "administrator"))
        manager = str((await record(book, "M9"))["_id"])
        await change_or_propose(VIEWER, book, manager, {"isActive": False})
        entered = await change_or_propose(VIEWER, book, manager, {"isActive": True, "team": "south"})
        found = await record(book, "M9")
        assert (found["isActive"], found["team"], found["roles"]) == (False, "south", ["administrator"])
        await decide(book, entered)
        assert (await record(book, "M9"))["isActive"] is True
        await change_or_propose(VIEWER, book, manager, {"isActive": False})
        assert (await change_or_propose(VIEWER, book, manager, {"isActive": None})).approval is not None
        assert (await record(book, "M9"))["isActive"] is False

    @pytest.mark.parametrize("turn", range(5))
    async def test_two_halves_sent_at_the_same_time_wait_as_the_whole_does(self, book: Repositories, turn: int) -> None:
        """Neither gives an active person such a role by itself: one of them sees what the other one has done."""
        await make(book, "M9", "relationship_manager", isActive=False)
        manager = str((await record(book, "M9"))["_id"])
        halves: list[Mapping[str, object]] = [{"roles": ["administrator"]}, {"isActive": True}]
        both = await asyncio.gather(
            *(change_or_propose(VIEWER, book, manager, half) for half in halves[:: 1 if turn % 2 else -1]),
            return_exceptions=True,
        )
        found = await record(book, "M9")
        is_active = found.get("isActive") is not False
        assert not (is_active and "administrator" in (found["roles"] or ()))
        assert any(isinstance(entered, Entered) and entered.approval is not None for entered in both)

    async def test_refused_it_changes_nothing(self, book: Repositories) -> None:
        await make(book, "M9", "auditor")
        manager = str((await record(book, "M9"))["_id"])
        before = await everything(book)
        roles = {"roles": ["auditor", "administrator"]}
        with pytest.raises(StaleVersion):
            await change_or_propose(VIEWER, book, manager, roles, Guard(7))
        with pytest.raises(NotFound):
            await change_or_propose(VIEWER, book, "mg_nobody", roles)
        with pytest.raises(NotAllowed, match="own record"):
            await change_or_propose(replace(VIEWER, manager_id=manager), book, manager, roles)
        assert await everything(book) == before
        await change_or_propose(VIEWER, book, manager, roles)
        before = await everything(book)
        with pytest.raises(KehuError) as refused:
            await change_or_propose(VIEWER, book, manager, {**roles, "team": "south"})
        assert refused.value.code is ErrorCode.ALREADY_EXISTS
        assert await everything(book) == before


class TestDecide:
    async def test_neither_who_proposed_nor_whose_they_would_be(self, book: Repositories) -> None:
        await decide(book, await make(book, "M9", "administrator"))
        manager = str((await record(book, "M9"))["_id"])
        entered = await change_or_propose(VIEWER, book, manager, {"roles": ["administrator", "risk_officer"]})
        assert entered.approval is not None
        receiver = Viewer("M9", frozenset(("administrator",)), manager_id=manager)
        assert "would be yours" in str(may_decide(receiver, entered.approval))
        for each in (VIEWER, receiver):
            with pytest.raises(NotAllowed):
                await decide(book, entered, each)
        await decide(book, entered)
        assert (await record(book, "M9"))["roles"] == ["administrator", "risk_officer"]

    def test_every_role_that_decides_about_anything_is_one_of_them(self) -> None:
        assert {"administrator", "data_steward", "risk_officer"} == DECIDING_ROLES
        assert all(DECIDING_ROLES.issuperset(each.may_decide) for each in RULES.values())
