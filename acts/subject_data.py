"""Everything that is kept about one client, for whoever asks for his own data."""

from dataclasses import dataclass
from typing import Any

from catalogue.attribute import CLIENTS, Facet
from catalogue.filters import Compare, Or
from catalogue.kinds import Operator
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.clients import MERGED, NUMBERS
from repositories.errors import NotFound
from repositories.histories import read_histories
from repositories.interactions import CLIENT_ID, INTERACTIONS
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
    interactions: list[Document]
    """Newest first, each with its own changes."""


async def subject_data(
    viewer: Viewer, repositories: Repositories, client: str, touched: Touched | None = None
) -> SubjectData:
    """What is kept about the client with this id or number, decrypted, as far as the viewer may see it.

    Raises: NotFound.
    Cost: two commands, one for each 200 contacts and up to one for the history of each.
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
    return SubjectData(found, shown, await _interactions(viewer, repositories, client_id, touched))


def _shown(change: Document, hidden: frozenset[str]) -> Document:
    """A change without what only keeps requests apart."""
    kept = {key: each for key, each in change.items() if key not in (ID, "recordId", "area", "key", "hash", "values")}
    return kept | {"values": [row for row in change["values"] if row["path"] not in hidden]}


async def _interactions(
    viewer: Viewer, repositories: Repositories, client_id: str, touched: Touched | None
) -> list[Document]:
    area = repositories.interactions
    keys = repositories.catalogue.area(INTERACTIONS)
    paths = frozenset((ID, "managerId", "version", "createdAt", "updatedAt", "tail", *keys))
    order, after, done = (Order("at", is_descending=True),), None, []
    while True:
        plan = ReadPlan(INTERACTIONS, paths, order=order, page=Page(_PAGE, after=after))
        authorised = repositories.access.authorise(plan, viewer, touched)
        page = (await area.levels[CLIENT_ID].read(authorised, [client_id]))[client_id]
        for each in page.documents:
            tail: Any = each.get("tail", [])
            changes = await area.history.read(str(each[ID]), tail, _EVERY_CHANGE, before=None, paths=(), since=None)
            shown = [_shown(change, frozenset()) for change in changes]
            done.append({key: value for key, value in each.items() if key != "tail"} | {"changes": shown})
        if not page.has_next:
            return done
        after = area.seal(authorised, page.documents[-1:])[0]
