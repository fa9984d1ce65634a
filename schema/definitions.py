"""How definitions of attributes are shown, for the areas that show some without knowing how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from catalogue.attribute import Attribute


@dataclass(frozen=True, slots=True)
class Definitions:
    """The type of a definition, and what its fields are read from."""

    type: Any
    value: Callable[[Attribute], dict[str, Any]]
