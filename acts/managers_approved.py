"""Enter and change managers: roles that decide about what others propose are given by two people."""

from collections.abc import Collection as Some
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acts.checks import UNGUARDED, Guard, now, request_hash
from acts.managers import change_manager, create_manager
from acts.proposing import Approved, Proposal, find_proposal, propose, refuse_open
from policy.approvals import DECIDING_ROLES, ROLE_GRANT, may_propose
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import AuthorisedPlan, NotAllowed, Touched
from repositories.base import WRITE_ATTEMPTS
from repositories.compile.changes import sequence_of
from repositories.errors import NotFound, StaleVersion, Unavailable
from repositories.managers import MANAGERS
from repositories.plan import ID, Change, Proof, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories

ROLES, IS_ACTIVE = "roles", "isActive"


@dataclass(frozen=True, slots=True)
class Entered:
    """A manager as it is now, and what waits for a second person."""

    manager: Document | None
    approval: Document | None = None


@dataclass(frozen=True, slots=True)
class _Split:
    """What of a change is done at once, and which roles wait."""

    at_once: dict[str, object]
    waiting: tuple[str, ...]
    is_activation: bool = False


async def create_or_propose(
    viewer: Viewer,
    repositories: Repositories,
    person: str,
    given: Mapping[str, object],
    guard: Guard = UNGUARDED,
    *,
    paths: Some[str] = (),
    touched: Touched | None = None,
) -> Entered:
    """A new manager without the roles that decide approvals, and the approval that those wait for.

    Raises: as `create_manager` and `propose`.
    """
    repositories.access.require(viewer, Right.CHANGE_DIRECTORY)
    split = _split(given, {})
    _refuse_proposal(viewer, split)
    written = await create_manager(
        viewer, repositories, person, split.at_once, guard, paths={*paths, "person"}, touched=touched
    )
    if not split.waiting:
        return Entered(written.document)
    manager_id = str(written.document[ID])
    request = request_hash("managerCreate", person, given)
    return Entered(written.document, await _propose(viewer, repositories, manager_id, person, split, guard, request))


async def change_or_propose(
    viewer: Viewer,
    repositories: Repositories,
    manager_id: str,
    changes: Mapping[str, object],
    guard: Guard = UNGUARDED,
    *,
    paths: Some[str] = (),
    touched: Touched | None = None,
) -> Entered:
    """A manager after what one person may change, and the approval that new roles which decide approvals wait for.

    Raises: as `change_manager` and `propose`; nothing is changed then.
    """
    access = repositories.access
    access.require(viewer, Right.CHANGE_DIRECTORY)
    request = request_hash("managerChange", manager_id, changes, guard.expected_version)
    of_key = Guard(idempotency_key=guard.idempotency_key)
    plan = access.authorise(ReadPlan(MANAGERS, frozenset(paths)), viewer, touched)
    if (earlier := await find_proposal(viewer, repositories, of_key, request)) is not None:
        return Entered(await repositories.managers.load(plan, manager_id), earlier)
    for attempts_left in reversed(range(WRITE_ATTEMPTS)):
        stored = await repositories.managers.collection.find_one({ID: {"$eq": manager_id}}) or {}
        try:
            return await _entered(viewer, repositories, plan, stored, changes, guard, request, touched, manager_id)
        except StaleVersion:
            # Another change came between: what has to wait is decided anew, by what the manager is now.
            if guard.expected_version is not None or not attempts_left:
                raise
    raise AssertionError("the last attempt returns or raises")


async def _entered(
    viewer: Viewer,
    repositories: Repositories,
    plan: AuthorisedPlan,
    stored: Document,
    changes: Mapping[str, object],
    guard: Guard,
    request: str,
    touched: Touched | None,
    manager_id: str,
) -> Entered:
    """What becomes of a change to a manager who is as stored.

    Raises: StaleVersion, also where the manager is no longer so.
    """
    paths, of_key = plan.plan.paths, Guard(idempotency_key=guard.idempotency_key)
    split, sequence = _split(changes, stored), sequence_of(stored) if stored else None
    if not split.waiting or manager_id == viewer.manager_id:
        # What one may not change of oneself is refused there.
        written = await change_manager(
            viewer,
            repositories,
            manager_id,
            changes,
            guard,
            paths=paths,
            touched=touched,
            expected_sequence=sequence,
        )
        return Entered(written.document)
    _refuse_proposal(viewer, split)
    await refuse_open(viewer, repositories, ROLE_GRANT, manager_id)
    if split.at_once:
        await change_manager(
            viewer,
            repositories,
            manager_id,
            split.at_once,
            guard,
            paths=paths,
            touched=touched,
            expected_sequence=sequence,
        )
    elif guard.expected_version not in (None, stored["version"]):
        raise StaleVersion("manager", guard.expected_version, stored["version"])
    approval = await _propose(viewer, repositories, manager_id, str(stored["person"]), split, of_key, request)
    return Entered(await repositories.managers.load(plan, manager_id), approval)


