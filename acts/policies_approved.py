"""The policy is changed by two people: one proposes the table, another one agrees to it."""

from collections.abc import Mapping

from acts.checks import Guard, request_hash
from acts.policies import PolicyOutcome, planned_policy, put_in_force
from acts.proposing import Approved, Proposal, find_proposal, propose
from policy.approvals import POLICY_CHANGE
from policy.rules import Policy
from policy.viewer import Viewer
from repositories.reading import Document
from repositories.repositories import Repositories

SUBJECT = "policy"


async def propose_policy(
    viewer: Viewer,
    repositories: Repositories,
    changes: Mapping[str, object],
    guard: Guard,
    *,
    reason: str | None = None,
    dry_run: bool = False,
) -> tuple[PolicyOutcome, Document | None]:
    """The table as it would be, with what it would change for whom, and the approval that it waits for.

    Raises: as `planned_policy` and `propose`.
    """
    request = request_hash("policyChange", changes, guard.expected_version, reason)
    outcome = await planned_policy(viewer, repositories, changes, guard.expected_version or 0)
    if dry_run:
        return outcome, None
    # The revision is no version of a record: the built-in table has 0.
    guard = Guard(idempotency_key=guard.idempotency_key)
    earlier = await find_proposal(viewer, repositories, guard, request)
    if earlier is not None:
        return outcome, earlier
    roles = ", ".join(each.role for each in outcome.effects) or "nobody"
    summary = f"Put table {outcome.policy.revision} of the policy in force; it changes something for: {roles}."
    asked = {"policy": outcome.policy.model_dump(mode="json")}
    proposal = Proposal(POLICY_CHANGE, SUBJECT, summary, asked, reason)
    return outcome, await propose(viewer, repositories, proposal, guard, request)


async def perform_policy(repositories: Repositories, approved: Approved) -> None:
    """Put a table in force as it was approved; the same table once more changes nothing."""
    policy = Policy.model_validate(approved.request["policy"])
    reason = f"proposed by {approved.proposed_by}, approval {approved.id}"
    await put_in_force(repositories, policy, approved.decider.person, reason)
