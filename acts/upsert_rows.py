"""Rows of clients by their numbers, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from catalogue.attribute import ClientKind, ClientStage
from catalogue.errors import Problem


class Mode(StrEnum):
    """What rows make: new clients, changes of those who are there, or both."""

    UPSERT = "upsert"
    UPDATE = "update"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class ClientRow:
    """What one row says of one client."""

    number: str
    kind: ClientKind | None = None
    """Needed for a client who is not there yet."""
    stage: ClientStage | None = None
    manager_id: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    """By path; what is absent stays, None clears."""
    problems: tuple[Problem, ...] = ()
    """What was found wrong before; such a row is refused with the rest of its problems."""
    expected_version: int | None = None
    """The version that was read: the row is refused if the client is no longer that."""


@dataclass(frozen=True, slots=True)
class UpsertReport:
    """What became of the rows."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    problems: tuple[Problem, ...] = ()
    """Each with the row it is about; a row with a problem was left out."""


@dataclass(frozen=True, slots=True)
class BatchKey:
    """What the changes of a batch are found again by, if whoever sent it was stopped and sends it once more."""

    key: str
    may_be_done: bool = False
    """Whether it was perhaps sent before: rows that it changed then are left as they are, whatever came after."""
