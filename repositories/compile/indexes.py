"""The indexes of a collection, from the catalogue: one a sortable path, within the 64 that MongoDB allows."""

from catalogue.attribute import Attribute

INDEX_LIMIT = 64
RESERVED = 14
"""Kept for the id, unique values, the access rule, relations and search."""
SORTABLE_LIMIT = INDEX_LIMIT - RESERVED
PREFIX = "order_"
"""Indexes whose name starts so are the catalogue's; all others are left alone."""


def order_index(attribute: Attribute) -> tuple[list[tuple[str, int]], str]:
    """The keys and the name of the index that serves a sortable attribute.

    Shape: ([("profile.name", 1), ("_id", 1)], "order_profile.name"); read backwards it serves DESC too.
    """
    return [(attribute.path, 1), ("_id", 1)], f"{PREFIX}{attribute.path}"
