"""`dataQuality` and `unknownPaths`: how good the values of the book are."""

from collections.abc import Sequence
from typing import Any

import strawberry

from acts.data_quality import (
    DISTINCT_LIMIT,
    RIGHT,
    Quality,
    UnknownPath,
    measure,
    measured_attributes,
    unknown_paths,
)
from catalogue.attribute import CLIENTS, Facet
from schema.connection import FORWARD_ARGUMENTS, connection_types, connection_value, page_from
from schema.context import Context
from schema.derived.values import value_json
from schema.enums import FacetEnum
from schema.fields import Fields, described, resolved
from schema.planning.reads import Arguments, Read, Reading, page_size
from schema.planning.selection import page_selection, selection_of
from schema.scalars import Json

PAGE_LIMIT = 50
"""Attributes a page: each takes up to two passes over the book."""


@strawberry.type(description="How good the values of one attribute are, over the clients whom you may read.")
class AttributeQuality:
    """Figures of one attribute."""

    path: str = strawberry.field(description="The path of the attribute.")
    label: str = strawberry.field(description="What people read as its name.")
    clients: int = strawberry.field(description="Clients who may have it, by their kind, of those looked at.")
    filled: int = strawberry.field(description="Those who have a value; an empty list is none.")
    fillRate: float | None = strawberry.field(
        name="fillRate", description="The filled ones among them, 0 to 1; null where there are no clients."
    )
    distinct: int | None = strawberry.field(
        description=f"How many different values, counted up to {DISTINCT_LIMIT:,}; null for groups and encrypted ones."
    )
    minimum: Json | None = strawberry.field(description="The least value; null where values have no order.")
    maximum: Json | None = strawberry.field(description="The greatest value; null where values have no order.")
    misfits: int = strawberry.field(description="Clients with a value that the rules would refuse today.")
    misfitIds: list[strawberry.ID] = strawberry.field(name="misfitIds", description="Ids of up to five of them.")
    isSampled: bool = strawberry.field(
        name="isSampled", description="Whether only a part of the book was looked at, drawn at random."
    )


@strawberry.type(description="Something in documents that no attribute explains.")
class UnexplainedPath:
    """A path; what stands there is shown to nobody."""

    path: str = strawberry.field(description="The outermost path that is unknown.")
    count: int = strawberry.field(description="Clients who have it, of those looked at.")
    exampleId: strawberry.ID = strawberry.field(name="exampleId", description="One of them.")
    isSampled: bool = strawberry.field(
        name="isSampled", description="Whether only a part of the book was looked at, drawn at random."
    )


_QUALITIES = connection_types("AttributeQuality", AttributeQuality, "attributes with their quality").connection
_UNKNOWN = connection_types("UnexplainedPath", UnexplainedPath, "unexplained paths").connection


def quality_queries() -> Fields:
    """The fields of Query about the quality of data."""

    async def quality(
        info: strawberry.Info,
        first: int,
        after: str | None = None,
        paths: list[str] | None = None,
        facet: Facet | None = None,
    ) -> Any:
        return await _quality(info, first, after, paths, facet)

    async def unknown(info: strawberry.Info, first: int, after: str | None = None) -> Any:
        context: Context = info.context
        found = await unknown_paths(context.viewer, context.repositories, context.touched)
        named = [(each.path, _unknown_value(each)) for each in found]
        return _page(context, "unexplainedPaths", named, context.page_limit, first, after)

    arguments = {
        "paths": described(list[str] | None, "The paths of the attributes; all that you may ask about, if left out."),
        "facet": described(FacetEnum | None, "Only attributes of this facet."),
        **FORWARD_ARGUMENTS,
    }
    text = f"How good the values are, attribute by attribute, by path; up to {PAGE_LIMIT} a page."
    yield (
        "dataQuality",
        None,
        resolved(quality, "dataQuality", _QUALITIES, text, arguments, _reads, (RIGHT,)),
    )
    text = "What stands in documents and no attribute explains: left behind by other programs, or by hand."
    yield (
        "unexplainedPaths",
        None,
        resolved(unknown, "unexplainedPaths", _UNKNOWN, text, FORWARD_ARGUMENTS, _reads_unknown, (RIGHT,)),
    )


def _reads(given: Arguments, _names: frozenset[str]) -> Reading:
    size = page_size(given)
    return Reading(size, (Read(CLIENTS, size, is_scan=True, commands=2 + 2 * size),))


def _reads_unknown(given: Arguments, _names: frozenset[str]) -> Reading:
    size = page_size(given)
    return Reading(size, (Read(CLIENTS, size, is_scan=True, commands=2),))


async def _quality(
    info: strawberry.Info, first: int, after: str | None, paths: list[str] | None, facet: Facet | None
) -> Any:
    context: Context = info.context
    attributes = measured_attributes(context.viewer, context.repositories, paths, facet)
    named = [(each.path, each) for each in sorted(attributes, key=lambda each: each.path)]
    limit = min(PAGE_LIMIT, context.page_limit)
    page = _page(context, f"dataQuality {paths} {facet}", named, limit, first, after)
    selected = {each.name for each in page_selection(selection_of(info._raw_info), "AttributeQuality").nodes}
    measured = await measure(
        context.viewer,
        context.repositories,
        page["nodes"],
        wants_distinct="distinct" in selected,
        wants_misfits=bool(selected & {"misfits", "misfitIds"}),
        touched=context.touched,
    )
    values = [_quality_value(each) for each in measured]
    edges = [{**edge, "node": value} for edge, value in zip(page["edges"], values, strict=True)]
    return {**page, "nodes": values, "edges": edges}


def _page(
    context: Context, question: str, named: Sequence[tuple[str, Any]], limit: int, first: int, after: str | None
) -> dict[str, Any]:
    """One page of what is in memory, in the order of its names."""
    page, cursors = page_from(limit, first, after), context.repositories.clients.cursors
    binding = cursors.bound_to((question, context.viewer.person))
    start = "" if after is None else str(cursors.open(binding, after, 1)[0])
    rest = [(name, each) for name, each in named if name > start]
    shown = rest[: page.limit]
    value = connection_value(
        [each for _, each in shown],
        [cursors.seal(binding, [name]) for name, _ in shown],
        has_next=len(rest) > len(shown),
        has_previous=after is not None,
    )
    return value | {"totalCount": len(named)}


def _quality_value(found: Quality) -> dict[str, Any]:
    attribute = found.attribute
    return {
        "path": attribute.path,
        "label": attribute.label,
        "clients": found.looked_at,
        "filled": found.filled,
        "fillRate": found.filled / found.looked_at if found.looked_at else None,
        "distinct": found.distinct,
        "minimum": value_json(attribute.kind, found.minimum),
        "maximum": value_json(attribute.kind, found.maximum),
        "misfits": found.misfits or 0,
        "misfitIds": list(found.misfit_ids),
        "isSampled": found.is_sampled,
    }


def _unknown_value(found: UnknownPath) -> dict[str, Any]:
    return {"path": found.path, "count": found.count, "exampleId": found.example, "isSampled": found.is_sampled}
