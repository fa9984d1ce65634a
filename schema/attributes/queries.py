"""Questions about attribute definitions."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from catalogue.attribute import CLIENTS, Attribute, Facet, Status
from policy.rules import Right
from repositories.errors import BadCursor
from schema.attributes.types import AttributeType, attribute_value
from schema.connection import FORWARD_ARGUMENTS, connection_types, connection_value, page_from
from schema.context import Context
from schema.enums import AttributeStatusEnum, FacetEnum
from schema.fields import Fields, described, resolved
from schema.planning.reads import items_only

_CONNECTION: Any = connection_types("Attribute", AttributeType, "attribute definitions").connection
_SHOWN = (Status.PUBLISHED, Status.DEPRECATED)


def attribute_queries() -> Fields:
    """The fields of Query about attributes."""

    async def attribute(info: strawberry.Info, path: str) -> Any:
        return find_attribute(info.context, path)

    async def attributes(
        info: strawberry.Info,
        first: int,
        facet: Facet | None = None,
        status: Sequence[Status] | None = None,
        after: str | None = None,
    ) -> Any:
        return _page(info.context, first, after, facet, status)

    text = "One attribute definition, whatever its status; null if there is none at this path."
    path = {"path": described(str, "The path, such as profile.name.")}
    yield "attribute", None, resolved(attribute, "attribute", AttributeType | None, text, path)
    text = "Attribute definitions in order of their path."
    arguments = {
        "facet": described(FacetEnum | None, "Only this facet."),
        "status": described(list[AttributeStatusEnum] | None, "Only these; those in the schema, if left out."),
        **FORWARD_ARGUMENTS,
    }
    yield "attributes", None, resolved(attributes, "attributes", _CONNECTION, text, arguments, items_only)


def find_attribute(context: Context, path: str) -> dict[str, Any] | None:
    """The definition at a path, by the live catalogue: a draft is found too."""
    found = _visible(context).get(path)
    return None if found is None else shown_attribute(context, found)


def shown_attribute(context: Context, attribute: Attribute) -> dict[str, Any]:
    """A definition as its fields are read from it, as far as the viewer may know of what it says."""
    repositories = context.repositories
    if Right.DEFINE_ATTRIBUTES in repositories.access.rights(context.viewer):
        return attribute_value(repositories.feed.catalogue, attribute)
    return attribute_value(repositories.catalogue, attribute, context.seen(CLIENTS).hidden)


def _visible(context: Context) -> Mapping[str, Attribute]:
    """The definitions that the viewer may know of: those of values he may read, and all for whoever defines them."""
    repositories = context.repositories
    if Right.DEFINE_ATTRIBUTES in repositories.access.rights(context.viewer):
        return repositories.feed.catalogue.area(CLIENTS)
    hidden = context.seen(CLIENTS).hidden
    return {path: each for path, each in repositories.catalogue.area(CLIENTS).items() if path not in hidden}


def _page(
    context: Context, first: int, after: str | None, facet: Facet | None, status: Sequence[Status] | None
) -> dict[str, Any]:
    page = page_from(context.page_limit, first, after)
    wanted = set(status) if status is not None else set(_SHOWN)
    rows = [
        each for each in _visible(context).values() if each.status in wanted and (facet is None or each.facet is facet)
    ]
    start = _start(rows, after)
    shown = rows[start : start + page.limit]
    cursors = [f"p{each.path}" for each in shown]
    value = connection_value(
        [shown_attribute(context, each) for each in shown],
        cursors,
        has_next=start + page.limit < len(rows),
        has_previous=start > 0,
    )
    return value | {"totalCount": len(rows)}


def _start(rows: Sequence[Attribute], after: str | None) -> int:
    """Where a page starts: behind the path in the cursor, even if that attribute is no longer in the list."""
    if after is None:
        return 0
    if not after.startswith("p"):
        raise BadCursor()
    return next((at for at, each in enumerate(rows) if each.path > after[1:]), len(rows))
