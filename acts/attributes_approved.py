"""What one person may only propose about an attribute: to retire it, or to lower its sensitivity."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter

from acts.attributes import Definition, NeedsApproval, change_attribute, define_attribute, retire_attribute
from acts.checks import UNGUARDED, Guard, problem, refuse, request_hash
from acts.proposing import Approved, Proposal, find_proposal, propose
from catalogue.attribute import CLIENTS, Attribute, Status
from policy.approvals import ATTRIBUTE_CHANGE, ATTRIBUTE_COMPUTE, ATTRIBUTE_RETIRE
from policy.viewer import Viewer
from repositories.errors import NotFound
from repositories.reading import Document
from repositories.repositories import Repositories

_PLAIN = TypeAdapter(dict[str, Any])


async def change_or_propose(
    viewer: Viewer,
    repositories: Repositories,
    path: str,
    changes: Mapping[str, object],
    guard: Guard = UNGUARDED,
    *,
    area: str = CLIENTS,
    reason: str | None = None,
    dry_run: bool = False,
) -> Definition:
    """A changed attribute; or the attribute as it is with an approval, if its sensitivity would be lower.

    The whole change waits then: half of it would be a definition that nobody has asked for.
    Raises: as `change_attribute` and `propose`; Refused for a retirement, which is proposed in words of its own.
    """
    if changes.get("status") == Status.RETIRED:
        refuse([problem("status", "RETIRED", "a status other than RETIRED; attributeRetire retires")])
    request = request_hash("attributeChange", area, path, changes, guard.expected_version, reason)
    if not dry_run and (earlier := await find_proposal(viewer, repositories, guard, request)) is not None:
        return _waiting(repositories, path, area, earlier)
    try:
        return await change_attribute(viewer, repositories, path, changes, guard, area=area, dry_run=dry_run)
    except NeedsApproval as needed:
        act, after = needed.act, needed.after
    before = _get(repositories, path, area)
    asked = {"path": path, "area": area, "expectedRevision": before.revision, "changes": _renamed(changes, _camel)}
    summary = _computing(viewer, after)
    if act == ATTRIBUTE_CHANGE:
        summary = f"Lower the sensitivity of {path} ({before.label}) from {before.sensitivity} to {after.sensitivity}"
        others = sorted(_camel(name) for name in changes if name != "sensitivity")
        summary += f", and change its {', '.join(others)}." if others else "."
    proposal = Proposal(act, _subject(path, area), summary, asked, reason)
    return _waiting(repositories, path, area, await propose(viewer, repositories, proposal, guard, request))


async def define_or_propose(
    viewer: Viewer,
    repositories: Repositories,
    definition: Attribute,
    guard: Guard = UNGUARDED,
    *,
    dry_run: bool = False,
) -> Definition:
    """A new attribute; or what it would be with an approval, where the policy asks for a second person.

    Raises: as `define_attribute` and `propose`.
    """
    request = request_hash("attributeDefine", definition.canonical(), ATTRIBUTE_COMPUTE)
    catalogue = repositories.feed.catalogue
    if repositories.access.policy.secret_inputs_by_two and not dry_run:
        earlier = await find_proposal(viewer, repositories, guard, request)
        if earlier is not None:
            return Definition(definition, catalogue, catalogue.with_attributes([definition]), earlier)
    try:
        return await define_attribute(viewer, repositories, definition, guard, dry_run=dry_run)
    except NeedsApproval as needed:
        after = needed.after
    asked = {"definition": _renamed(definition.model_dump(exclude_defaults=True), _camel)}
    proposal = Proposal(ATTRIBUTE_COMPUTE, definition.path, _computing(viewer, after), asked)
    approval = await propose(viewer, repositories, proposal, guard, request)
    return Definition(after, catalogue, catalogue.with_attributes([after]), approval)


def _computing(viewer: Viewer, attribute: Attribute) -> str:
    inputs = ", ".join(attribute.derived_from)
    return f"Compute {attribute.path} ({attribute.label}) from {inputs}, not all of which {viewer.person} may read."


async def perform_computing(repositories: Repositories, approved: Approved) -> None:
    """Define or change an attribute with values that are computed, as it was approved."""
    if "definition" not in approved.request:
        await perform_change(repositories, approved)
        return
    definition = Attribute.model_validate(_renamed(approved.request["definition"], _snake))
    await define_attribute(approved.decider, repositories, definition, Guard(None, approved.key), approved=approved)


async def propose_retirement(
    viewer: Viewer,
    repositories: Repositories,
    path: str,
    *,
    guard: Guard = UNGUARDED,
    reason: str | None = None,
    dry_run: bool = False,
) -> Definition:
    """An attribute as it is, with the approval that its retirement waits for; in a dry run what it would become.

    Raises: as `retire_attribute` and `propose`.
    """
    request = request_hash("attributeRetire", path, guard.expected_version, reason)
    if not dry_run and (earlier := await find_proposal(viewer, repositories, guard, request)) is not None:
        return _waiting(repositories, path, CLIENTS, earlier)
    would_be = await retire_attribute(viewer, repositories, path, guard=guard, dry_run=True)
    if dry_run:
        return would_be
    before = _get(repositories, path, CLIENTS)
    # The definition that the proposer saw is the one that the second person agrees to: another revision is refused.
    asked = {"path": path, "expectedRevision": before.revision}
    summary = f"Retire {path} ({before.label}): its field is gone from every query, stored values and history stay."
    proposal = Proposal(ATTRIBUTE_RETIRE, path, summary, asked, reason)
    return _waiting(repositories, path, CLIENTS, await propose(viewer, repositories, proposal, guard, request))


async def perform_change(repositories: Repositories, approved: Approved) -> None:
    """Change an attribute as it was approved."""
    asked = approved.request
    guard = Guard(asked["expectedRevision"], approved.key)
    changes = _renamed(asked["changes"], _snake)
    await change_attribute(
        approved.decider, repositories, asked["path"], changes, guard, area=asked["area"], approved=approved
    )


async def perform_retirement(repositories: Repositories, approved: Approved) -> None:
    """Retire an attribute as it was approved."""
    guard = Guard(approved.request["expectedRevision"], approved.key)
    await retire_attribute(approved.decider, repositories, approved.request["path"], guard=guard, approved=approved)


def _waiting(repositories: Repositories, path: str, area: str, approval: Document) -> Definition:
    catalogue = repositories.feed.catalogue
    return Definition(_get(repositories, path, area), catalogue, catalogue, approval)


def _get(repositories: Repositories, path: str, area: str) -> Attribute:
    found = repositories.feed.catalogue.find(path, area)
    if found is None:
        raise NotFound("attribute", path)
    return found


def _subject(path: str, area: str) -> str:
    return path if area == CLIENTS else f"{area}:{path}"


def _renamed(changes: Mapping[str, object], rename: Callable[[str], str]) -> dict[str, Any]:
    """Parts of a definition as JSON values, under other names: the API's in an approval, Python's for the act."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {rename(name): renamed(each) for name, each in value.items()}
        return [renamed(each) for each in value] if isinstance(value, list) else value

    return {rename(name): renamed(each) for name, each in _PLAIN.dump_python(dict(changes), mode="json").items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
