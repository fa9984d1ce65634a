"""Four eyes: which acts one person proposes and another one decides, who may do which, and why."""

from collections.abc import Collection as Some
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from catalogue.attribute import Attribute, Sensitivity, Status
from catalogue.filters import And, Compare, Filter, Or
from catalogue.kinds import Operator
from policy.viewer import SYSTEM, Viewer

APPROVALS = "approvals"
"""The name of the area."""
CARRY_OUT_SECONDS = 60
"""How long carrying out may take, before anybody who may decide may finish what was left."""
_SEE_ALL = frozenset(("auditor", "administrator", SYSTEM))
_SECRECY = list(Sensitivity)

ATTRIBUTE_CHANGE = "ATTRIBUTE_CHANGE"
ATTRIBUTE_COMPUTE = "ATTRIBUTE_COMPUTE"
ATTRIBUTE_RETIRE = "ATTRIBUTE_RETIRE"
CLIENT_ERASE = "CLIENT_ERASE"
CLIENTS_DELETE = "CLIENTS_DELETE"
CLIENT_MERGE = "CLIENT_MERGE"
POLICY_CHANGE = "POLICY_CHANGE"
RESTRICTED_EXPORT = "RESTRICTED_EXPORT"
ROLE_GRANT = "ROLE_GRANT"


