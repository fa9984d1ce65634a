"""Register versions of models; what an attribute needs to know of one to take its values from it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from acts.checks import now, problem, refuse
from acts.models.files import ModelFile, Tensor, TensorKind, refusal
from acts.models.rooms import check_apart
from acts.models.shipped import read_shipped, shipped_names
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem, Refused
from catalogue.kinds import Kind
from catalogue.model_use import CORE_INPUTS, Gives, ModelInput, ModelUse, Unset
from policy.rules import Right
from policy.viewer import Viewer
from repositories.errors import NotFound
from repositories.models import Document
from repositories.repositories import Repositories

NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
NAME_EXPECTED = "1 to 64 small letters, digits and hyphens, a letter first"
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,31}")
VERSION_EXPECTED = "1 to 32 letters, digits, dots, plus or minus signs"
WORDS_LIMIT = 500
_NUMBERS = {Kind.NUMBER, Kind.LONG, Kind.DECIMAL, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME}
_TEXTS = {Kind.STRING, Kind.TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.CODE}
_TAKES = {
    TensorKind.NUMBER: _NUMBERS,
    TensorKind.INTEGER: {Kind.LONG, Kind.BOOLEAN},
    TensorKind.BOOLEAN: {Kind.BOOLEAN},
    TensorKind.STRING: _TEXTS,
}
_CORE_KINDS = {"kind": TensorKind.STRING, "stage": TensorKind.STRING}
_WORDS = ("owner", "description", "trainingData")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody registers; what is left out is read from the file's metadata."""

    name: str | None
    version: str | None
    file: bytes
    inputs: Sequence[Mapping[str, Any]] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    """owner, description, trainingData."""
    trained_on: date | None = None
    metrics: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """One table that a model answers."""

    name: str
    gives: Gives
    columns: int


@dataclass(frozen=True, slots=True)
class Model:
    """One registered version."""

    name: str
    version: str
    owner: str | None
    description: str | None
    trained_on: date | None
    training_data: str | None
    metrics: Mapping[str, float]
    inputs: tuple[ModelInput, ...]
    outputs: tuple[Output, ...]
    operators: tuple[str, ...]
    digest: str
    size: int
    registered_at: datetime
    registered_by: str
    scored_up_to: datetime | None = None
    error: str | None = None
    error_tells: bool = False
    """Whether the values of clients are why it failed: that is for those alone who read what it reads."""

    def output(self, name: str) -> Output | None:
        return next((each for each in self.outputs if each.name == name), None)


async def register_model(viewer: Viewer, repositories: Repositories, wanted: Wanted, *, dry_run: bool = False) -> Model:
    """A version that attributes may take their values from; nothing is scored yet.

    Registering the same file under the same name and version again changes nothing.
    Raises: NotAllowed; Refused with every problem of the file, or then of what is said of it; RuntimeAway.
    """
    repositories.access.require(viewer, Right.DEFINE_ATTRIBUTES)
    file = await check_apart(wanted.file)
    said = _said(wanted, file)
    inputs, problems = _inputs_from(said.get("inputs"))
    problems += _word_problems(said)
    problems += _input_problems(repositories.feed.catalogue, file, inputs)
    refuse(problems)
    facts = _facts(said, inputs, file) | {"registeredAt": now(), "registeredBy": viewer.person}
    found = await repositories.models.find(facts["name"], facts["version"])
    if found is not None and found["digest"] != file.digest:
        message = (
            f"Version {facts['version']} of {facts['name']} is registered already with another file; versions are "
            "never changed. Give it another version."
        )
        raise Refused([Problem(ErrorCode.ALREADY_EXISTS, message, ("version",), facts["version"], "a new version")])
    if found is None and not dry_run:
        await repositories.models.add(facts["name"], facts["version"], facts, wanted.file)
    return model_from(found or facts)


async def find_model(repositories: Repositories, name: str, version: str | None = None) -> Model | None:
    """A version of a model; the one that was registered last, if none is named."""
    found = await repositories.models.find(name, version)
    return None if found is None else model_from(found)


async def every_model(repositories: Repositories) -> list[Model]:
    """All versions. Order: by name, the newest version first."""
    return [model_from(each) for each in await repositories.models.every()]


async def use_of(repositories: Repositories, given: Mapping[str, Any]) -> ModelUse:
    """What an attribute's definition says of the model that it names.

    Raises: Refused, NotFound.
    """
    model = await find_model(repositories, given["name"], given.get("version"))
    if model is None:
        raise NotFound("model", " ".join(str(each) for each in (given["name"], given.get("version")) if each))
    name = given.get("output") or model.outputs[0].name
    output, column = model.output(name), given.get("column") or 0
    if output is None:
        names = ", ".join(each.name for each in model.outputs)
        message = f"{model.name} {model.version} has no output {name}; it has {names}."
        raise Refused([refusal(message, "model", "output")])
    if not 0 <= column < output.columns:
        message = f"The output {name} has the columns 0 to {output.columns - 1}; got {column}."
        raise Refused([refusal(message, "model", "column")])
    return ModelUse(
        name=model.name,
        version=model.version,
        output=name,
        column=column,
        gives=output.gives,
        inputs=model.inputs,
    )


def shipped_file(name: str) -> bytes:
    """The file of a model that comes with Kehu.

    Raises: Refused.
    """
    found = read_shipped(name)
    if found is None:
        raise Refused([problem("shipped", name, f"one of {', '.join(shipped_names())}")])
    return found


