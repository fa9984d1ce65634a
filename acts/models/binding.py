"""What becomes of a definition that takes its values from a model, before and after it is written."""

from acts.checks import refuse
from acts.jobs import enqueue
from acts.models.registry import find_model
from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.model_rules import model_problems
from catalogue.model_use import ModelUse
from policy.viewer import program
from repositories.repositories import Repositories

SCORER = program("kehu-models")
"""Who has scored a value, as the history names it."""
SCORE = "model.score"
"""The kind of the jobs that score the whole book."""


async def with_model(repositories: Repositories, before: Catalogue, attribute: Attribute) -> Attribute:
    """The definition with what has to be known of its model; as it is where it has none.

    Raises: Refused, with every problem of the model and of those that read the attribute.
    Cost: none without a model; else one command.
    """
    after = before.with_attributes([attribute])
    refuse(model_problems(before, after, attribute.path, attribute.area))
    if attribute.model is None or attribute.area != CLIENTS:
        return attribute
    refuse(await unregistered(repositories, attribute.model))
    derived_from = tuple(sorted({*attribute.derived_from, *attribute.model.paths}))
    return attribute.model_copy(update={"derived_from": derived_from})


async def unregistered(repositories: Repositories, use: ModelUse) -> list[Problem]:
    """A problem where the definition, which may come from another stage, does not fit what is registered here."""
    found = await find_model(repositories, use.name, use.version)
    output = None if found is None else found.output(use.output)
    if found is not None and output is not None:
        is_same = found.inputs == use.inputs and output.gives is use.gives and 0 <= use.column < output.columns
        if is_same:
            return []
    message = (
        f"{use.name} {use.version} is not registered here with the output {use.output} and the same inputs; "
        "register it by modelRegister first."
    )
    return [Problem(ErrorCode.MODEL_REFUSED, message, ("model",), f"{use.name} {use.version}", "a registered version")]


async def ask_for_scores(repositories: Repositories, before: Attribute | None, attribute: Attribute) -> None:
    """Have the whole book scored where an attribute has a new model, or another version or output of it.

    Until that is done clients have the values of before, each until its own turn.
    Cost: none without a new model; else one command.
    """
    old = before.model if before is not None and before.is_live else None
    if attribute.model is None or not attribute.is_live or attribute.model == old:
        return
    given = {"name": attribute.model.name, "version": attribute.model.version}
    await enqueue(SCORER, repositories, SCORE, given, key=f"{attribute.path}:{attribute.revision}")
