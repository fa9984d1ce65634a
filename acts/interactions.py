"""Record contacts with clients."""

from collections.abc import Collection as Some
from collections.abc import Mapping
from dataclasses import dataclass, field

from acts.checks import Guard, guard_problems, key_of, now, problem, refuse, request_hash
from catalogue.errors import Problem
from catalogue.values import check_nested
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.base import Written
from repositories.errors import AlreadyExists
from repositories.interactions import CLIENT_ID, INTERACTIONS
from repositories.plan import ID, Change, ReadPlan
from repositories.repositories import Repositories, new_id

REQUIRED = ("at", "channel")


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """A contact as somebody reports it."""

    client_id: str
    manager_id: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    """By key, nested as in GraphQL."""


async def record_interaction(
    viewer: Viewer,
    repositories: Repositories,
    new: NewInteraction,
    guard: Guard,
    *,
    paths: Some[str] = (),
    touched: Touched | None = None,
) -> Written:
    """A new contact record; or, for a request made before with the same key, the record it made.

    Raises: NotAllowed; Refused with every problem at once; KeyReused.
    """
    access = repositories.access
    access.require(viewer, Right.RECORD_CONTACTS)
    checked = check_nested(repositories.catalogue, new.values, area=INTERACTIONS)
    problems = [*guard_problems(guard), *checked.problems]
    wrong = {each.path[0] for each in checked.problems if each.path}
    problems += [
        problem(key, None, "a value in every record")
        for key in REQUIRED
        if checked.values.get(key) is None and key not in wrong
    ]
    if not await repositories.clients.existing({new.client_id}, access.rows(viewer, Right.RECORD_CONTACTS)):
        problems.append(_no_client(new.client_id))
    if new.manager_id is not None and not await repositories.managers.existing({new.manager_id}):
        problems.append(problem("managerId", new.manager_id, "the id of a manager; query `managers` for them"))
    refuse(problems)
    access.refuse_sealed(viewer, INTERACTIONS, checked.values)
    answer = access.authorise(ReadPlan(INTERACTIONS, frozenset(paths)), viewer, touched)
    values = {path: value for path, value in checked.values.items() if value is not None}
    request = request_hash("interactionRecord", new.client_id, new.manager_id, new.values)
    key = key_of(viewer, guard)
    change = Change(values, viewer.person, now(), key=key, request_hash=request)
    record: dict[str, object] = {ID: new_id(INTERACTIONS, key), CLIENT_ID: new.client_id}
    if new.manager_id is not None:
        record["managerId"] = new.manager_id
    try:
        written = await repositories.interactions.insert(record, change, answer)
    except AlreadyExists:
        replayed = await repositories.interactions.replay(str(record[ID]), change, answer)
        if replayed is None:
            raise
        written = replayed
    owner = await repositories.interactions.settle(str(record[ID]), new.client_id)
    if owner is None:
        refuse([_no_client(new.client_id)])
    written.document[CLIENT_ID] = owner
    return written


def _no_client(client_id: str) -> Problem:
    return problem("clientId", client_id, "the id of a client that you may see")
