"""Change the rule table: what a change would mean for whom, and putting it in force."""

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import ValidationError

from acts.checks import now, problem, refuse
from catalogue.attribute import Facet
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from policy.attributes import attribute_view
from policy.rules import Policy, Right, RoleRule
from policy.viewer import Viewer
from repositories.errors import StaleVersion
from repositories.managers import MANAGERS
from repositories.policies import OutrunByAnotherTable
from repositories.repositories import Repositories


@dataclass(frozen=True, slots=True)
class RoleEffect:
    """What a change of the table means for those who hold one role."""

    role: str
    people: int
    """How many in the directory hold it."""
    rows_before: str | None
    rows_after: str | None
    readable: tuple[str, ...]
    """Paths, with their area before them where it is not that of clients, that are read from then on."""
    unreadable: tuple[str, ...]
    """Paths that are read no more."""
    masked: tuple[str, ...]
    """Paths that are shown by their last signs from then on."""
    rights_gained: tuple[str, ...]
    rights_lost: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        """Whether nothing changes."""
        changes = (self.readable, self.unreadable, self.masked, self.rights_gained, self.rights_lost)
        return not any(changes) and self.rows_before == self.rows_after


@dataclass(frozen=True, slots=True)
class PolicyOutcome:
    """A table as it would be, and what that means."""

    policy: Policy
    effects: tuple[RoleEffect, ...]


async def planned_policy(
    viewer: Viewer, repositories: Repositories, changes: Mapping[str, object], expected_revision: int
) -> PolicyOutcome:
    """The table with some of its rules changed, and what would change for whom; nothing is put in force.

    Raises: NotAllowed; Refused with every problem at once; StaleVersion.
    """
    repositories.access.require(viewer, Right.CHANGE_POLICY)
    await repositories.feed.refresh()
    before = repositories.feed.policy
    if before.revision != expected_revision:
        raise StaleVersion("policy", expected_revision, before.revision)
    after = _changed(before, changes)
    refuse(_problems(repositories.catalogue, after))
    return PolicyOutcome(after, await _effects(repositories, before, after))


async def put_in_force(repositories: Repositories, policy: Policy, by: str, reason: str | None) -> Policy:
    """The table, in force from now on, here at once and on every node within two seconds.

    Raises: StaleVersion if another one came first.
    """
    try:
        await repositories.policies.append(policy, by, now(), reason)
    except OutrunByAnotherTable:
        newest = await repositories.policies.newest()
        if newest == policy:
            return policy
        raise StaleVersion("policy", policy.revision - 1, newest.revision) from None
    await repositories.feed.refresh()
    return policy


def _changed(before: Policy, changes: Mapping[str, object]) -> Policy:
    """Raises: Refused."""
    given = before.model_dump() | {key: each for key, each in changes.items() if key != "rules"}
    rules = {each.role: each.model_dump() for each in before.rules}
    new = changes.get("rules")
    for each in new if isinstance(new, Sequence) else ():
        rules[each["role"]] = each
    try:
        return Policy.model_validate(given | {"rules": tuple(rules.values()), "revision": before.revision + 1})
    except ValidationError as error:
        refuse([_from_pydantic(each["loc"], each["msg"]) for each in error.errors()])
        raise


def _from_pydantic(place: Sequence[object], message: str) -> Problem:
    path = tuple(str(each) for each in place)
    words = message.removeprefix("Value error, ")
    return Problem(ErrorCode.INVALID_VALUE, f"{'.'.join(path) or 'policy'}: {words}.", path or ("rules",))


def _problems(catalogue: Catalogue, policy: Policy) -> list[Problem]:
    found: list[Problem] = []
    roles = catalogue.find("roles", MANAGERS)
    known = {each.code for each in roles.options} if roles is not None else set()
    paths = {each.qualified for each in catalogue.attributes} | {str(each) for each in Facet}
    for rule in policy.rules:
        if rule.role not in known:
            found.append(problem("role", rule.role, f"one of {', '.join(sorted(known))}"))
        for name in ("allow", "deny", "mask", "enter"):
            found += [
                problem(name, path, _expected_path(catalogue, path, paths))
                for path in getattr(rule, name)
                if path not in paths
            ]
    if not any(Right.CHANGE_POLICY in each.rights for each in policy.rules):
        found.append(problem("rights", "no role with CHANGE_POLICY", "a role that can change the policy back"))
    return found


def _expected_path(catalogue: Catalogue, given: str, paths: Some[str]) -> str:
    """What a rule takes instead of a path that it does not know, with what was probably meant."""
    bare = given.rpartition(":")[2].rpartition(".")[2]
    meant = sorted(each.qualified for each in catalogue.attributes if each.key == bare)
    meant = meant or get_close_matches(given, sorted(paths), 3)
    words = f"; perhaps {' or '.join(meant[:3])}" if meant else ""
    return f"paths of attributes, groups or facets, those of other areas as interactions:outcome{words}"


async def _effects(repositories: Repositories, before: Policy, after: Policy) -> tuple[RoleEffect, ...]:
    roles = dict.fromkeys((*(each.role for each in before.rules), *(each.role for each in after.rules)))
    found: list[RoleEffect] = []
    for role in roles:
        old, new = before.rule(role), after.rule(role)
        if old != new:
            people = await repositories.managers.collection.count({"roles": {"$eq": role}})
            found.append(_effect(repositories.catalogue, role, people, old, new))
    return tuple(each for each in found if not each.is_none)


def _effect(
    catalogue: Catalogue, role: str, people: int, before: RoleRule | None, after: RoleRule | None
) -> RoleEffect:
    hidden_before, _ = _kept_back(catalogue, before)
    hidden_after, masked_after = _kept_back(catalogue, after)
    _, masked_before = _kept_back(catalogue, before)
    rights_before = before.rights if before is not None else frozenset()
    rights_after = after.rights if after is not None else frozenset()
    closed_before, closed_after = hidden_before | masked_before, hidden_after | masked_after
    return RoleEffect(
        role,
        people,
        None if before is None else str(before.rows),
        None if after is None else str(after.rows),
        tuple(sorted(closed_before - closed_after)),
        tuple(sorted(hidden_after - hidden_before)),
        tuple(sorted(masked_after - masked_before)),
        tuple(sorted(rights_after - rights_before)),
        tuple(sorted(rights_before - rights_after)),
    )


def _kept_back(catalogue: Catalogue, rule: RoleRule | None) -> tuple[frozenset[str], frozenset[str]]:
    """The paths that a role does not read, and those that are masked, without a purpose."""
    view = attribute_view(catalogue, () if rule is None else (rule,), None)
    hidden = {_named(area, path) for area, each in view.areas.items() for path in each.hidden}
    masked = {_named(area, path) for area, each in view.areas.items() for path in each.masked}
    return frozenset(hidden), frozenset(masked)


def _named(area: str, path: str) -> str:
    return path if area == "clients" else f"{area}:{path}"
