"""One page of an area's records, from the arguments of a connection to its value."""

from typing import Any

from repositories.access import authorise
from repositories.plan import ReadPlan
from schema.connection import connection_value
from schema.context import Context
from schema.planning.selection import PageSelection


async def read_connection(context: Context, plan: ReadPlan, selection: PageSelection) -> dict[str, Any]:
    """A page as the fields of a connection are read from it.

    Cost: one command for the page, one more if the total is selected; none for a page of which nothing is selected.
    """
    repository = context.repositories.of(plan.area)
    authorised = authorise(plan, context.viewer)
    page = await repository.read_page(authorised)
    # `edges` without cursors selected would still need them as keys of the same value: seal them when either is asked.
    cursors = repository.seal(authorised, page.documents) if selection.wants_cursors else None
    value = connection_value(page.documents, cursors, has_next=page.has_next, has_previous=page.has_previous)
    if selection.wants_total:
        value["totalCount"] = await repository.count(authorised)
    return value
