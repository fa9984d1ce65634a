"""Connections: lists that can grow, read a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import strawberry

from catalogue.errors import ErrorCode, KehuError
from repositories.plan import Page
from schema.fields import described, output_type, plain


class BadPage(KehuError):
    """A page was asked for in a way that has no answer."""

    code = ErrorCode.PAGE_SIZE


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Cursors of the first and last item, and whether there are more on either side."""

    hasNextPage: bool = strawberry.field(name="hasNextPage", description="Whether there are items after this page.")
    hasPreviousPage: bool = strawberry.field(
        name="hasPreviousPage", description="Whether there are items before this page."
    )
    startCursor: str | None = strawberry.field(name="startCursor", description="The cursor of the first item.")
    endCursor: str | None = strawberry.field(name="endCursor", description="The cursor of the last item.")


@dataclass(frozen=True, slots=True)
class ConnectionTypes:
    """The two types of a connection."""

    connection: type
    edge: type


def connection_types(noun: str, node: type, plural: str, *, has_total: bool = True) -> ConnectionTypes:
    """`<Noun>Connection` and `<Noun>Edge`."""
    edge = output_type(
        f"{noun}Edge",
        f"One of the {plural}, with its place in the list.",
        (
            ("cursor", str, plain("cursor", "The place in the list, opaque.")),
            ("node", node, plain("node", "The item.")),
        ),
    )
    fields: list[tuple[str, Any, Any]] = [
        ("edges", list[edge], plain("edges", "The items with their cursors.")),  # type: ignore[valid-type]
        ("nodes", list[node], plain("nodes", "The items.")),  # type: ignore[valid-type]
        ("pageInfo", PageInfo, plain("pageInfo", "Where the page stands.")),
    ]
    if has_total:
        text = "How many there are on all pages; counted only when selected."
        fields.append(("totalCount", int, plain("totalCount", text)))
    return ConnectionTypes(output_type(f"{noun}Connection", f"A page of {plural}.", fields), edge)


PAGE_ARGUMENTS: dict[str, object] = {
    "first": described(int | None, "How many items from the start, 1 to 200; this or `last` is required."),
    "after": described(str | None, "A cursor: the page starts behind it."),
    "last": described(int | None, "How many items from the end, 1 to 200."),
    "before": described(str | None, "A cursor: the page ends before it."),
}
FORWARD_ARGUMENTS: dict[str, object] = {
    "first": described(int, "How many items, 1 to 200."),
    "after": described(str | None, "A cursor: the page starts behind it."),
}


def page_from(
    limit: int, first: int | None, after: str | None, last: int | None = None, before: str | None = None
) -> Page:
    """The page that the four arguments of a connection ask for.

    Raises: BadPage.
    """
    if (first is None) == (last is None):
        given = "neither" if first is None else "both"
        raise BadPage(
            f"A page takes either first or last; got {given}. Give first: {min(50, limit)}, say.", given=given
        )
    size = first if first is not None else last
    if size is None or not 1 <= size <= limit:
        name = "first" if first is not None else "last"
        raise BadPage(f"{name} takes 1 to {limit}; got {size}. Read more in further pages.", given=str(size))
    return Page(size, is_backward=first is None, after=after, before=before)


def connection_value(nodes: list[Any], cursors: list[str], *, has_next: bool, has_previous: bool) -> dict[str, Any]:
    """A connection as its fields are read from it, with the cursor of each item."""
    info = page_info(cursors, has_next=has_next, has_previous=has_previous)
    return {"nodes": nodes, "edges": edges_of(nodes, cursors), "pageInfo": info}


def edges_of(nodes: list[Any], cursors: Sequence[str]) -> list[dict[str, Any]]:
    """The items as edges; without cursors where none was asked for."""
    if not cursors:
        return [{"node": node} for node in nodes]
    return [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)]


def page_info(cursors: Sequence[str], *, has_next: bool, has_previous: bool) -> dict[str, Any]:
    """Where a page stands; the ends are the first and last of the cursors, if there are any."""
    return {
        "hasNextPage": has_next,
        "hasPreviousPage": has_previous,
        "startCursor": cursors[0] if cursors else None,
        "endCursor": cursors[-1] if cursors else None,
    }
