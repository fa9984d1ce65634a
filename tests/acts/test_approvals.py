"""A decision: by another person, once, and carried out once, whatever happens in between."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from acts.approvals import Decision, decide_approval, withdraw_approval
from acts.checks import UNGUARDED, Guard, now
from acts.proposing import Approved, Performers, Proposal, propose
from catalogue.errors import ErrorCode, KehuError, Problem, Refused
from policy.approvals import CARRY_OUT_SECONDS, ApprovalStatus
from policy.viewer import Viewer
from repositories.errors import KeyReused, NotFound, StaleVersion, Unavailable
from repositories.repositories import Repositories
from tests.books import everything
from tests.figures import Figure

STEWARD = Viewer("S001", frozenset(("data_steward",)))
OTHER = Viewer("S002", frozenset(("data_steward", "team_lead")))
ADMINISTRATOR = Viewer("A001", frozenset(("administrator",)))
AUDITOR = Viewer("T001", frozenset(("auditor",)))
MANAGER = Viewer("M001", frozenset(("relationship_manager",)))
PROPOSAL = Proposal("ATTRIBUTE_RETIRE", "profile.motto", "Retire it.", {"path": "profile.motto"})
YES, NO = Decision(True), Decision(False, "Still in use.")
KEY = Guard(idempotency_key="k")


class Acts:
    """A performer that notes what it is asked, and raises what it is told to, once each."""

    def __init__(self, *raises: Exception) -> None:
        self.asked: list[Approved] = []
        self._raises = list(raises)

    @property
    def performers(self) -> Performers:
        return {"ATTRIBUTE_RETIRE": self._perform}

    async def _perform(self, _book: Repositories, approved: Approved) -> None:
        self.asked.append(approved)
        await anyio.lowlevel.checkpoint()
        if self._raises:
            raise self._raises.pop(0)


def codes(refused: "pytest.ExceptionInfo[KehuError]") -> list[str]:
    return [str(each.code) for each in refused.value.problems()]


async def make(book: Repositories, subject: str = "profile.motto") -> str:
    """The id of a proposal of the steward's."""
    made = await propose(STEWARD, book, replace(PROPOSAL, subject=subject), UNGUARDED, "hash")
    return str(made["_id"])


async def decide(
    book: Repositories,
    one: str,
    decision: Decision = YES,
    guard: Guard = UNGUARDED,
    viewer: Viewer = OTHER,
    acts: Acts | None = None,
) -> dict[str, Any]:
    return await decide_approval(viewer, book, one, decision, guard, (acts or Acts()).performers)


async def withdraw(book: Repositories, one: str, guard: Guard = UNGUARDED, viewer: Viewer = STEWARD) -> dict[str, Any]:
    return await withdraw_approval(viewer, book, one, None, guard)


async def let_pass(book: Repositories, one: str, field: str, seconds: float) -> None:
    """As if a moment of an approval were so long ago."""
    past = now() - timedelta(seconds=seconds)
    await book.approvals.collection.update_one({"_id": one}, {"$set": {field: past}})


async def brought_to(book: Repositories, status: ApprovalStatus, subject: str) -> str:
    """The id of an approval that stands so."""
    one = await make(book, subject)
    match status:
        case ApprovalStatus.APPROVED:
            await decide(book, one)
        case ApprovalStatus.REFUSED:
            await decide(book, one, NO)
        case ApprovalStatus.WITHDRAWN:
            await withdraw(book, one)
        case ApprovalStatus.EXPIRED:
            await let_pass(book, one, "expiresAt", 0)
    return one


class TestDecide:
    async def test_approved_and_carried_out(self, book: Repositories) -> None:
        acts, one = Acts(), await make(book)
        done = await decide(book, one, Decision(True, "Agreed."), acts=acts)
        assert (done["status"], done["decidedBy"], done["decisionReason"]) == ("APPROVED", "S002", "Agreed.")
        assert done["decidedAt"] <= done["carriedOutAt"]
        assert done["version"] == 3
        assert "outcomeErrors" not in done
        # With the roles that the decision was made by, and no others.
        decider = Viewer("S002", frozenset(("data_steward",)))
        assert acts.asked == [Approved(one, "profile.motto", {"path": "profile.motto"}, "S001", decider)]
        assert acts.asked[0].key == f"approval:{one}"
        (row,) = (await everything(book))["approvals"]
        assert "open" not in row
        assert [each["by"] for each in row["tail"]] == ["S001", "S002", "S002"]

    async def test_refused_with_a_reason_and_nothing_done(self, book: Repositories) -> None:
        acts, one = Acts(), await make(book)
        with pytest.raises(Refused, match="reason takes why the proposal is refused"):
            await decide(book, one, Decision(False), acts=acts)
        done = await decide(book, one, NO, acts=acts)
        assert (done["status"], done["decisionReason"], done["version"]) == ("REFUSED", "Still in use.", 2)
        assert acts.asked == []
        assert await make(book) != one

    async def test_what_cannot_be_carried_out_is_said(self, book: Repositories) -> None:
        problems = [Problem(ErrorCode.STALE_VERSION, "Another revision.", ("path",), "1", "2")]
        acts, one = Acts(Refused(problems)), await make(book)
        done = await decide(book, one, guard=KEY, acts=acts)
        stored = {
            "code": "STALE_VERSION",
            "message": "Another revision.",
            "path": ["path"],
            "given": "1",
            "expected": "2",
        }
        assert (done["status"], done["outcomeErrors"]) == ("APPROVED", [stored])
        assert "carriedOutAt" not in done
        assert (await decide(book, one, guard=KEY, acts=acts))["outcomeErrors"] == [stored]
        assert len(acts.asked) == 1

    async def test_an_act_that_this_server_does_not_know_is_not_decided(self, book: Repositories) -> None:
        one = await make(book)
        before = await everything(book)
        with pytest.raises(Unavailable, match="cannot carry out ATTRIBUTE_RETIRE"):
            await decide_approval(OTHER, book, one, YES, UNGUARDED, {})
        assert await everything(book) == before
        stopped = Acts(RuntimeError("killed"))
        with pytest.raises(RuntimeError):
            await decide(book, one, guard=KEY, acts=stopped)
        with pytest.raises(Unavailable, match="cannot carry out ATTRIBUTE_RETIRE"):
            await decide_approval(OTHER, book, one, YES, KEY, {})
        assert (await decide(book, one, guard=KEY, acts=stopped))["carriedOutAt"] is not None
        other = await make(book)
        assert (await decide_approval(OTHER, book, other, NO, UNGUARDED, {}))["status"] == "REFUSED"


