"""A relation between the records of two areas, as a row from which fields on both types follow."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listing:
    """The other side of a relation: the records that point at one record, the newest first."""

    name: str
    newest_by: str
    """The path of the moment by which they are ordered; every record of the area has it."""
    description: str


@dataclass(frozen=True, slots=True)
class Relation:
    """One record of `area` points at one record of `target` by the id stored in `stored_in`."""

    area: str
    name: str
    target: str
    stored_in: str
    description: str
    listing: Listing | None = None
