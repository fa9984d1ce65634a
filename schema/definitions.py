"""How definitions of attributes are shown, for the areas that show some without knowing how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from catalogue.attribute import Attribute
from schema.context import Context


@dataclass(frozen=True, slots=True)
class Definitions:
    """The type of a definition, and what its fields are read from."""

    type: Any
    value: Callable[[Context, Attribute], dict[str, Any]]
    """As far as whoever asks may know of what it says."""
