"""Open a client to somebody, or close one, for a time; and end it before its time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from acts.checks import WORDS_LIMIT, Guard, guard_problems, guarded_change, key_of, now, problem, refuse, request_hash
from catalogue.errors import Problem
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import NotAllowed, Touched
from repositories.base import Written
from repositories.errors import AlreadyExists
from repositories.grants import CLIENT_ID, GRANTS, MOST, PATHS, GrantKind, SingleClients
from repositories.plan import ID, Change, ReadPlan
from repositories.repositories import Repositories, new_id

LONGEST_GRANT_DAYS = 366


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A grant or a wall as somebody wants it."""

    kind: GrantKind
    client_id: str
    reason: str
    person: str | None = None
    team: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """A wall may stand without an end."""


async def create_grant(
    viewer: Viewer, repositories: Repositories, new: NewGrant, guard: Guard, touched: Touched | None = None
) -> Written:
    """A new grant or wall; on every server within two seconds.

    Raises: NotAllowed; Refused with every problem at once; KeyReused.
    """
    repositories.access.require(viewer, Right.GRANT_ACCESS)
    if new.kind is GrantKind.GRANT:
        _refuse_for_oneself(viewer, new.person, new.team, "opens a client to themselves")
    moment = now()
    problems = [*guard_problems(guard), *_problems(new, moment)]
    if not await repositories.clients.existing({new.client_id}, repositories.access.rows(viewer)):
        problems.append(problem(CLIENT_ID, new.client_id, "the id of a client that you may see"))
    if not problems:
        held = await repositories.grants.of_person(new.person or "", new.team, moment)
        if len(held.granted) + len(held.walled) >= MOST:
            problems.append(
                problem("person", new.person or new.team, f"somebody with fewer than {MOST} grants and walls")
            )
    refuse(problems)
    values: dict[str, object] = {
        "kind": str(new.kind),
        CLIENT_ID: new.client_id,
        "person": new.person,
        "team": new.team,
        "reason": new.reason,
        "startsAt": new.starts_at or moment,
        "endsAt": new.ends_at,
    }
    given: Mapping[str, object] = {name: each for name, each in values.items() if each is not None}
    key = key_of(viewer, guard)
    asked = request_hash("grantCreate", {**given, "startsAt": new.starts_at})
    change = Change(given, viewer.person, moment, key=key, request_hash=asked)
    record: dict[str, object] = {ID: new_id(GRANTS, key), "grantedBy": viewer.person}
    answer = repositories.access.authorise(ReadPlan(GRANTS, PATHS), viewer, touched)
    try:
        return await repositories.grants.insert(record, change, answer)
    except AlreadyExists:
        replayed = await repositories.grants.replay(str(record[ID]), change, answer)
        if replayed is None:
            raise
        return replayed


def _refuse_for_oneself(viewer: Viewer, person: object, team: object, what: str) -> None:
    """Raises: NotAllowed, where it is the viewer, or the viewer's team, that more would be open to."""
    if person == viewer.person or (team is not None and team == viewer.team):
        raise NotAllowed(f"Nobody {what}: another person with the right {Right.GRANT_ACCESS} has to do it.")


def _problems(new: NewGrant, moment: datetime) -> list[Problem]:
    problems = []
    if (new.person is None) == (new.team is None):
        problems.append(problem("person", new.person, "one of person and team"))
    if not 1 <= len(new.reason.strip()) <= len(new.reason) <= WORDS_LIMIT:
        problems.append(problem("reason", new.reason, f"1 to {WORDS_LIMIT} characters: why"))
    begins = new.starts_at or moment
    if new.ends_at is None:
        if new.kind is GrantKind.GRANT:
            problems.append(problem("endsAt", None, "a moment: what is opened is closed again"))
    elif not begins < new.ends_at or new.ends_at <= moment:
        problems.append(problem("endsAt", new.ends_at.isoformat(), "a moment to come, after the start"))
    elif new.kind is GrantKind.GRANT and new.ends_at - begins > timedelta(days=LONGEST_GRANT_DAYS):
        problems.append(
            problem("endsAt", new.ends_at.isoformat(), f"at most {LONGEST_GRANT_DAYS} days after the start")
        )
    return problems


async def revoke_grant(
    viewer: Viewer, repositories: Repositories, grant_id: str, guard: Guard, touched: Touched | None = None
) -> Written:
    """A grant or wall that holds no more.

    Raises: NotAllowed, Refused, NotFound, StaleVersion, KeyReused; nothing is changed then.
    """
    repositories.access.require(viewer, Right.GRANT_ACCESS)
    refuse(guard_problems(guard))
    answer = repositories.access.authorise(ReadPlan(GRANTS, PATHS), viewer, touched)
    found = (await repositories.grants.load_many(answer, {grant_id})).get(grant_id, {})
    if found.get("kind") == GrantKind.WALL:
        _refuse_for_oneself(viewer, found.get("person"), found.get("team"), "takes down a wall before themselves")
    moment = now()
    request = request_hash("grantRevoke", grant_id, guard.expected_version)
    change = guarded_change(viewer, guard, {"revokedAt": moment}, request, moment)
    return await repositories.grants.write(grant_id, change, answer)


async def single_clients(repositories: Repositories, person: str, team: str | None) -> SingleClients:
    """The clients that are open or closed to a person just now."""
    return await repositories.grants.of_person(person, team, now())
