"""One page of an area's records, from the arguments of a connection to its value."""

from typing import Any

from repositories.access import AuthorisedPlan
from repositories.base import RecordRepository
from repositories.plan import ReadPlan, Slice
from schema.connection import edges_of, page_info
from schema.context import Context
from schema.planning.selection import PageSelection


async def read_connection(context: Context, plan: ReadPlan, selection: PageSelection) -> dict[str, Any]:
    """A page as the fields of a connection are read from it.

    Cost: one command for the page, one more if the total is selected; none for a page of which nothing is selected.
    """
    repository = context.repositories.of(plan.area)
    authorised = context.authorise(plan)
    value: dict[str, Any] = {}
    if selection.wants_page:
        value = page_value(repository, authorised, await repository.read_page(authorised), selection)
    if selection.wants_total:
        value["totalCount"] = await repository.count(authorised)
    return value


def page_value(
    repository: RecordRepository, authorised: AuthorisedPlan, page: Slice, selection: PageSelection
) -> dict[str, Any]:
    """What was read of a page as the fields of a connection are read from it, without the total."""
    documents = page.documents
    value: dict[str, Any] = {"nodes": documents}
    cursors = repository.seal(authorised, documents) if selection.wants_cursors else []
    if selection.wants_edges:
        value["edges"] = edges_of(documents, cursors)
    if documents and not cursors:
        ends = documents[:1] * selection.wants_start + documents[-1:] * selection.wants_end
        cursors = repository.seal(authorised, ends) if ends else []
    value["pageInfo"] = page_info(cursors, has_next=page.has_next, has_previous=page.has_previous)
    return value
