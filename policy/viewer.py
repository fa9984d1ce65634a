"""Who asks: the person, the roles and the team that every rule of the policy is about."""

from dataclasses import dataclass

from catalogue.builtin.managers import ROLES as ROLE_LABELS

ROLES = tuple(ROLE_LABELS)


@dataclass(frozen=True, slots=True)
class Viewer:
    """One signed-in person (or program) as the policy sees it."""

    person: str
    roles: frozenset[str]
    team: str | None = None
