"""Everything that is kept about one client, for whoever asks for his own data."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from acts.proposing import PATHS as APPROVAL_PATHS
from catalogue.attribute import CLIENTS, Facet
from catalogue.filters import Compare, Or
from catalogue.kinds import Operator
from policy.approvals import APPROVALS
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.clients import MERGED, NUMBERS
from repositories.errors import NotFound
from repositories.grants import GRANTS
from repositories.grants import PATHS as GRANT_PATHS
from repositories.histories import read_histories
from repositories.interactions import INTERACTIONS
from repositories.owned import Held, records_of_clients
from repositories.plan import ID, Order, Page, ReadPlan
from repositories.repositories import Repositories

Document = dict[str, Any]

PURPOSE = "DATA_SUBJECT_REQUEST"
CORE = ("number", "kind", "stage", "managerId", "team", "version", "createdAt", "updatedAt")
_PAGE = 200
_EVERY_CHANGE = 1_000_000


@dataclass(frozen=True, slots=True)
class SubjectData:
    """What is kept about a client."""

    client: Document
    changes: list[Document]
    """Newest first, each with its proof and its values before and after."""
    records: dict[str, list[Document]]
    """What belongs to the client, by its collection, newest first; each record with its own changes."""
    approvals: list[Document]
    """What was proposed about the client, and decided."""


async def subject_data(
    viewer: Viewer, repositories: Repositories, client: str, touched: Touched | None = None
) -> SubjectData:
    """What is kept about the client with this id or number, decrypted, as far as the viewer may see it.

    Raises: NotFound.
    Cost: two commands; for each collection that has records of clients one for 200 of them, and up to one for the
    history of each.
    """
    access, view = repositories.access, repositories.access.view(viewer)
    seen = view.area(CLIENTS)
    where = Or((Compare(ID, Operator.EQ, client), Compare("number", Operator.EQ, client)))
    leaves = (leaf.path for facet in Facet for leaf in repositories.catalogue.leaves(facet))
    # Values of retired attributes are kept too, and only whole facets show them.
    paths = frozenset((ID, *CORE, NUMBERS, MERGED, "tail", *(Facet if view.is_whole else leaves)))
    found = await repositories.clients.find_one(access.authorise(ReadPlan(CLIENTS, paths, where), viewer, touched))
    if found is None:
        raise NotFound("client", client)
    client_id = str(found[ID])
    entries = await read_histories(repositories.clients.history, found, _EVERY_CHANGE, hidden=seen.hidden)
    changes = [each.change | ({"clientId": each.merged["id"]} if each.merged else {}) for each in entries]
    found.pop("tail", None)
    shown = [_shown(each, seen.hidden) for each in await repositories.vault.opened(changes, must=True)]
    ids = [client_id, *(str(each["id"]) for each in found.get(MERGED, ()))]
    records = {}
    for place, key in records_of_clients(repositories.catalogue):
        records[place.collection] = await _records(viewer, repositories, place, key, ids, touched)
    return SubjectData(found, shown, records, await _approvals(viewer, repositories, ids, touched))


def _shown(change: Document, hidden: frozenset[str]) -> Document:
    """A change without what only keeps requests apart."""
    kept = {key: each for key, each in change.items() if key not in (ID, "recordId", "area", "key", "hash", "values")}
    return kept | {"values": [row for row in change["values"] if row["path"] not in hidden]}


async def _records(
    viewer: Viewer, repositories: Repositories, place: Held, key: str, ids: list[str], touched: Touched | None
) -> list[Document]:
    """The records of one collection that belong to a client, or to those who have become part of it."""
    where = Compare(key, Operator.IN, tuple(ids))
    if not place.has_changes:
        stays = await repositories.store.collection(place.collection).find({key: {"$in": ids}}, {ID: 0})
        return list(reversed(stays))
    area = repositories.of(place.collection)
    known = repositories.catalogue.area(place.collection)
    own = _CORE_OF.get(place.collection, ())
    paths = frozenset((ID, key, "version", "createdAt", "updatedAt", "tail", *own, *known))
    newest = (Order("createdAt", is_descending=True),)
    found = [each async for each in _every(viewer, repositories, ReadPlan(area.area, paths, where, newest), touched)]
    for each in found:
        tail: Any = each.pop("tail", [])
        changes = await area.history.read(str(each[ID]), tail, _EVERY_CHANGE, before=None, paths=(), since=None)
        each["changes"] = [_shown(change, frozenset()) for change in changes]
    return found


_CORE_OF: Mapping[str, tuple[str, ...]] = {INTERACTIONS: ("managerId",), GRANTS: tuple(GRANT_PATHS)}
"""What the catalogue does not describe of a record."""


async def _approvals(
    viewer: Viewer, repositories: Repositories, ids: list[str], touched: Touched | None
) -> list[Document]:
    plan = ReadPlan(APPROVALS, APPROVAL_PATHS | {ID}, Compare("subject", Operator.IN, tuple(ids)))
    return [each async for each in _every(viewer, repositories, plan, touched)]


async def _every(
    viewer: Viewer, repositories: Repositories, plan: ReadPlan, touched: Touched | None
) -> AsyncIterator[Document]:
    """Every record that a plan selects, page by page."""
    area, after = repositories.of(plan.area), None
    while True:
        authorised = repositories.access.authorise(replace(plan, page=Page(_PAGE, after=after)), viewer, touched)
        page = await area.read_page(authorised)
        for each in page.documents:
            yield each
        if not page.has_next:
            return
        after = area.seal(authorised, page.documents[-1:])[0]