class TestStates:
    @pytest.mark.parametrize("start", ApprovalStatus)
    async def test_only_an_open_one_can_be_closed(self, book: Repositories, start: ApprovalStatus) -> None:
        """Every pair of where an approval stands and where somebody wants it."""
        for wanted in ("APPROVED", "REFUSED", "WITHDRAWN"):
            one, acts = await brought_to(book, start, f"profile.{wanted.lower()}"), Acts()

            async def close(one: str = one, wanted: str = wanted, acts: Acts = acts) -> dict[str, Any]:
                if wanted == "WITHDRAWN":
                    return await withdraw(book, one)
                return await decide(book, one, YES if wanted == "APPROVED" else NO, acts=acts)

            before = await everything(book)
            if start is ApprovalStatus.REQUESTED:
                assert (await close())["status"] == wanted
                continue
            with pytest.raises(KehuError, match=f"The approval {one} (was|has) {start.lower()}") as refused:
                await close()
            assert codes(refused) == ["APPROVAL_CLOSED"]
            assert (refused.value.given, refused.value.expected) == (str(start), "REQUESTED")
            assert await everything(book) == before
            assert acts.asked == []

    async def test_it_expires_in_the_very_command(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        """Open when it was read, over when the decision arrives."""
        one = await make(book)
        original = book.approvals.replay

        async def slowly(*given: Any) -> Any:
            await let_pass(book, one, "expiresAt", 1)
            monkeypatch.undo()
            return await original(*given)

        monkeypatch.setattr(book.approvals, "replay", slowly)
        acts = Acts()
        with pytest.raises(KehuError) as refused:
            await decide(book, one, acts=acts)
        assert codes(refused) == ["APPROVAL_CLOSED"]
        assert acts.asked == []


class TestFourEyes:
    async def test_never_by_the_proposer_whatever_the_role(self, book: Repositories) -> None:
        one = await make(book)
        before = await everything(book)
        every_role = Viewer("S001", frozenset(("administrator", "data_steward", "auditor")))
        for viewer, decision in ((STEWARD, YES), (every_role, YES), (every_role, NO)):
            with pytest.raises(KehuError, match="You proposed this yourself") as refused:
                await decide(book, one, decision, viewer=viewer)
            assert codes(refused) == ["NOT_ALLOWED"]
        assert await everything(book) == before

    async def test_only_by_who_holds_the_role_now(self, book: Repositories) -> None:
        one = await make(book)
        before = await everything(book)
        with pytest.raises(KehuError, match="is decided by a data_steward or an administrator") as refused:
            await decide(book, one, viewer=AUDITOR)
        assert codes(refused) == ["NOT_ALLOWED"]
        assert await everything(book) == before
        # A steward no longer: not even a repeat of their own decision goes through.
        await decide(book, one, guard=KEY)
        with pytest.raises(NotFound):
            await decide(book, one, guard=KEY, viewer=replace(OTHER, roles=frozenset(("team_lead",))))

    async def test_hidden_is_missing(self, book: Repositories) -> None:
        one = await make(book)
        before = await everything(book)
        for act in (decide, withdraw):
            with pytest.raises(NotFound) as hidden:
                await act(book, one, viewer=MANAGER)
            with pytest.raises(NotFound) as missing:
                await act(book, "ap_0", viewer=ADMINISTRATOR)
            assert str(hidden.value).replace(one, "ap_0") == str(missing.value)
        assert await everything(book) == before

    async def test_only_the_proposer_withdraws(self, book: Repositories) -> None:
        one = await make(book)
        for viewer in (OTHER, ADMINISTRATOR, AUDITOR):
            with pytest.raises(KehuError, match="Only S001, who proposed this") as refused:
                await withdraw(book, one, viewer=viewer)
            assert codes(refused) == ["NOT_ALLOWED"]
        done = await withdraw_approval(STEWARD, book, one, "Not needed.", KEY)
        assert (done["status"], done["decidedBy"], done["decisionReason"]) == ("WITHDRAWN", "S001", "Not needed.")
        assert (await withdraw_approval(STEWARD, book, one, "Not needed.", KEY))["version"] == done["version"]


class TestOnce:
    async def test_of_twenty_decisions_at_once_one_counts(self, book: Repositories) -> None:
        acts, one = Acts(), await make(book)
        outcomes: list[str] = []

        async def send(number: int) -> None:
            viewer = Viewer(f"P{number}", frozenset(("data_steward",)))
            try:
                outcomes.append(
                    (await decide(book, one, YES if number % 2 else NO, viewer=viewer, acts=acts))["status"]
                )
            except KehuError as refused:
                outcomes.append(str(refused.code))

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(send, number)
        (row,) = (await everything(book))["approvals"]
        assert sorted(outcomes) == sorted(["APPROVAL_CLOSED"] * 19 + [row["status"]])
        assert len(acts.asked) == (row["status"] == "APPROVED")

    async def test_of_twenty_approvals_at_once_one_is_carried_out(self, book: Repositories, figure: Figure) -> None:
        acts, one = Acts(), await make(book)
        outcomes: list[str] = []

        async def send(number: int) -> None:
            viewer = Viewer(f"P{number}", frozenset(("data_steward",)))
            try:
                outcomes.append((await decide(book, one, viewer=viewer, acts=acts))["status"])
            except KehuError as refused:
                outcomes.append(str(refused.code))

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(send, number)
        assert sorted(outcomes) == ["APPROVAL_CLOSED"] * 19 + ["APPROVED"]
        assert len(acts.asked) == 1
        figure(f"{len(acts.asked)} of 20 concurrent approvals of one proposal was carried out")

    @pytest.mark.parametrize("stop", [RuntimeError("killed"), Unavailable()])
    async def test_stopped_in_between_the_same_request_finishes(self, book: Repositories, stop: Exception) -> None:
        acts, one = Acts(stop), await make(book)
        with pytest.raises(type(stop)):
            await decide(book, one, guard=KEY, acts=acts)
        (row,) = (await everything(book))["approvals"]
        assert (row["status"], row.get("carriedOutAt"), row.get("outcomeErrors")) == ("APPROVED", None, None)
        done = [await decide(book, one, guard=KEY, acts=acts) for _ in range(3)]
        assert {each["carriedOutAt"] for each in done} == {done[0]["carriedOutAt"]}
        assert [each.key for each in acts.asked] == [f"approval:{one}"] * 2
        assert (await everything(book))["approvals"][0]["version"] == 3

    async def test_stopped_in_between_another_one_finishes_a_minute_later(self, book: Repositories) -> None:
        acts, one = Acts(RuntimeError("killed")), await make(book)
        with pytest.raises(RuntimeError):
            await decide(book, one, acts=acts)
        with pytest.raises(KehuError) as refused:
            await decide(book, one, viewer=ADMINISTRATOR, acts=acts)
        assert codes(refused) == ["APPROVAL_CLOSED"]
        await let_pass(book, one, "decidedAt", CARRY_OUT_SECONDS)
        for viewer, decision in ((STEWARD, YES), (ADMINISTRATOR, NO)):
            with pytest.raises(KehuError):
                await decide(book, one, decision, viewer=viewer, acts=acts)
        done = await decide(book, one, viewer=ADMINISTRATOR, acts=acts)
        assert (done["decidedBy"], done["carriedOutAt"] is not None) == ("S002", True)
        # Whoever finishes it, it is the act of the one who decided: the same key, so that it is done once.
        assert acts.asked[0] == acts.asked[1]

    async def test_one_request_sent_twenty_times_at_once_answers_alike(self, book: Repositories) -> None:
        acts, one = Acts(), await make(book)
        done: list[dict[str, Any]] = []

        async def send() -> None:
            done.append(await decide(book, one, guard=KEY, acts=acts))

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(send)
        assert [each["carriedOutAt"] for each in done] == [done[0]["carriedOutAt"]] * 20
        assert {each.key for each in acts.asked} == {f"approval:{one}"}
        assert (await everything(book))["approvals"][0]["version"] == 3

    async def test_keys_and_versions(self, book: Repositories) -> None:
        acts, one = Acts(), await make(book)
        before = await everything(book)
        with pytest.raises(StaleVersion):
            await decide(book, one, guard=Guard(2), acts=acts)
        with pytest.raises(StaleVersion):
            await withdraw(book, one, Guard(2))
        assert await everything(book) == before
        await decide(book, one, guard=Guard(1, "k"), acts=acts)
        with pytest.raises(KeyReused):
            await decide(book, one, NO, Guard(1, "k"), acts=acts)
        assert len(acts.asked) == 1
