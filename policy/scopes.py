"""The scopes of service accounts: a fixed vocabulary of rows, sensitivity and writes, and its reader."""

from collections.abc import Iterable
from dataclasses import dataclass

from catalogue.attribute import Sensitivity

ALL_CLIENTS = "clients:all"
GRANTED_CLIENTS = "clients:granted"
_TEAM = "clients:team:"
_REGION = "clients:region:"
_READ = "read:"
_WRITE = "write:"
RESTRICTED_SCOPE = f"{_READ}{Sensitivity.RESTRICTED}"
WRITES = ("values", "records", "attributes", "segments")
LONGEST_NAME_CHARACTERS = 120
EXPECTED = (
    f"{ALL_CLIENTS}, {_TEAM}NAME, {_REGION}NAME or {GRANTED_CLIENTS}; {_READ}{'|'.join(Sensitivity)}; "
    f"{_WRITE}{'|'.join(WRITES)}"
)


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a service account may do, taken apart; several rows of clients add up."""

    is_all_clients: bool = False
    teams: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    is_granted_clients: bool = False
    """Clients that the account was granted one by one."""
    sensitivity: Sensitivity | None = None
    """The most secret values that may be read, and all that are less secret; None: no values."""
    writes: frozenset[str] = frozenset()
    """Some of WRITES."""


def is_scope(text: str) -> bool:
    """Whether the vocabulary has this scope."""
    for prefix in (_TEAM, _REGION):
        if text.startswith(prefix):
            name = text.removeprefix(prefix)
            return 1 <= len(name) <= LONGEST_NAME_CHARACTERS and name == name.strip() and name.isprintable()
    return text in _FIXED


_FIXED = frozenset(
    (
        ALL_CLIENTS,
        GRANTED_CLIENTS,
        *(f"{_READ}{each}" for each in Sensitivity),
        *(f"{_WRITE}{each}" for each in WRITES),
    )
)


def scopes_from(texts: Iterable[str]) -> Scopes:
    """The scopes taken apart; a text that is no scope grants nothing."""
    given = [each for each in texts if is_scope(each)]
    levels = list(Sensitivity)
    read = [Sensitivity(each.removeprefix(_READ)) for each in given if each.startswith(_READ)]
    return Scopes(
        ALL_CLIENTS in given,
        _named(given, _TEAM),
        _named(given, _REGION),
        GRANTED_CLIENTS in given,
        max(read, key=levels.index, default=None),
        _named(given, _WRITE),
    )


def _named(given: Iterable[str], prefix: str) -> frozenset[str]:
    return frozenset(each.removeprefix(prefix) for each in given if each.startswith(prefix))
