"""What every area does that asks for a second person: propose an act, and later carry it out as it was approved."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from acts.checks import WORDS_LIMIT, Guard, guard_problems, key_of, now, problem, refuse
from catalogue.errors import ErrorCode, KehuError, Problem
from catalogue.filters import And, Compare
from catalogue.kinds import Operator
from policy.approvals import APPROVALS, RULES, ApprovalStatus, may_propose, status_at
from policy.viewer import Viewer, program
from repositories.access import AuthorisedPlan, NotAllowed, Touched
from repositories.approvals import OPEN
from repositories.errors import AlreadyExists, NotFound, Unavailable
from repositories.plan import ID, Change, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories, new_id

ATTEMPTS = 3
PATHS = frozenset(
    (
        "act", "subject", "summary", "request", "reason", "proposedBy", "proposedAt", "status", "mayDecide", "why",
        "decidedBy", "decidedRoles", "decidedAt", "decisionReason", "expiresAt", "carriedOutAt", "outcomeErrors",
        "version",
    )
)  # fmt: skip
"""Everything of an approval but its history."""
_KEHU = program("kehu")
"""Who closes an approval that nobody decided in time."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An act that somebody wants done, and everything that is needed to do it later."""

    act: str
    """A code of `policy.approvals.RULES`."""
    subject: str
    """What it is about, a path or an id: there is one open approval at a time for an act and a subject."""
    summary: str
    """A sentence for whoever decides."""
    request: Mapping[str, object]
    """JSON values."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """A proposal that another person has agreed to, as its performer gets it."""

    id: str
    subject: str
    request: Mapping[str, Any]
    proposed_by: str
    decider: Viewer
    """Who agreed, with the roles that they decided by: the act is carried out as theirs."""
    touched: Touched | None = None
    """Where the act notes what it changes, for the audit of the decision."""

    @property
    def key(self) -> str:
        """The idempotency key of the act: carried out again, it is carried out once."""
        return f"approval:{self.id}"


Performer = Callable[[Repositories, Approved], Awaitable[None]]
"""Carries one act out, under the key of the approval however often it is called; raises KehuError if it cannot be."""
Performers = Mapping[str, Performer]
"""By the code of the act."""


async def propose(
    viewer: Viewer, repositories: Repositories, proposal: Proposal, guard: Guard, request: str
) -> Document:
    """The new approval, which waits for another person; or the one that the same request made before.

    `request` is the hash of what was asked for.
    Raises: NotAllowed, Refused, KeyReused; KehuError with ALREADY_EXISTS while one about the same thing is open.
    """
    not_allowed = may_propose(viewer, proposal.act)
    if not_allowed is not None:
        raise NotAllowed(not_allowed)
    refuse([*guard_problems(guard), *reason_problems(proposal.reason)])
    approvals, moment = repositories.approvals, now()
    record = _record(viewer, proposal, moment, timedelta(days=approvals.open_days))
    record[ID] = new_id(APPROVALS, key_of(viewer, guard))
    change = _first_change(viewer, guard, request, moment)
    answer = whole(viewer, repositories)
    for _ in range(ATTEMPTS):
        try:
            return (await approvals.insert(record, change, answer)).document
        except AlreadyExists:
            replayed = await approvals.replay(str(record[ID]), change, answer)
            if replayed is not None:
                return replayed.document
        found = await approvals.find_open(str(record[OPEN]))
        if found is not None and status_at(found, moment) is ApprovalStatus.REQUESTED:
            raise await _already_open(viewer, repositories, found)
        if found is not None:
            await expire(repositories, found)
    raise Unavailable("Others propose the same without a pause; send the proposal again.")


async def refuse_open(viewer: Viewer, repositories: Repositories, act: str, subject: str) -> None:
    """Raises: KehuError with ALREADY_EXISTS while an approval about the same thing waits for a decision."""
    found = await repositories.approvals.find_open(f"{act}:{subject}")
    if found is not None and status_at(found, now()) is ApprovalStatus.REQUESTED:
        raise await _already_open(viewer, repositories, found)


async def find_proposal(viewer: Viewer, repositories: Repositories, guard: Guard, request: str) -> Document | None:
    """The approval that the same request made before; None if its key is new.

    Raises: KeyReused.
    """
    key = key_of(viewer, guard)
    if key is None:
        return None
    change = _first_change(viewer, guard, request, now())
    replayed = await repositories.approvals.replay(new_id(APPROVALS, key), change, whole(viewer, repositories))
    return None if replayed is None else replayed.document


def whole(viewer: Viewer, repositories: Repositories, touched: Touched | None = None) -> AuthorisedPlan:
    """A plan for everything of the approvals that the viewer may see."""
    return repositories.access.authorise(ReadPlan(APPROVALS, PATHS), viewer, touched)


async def expire(repositories: Repositories, approval: Document) -> None:
    """Close an approval whose time is over; nothing happens if somebody has closed it already."""
    moment = now()
    is_over = And(
        (
            Compare("status", Operator.EQ, str(ApprovalStatus.REQUESTED)),
            Compare("expiresAt", Operator.LTE, moment),
        )
    )
    change = Change({"status": str(ApprovalStatus.EXPIRED), OPEN: None}, _KEHU.person, moment, where=is_over)
    try:
        await repositories.approvals.write(str(approval[ID]), change, whole(_KEHU, repositories))
    except NotFound:
        return


def reason_problems(reason: str | None) -> list[Problem]:
    """What is wrong with the words for a proposal or a decision."""
    if reason is None or 1 <= len(reason.strip()) <= len(reason) <= WORDS_LIMIT:
        return []
    return [problem("reason", reason, f"1 to {WORDS_LIMIT} characters")]


def _record(viewer: Viewer, proposal: Proposal, moment: datetime, open_for: timedelta) -> dict[str, object]:
    rule = RULES[proposal.act]
    record: dict[str, object] = {
        "act": proposal.act,
        "subject": proposal.subject,
        "summary": proposal.summary,
        "request": dict(proposal.request),
        "proposedBy": viewer.person,
        "proposedAt": moment,
        "mayDecide": list(rule.may_decide),
        "why": rule.why,
        "expiresAt": moment + open_for,
        OPEN: f"{proposal.act}:{proposal.subject}",
    }
    return record if proposal.reason is None else {**record, "reason": proposal.reason}


def _first_change(viewer: Viewer, guard: Guard, request: str, moment: datetime) -> Change:
    values = {"status": str(ApprovalStatus.REQUESTED)}
    return Change(values, viewer.person, moment, key=key_of(viewer, guard), request_hash=request)


async def _already_open(viewer: Viewer, repositories: Repositories, approval: Document) -> KehuError:
    """The refusal of a second proposal; it names the first one only to those who may see it."""
    found = await repositories.approvals.load_many(whole(viewer, repositories), {str(approval[ID])})
    named = f"the approval {approval[ID]}" if found else "an approval that you may not see"
    return KehuError(
        f"The same is proposed already and waits for a decision: {named}. Wait for it, or have it withdrawn.",
        code=ErrorCode.ALREADY_EXISTS,
        given=str(approval["subject"]),
        expected="no open approval about the same thing",
    )
