"""Models of strangers, checked and run in a room: what comes back are facts and figures."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from acts.models.files import MOST_BYTES, ModelFile, Tensor, TensorKind, refusal
from acts.rooms.keeping import Asking, ask_once, opened
from acts.rooms.limits import Limits
from acts.rooms.room import RoomBroken
from catalogue.errors import ErrorCode, KehuError, Refused

CHECK, RUN = "model.check", "model.run"
"""Names of the tasks."""
CHECK_LIMITS = Limits(cpu_seconds=10, deadline_seconds=30.0)
RUN_LIMITS = Limits(cpu_seconds=20, deadline_seconds=60.0)
"""For 500 clients: a sound model takes milliseconds."""


class ModelBroken(KehuError):
    """A model took more than it may."""

    code = ErrorCode.MODEL_REFUSED


async def check_apart(content: bytes) -> ModelFile:
    """What a file holds, once it is known to be fit to run.

    Raises: Refused with every problem that can be seen at once, RuntimeAway.
    """
    if len(content) > MOST_BYTES:
        raise Refused([refusal(f"The file has {len(content):,} bytes; a model has up to {MOST_BYTES:,}.")])
    try:
        facts = await ask_once(CHECK, {"file": content}, CHECK_LIMITS)
    except RoomBroken as broken:
        raise Refused([refusal(f"The model was not run to its end: {broken}. Make it smaller.")]) from None
    return ModelFile(
        tuple(_tensor_from(each) for each in facts["inputs"]),
        tuple(_tensor_from(each) for each in facts["outputs"]),
        tuple(facts["operators"]),
        facts["metadata"],
        facts["digest"],
        facts["size"],
    )


@dataclass(frozen=True, slots=True)
class ScorerApart:
    """A model that is loaded in a room."""

    room: Asking
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    async def run(self, columns: Mapping[str, Any]) -> dict[str, list[list[Any]]]:
        """The rows of each output, as those of a Scorer.

        Raises: Refused if the model fails on them; ModelBroken.
        """
        found: dict[str, list[list[Any]]] = await _asked(self.room, {"columns": columns})
        return found


@asynccontextmanager
async def loaded_apart(content: bytes) -> AsyncIterator[ScorerApart]:
    """A model, ready to run until the context ends.

    Raises: Refused, RuntimeAway, ModelBroken.
    """
    async with opened(RUN_LIMITS) as room:
        facts = await _asked(room, {"file": content})
        inputs, outputs = (tuple(_tensor_from(each) for each in facts[name]) for name in ("inputs", "outputs"))
        yield ScorerApart(room, inputs, outputs)


async def _asked(room: Asking, given: Mapping[str, Any]) -> Any:
    try:
        return await room.ask(RUN, given)
    except RoomBroken as broken:
        raise ModelBroken(f"The model was not run to its end: {broken}. Register a smaller one.") from None


def tensor_words(tensor: Tensor) -> list[Any]:
    """A tensor, as it leaves the room."""
    return [tensor.name, tensor.kind, tensor.element, tensor.width, tensor.is_flat]


def _tensor_from(words: list[Any]) -> Tensor:
    name, kind, element, width, is_flat = words
    return Tensor(name, TensorKind(kind), element, width, is_flat)
