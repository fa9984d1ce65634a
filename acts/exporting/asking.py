"""Ask for an export as a job; RESTRICTED values take a second person, who decides before there is a job."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acts.checks import Guard, guard_problems, refuse, request_hash
from acts.exporting.clients import ExportOrder, prepared_export
from acts.exporting.columns import RestrictedAsked
from acts.files import refuse_too_many_files
from acts.importing.asking import checked_input, refuse_too_many, was_asked
from acts.jobs import Job, enqueue
from acts.proposing import Approved, Proposal, find_proposal, propose
from policy.approvals import RESTRICTED_EXPORT
from policy.viewer import Viewer
from repositories.reading import Document
from repositories.repositories import Repositories

EXPORT = "clientsExport"
"""The kind of the job."""


@dataclass(frozen=True, slots=True)
class AskedExport:
    """A job that makes the file, or the approval that it waits for."""

    job: Job | None = None
    approval: Document | None = None


def order_json(order: ExportOrder) -> dict[str, Any]:
    """What is to be exported, as the input of a job or of an approval."""
    given = {
        "format": order.format,
        "where": order.where,
        "search": order.search,
        "attributes": None if order.attributes is None else list(order.attributes),
    }
    return {name: value for name, value in given.items() if value is not None}


def order_from(given: Mapping[str, Any]) -> ExportOrder:
    """The order that such an input says."""
    attributes = given.get("attributes")
    return ExportOrder(
        given["format"], given.get("where"), given.get("search"), None if attributes is None else tuple(attributes)
    )


async def ask_export(
    viewer: Viewer, repositories: Repositories, order: ExportOrder, guard: Guard, reason: str | None = None
) -> AskedExport:
    """The job that writes the file for the viewer, by what they may see when it runs.

    Where RESTRICTED attributes are named that the viewer's purpose opens, it is an approval, and no job yet.
    Raises: NotAllowed, Refused, KeyReused; KehuError with TOO_EXPENSIVE, ALREADY_EXISTS.
    Cost: one count of what is asked for; two for RESTRICTED ones.
    """
    refuse(guard_problems(guard))
    given = checked_input({"order": order_json(order)})
    if await was_asked(viewer, repositories, EXPORT, guard):
        return AskedExport(await enqueue(viewer, repositories, EXPORT, given, key=guard.idempotency_key))
    try:
        await prepared_export(viewer, repositories, order)
    except RestrictedAsked:
        if viewer.purpose is None:
            raise
        return AskedExport(approval=await _propose(viewer, repositories, order, guard, reason))
    await refuse_too_many(viewer, repositories, EXPORT)
    await refuse_too_many_files(viewer, repositories)
    return AskedExport(await enqueue(viewer, repositories, EXPORT, given, key=guard.idempotency_key))


async def _propose(
    viewer: Viewer, repositories: Repositories, order: ExportOrder, guard: Guard, reason: str | None
) -> Document:
    request = request_hash(EXPORT, order_json(order), viewer.purpose, reason)
    earlier = await find_proposal(viewer, repositories, guard, request)
    if earlier is not None:
        return earlier
    export = await prepared_export(viewer, repositories, order, is_approved=True)
    secret = repositories.access.restricted("clients")
    named = ", ".join(each.header for each in export.columns if each.path in secret)
    asked = {"order": order_json(order), "purpose": viewer.purpose, "roles": sorted(viewer.roles)}
    summary = f"Export {named} of {export.total:,} clients to a file for {viewer.person}, for {viewer.purpose}."
    # One open proposal for one person and one question: the same again is the same.
    subject = f"{viewer.person}:{request_hash(EXPORT, asked)[:16]}"
    return await propose(
        viewer, repositories, Proposal(RESTRICTED_EXPORT, subject, summary, asked, reason), guard, request
    )


async def perform_export(repositories: Repositories, approved: Approved) -> None:
    """Have the export made that was approved: for whoever proposed it, by what they may see then."""
    asked = approved.request
    proposer = Viewer(approved.proposed_by, frozenset(asked["roles"]), purpose=asked["purpose"])
    given = {"order": asked["order"], "approval": approved.id}
    await enqueue(proposer, repositories, EXPORT, given, key=approved.key)
