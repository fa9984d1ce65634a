"""Merge two clients: what one person may only propose."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from acts.checks import UNGUARDED, Guard, guard_problems, proof_problems, proof_words, refuse, request_hash
from acts.merge import MergeOutcome, MergeRequest, Side, merge_clients, planned_merge
from acts.proposing import Approved, Proposal, find_proposal, propose
from policy.approvals import CLIENT_MERGE
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.plan import Proof
from repositories.reading import Document
from repositories.repositories import Repositories


async def propose_merge(
    viewer: Viewer,
    repositories: Repositories,
    wanted: MergeRequest,
    guard: Guard = UNGUARDED,
    *,
    reason: str | None = None,
    dry_run: bool = False,
    touched: Touched | None = None,
) -> tuple[MergeOutcome | None, Document | None]:
    """What would come of the merge, and the approval that it waits for; no outcome where it was proposed before.

    The versions that the proposer saw are the ones that the second person agrees to.
    Raises: as `planned_merge` and `propose`.
    """
    asked = request_from(wanted)
    request = request_hash("clientMerge", asked, proof_words(wanted.proof), reason)
    if not dry_run and (earlier := await find_proposal(viewer, repositories, guard, request)) is not None:
        return None, earlier
    refuse([*guard_problems(guard), *proof_problems(wanted.proof)])
    outcome = await planned_merge(viewer, repositories, wanted, touched)
    if dry_run:
        return outcome, None
    what = "its values fill gaps, its history, records and number follow, and its own document is gone"
    summary = f"Make the client {wanted.merge_id} part of {wanted.keep_id}: {what}."
    proposal = Proposal(CLIENT_MERGE, wanted.merge_id, summary, asked, reason)
    return outcome, await propose(viewer, repositories, proposal, guard, request)


async def perform_merge(repositories: Repositories, approved: Approved) -> None:
    """Merge two clients as it was approved."""
    wanted = request_of(approved.request)
    source = f"approval {approved.id}, proposed by {approved.proposed_by}"
    await merge_clients(
        approved.decider, repositories, wanted, key=approved.key, touched=approved.touched, source=source
    )


def request_from(wanted: MergeRequest) -> dict[str, Any]:
    """A merge as JSON."""
    proof = wanted.proof
    observed = None if proof.observed_at is None else proof.observed_at.isoformat()
    given = {
        "source": proof.source,
        "observer": proof.observer,
        "observedAt": observed,
        "confidence": proof.confidence,
    }
    return {
        "keepId": wanted.keep_id,
        "mergeId": wanted.merge_id,
        "expectedVersions": {"keep": wanted.keep_version, "merge": wanted.merge_version},
        # A list: a path with its dots is no name of a field.
        "choices": [{"path": path, "from": str(side)} for path, side in sorted(wanted.choices.items())],
        "proof": {name: value for name, value in given.items() if value is not None},
    }


def request_of(asked: Mapping[str, Any]) -> MergeRequest:
    """The merge that JSON says."""
    proof, versions = asked["proof"], asked["expectedVersions"]
    observed = proof.get("observedAt")
    return MergeRequest(
        asked["keepId"],
        asked["mergeId"],
        versions["keep"],
        versions["merge"],
        {each["path"]: Side(each["from"]) for each in asked["choices"]},
        Proof(
            proof.get("source"),
            proof.get("observer"),
            None if observed is None else datetime.fromisoformat(observed),
            proof.get("confidence"),
        ),
    )
