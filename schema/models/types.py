"""Registered models as GraphQL shows them."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import strawberry

from acts.models.registry import Model
from catalogue.catalogue import Catalogue
from catalogue.formulas.graph import graph_of
from schema.attributes.models import ModelColumn
from schema.enums import ModelGivesEnum
from schema.fields import output_type, plain


@strawberry.type(description="One output of a model: a table with a row for each client.")
class ModelOutput:
    """Its name and what it holds."""

    name: str = strawberry.field(description="The name of the output.")
    gives: ModelGivesEnum = strawberry.field(description="What it holds.")
    columns: int = strawberry.field(description="How many columns it has.")


@strawberry.type(description="How well a model did when it was measured.")
class ModelMetric:
    """One figure."""

    name: str = strawberry.field(description="What was measured, as whoever trained the model names it.")
    value: float = strawberry.field(description="The figure.")


_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("name", str, "The name of the model."),
    ("version", str, "The version; a registered one never changes."),
    ("owner", str | None, "Who answers for it."),
    ("description", str | None, "What it answers."),
    ("trainedOn", date | None, "The day it was trained."),
    ("trainingData", str | None, "What it was trained on."),
    ("metrics", list[ModelMetric], "How well it did when it was measured."),
    ("inputs", list[ModelColumn], "What it reads of a client."),
    ("outputs", list[ModelOutput], "What it answers of a client."),
    ("operators", list[str], "The ONNX operators that it uses."),
    ("sha256", str, "The hash of the file, as 64 hexadecimal digits."),
    ("size", int, "The size of the file. Units: bytes."),
    ("registeredAt", datetime, "When it was registered."),
    ("registeredBy", str, "Who registered it."),
    ("attributes", list[str], "The paths of the attributes that take their values from it."),
    (
        "scoredUpTo",
        datetime | None,
        "Results follow what was changed before this moment; null until the book was scored once.",
    ),
    (
        "error",
        str | None,
        "Why it could not be run the last time; values stay as they were. Null if it could, and, where it fails on "
        "values, for those who may not read all that it reads.",
    ),
)

ModelType: Any = output_type(
    "Model",
    "One registered version of a model: an ONNX file, and what is known of it.",
    [(name, annotation, plain(name, text)) for name, annotation, text in _FIELDS],
)


def model_value(
    catalogue: Catalogue, model: Model, hidden: Collection[str] = (), *, reads_inputs: bool = True
) -> dict[str, Any]:
    """A version as its fields are read from it; `reads_inputs` by somebody who reads all that it reads."""
    users = [
        each.path
        for each in graph_of(catalogue).models.values()
        if each.model is not None and (each.model.name, each.model.version) == (model.name, model.version)
    ]
    return {
        "name": model.name,
        "version": model.version,
        "owner": model.owner,
        "description": model.description,
        "trainedOn": model.trained_on,
        "trainingData": model.training_data,
        "metrics": [{"name": name, "value": value} for name, value in model.metrics.items()],
        "inputs": model.inputs,
        "outputs": model.outputs,
        "operators": model.operators,
        "sha256": model.digest,
        "size": model.size,
        "registeredAt": model.registered_at,
        "registeredBy": model.registered_by,
        "attributes": [each for each in users if each not in hidden],
        "scoredUpTo": model.scored_up_to,
        "error": None if model.error_tells and not reads_inputs else model.error,
    }
