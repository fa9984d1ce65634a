"""Segments: which of them somebody may know of, by the attributes that they look at."""

from collections.abc import Collection as Some
from enum import StrEnum

from catalogue.filters import Compare, Filter, Not
from catalogue.kinds import Operator

SEGMENTS = "segments"
"""The name of the area."""
LOOKED_AT = "paths"
"""Where a segment keeps the paths that it looks at."""


class SegmentStatus(StrEnum):
    """Where a segment stands in its life."""

    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"


class SegmentMove(StrEnum):
    """What a client did in the eyes of two snapshots."""

    JOINED = "JOINED"
    LEFT = "LEFT"


def segment_rows(unusable: Some[str]) -> Filter | None:
    """The segments of whoever may use none of these attributes: those that look at none of them. None: all segments.

    Who is in a segment, and how many are, tells what its attributes say.
    """
    return Not(Compare(LOOKED_AT, Operator.CONTAINS_ANY, tuple(sorted(unusable)))) if unusable else None
