"""What a model file says of itself, and what is wrong with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from catalogue.errors import ErrorCode, KehuError, Problem

MOST_BYTES = 2 * 1024 * 1024
"""In base64 it fits into the largest body of a bulk mutation."""
METADATA_PREFIX = "kehu."


class TensorKind(StrEnum):
    """What a tensor of a model holds."""

    NUMBER = "NUMBER"
    INTEGER = "INTEGER"
    BOOLEAN = "BOOLEAN"
    STRING = "STRING"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of a model: a table with a row for each client."""

    name: str
    kind: TensorKind
    element: str
    """Type of the elements, as the runtime names it: tensor(double)."""
    width: int
    """Columns."""
    is_flat: bool = False
    """Whether the tensor has rows only, no columns."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that was checked, and is fit to be run."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[str, ...]
    metadata: Mapping[str, Any]
    """What the file says of itself under names that begin with `kehu.`."""
    digest: str
    size: int

    def input(self, name: str) -> Tensor | None:
        return next((each for each in self.inputs if each.name == name), None)

    def output(self, name: str) -> Tensor | None:
        return next((each for each in self.outputs if each.name == name), None)


class RuntimeAway(KehuError):
    """Models cannot be run in this environment."""

    code = ErrorCode.UNAVAILABLE

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(
            f'Running a model needs the extra "ml", of which {package} is not there. '
            'Install it with: python -m pip install "kehu[ml]"'
        )


def refusal(message: str, *path: str) -> Problem:
    """One thing for which a file is refused."""
    return Problem(ErrorCode.MODEL_REFUSED, message, path or ("file",))


def metadata_from(texts: Mapping[str, str]) -> dict[str, Any]:
    """Kehu's own entries of a file's metadata; JSON is read, other texts stay as they are."""
    found: dict[str, Any] = {}
    for key, text in texts.items():
        if key.startswith(METADATA_PREFIX):
            try:
                found[key.removeprefix(METADATA_PREFIX)] = json.loads(text) if text[:1] in "[{" else text
            except json.JSONDecodeError:
                found[key.removeprefix(METADATA_PREFIX)] = text
    return found
