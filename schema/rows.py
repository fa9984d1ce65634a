"""Connections over rows that the database works out of many clients."""

from typing import Any

from catalogue.attribute import CLIENTS
from repositories.row_pages import RowPage
from schema.connection import connection_value
from schema.planning.reads import Arguments, Read, Reading, page_size


def row_connection(page: RowPage, nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """A page of rows as the fields of a connection are read from it."""
    value = connection_value(nodes, page.cursors, has_next=page.has_next, has_previous=page.has_previous)
    return value | {"totalCount": page.total}


def reads_of_rows(given: Arguments, names: frozenset[str]) -> Reading:
    """One pass over the clients that may be read, with the total in it."""
    size = page_size(given)
    return Reading(size, (Read(CLIENTS, size, is_scan=True),) if names else ())


def reads_of_inner_rows(given: Arguments, names: frozenset[str]) -> Reading:
    """One such pass for each holder."""
    size = page_size(given)
    return Reading(size, (Read(CLIENTS, size, commands=0, commands_each=1, is_scan=True),) if names else ())
