"""A rollup: one value of a client out of the records that point at the client."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class RollupFunction(StrEnum):
    """What is made of the records."""

    COUNT = "COUNT"
    SUM = "SUM"
    AVERAGE = "AVERAGE"
    LATEST = "LATEST"
    FIRST = "FIRST"
    MINIMUM = "MINIMUM"
    MAXIMUM = "MAXIMUM"


class Rollup(BaseModel):
    """The definition of a rollup over the records of one area."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    area: str
    function: RollupFunction
    of: str | None = None
    """The attribute of the area whose values are taken; COUNT counts records without one."""
    where: str | None = None
    """Which records, as JSON text in the shape of the area's attributes, the same text for the same filter."""
    over: str | None = None
    """The moment of a record, by which it is early or late and in the window; what lists of the area are ordered by, if
    left out."""
    days: int | None = None
    """Records of so many days until now; None: all of them."""
    segment: str | None = None
    """The code of a segment: only its members have a value; None: every client."""
