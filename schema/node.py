"""Nodes: everything that has a global id."""

import strawberry


@strawberry.interface(description="Everything that has a global id and can be read again by it.")
class Node:
    """The interface of all records; the prefix of an id says which kind of record it is."""

    id: strawberry.ID = strawberry.field(description="The global id: opaque, and the same for good.")


ATTRIBUTE_PREFIX = "at_"


def has_prefix(source: object, prefix: str) -> bool:
    """Whether a document is a record of the area whose ids start so."""
    return isinstance(source, dict) and str(source.get("_id")).startswith(prefix)
