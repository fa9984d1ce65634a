"""Who asks: the person or program, and what every rule of the policy is about."""

import re
from dataclasses import dataclass, field

from catalogue.builtin.managers import ROLES as ROLE_LABELS

ROLES = tuple(ROLE_LABELS)
SYSTEM = "system"
"""The role of Kehu's own commands, which have the database in hand anyway; no token gives it."""
INTEGRATION = "integration"
"""The one role of a service account."""
PURPOSE = re.compile(r"[A-Z][A-Z_]{0,39}")
PURPOSE_EXPECTED = "a word in capitals such as CREDIT_REVIEW: A to Z and _, up to 40 characters, a letter first"


@dataclass(frozen=True, slots=True)
class Viewer:
    """One signed-in person (or program) as the policy sees it."""

    person: str
    """The name in the directory; of a service account, its id."""
    roles: frozenset[str]
    team: str | None = None
    manager_id: str | None = None
    """The id of the directory's record; None for a service account."""
    region: str | None = None
    scopes: frozenset[str] | None = None
    """What a service account was granted, in the words of `policy.scopes`; None for people."""
    purpose: str | None = None
    """What the caller says the data are wanted for."""
    granted: frozenset[str] = frozenset()
    """Ids of clients that this person may read besides."""
    walled: frozenset[str] = frozenset()
    """Ids of clients that this person may not read, whatever else is allowed."""
    expires_at: float | None = field(default=None, compare=False)
    """When the sign-in ends, in seconds since 1970; no rule hangs on it, so viewers of two tokens are equal."""

    @property
    def is_service_account(self) -> bool:
        """Whether a program from outside asks."""
        return self.scopes is not None


def program(name: str) -> Viewer:
    """One of Kehu's own commands, under the name that the history gives it."""
    return Viewer(name, frozenset((SYSTEM,)))
