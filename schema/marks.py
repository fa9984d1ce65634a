"""Marks on the fields of a schema, for the policy's mask: which attribute one stands for, or which right it takes."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from catalogue.attribute import Attribute
from policy.rules import Right

_MARK = "kehu"


class Use(Enum):
    """What a field does with its attribute."""

    READ = "read"
    FILTER = "filter"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a field of the schema has to do with the policy."""

    area: str = ""
    path: str = ""
    use: Use = Use.READ
    rights: tuple[Right, ...] = ()
    """The rights of which the field takes one, where it stands for no attribute."""


def mark_of_attribute(attribute: Attribute, use: Use) -> dict[str, Any]:
    """The metadata of a field that stands for an attribute."""
    return {_MARK: Mark(attribute.area, attribute.path, use)}


def mark_of_rights(*rights: Right) -> dict[str, Any]:
    """The metadata of a field that takes one of these rights."""
    return {_MARK: Mark(rights=rights)} if rights else {}


def mark_of(element: Any) -> Mark | None:
    """The mark of a field or an input field of a built schema."""
    definition = element.extensions.get("strawberry-definition")
    found: Mark | None = getattr(definition, "metadata", {}).get(_MARK)
    return found


PATHS_OF = "paths_of_area"
"""The attribute of an enum whose values are paths of attributes: their area."""
