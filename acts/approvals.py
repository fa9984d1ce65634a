"""Decide about what another person has proposed, withdraw one's own proposal, and carry out what was approved."""

from dataclasses import dataclass, replace
from datetime import datetime

from acts.checks import Guard, guard_problems, guarded_change, now, problem, refuse, request_hash
from acts.proposing import Approved, Performer, Performers, expire, reason_problems, whole
from catalogue.errors import ErrorCode, KehuError, Problem
from policy.approvals import (
    ApprovalStatus,
    is_finished,
    is_left_unfinished,
    may_decide,
    may_withdraw,
    open_at,
    status_at,
)
from policy.viewer import Viewer
from repositories.access import AuthorisedPlan, NotAllowed, Touched
from repositories.approvals import OPEN
from repositories.errors import NotFound, Unavailable
from repositories.plan import ID, Change
from repositories.reading import Document
from repositories.repositories import Repositories

_OUTCOME = "outcome"
EXPIRED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why."""

    is_approved: bool
    reason: str | None = None


async def decide_approval(
    viewer: Viewer,
    repositories: Repositories,
    approval_id: str,
    decision: Decision,
    guard: Guard,
    performers: Performers,
    touched: Touched | None = None,
) -> Document:
    """The approval after the decision and, if that is yes, after the act was carried out: it says what became of it.

    The decision is one command, and the act comes after it. Whatever stops a server in between, the same request sent
    again finishes the act, and so does any other who may decide, a minute later.
    Raises: Refused, NotFound, NotAllowed, StaleVersion, KeyReused; KehuError with APPROVAL_CLOSED.
    """
    problems = [*guard_problems(guard), *reason_problems(decision.reason)]
    if not decision.is_approved and decision.reason is None:
        problems.append(problem("reason", None, "why the proposal is refused"))
    refuse(problems)
    answer = whole(viewer, repositories, touched)
    approval = await _get(repositories, approval_id, answer)
    _refuse_because(may_decide(viewer, approval))
    moment = now()
    change = _decision(viewer, approval, decision, guard, moment)
    replayed = await repositories.approvals.replay(approval_id, change, answer)
    if replayed is not None:
        approval = replayed.document
    elif not (decision.is_approved and is_left_unfinished(approval, moment)):
        if decision.is_approved:
            _performer(performers, approval)
        approval = await _close(repositories, approval, change, answer)
    if approval["status"] == ApprovalStatus.APPROVED and not is_finished(approval):
        approval = await _carry_out(repositories, approval, performers, answer)
    return approval


async def withdraw_approval(
    viewer: Viewer,
    repositories: Repositories,
    approval_id: str,
    reason: str | None,
    guard: Guard,
    touched: Touched | None = None,
) -> Document:
    """The approval after whoever proposed it has taken the proposal back.

    Raises: Refused, NotFound, NotAllowed, StaleVersion, KeyReused; KehuError with APPROVAL_CLOSED.
    """
    refuse([*guard_problems(guard), *reason_problems(reason)])
    answer = whole(viewer, repositories, touched)
    approval = await _get(repositories, approval_id, answer)
    _refuse_because(may_withdraw(viewer, approval))
    request = request_hash("approvalWithdraw", approval_id, reason, guard.expected_version)
    change = _closing(viewer, ApprovalStatus.WITHDRAWN, reason, guard, request, now())
    replayed = await repositories.approvals.replay(approval_id, change, answer)
    return replayed.document if replayed is not None else await _close(repositories, approval, change, answer)


async def expire_approvals(repositories: Repositories) -> int:
    """How many approvals were closed because nobody decided in time; their proposers may propose anew meanwhile anyway.

    Cost: two commands for each.
    """
    done = 0
    while batch := await repositories.approvals.over(now(), EXPIRED_AT_ONCE):
        for each in batch:
            await expire(repositories, each)
        done += len(batch)
    return done


async def _get(repositories: Repositories, approval_id: str, answer: AuthorisedPlan) -> Document:
    """An approval that the viewer may see.

    Raises: NotFound, in the same words for one that is missing and for one that is hidden.
    """
    found = await repositories.approvals.load_many(answer, {approval_id})
    if approval_id not in found:
        raise NotFound("approval", approval_id)
    return found[approval_id]


def _decision(viewer: Viewer, approval: Document, decision: Decision, guard: Guard, moment: datetime) -> Change:
    status = ApprovalStatus.APPROVED if decision.is_approved else ApprovalStatus.REFUSED
    given = (decision.is_approved, decision.reason, guard.expected_version)
    request = request_hash("approvalDecide", approval[ID], *given)
    roles = sorted(viewer.roles & set(approval["mayDecide"]))
    return _closing(viewer, status, decision.reason, guard, request, moment, decidedRoles=roles)


def _closing(
    viewer: Viewer,
    status: ApprovalStatus,
    reason: str | None,
    guard: Guard,
    request: str,
    moment: datetime,
    **more: object,
) -> Change:
    """The change that closes an approval, in one command that matches an open one only."""
    values: dict[str, object] = {"status": str(status), "decidedBy": viewer.person, "decidedAt": moment, OPEN: None}
    if reason is not None:
        values["decisionReason"] = reason
    return replace(guarded_change(viewer, guard, values | more, request, moment), where=open_at(moment))


async def _close(repositories: Repositories, approval: Document, change: Change, answer: AuthorisedPlan) -> Document:
    _refuse_closed(approval, change.at)
    approvals, approval_id = repositories.approvals, str(approval[ID])
    try:
        return (await approvals.write(approval_id, change, answer)).document
    except NotFound:
        # Somebody was faster, perhaps with the same request; or the time ran out between the two commands.
        replayed = await approvals.replay(approval_id, change, answer)
        if replayed is not None:
            return replayed.document
        _refuse_closed(await _get(repositories, approval_id, answer), now())
        raise


async def _carry_out(
    repositories: Repositories, approval: Document, performers: Performers, answer: AuthorisedPlan
) -> Document:
    """The approval with what became of its act; whoever is first to say that is believed."""
    approved = replace(_approved_from(approval), touched=answer.touched)
    try:
        await _performer(performers, approval)(repositories, approved)
    except KehuError as refused:
        if refused.code is ErrorCode.UNAVAILABLE:
            # Nobody knows whether it was done: the decision stands, and the same request finishes the act.
            raise
        outcome: dict[str, object] = {"outcomeErrors": [_stored(each) for each in refused.problems()]}
    else:
        outcome = {"carriedOutAt": now()}
    key = f"{approved.id}:{_OUTCOME}"
    change = Change(outcome, approved.decider.person, now(), key=key, request_hash=_OUTCOME)
    return (await repositories.approvals.write(approved.id, change, answer)).document


def _performer(performers: Performers, approval: Document) -> Performer:
    """Raises: Unavailable for an act that came with a newer version than this server's."""
    found = performers.get(approval["act"])
    if found is None:
        raise Unavailable(f"This server cannot carry out {approval['act']}; send the decision again to a newer one.")
    return found


def _approved_from(approval: Document) -> Approved:
    decider = Viewer(approval["decidedBy"], frozenset(approval["decidedRoles"]))
    return Approved(str(approval[ID]), approval["subject"], approval["request"], approval["proposedBy"], decider)


def _stored(refusal: Problem) -> dict[str, object]:
    return {
        "code": str(refusal.code),
        "message": refusal.message,
        "path": list(refusal.path),
        "given": refusal.given,
        "expected": refusal.expected,
    }


def _refuse_because(reason: str | None) -> None:
    if reason is not None:
        raise NotAllowed(reason, path=("id",))


def _refuse_closed(approval: Document, moment: datetime) -> None:
    status = status_at(approval, moment)
    if status is ApprovalStatus.REQUESTED:
        return
    is_over = status is ApprovalStatus.EXPIRED
    became = "has expired" if is_over else f"was {status.lower()} by {approval['decidedBy']}"
    raise KehuError(
        f"The approval {approval[ID]} {became}. What is closed stays so: propose the act anew if it is still wanted.",
        code=ErrorCode.APPROVAL_CLOSED,
        path=("id",),
        given=str(status),
        expected=str(ApprovalStatus.REQUESTED),
    )
