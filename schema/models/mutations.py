"""Register models."""

import base64
import binascii
from collections.abc import Mapping
from datetime import date
from typing import Any

import strawberry

from acts.checks import problem
from acts.models.registry import Wanted, register_model, shipped_file
from acts.once import Attempt, once
from catalogue.errors import Refused
from policy.rules import Right
from schema.context import Context
from schema.enums import ModelUnsetEnum
from schema.fields import Fields, input_type
from schema.inputs import KEY_ROW
from schema.models.queries import shown_model
from schema.models.types import ModelType
from schema.mutation import Result, mutation

_COLUMN: Any = input_type(
    "ModelColumnInput",
    "One column of a model's input, and where its values come from.",
    (
        ("name", str, "The name of the input; one with several columns is named once for each, in their order."),
        ("path", str, "The path of an attribute, or kind, stage, createdAt or today."),
        ("unset", ModelUnsetEnum, "What becomes of a client without a value there."),
    ),
    {"unset": ModelUnsetEnum.SKIP},
)
_METRIC: Any = input_type(
    "ModelMetricInput",
    "How well a model did when it was measured.",
    (("name", str, "What was measured."), ("value", float, "The figure.")),
)
_INPUT: Any = input_type(
    "ModelRegisterInput",
    "A version of a model; what is left out is read from the metadata of the file.",
    (
        ("file", str | None, "The ONNX file in base64; this or `shipped` is required."),
        ("shipped", str | None, "Instead of a file: the name of a model that comes with Kehu, such as churn-risk."),
        ("name", str | None, "The name of the model: small letters, digits and hyphens."),
        ("version", str | None, "The version; a registered one never changes."),
        ("inputs", list[_COLUMN] | None, "Where the values of each input come from."),
        ("owner", str | None, "Who answers for it."),
        ("description", str | None, "What it answers."),
        ("trainingData", str | None, "What it was trained on."),
        ("trainedOn", date | None, "The day it was trained."),
        ("metrics", list[_METRIC] | None, "How well it did when it was measured."),
        ("dryRun", bool, "Check everything and store nothing."),
        KEY_ROW,
    ),
    {"dryRun": False},
)


def model_mutations() -> Fields:
    """The field of Mutation about models."""

    async def register(info: strawberry.Info, input: Mapping[str, Any]) -> dict[str, Any]:
        context: Context = info.context
        context.repositories.access.require(context.viewer, Right.DEFINE_ATTRIBUTES)
        viewer, repositories, is_dry = context.viewer, context.repositories, bool(input.get("dryRun"))

        async def answer() -> dict[str, Any]:
            done = await register_model(viewer, repositories, _wanted(input), dry_run=is_dry)
            return {"model": shown_model(context, done)}

        async def registered(_attempt: Attempt) -> tuple[dict[str, Any], str]:
            return await answer(), ""

        async def again(_outcome: str) -> dict[str, Any]:
            # The same file under the same name and version is registered once anyway.
            return await answer()

        return await once(viewer, repositories, "modelRegister", input, registered, again)

    text = "Check a model and keep it; attributes take their values from it by `attributeChange(input: {model})`."
    result = Result("model", ModelType, "The registered version; null if refused.")
    yield mutation("modelRegister", text, _INPUT, result, register, (Right.DEFINE_ATTRIBUTES,))


def _wanted(given: Mapping[str, Any]) -> Wanted:
    inputs, metrics = given.get("inputs"), given.get("metrics")
    words = ("owner", "description", "trainingData")
    return Wanted(
        given.get("name"),
        given.get("version"),
        _file(given),
        None if inputs is None else [{**each, "unset": str(each.get("unset", "SKIP"))} for each in inputs],
        {name: given[name] for name in words if given.get(name) is not None},
        given.get("trainedOn"),
        None if metrics is None else {each["name"]: each["value"] for each in metrics},
    )


def _file(given: Mapping[str, Any]) -> bytes:
    """Raises: Refused."""
    text, shipped = given.get("file"), given.get("shipped")
    if (text is None) == (shipped is None):
        raise Refused([problem("file", "neither" if text is None else "both", "either file or shipped")])
    if shipped is not None:
        return shipped_file(str(shipped))
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise Refused([problem("file", f"{len(str(text))} characters", "the file in base64")]) from None
