"""What ties an attribute to a model: which output it takes, and from which values the model works."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

CORE_INPUTS = ("kind", "stage", "createdAt", "today")
"""What a model may read of every client besides its attributes; `today` is the day of scoring."""
TODAY = "today"


class Unset(StrEnum):
    """What becomes of a client without a value for an input."""

    SKIP = "SKIP"
    """It gets no result."""
    NAN = "NAN"
    """The model gets NaN, or an empty text, and makes of it what it was trained to."""


class Gives(StrEnum):
    """What the output of a model holds."""

    NUMBER = "NUMBER"
    INTEGER = "INTEGER"
    BOOLEAN = "BOOLEAN"
    STRING = "STRING"


class ModelInput(BaseModel):
    """One column of a model's input, and the path that its values come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The name of the tensor; several inputs of one name are its columns, in their order."""
    path: str
    unset: Unset = Unset.SKIP


class ModelUse(BaseModel):
    """One output of one version of a model, as the values of an attribute.

    The inputs are those of the registered version, which never change: what a definition hangs on is in the definition.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    output: str
    column: int = 0
    gives: Gives
    inputs: tuple[ModelInput, ...]

    @property
    def paths(self) -> frozenset[str]:
        """The attributes that the model reads."""
        return frozenset(each.path for each in self.inputs if each.path not in CORE_INPUTS)

    @property
    def read_paths(self) -> tuple[str, ...]:
        """What of a client the model reads, each once, in the order of its inputs."""
        return tuple(dict.fromkeys(each.path for each in self.inputs if each.path != TODAY))

    @property
    def is_timed(self) -> bool:
        """Whether its results change as time goes by."""
        return any(each.path == TODAY for each in self.inputs)
