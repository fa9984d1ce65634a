"""Erase a client: what one person may only propose."""

from acts.checks import UNGUARDED, Guard, request_hash
from acts.clients import client_by_id
from acts.erasure import erase_client
from acts.proposing import Approved, Proposal, find_proposal, propose
from policy.approvals import CLIENT_ERASE
from policy.viewer import Viewer
from repositories.errors import NotFound
from repositories.plan import ID
from repositories.reading import Document
from repositories.repositories import Repositories


async def propose_erasure(
    viewer: Viewer, repositories: Repositories, client_id: str, reason: str | None = None, guard: Guard = UNGUARDED
) -> Document:
    """The approval that the erasure of a client waits for; nothing happens to the client before.

    It outlives the client, so it names him by his id alone.
    Raises: NotFound; and as `propose`.
    """
    request = request_hash("clientErase", client_id, reason)
    earlier = await find_proposal(viewer, repositories, guard, request)
    if earlier is not None:
        return earlier
    if await repositories.clients.find_one(client_by_id(viewer, repositories, client_id, frozenset((ID,)))) is None:
        raise NotFound("client", client_id)
    what = "the document, its history, its records, and what others point at it by"
    summary = f"Erase the client {client_id} for good: {what}."
    proposal = Proposal(CLIENT_ERASE, client_id, summary, {"id": client_id}, reason)
    return await propose(viewer, repositories, proposal, guard, request)


async def perform_erasure(repositories: Repositories, approved: Approved) -> None:
    """Erase a client as it was approved; begun and stopped, it is finished."""
    await erase_client(approved.decider, repositories, approved.subject, approval=approved.id)
