"""A proposal: who may make one, one open one about a thing, and a key that counts once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from acts.checks import UNGUARDED, Guard, now
from acts.proposing import Proposal, expire, find_proposal, propose
from catalogue.errors import KehuError, Refused
from policy.viewer import Viewer
from repositories.errors import KeyReused
from repositories.repositories import Repositories
from tests.books import everything

STEWARD = Viewer("S001", frozenset(("data_steward",)))
OTHER_STEWARD = Viewer("S002", frozenset(("data_steward",)))
ADMINISTRATOR = Viewer("A001", frozenset(("administrator",)))
PROPOSAL = Proposal("ATTRIBUTE_RETIRE", "profile.motto", "Retire it.", {"path": "profile.motto"}, "Nobody uses it.")
KEY = Guard(idempotency_key="k")


def code(refused: "pytest.ExceptionInfo[KehuError]") -> str:
    return str(refused.value.problems()[0].code)


async def make(book: Repositories, viewer: Viewer = STEWARD, guard: Guard = UNGUARDED, **more: Any) -> dict[str, Any]:
    return await propose(viewer, book, replace(PROPOSAL, **more), guard, "hash")


class TestPropose:
    async def test_everything_that_whoever_decides_must_know(self, book: Repositories) -> None:
        made = await make(book)
        (row,) = (await everything(book))["approvals"]
        assert row["_id"] == made["_id"]
        assert row["_id"].startswith("ap_")
        assert {name: row[name] for name in ("act", "subject", "summary", "request", "reason")} == {
            "act": "ATTRIBUTE_RETIRE",
            "subject": "profile.motto",
            "summary": "Retire it.",
            "request": {"path": "profile.motto"},
            "reason": "Nobody uses it.",
        }
        assert (row["proposedBy"], row["status"], row["version"]) == ("S001", "REQUESTED", 1)
        assert row["mayDecide"] == ["data_steward", "administrator"]
        assert row["why"].startswith("A retired attribute is gone")
        assert row["expiresAt"] - row["proposedAt"] == timedelta(days=14)

    async def test_waits_as_long_as_the_setting_says(self, book: Repositories) -> None:
        book.approvals.open_days = 3
        made = await make(book)
        assert made["expiresAt"] - made["proposedAt"] == timedelta(days=3)

    @pytest.mark.parametrize("role", ["relationship_manager", "team_lead", "risk_officer", "auditor", "integration"])
    async def test_not_by_every_role(self, book: Repositories, role: str) -> None:
        before = await everything(book)
        with pytest.raises(KehuError, match="is proposed by a data_steward or an administrator") as refused:
            await make(book, Viewer("M001", frozenset((role,))))
        assert code(refused) == "NOT_ALLOWED"
        assert await everything(book) == before

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
    async def test_a_reason_says_something(self, book: Repositories, reason: str) -> None:
        with pytest.raises(Refused, match="reason takes 1 to 500 characters"):
            await make(book, reason=reason)
        assert (await everything(book))["approvals"] == []

    async def test_the_same_again_is_refused_and_names_the_open_one(self, book: Repositories) -> None:
        first = await make(book)
        before = await everything(book)
        for viewer in (STEWARD, OTHER_STEWARD, ADMINISTRATOR):
            with pytest.raises(KehuError, match=f"the approval {first['_id']}") as refused:
                await make(book, viewer)
            assert code(refused) == "ALREADY_EXISTS"
        assert await everything(book) == before
        assert (await make(book, subject="profile.other"))["_id"] != first["_id"]

    async def test_it_does_not_name_what_the_viewer_may_not_see(self, book: Repositories) -> None:
        first = await make(book, Viewer("M001", frozenset(("team_lead",))), act="CLIENT_ERASE", subject="cl_1")
        with pytest.raises(KehuError, match="an approval that you may not see") as refused:
            await make(book, Viewer("M002", frozenset(("team_lead",))), act="CLIENT_ERASE", subject="cl_1")
        assert str(first["_id"]) not in str(refused.value)

    async def test_a_key_counts_once(self, book: Repositories) -> None:
        made: list[dict[str, Any]] = []

        async def send() -> None:
            made.append(await make(book, guard=KEY))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(send)
        assert len({each["_id"] for each in made}) == 1
        assert len((await everything(book))["approvals"]) == 1
        assert ((await find_proposal(STEWARD, book, KEY, "hash")) or {})["_id"] == made[0]["_id"]
        assert await find_proposal(OTHER_STEWARD, book, KEY, "hash") is None
        assert await find_proposal(STEWARD, book, UNGUARDED, "hash") is None
        for act in (find_proposal(STEWARD, book, KEY, "another"), propose(STEWARD, book, PROPOSAL, KEY, "another")):
            with pytest.raises(KeyReused):
                await act

    async def test_one_that_nobody_decided_makes_room(self, book: Repositories) -> None:
        long_ago = (await make(book))["_id"]
        over = now() - timedelta(seconds=1)
        await book.approvals.collection.update_one({"_id": long_ago}, {"$set": {"expiresAt": over}})
        second = await make(book)
        rows = {each["_id"]: each for each in (await everything(book))["approvals"]}
        assert (rows[long_ago]["status"], rows[long_ago]["version"]) == ("EXPIRED", 2)
        assert rows[long_ago]["tail"][-1]["by"] == "kehu"
        assert "open" not in rows[long_ago]
        assert rows[second["_id"]]["status"] == "REQUESTED"


class TestExpire:
    async def test_not_before_its_time_and_not_twice(self, book: Repositories) -> None:
        made = await make(book)
        before = await everything(book)
        await expire(book, made)
        assert await everything(book) == before
        over = now() - timedelta(seconds=1)
        await book.approvals.collection.update_one({"_id": made["_id"]}, {"$set": {"expiresAt": over}})
        for _ in range(2):
            await expire(book, made)
        (row,) = (await everything(book))["approvals"]
        assert (row["status"], row["version"]) == ("EXPIRED", 2)
