"""Questions about registered models."""

from typing import Any

import strawberry

from acts.models.registry import Model, every_model, find_model
from catalogue.attribute import CLIENTS
from catalogue.model_use import CORE_INPUTS
from policy.rules import Right
from repositories.errors import BadCursor
from repositories.models import MODELS
from schema.connection import FORWARD_ARGUMENTS, connection_types, connection_value, page_from
from schema.context import Context
from schema.fields import Fields, described, resolved
from schema.models.types import ModelType, model_value
from schema.planning.reads import Arguments, Read, Reading, page_size

_CONNECTION: Any = connection_types("Model", ModelType, "registered models").connection
_START = "m"


def model_queries() -> Fields:
    """The fields of Query about models: those that read nothing hidden, and all for whoever defines attributes."""

    async def model(info: strawberry.Info, name: str, version: str | None = None) -> Any:
        context: Context = info.context
        found = await find_model(context.repositories, name, version)
        return None if found is None or not _is_seen(context, found) else shown_model(context, found)

    async def models(info: strawberry.Info, first: int, after: str | None = None) -> Any:
        return await _page(info.context, first, after)

    text = "One version of a registered model; null if there is none that you may see."
    arguments = {
        "name": described(str, "The name of the model."),
        "version": described(str | None, "The version; the one registered last, if left out."),
    }
    yield "model", None, resolved(model, "model", ModelType | None, text, arguments, _reads_one)
    text = "All versions of registered models, by name, the newest version first."
    yield "models", None, resolved(models, "models", _CONNECTION, text, FORWARD_ARGUMENTS, _reads_many)


def shown_model(context: Context, model: Model) -> dict[str, Any]:
    """A version as its fields are read from it, without attributes that the viewer may not know of."""
    hidden = () if _defines(context) else context.seen(CLIENTS).hidden
    reads_inputs = context.seen(CLIENTS).unusable.isdisjoint(each.path for each in model.inputs)
    return model_value(context.repositories.catalogue, model, hidden, reads_inputs=reads_inputs)


def _defines(context: Context) -> bool:
    return Right.DEFINE_ATTRIBUTES in context.repositories.access.rights(context.viewer)


def _is_seen(context: Context, model: Model) -> bool:
    """What a model reads says something of what is there to be read."""
    if _defines(context):
        return True
    seen, catalogue = context.seen(CLIENTS), context.repositories.catalogue
    paths = {each.path for each in model.inputs} - set(CORE_INPUTS)
    return all(path not in seen.hidden and catalogue.find(path) is not None for path in paths)


async def _page(context: Context, first: int, after: str | None) -> dict[str, Any]:
    page = page_from(context.page_limit, first, after)
    rows = [each for each in await every_model(context.repositories) if _is_seen(context, each)]
    start = _start(rows, after)
    shown = rows[start : start + page.limit]
    value = connection_value(
        [shown_model(context, each) for each in shown],
        [_cursor(each) for each in shown],
        has_next=start + page.limit < len(rows),
        has_previous=start > 0,
    )
    return value | {"totalCount": len(rows)}


def _cursor(model: Model) -> str:
    return f"{_START}{model.name}:{model.version}"


def _start(rows: list[Model], after: str | None) -> int:
    """Where a page starts: behind the version in the cursor; versions are never removed."""
    if after is None:
        return 0
    found = next((at for at, each in enumerate(rows, start=1) if _cursor(each) == after), None)
    if found is None:
        raise BadCursor()
    return found


def _reads_one(_given: Arguments, _names: frozenset[str]) -> Reading:
    return Reading(1, (Read(MODELS, 1),))


def _reads_many(given: Arguments, _names: frozenset[str]) -> Reading:
    size = page_size(given)
    return Reading(size, (Read(MODELS, size),))
