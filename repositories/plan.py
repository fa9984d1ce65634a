"""The language that schema and acts speak to the repositories: frozen plans, no MongoDB words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from catalogue.filters import Filter, Search

ID = "_id"
"""The path of a record's id."""


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order."""

    path: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of an ordered list.

    Units: limit counts records. Cursors are opaque texts made by `repositories.cursors`.
    """

    limit: int
    is_backward: bool = False
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """One question to one collection."""

    area: str
    paths: frozenset[str]
    """The paths that were selected; what the order needs is added on the way."""
    filter: Filter | None = None
    order: tuple[Order, ...] = ()
    page: Page | None = None
    ranked: Search | None = None
    """Order by how well this search is met, instead of by attributes."""
    grouped: frozenset[str] = frozenset()
    """Paths of keys and figures, where groups are asked for instead of records."""
    momentary: Filter | None = None
    """What must hold besides of what is on a page or counted. It may speak of now: no cursor is bound to it."""
    as_of: datetime | None = None
    """Clients as they stood at this moment, by when changes were entered; None: as they are."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Where values came from, as the person or program that gives them says."""

    source: str | None = None
    observer: str | None = None
    observed_at: datetime | None = None
    confidence: float | None = None
    """Units: 0 (a guess) to 1 (certain)."""
    keeps_newer: bool = False
    """Whether what a client has stays where it was observed later."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of one record, and who says so."""

    values: Mapping[str, object]
    """By path; None clears."""
    by: str
    at: datetime
    proof: Proof = field(default_factory=Proof)
    key: str | None = None
    """The idempotency key, with the person it belongs to."""
    request_hash: str | None = None
    expected_version: int | None = None
    """The version that people and programs see."""
    where: Filter | None = None
    """What must hold of the record besides, in the same command."""
    words: Mapping[str, str | None] = field(default_factory=dict)
    """What search will find the record by, for the paths that change; folded, None where nothing is left."""
    lookups: Mapping[str, bytes | None] = field(default_factory=dict)
    """The keyed hashes of the encrypted values that are looked up, by path; given by the vault alone."""
    is_sealed: bool = False
    """Whether a value is encrypted under the record's own key."""
    is_compared: bool = False
    """Whether what is equal to what the record has is left out, by the database itself; all of it, if all is equal."""
    unread: frozenset[str] = frozenset()
    """The paths whose values whoever gives them may not read: they always count, or a version would tell of them."""
    confirms: bool = False
    """Whether a proof that says more than the one that is known renews it, though the value is the same."""
    expected_sequence: int | None = None
    """The place in the record's history that a program has worked this out from; nothing may have come in between."""
    is_silent: bool = False
    """Whether it only follows from something else: a model, a retention rule, a reference to a client who is gone.

    The version and the date that people see stay as they are, so that they tell nothing of values behind them.
    """


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of records, in order."""

    documents: list[dict[str, object]]
    has_next: bool
    has_previous: bool
