"""A relation between the records of two areas, as a row from which fields on both types follow."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Relation:
    """One record of `area` points at one record of `target` by the id stored in `stored_in`."""

    area: str
    name: str
    target: str
    stored_in: str
    description: str
