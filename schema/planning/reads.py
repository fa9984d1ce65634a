"""What the resolvers of a schema read, as each declares it: documents, commands and the index, before anything runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from repositories.compile.indexes import ID_INDEX

READS = "reads"
"""The attribute of a resolver that says what it reads; one without it reads nothing."""
LIST_ITEMS = 10
"""How many records a list inside a record is taken to point at: nobody says how long it is."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a field reads from one collection for the holders of a level."""

    area: str | None
    """The collection; None where an id names none."""
    documents: int = 0
    """At most, for each holder."""
    index: str | None = None
    commands: int = 1
    """For all holders of a level together."""
    commands_if_many: int = 0
    """Besides, where there are several holders."""
    commands_each: Fraction | int = 0
    """Besides, for each holder; a fraction where one command serves many of them."""
    is_scan: bool = False
    """Whether more may have to be looked through than is answered; how much, only the database knows."""
    part: str = ""
    """The field of the connection that asked for it, where that is not the page."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one field reads, and how many items it answers for each holder."""

    items: int = 1
    reads: tuple[Read, ...] = ()


Arguments = Mapping[str, Any]
"""Arguments of a field under their Python names."""
Reads = Callable[[Arguments, frozenset[str]], Reading]
"""From the arguments, and the names of the fields selected right below, to what is read."""

NOTHING = Reading()


def by_id(area: str, items: int = 1) -> Reads:
    """One record for each holder, or a list of them, found by id: one command a level."""
    reading = Reading(items, (Read(area, items, ID_INDEX),))
    return lambda _arguments, _names: reading


def items_only(arguments: Arguments, _names: frozenset[str]) -> Reading:
    """A page of what is in memory."""
    return Reading(page_size(arguments))


def page_size(arguments: Arguments) -> int:
    """How many items the arguments of a connection ask for; none where they ask for no page that there is."""
    return max(0, arguments.get("first") or 0, arguments.get("last") or 0)


def page_reading(arguments: Arguments, names: frozenset[str], page: Read, total: Read | None = None) -> Reading:
    """A page, and the count of all pages, as far as they are selected; the page's documents are filled in here."""
    size = page_size(arguments)
    reads: list[Read] = []
    if names & {"nodes", "edges", "pageInfo"}:
        reads.append(replace(page, documents=size))
    if total is not None and "totalCount" in names:
        reads.append(total)
    return Reading(size, tuple(reads))


def total_of(area: str) -> Read:
    """The count of all pages of a filter: no document comes out, but the server may look through all of them."""
    return Read(area, is_scan=True, part="totalCount")
