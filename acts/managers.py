"""Create and change relationship managers."""

import re
from collections.abc import Collection as Some
from collections.abc import Mapping
from dataclasses import replace

from acts.checks import Guard, guard_problems, guarded_change, key_of, now, problem, proof_words, refuse, request_hash
from acts.repeated import accept_repeated
from catalogue.filters import Compare
from catalogue.kinds import Operator
from catalogue.values import check_nested
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import NotAllowed, Touched
from repositories.base import Written
from repositories.clients import TERRITORY
from repositories.errors import AlreadyExists
from repositories.managers import MANAGERS, Person
from repositories.plan import ID, Change, Proof, ReadPlan
from repositories.repositories import Repositories, new_id

_NO_PROOF = Proof()
_RIGHTS_HANG_ON = frozenset(("roles", *TERRITORY))
# No colon: it parts the person from the key of a request.
PERSON = re.compile(r"\w[\w .@/+|=~'-]{0,199}")
PERSON_EXPECTED = (
    "the name that tokens give the person: up to 200 letters, digits, spaces and . @ / + | = ~ ' _ -, starting with a "
    "letter or digit"
)


async def create_manager(
    viewer: Viewer,
    repositories: Repositories,
    person: str,
    given: Mapping[str, object],
    guard: Guard,
    *,
    paths: Some[str] = (),
    touched: Touched | None = None,
) -> Written:
    """A new manager; or, for a request made before with the same key, the manager it made.

    Raises: NotAllowed; Refused with every problem at once; AlreadyExists if the person is a manager already.
    """
    access = repositories.access
    access.require(viewer, Right.CHANGE_DIRECTORY)
    checked = check_nested(repositories.catalogue, given, area=MANAGERS)
    problems = [*guard_problems(guard), *checked.problems]
    if not PERSON.fullmatch(person):
        problems.append(problem("person", person, PERSON_EXPECTED))
    if checked.values.get("name") is None and not checked.problems:
        problems.append(problem("name", None, "the manager's name"))
    refuse(problems)
    access.refuse_sealed(viewer, MANAGERS, checked.values)
    answer = access.authorise(ReadPlan(MANAGERS, frozenset(paths)), viewer, touched)
    values = {path: value for path, value in checked.values.items() if value is not None}
    request = request_hash("managerCreate", person, given, proof_words(_NO_PROOF))
    change = Change(values, viewer.person, now(), key=key_of(viewer, guard), request_hash=request)
    try:
        return await repositories.managers.insert({ID: new_id(MANAGERS), "person": person}, change, answer)
    except AlreadyExists:
        plan = ReadPlan(MANAGERS, frozenset(), Compare("person", Operator.EQ, person))
        found = await repositories.managers.find_one(access.authorise(plan, viewer))
        replayed = await repositories.managers.replay(str(found[ID]), change, answer) if found else None
        if replayed is None:
            raise
        return replayed


async def change_manager(
    viewer: Viewer,
    repositories: Repositories,
    manager_id: str,
    changes: Mapping[str, object],
    guard: Guard,
    *,
    paths: Some[str] = (),
    touched: Touched | None = None,
    expected_sequence: int | None = None,
) -> Written:
    """A manager after some values were set or cleared; the clients follow into another team or region.

    `expected_sequence` is what the record was like when it was decided that these values may be set.

    Raises: NotAllowed, Refused, NotFound, StaleVersion, KeyReused; nothing is changed then.
    """
    access = repositories.access
    access.require(viewer, Right.CHANGE_DIRECTORY)
    checked = check_nested(repositories.catalogue, changes, area=MANAGERS)
    if checked.doubtful:
        plan = ReadPlan(MANAGERS, frozenset(checked.doubtful), Compare(ID, Operator.EQ, manager_id))
        found = await repositories.managers.find_one(access.authorise(plan, viewer))
        accept_repeated(checked, found or {}, access.view(viewer).area(MANAGERS).closed)
    problems = [*guard_problems(guard), *checked.problems]
    if not problems and not checked.values:
        problems.append(problem("changes", "nothing", "at least one value to set, or null to clear one"))
    if "name" in checked.values and checked.values["name"] is None:
        problems.append(problem("name", None, "the manager's name, which cannot be cleared"))
    refuse(problems)
    access.refuse_sealed(viewer, MANAGERS, checked.values)
    _refuse_own_rights(viewer, manager_id, checked.values)
    answer = access.authorise(ReadPlan(MANAGERS, frozenset({*paths, *TERRITORY})), viewer, touched)
    request = request_hash("managerChange", manager_id, changes, guard.expected_version)
    change = replace(guarded_change(viewer, guard, checked.values, request), expected_sequence=expected_sequence)
    written = await repositories.managers.write(manager_id, change, answer)
    moved = [name for name in TERRITORY if name in checked.values]
    if moved:
        # Last, and again on a repeat: a person stopped between the two commands sends the same request again.
        await repositories.clients.move_with(manager_id, {name: written.document.get(name) for name in moved})
    return written


def _refuse_own_rights(viewer: Viewer, manager_id: str, values: Some[str]) -> None:
    """Raises: NotAllowed, where somebody would change what they may see and do themselves."""
    own = sorted(_RIGHTS_HANG_ON.intersection(values))
    if own and manager_id == viewer.manager_id:
        words = " and ".join(own)
        raise NotAllowed(
            f"What you may see and do hangs on {words} of your own record: another person with the right "
            f"{Right.CHANGE_DIRECTORY} has to change them.",
            path=("changes", own[0]),
        )


async def find_person(repositories: Repositories, person: str) -> Person | None:
    """What the directory says of a person, whoever asks: it is what signing in needs.

    Cost: one command.
    """
    return await repositories.managers.find_person(person)


async def enter_person(
    repositories: Repositories, viewer: Viewer, by: Viewer | None = None, touched: Touched | None = None
) -> bool:
    """Whether a person was entered whom the directory does not know yet, with the roles and the team of the viewer.

    `by` is who enters the person; a person who signs in for the first time does it themselves.
    """
    managers = repositories.managers
    if await managers.find_person(viewer.person) is not None:
        return False
    values: dict[str, object] = {"name": viewer.person, "roles": sorted(viewer.roles)}
    if viewer.team is not None:
        values["team"] = viewer.team
    by = by or viewer
    change = Change(values, by.person, now())
    answer = repositories.access.authorise(ReadPlan(MANAGERS, frozenset()), by, touched)
    try:
        await managers.insert({ID: new_id(MANAGERS), "person": viewer.person}, change, answer)
    except AlreadyExists:
        # Two first requests at once: the other one has entered the person.
        return False
    return True
