"""Lists that other records form under a record, from the rows of relations: one read a level."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import strawberry

from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, KehuError
from catalogue.filters import Compare
from catalogue.kinds import Operator
from catalogue.relation import Relation
from repositories.levels import LEVEL_LIMIT, LevelReads
from repositories.past import moment_of
from repositories.plan import ID, Order, Page, ReadPlan
from schema.connection import FORWARD_ARGUMENTS, page_from
from schema.context import Context, Document
from schema.fields import Fields, related
from schema.pages import page_value
from schema.planning.paths import NODE
from schema.planning.reads import Arguments, Read, Reading, page_reading
from schema.planning.selection import PageSelection, Selected, page_selection, place_of, selection_of

CREATED_AT = "createdAt"


class LevelTooLarge(KehuError):
    """Lists under many records may come to more than one answer should hold."""

    code = ErrorCode.TOO_EXPENSIVE


def level_page(context: Context, name: str, holders: Sequence[Document], first: int, after: str | None) -> Page:
    """The page that is asked for of each list under the records of a level.

    Raises: BadPage; LevelTooLarge, where lists under so many records may come to too much.
    """
    page, count = page_from(context.page_limit, first, after), len(holders)
    if count * first > LEVEL_LIMIT:
        raise LevelTooLarge(
            f"{name}(first: {first}) under {count} records may come to {count * first}; "
            f"one level takes up to {LEVEL_LIMIT}. Ask for fewer of either."
        )
    return page


Paths = Callable[[Catalogue, Sequence[Selected]], frozenset[str]]
"""From the fields selected of a record to the paths they need."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list field needs to know of the records in it."""

    noun: str
    connection: Any
    paths: Paths
    levels: Callable[[Context], LevelReads]


def list_field(relation: Relation, listed: Listed) -> Fields:
    """The field on the target of a relation with the records that point at it; none if the row names no listing."""
    if relation.listing is None:
        return
    listing = relation.listing
    order = (Order(listing.newest_by, is_descending=True),)

    async def many(
        info: strawberry.Info, holders: Sequence[Document], first: int, after: str | None = None
    ) -> list[Document]:
        context: Context = info.context
        page = level_page(context, listing.name, holders, first, after)
        selection, paths = _selected(info, listed)
        plan = ReadPlan(relation.area, paths, order=order, page=page)
        found: dict[datetime | None, dict[str, Document]] = {}
        for moment in dict.fromkeys(moment_of(each) for each in holders):
            # Of an earlier moment the list has what had been entered by then.
            then = None if moment is None else Compare(CREATED_AT, Operator.LTE, moment)
            ids = [str(each[ID]) for each in holders if moment_of(each) == moment]
            found[moment] = await _read(context, listed.levels(context), replace(plan, filter=then), selection, ids)
        return [found[moment_of(each)][str(each[ID])] for each in holders]

    reads = partial(_reads, relation)
    field = related(many, listing.name, listed.connection, listing.description, FORWARD_ARGUMENTS, reads)
    yield listing.name, None, field


def _reads(relation: Relation, given: Arguments, names: frozenset[str]) -> Reading:
    """The lists of all holders by their index, which has the name of what it begins with.

    Cost: a second command where the lists of several holders turn out to be long.
    """
    page = Read(relation.area, index=relation.stored_in, commands_if_many=1)
    total = Read(relation.area, index=relation.stored_in, part="totalCount")
    # The page is read even if nothing of it is selected.
    return page_reading(given, names | {"nodes"}, page, total)


def _selected(info: strawberry.Info, listed: Listed) -> tuple[PageSelection, frozenset[str]]:
    """What was selected of the pages, and the paths of their records: worked out once for an operation."""
    context: Context = info.context

    def selected() -> tuple[PageSelection, frozenset[str]]:
        selection = page_selection(selection_of(info._raw_info), listed.noun, listed.noun, NODE)
        return selection, listed.paths(context.repositories.catalogue, selection.nodes)

    return context.planned(place_of(info), selected)


async def _read(
    context: Context, levels: LevelReads, plan: ReadPlan, selection: PageSelection, holders: Sequence[str]
) -> dict[str, Document]:
    """The connection of each holder.

    Cost: one command for all pages, one more if the totals are selected.
    """
    if context.seen(plan.area).unusable.intersection(each.path for each in plan.order):
        # The order itself would tell of what may not be read.
        plan = replace(plan, order=(Order(ID, is_descending=True),))
    authorised = context.authorise(plan)
    repository = context.repositories.of(plan.area)
    pages = await levels.read(authorised, holders)
    values = {each: page_value(repository, authorised, page, selection) for each, page in pages.items()}
    if selection.wants_total:
        for each, count in (await levels.count(authorised, holders)).items():
            values[each]["totalCount"] = count
    return values