async def perform_role_grant(repositories: Repositories, approved: Approved) -> None:
    """Give a manager the roles that were agreed to, besides those that the manager has then.

    Raises: NotFound, Unavailable.
    """
    managers, request = repositories.managers, approved.request
    answer = repositories.access.authorise(ReadPlan(MANAGERS, frozenset()), approved.decider, approved.touched)
    proof = Proof(f"approval {approved.id}, proposed by {approved.proposed_by}")
    for _ in range(WRITE_ATTEMPTS):
        stored = await managers.collection.find_one({ID: {"$eq": approved.subject}})
        if stored is None:
            raise NotFound("manager", approved.subject)
        roles = list(dict.fromkeys([*(stored.get(ROLES) or ()), *request[ROLES]]))
        values: dict[str, object] = {ROLES: roles} | ({IS_ACTIVE: True} if request.get(IS_ACTIVE) else {})
        by, key = approved.decider.person, approved.key
        asked = request_hash(ROLE_GRANT, dict(request))
        change = Change(values, by, now(), proof, key, asked, expected_version=int(stored["version"]))
        try:
            await managers.write(approved.subject, change, answer)
            return
        except StaleVersion:
            continue
    raise Unavailable("This manager is changed by others without a pause; decide again.")


def _split(changes: Mapping[str, object], stored: Mapping[str, Any]) -> _Split:
    """Parts a change: a role that decides counts from when its holder is active."""
    was_active, before = stored.get(IS_ACTIVE) is not False, _codes(stored.get(ROLES))
    after = _codes(changes[ROLES]) if ROLES in changes else before
    is_active = (changes[IS_ACTIVE] is not False) if IS_ACTIVE in changes else was_active
    decided = DECIDING_ROLES.intersection(before if was_active and stored else ())
    waiting = tuple(sorted(DECIDING_ROLES.intersection(after) - decided)) if is_active else ()
    if not waiting:
        return _Split(dict(changes), ())
    is_activation = bool(stored) and not was_active
    at_once = {key: value for key, value in changes.items() if not (is_activation and key == IS_ACTIVE)}
    if ROLES in changes:
        at_once[ROLES] = [each for each in after if each not in waiting or (is_activation and each in before)]
        if stored and at_once[ROLES] == before:
            del at_once[ROLES]
    return _Split(at_once, waiting, is_activation)


def _codes(given: object) -> list[str]:
    """The roles that are given, as far as they are such; what is wrong with others is said where they are checked."""
    return [str(each) for each in given] if isinstance(given, list | tuple) else []


def _refuse_proposal(viewer: Viewer, split: _Split) -> None:
    """Raises: NotAllowed, where roles wait for a second person and the viewer may not propose them."""
    reason = may_propose(viewer, ROLE_GRANT) if split.waiting else None
    if reason is not None:
        raise NotAllowed(reason, path=(ROLES,))


async def _propose(
    viewer: Viewer,
    repositories: Repositories,
    manager_id: str,
    person: str,
    split: _Split,
    guard: Guard,
    request: str,
) -> Document:
    words = " and ".join(split.waiting)
    again = ", who is not active, and let them sign in again" if split.is_activation else ""
    summary = f"Give {person} the role{'s' if len(split.waiting) > 1 else ''} {words}{again}."
    given: dict[str, object] = {"id": manager_id, "person": person, ROLES: list(split.waiting)}
    given |= {IS_ACTIVE: True} if split.is_activation else {}
    return await propose(viewer, repositories, Proposal(ROLE_GRANT, manager_id, summary, given), guard, request)