class ApprovalStatus(StrEnum):
    """Where an approval stands; all but the first are final."""

    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Who may propose an act, who may decide about it, and why those."""

    may_propose: tuple[str, ...]
    may_decide: tuple[str, ...]
    why: str


RULES: Mapping[str, ApprovalRule] = {
    ATTRIBUTE_CHANGE: ApprovalRule(
        ("data_steward", "administrator"),
        ("data_steward", "administrator"),
        "A lower sensitivity shows values to more people at once: "
        "a second person who answers for the attributes must agree.",
    ),
    ATTRIBUTE_COMPUTE: ApprovalRule(
        ("data_steward", "administrator"),
        ("data_steward", "administrator"),
        "The policy asks for a second person where somebody has values computed from what they may not read.",
    ),
    ATTRIBUTE_RETIRE: ApprovalRule(
        ("data_steward", "administrator"),
        ("data_steward", "administrator"),
        "A retired attribute is gone from every query, and its path is never used again: "
        "a second person who answers for the attributes must agree.",
    ),
    CLIENT_ERASE: ApprovalRule(
        ("relationship_manager", "team_lead", "administrator"),
        ("administrator",),
        "What is erased cannot be brought back.",
    ),
    CLIENT_MERGE: ApprovalRule(
        ("relationship_manager", "team_lead", "data_steward", "administrator"),
        ("data_steward", "administrator"),
        "What two clients have told the bank would be one client's, and cannot be parted again: "
        "a second person who answers for the data must agree that they are one.",
    ),
    CLIENTS_DELETE: ApprovalRule(
        ("data_steward", "administrator"),
        ("administrator",),
        "Many clients at once would be gone.",
    ),
    POLICY_CHANGE: ApprovalRule(
        ("administrator",),
        ("administrator",),
        "The policy says who sees what: nobody changes it alone.",
    ),
    RESTRICTED_EXPORT: ApprovalRule(
        ("risk_officer", "auditor", "administrator"),
        ("risk_officer", "administrator"),
        "Restricted values leave the bank's systems only with a purpose that a second person accepts.",
    ),
    ROLE_GRANT: ApprovalRule(
        ("administrator",),
        ("administrator",),
        "Who has these roles decides about what others propose: nobody makes their own second person.",
    ),
}
"""By the code of the act."""
DECIDING_ROLES = frozenset(role for rule in RULES.values() for role in rule.may_decide)
"""The roles that are given by two people, because those who have them are the second person of others."""


def attribute_act(before: Attribute | None, after: Attribute) -> str | None:
    """The act that a definition needs an approval for; None where one person is enough."""
    if before is None:
        return None
    if after.status is Status.RETIRED and before.status is not Status.RETIRED:
        return ATTRIBUTE_RETIRE
    is_lower = _SECRECY.index(after.sensitivity) < _SECRECY.index(before.sensitivity)
    return ATTRIBUTE_CHANGE if is_lower else None


def may_propose(viewer: Viewer, act: str) -> str | None:
    """Why a viewer may not propose an act; None if they may."""
    rule = RULES[act]
    if viewer.roles & set(rule.may_propose):
        return None
    return f"{act} is proposed by {_one_of(rule.may_propose)}; ask one of them to."


def may_decide(viewer: Viewer, approval: Mapping[str, Any]) -> str | None:
    """Why a viewer may not decide about an approval; None if they may."""
    if viewer.person == approval["proposedBy"]:
        return "You proposed this yourself, so another person decides. You can withdraw it."
    if approval["act"] == ROLE_GRANT and viewer.manager_id is not None and viewer.manager_id == approval["subject"]:
        return "These roles would be yours, so another person decides."
    if viewer.roles.isdisjoint(approval["mayDecide"]):
        return f"{approval['act']} is decided by {_one_of(approval['mayDecide'])}. {approval['why']}"
    return None


def may_withdraw(viewer: Viewer, approval: Mapping[str, Any]) -> str | None:
    """Why a viewer may not withdraw an approval; None if they may."""
    if viewer.person == approval["proposedBy"]:
        return None
    return f"Only {approval['proposedBy']}, who proposed this, withdraws it. Who may decide can refuse it instead."


def approval_rows(viewer: Viewer) -> Filter | None:
    """The approvals a viewer may see: their own and those that their roles decide; None stands for all of them."""
    if viewer.roles & _SEE_ALL:
        return None
    own = Compare("proposedBy", Operator.EQ, viewer.person)
    return Or((own, Compare("mayDecide", Operator.CONTAINS_ANY, tuple(sorted(viewer.roles)))))


def status_at(approval: Mapping[str, Any], moment: datetime) -> ApprovalStatus:
    """Where an approval stands at a moment: one that nobody decided in time is expired, whatever is stored."""
    stored = ApprovalStatus(approval["status"])
    is_over = stored is ApprovalStatus.REQUESTED and approval["expiresAt"] <= moment
    return ApprovalStatus.EXPIRED if is_over else stored


def is_left_unfinished(approval: Mapping[str, Any], moment: datetime) -> bool:
    """Whether an approved act was not carried out, though there was time enough: its server must have stopped."""
    if approval["status"] != ApprovalStatus.APPROVED or is_finished(approval):
        return False
    left_at: datetime = approval["decidedAt"] + timedelta(seconds=CARRY_OUT_SECONDS)
    return left_at <= moment


def is_finished(approval: Mapping[str, Any]) -> bool:
    """Whether it is known what became of an approved act."""
    return approval.get("carriedOutAt") is not None or bool(approval.get("outcomeErrors"))


def open_at(moment: datetime) -> Filter:
    """The approvals that can be decided or withdrawn at a moment."""
    return And((_stored(ApprovalStatus.REQUESTED), Compare("expiresAt", Operator.GT, moment)))


def with_status(wanted: Some[ApprovalStatus], moment: datetime) -> Filter:
    """The approvals that stand so at a moment."""
    kept = tuple(str(each) for each in wanted if each is not ApprovalStatus.REQUESTED)
    parts: list[Filter] = [Compare("status", Operator.IN, kept)] if kept or not wanted else []
    if ApprovalStatus.REQUESTED in wanted:
        parts.append(open_at(moment))
    if ApprovalStatus.EXPIRED in wanted:
        parts.append(And((_stored(ApprovalStatus.REQUESTED), Compare("expiresAt", Operator.LTE, moment))))
    return Or(tuple(parts)) if len(parts) > 1 else parts[0]


def _stored(status: ApprovalStatus) -> Filter:
    return Compare("status", Operator.EQ, str(status))


def _one_of(roles: Some[str]) -> str:
    return " or ".join(f"a {each}" if each[0] not in "aeiou" else f"an {each}" for each in roles)