def model_from(stored: Document) -> Model:
    """A version from its document."""
    return Model(
        stored["name"],
        stored["version"],
        stored.get("owner"),
        stored.get("description"),
        date.fromisoformat(stored["trainedOn"]) if stored.get("trainedOn") else None,
        stored.get("trainingData"),
        {each["name"]: float(each["value"]) for each in stored["metrics"]},
        tuple(ModelInput.model_validate(each) for each in stored["inputs"]),
        tuple(Output(each["name"], Gives(each["gives"]), each["columns"]) for each in stored["outputs"]),
        tuple(stored["operators"]),
        stored["digest"],
        stored["size"],
        stored["registeredAt"],
        stored["registeredBy"],
        stored.get("scoredUpTo"),
        stored.get("error"),
        bool(stored.get("errorTells")),
    )


def _said(wanted: Wanted, file: ModelFile) -> dict[str, Any]:
    """What is said of a model: by whoever registers it, else by the file."""
    given: dict[str, Any] = {"name": wanted.name, "version": wanted.version, "inputs": wanted.inputs}
    given |= {**dict.fromkeys(_WORDS), **wanted.words}
    given |= {"trainedOn": wanted.trained_on, "metrics": wanted.metrics}
    kept = {name: file.metadata[name] for name in given if name in file.metadata}
    return kept | {name: value for name, value in given.items() if value is not None}


def _inputs_from(given: object) -> tuple[tuple[ModelInput, ...], list[Problem]]:
    if not isinstance(given, list | tuple) or not given:
        message = "Neither the request nor the file says which paths the inputs come from; give inputs."
        return (), [refusal(message, "inputs")]
    try:
        return tuple(ModelInput.model_validate(each) for each in given), []
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(each) for each in first["loc"])
        return (), [refusal(f"An input is not {{name, path, unset}}: {place}: {first['msg']}.", "inputs")]


def _word_problems(said: Mapping[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    for name, pattern, expected in (("name", NAME, NAME_EXPECTED), ("version", VERSION, VERSION_EXPECTED)):
        if not pattern.fullmatch(str(said.get(name, ""))):
            problems.append(problem(name, said.get(name), expected))
    problems += [
        problem(name, said[name], f"1 to {WORDS_LIMIT} characters")
        for name in _WORDS
        if name in said and not 1 <= len(str(said[name])) <= WORDS_LIMIT
    ]
    metrics = said.get("metrics", {})
    if not isinstance(metrics, Mapping) or not all(isinstance(each, int | float) for each in metrics.values()):
        problems.append(problem("metrics", metrics, "numbers by name"))
    try:
        date.fromisoformat(str(said.get("trainedOn", "2000-01-01")))
    except ValueError:
        problems.append(problem("trainedOn", said["trainedOn"], "a date, such as 2026-11-26"))
    return problems


def _input_problems(catalogue: Catalogue, file: ModelFile, inputs: Sequence[ModelInput]) -> list[Problem]:
    problems: list[Problem] = []
    if not inputs:
        return problems
    for tensor in file.inputs:
        mapped = [each for each in inputs if each.name == tensor.name]
        if len(mapped) != tensor.width:
            columns = f"{tensor.width} column{'s' if tensor.width > 1 else ''}"
            message = f"The input {tensor.name} has {columns}; inputs name it {len(mapped)} times."
            problems.append(refusal(message, "inputs"))
        problems += [found for each in mapped if (found := _misfit(catalogue, tensor, each)) is not None]
    known = ", ".join(each.name for each in file.inputs)
    problems += [
        refusal(f"The file has no input {each.name}; it has {known}.", "inputs")
        for each in inputs
        if file.input(each.name) is None
    ]
    return problems


def _misfit(catalogue: Catalogue, tensor: Tensor, given: ModelInput) -> Problem | None:
    path = given.path
    if given.unset is Unset.NAN and tensor.kind in (TensorKind.INTEGER, TensorKind.BOOLEAN):
        message = f"The input {tensor.name} takes whole numbers or yes and no, which cannot be NaN; use SKIP."
        return refusal(message, "inputs")
    if path in CORE_INPUTS:
        if _CORE_KINDS.get(path, TensorKind.NUMBER) is not tensor.kind:
            return refusal(f"The input {tensor.name} takes {tensor.kind}; {path} is none.", "inputs")
        return None
    attribute = catalogue.find(path)
    if attribute is None or not catalogue.is_live(attribute):
        message = f"There is no live attribute {path}; an input comes from one, or from {', '.join(CORE_INPUTS)}."
        return Problem(ErrorCode.UNKNOWN_ATTRIBUTE, message, ("inputs",), path, "the path of an attribute")
    if catalogue.is_restricted(attribute):
        return refusal(f"{path} is RESTRICTED; a model does not read what is encrypted.", "inputs")
    if attribute.is_list or catalogue.list_group_of(attribute) is not None:
        return refusal(f"{path} is a list, or in one; an input is one value of a client.", "inputs")
    if attribute.kind not in _TAKES[tensor.kind]:
        kinds = ", ".join(sorted(_TAKES[tensor.kind]))
        return refusal(f"The input {tensor.name} takes {kinds}; {path} is {attribute.kind}.", "inputs")
    return None


def _facts(said: Mapping[str, Any], inputs: Sequence[ModelInput], file: ModelFile) -> Document:
    metrics: Mapping[str, float] = said.get("metrics", {})
    words = {name: str(said[name]) for name in _WORDS if name in said}
    return {
        "name": said["name"],
        "version": str(said["version"]),
        **words,
        **({"trainedOn": str(said["trainedOn"])} if "trainedOn" in said else {}),
        # Names of metrics are anybody's: as values they cannot be words of the database.
        "metrics": [{"name": str(name), "value": float(value)} for name, value in metrics.items()],
        "inputs": [each.model_dump(mode="json") for each in inputs],
        "outputs": [{"name": each.name, "gives": str(each.kind), "columns": each.width} for each in file.outputs],
        "operators": list(file.operators),
        "digest": file.digest,
        "size": file.size,
    }
