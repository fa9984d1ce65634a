"""Who asks: the person, the roles and the team that every rule of the policy is about."""

from dataclasses import dataclass

from catalogue.builtin.managers import ROLES as ROLE_LABELS

ROLES = tuple(ROLE_LABELS)
SYSTEM = "system"
"""The role of Kehu's own commands, which have the database in hand anyway; no token gives it."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """One signed-in person (or program) as the policy sees it."""

    person: str
    roles: frozenset[str]
    team: str | None = None
    manager_id: str | None = None
    """The person's own record in the directory."""
    region: str | None = None
    scopes: frozenset[str] | None = None
    """What a service account was given; None for people."""
    purpose: str | None = None
    """What the request is for, as the caller says."""
    granted: frozenset[str] = frozenset()
    """Ids of clients that this person may read besides."""
    walled: frozenset[str] = frozenset()
    """Ids of clients that this person may not read, whatever else is allowed."""


def program(name: str) -> Viewer:
    """One of Kehu's own commands, under the name that the history gives it."""
    return Viewer(name, frozenset((SYSTEM,)))
