"""A small catalogue and a book on a store, for the tests of repositories and acts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import bson

from acts.checks import UNGUARDED, Guard
from acts.clients import NewClient, create_client
from acts.proposing import Approved
from catalogue.attribute import Attribute, AttributeOption, ClientKind
from catalogue.builtin import RELATIONS
from catalogue.catalogue import Catalogue
from catalogue.filters import Filter
from catalogue.kinds import Kind
from policy.rules import BUILT_IN
from policy.viewer import ROLES, Viewer
from repositories.access import Access, AuthorisedPlan
from repositories.mongo import Store
from repositories.plan import ID, Change, Order, Page, Proof, ReadPlan
from repositories.repositories import Repositories, new_id, open_repositories
from repositories.vault import LOCAL_KEY_BYTES, Kms, local_kms

VIEWER = Viewer("M001", frozenset(("administrator",)))
OTHER = Viewer("M002", frozenset(("administrator",)))
APPROVED = Approved("ap_0", "anything", {}, OTHER.person, VIEWER)
"""What lets a test do alone what takes two people; how they do it is tested apart."""
AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECRET = "the cursors of the tests are signed with this"
MASTER_KEY = b"only tests have a key that all know".ljust(LOCAL_KEY_BYTES, b".")
NO_PROOF = Proof()


def attribute(path: str, kind: Kind = Kind.STRING, **more: Any) -> Attribute:
    """A definition with words that nobody reads."""
    words = {"label": path.title(), "description": f"The {path}."}
    return Attribute(path=path, kind=kind, **words | more)


SMALL = Catalogue(
    (
        attribute("profile.name", is_sortable=True, required_for=(ClientKind.ORGANISATION,)),
        attribute("profile.employees", Kind.LONG, is_sortable=True, minimum=0),
        attribute("profile.foundedOn", Kind.DATE),
        attribute("profile.birthday", Kind.DATE, applies_to=(ClientKind.PERSON,)),
        attribute(
            "profile.industry",
            Kind.CODE,
            options=(AttributeOption(code="STEEL", label="Steel"), AttributeOption(code="TEA", label="Tea")),
        ),
        attribute("profile.tags", is_list=True),
        attribute("profile.parent", Kind.CLIENT),
        attribute("profile.location", Kind.GROUP),
        attribute("profile.location.city"),
        attribute("profile.keyPeople", Kind.GROUP, is_list=True),
        attribute("profile.keyPeople.name"),
        attribute("profile.keyPeople.position"),
        attribute("behaviour.visits", Kind.LONG),
        attribute("attitude.satisfaction", Kind.NUMBER, is_sortable=True, minimum=0, maximum=10),
        attribute("attitude.remarks", Kind.TEXT),
        attribute("derived.clientValue", Kind.DECIMAL),
        attribute("name", area="managers", is_sortable=True),
        attribute("team", area="managers"),
        attribute(
            "roles",
            Kind.CODE,
            area="managers",
            is_list=True,
            options=tuple(AttributeOption(code=each, label=each) for each in ROLES),
        ),
    ),
    RELATIONS,
)
"""One attribute of most kinds; three of them sortable."""
ACCESS = Access(BUILT_IN, SMALL)


def seen(*paths: str, area: str = "clients") -> AuthorisedPlan:
    """What the viewer wants to see of a record that he changes."""
    return ACCESS.authorise(ReadPlan(area, frozenset(paths)), VIEWER)


def master_key() -> Kms:
    """The master key of the tests."""
    return local_kms(MASTER_KEY)


async def open_book(store: Store, built_in: Catalogue = SMALL) -> Repositories:
    """The repositories of an empty database, with the indexes that code owns; the catalogue's are not made."""
    repositories = await open_repositories(store, built_in, SECRET, kms=master_key)
    await repositories.clients.prepare()
    await repositories.managers.prepare()
    await repositories.interactions.prepare()
    await repositories.approvals.prepare()
    await repositories.jobs.prepare()
    await repositories.files.prepare()
    await repositories.segments.prepare()
    await repositories.segment_members.prepare()
    await repositories.service_accounts.prepare()
    await repositories.grants.prepare()
    await repositories.entry_windows.prepare()
    return repositories


def change(values: Mapping[str, object], **more: Any) -> Change:
    """A change of the viewer's."""
    return Change(values, VIEWER.person, AT, **more)


def record(number: str, kind: ClientKind = ClientKind.ORGANISATION) -> dict[str, object]:
    """What a new client is before its first change."""
    facets: dict[str, object] = {facet: {} for facet in ("profile", "behaviour", "attitude", "derived")}
    return {ID: new_id("clients"), "number": number, "kind": str(kind)} | facets


async def insert(repositories: Repositories, number: str, values: Mapping[str, object], **more: Any) -> str:
    """The id of a client that was put in without an act."""
    made = record(number)
    await repositories.clients.insert(made, change({"stage": "PROSPECT", **values}, **more))
    return str(made[ID])


async def make_client(
    repositories: Repositories, number: str = "C1", guard: Guard = UNGUARDED, **facets: object
) -> str:
    """The id of an organisation made by the act."""
    facets = {"profile": {"name": f"Client {number}"}} | facets
    new = NewClient(number, ClientKind.ORGANISATION, facets=facets)
    written = await create_client(VIEWER, repositories, new, NO_PROOF, guard)
    return str(written.document[ID])


async def stored(repositories: Repositories, record_id: str) -> dict[str, Any]:
    """A client as the database has it."""
    found = await repositories.clients.collection.find_one({ID: record_id})
    assert found is not None
    return found


async def nearly_full(repositories: Repositories, client_id: str) -> None:
    """Let a client have so much that one more change has no room in its document."""
    found = await stored(repositories, client_id)
    room = 16 * 1024 * 1024 - len(bson.encode(found)) - 30
    await repositories.clients.collection.delete_one({ID: client_id})
    await repositories.clients.collection.insert_one({**found, "filling": "x" * room})


AREAS_AND_MORE = (
    "clients", "managers", "interactions", "service_accounts", "approvals", "grants", "policies", "changes",
    "attributes", "jobs", "schedules", "entry_windows", "files", "segments", "segment_members", "segment_snapshots",
    "models",
)  # fmt: skip


async def everything(repositories: Repositories) -> dict[str, list[dict[str, Any]]]:
    """Every document of the database, to tell that a refused call changed nothing."""
    return {name: await repositories.store.collection(name).find({}, sort=[("_id", 1)]) for name in AREAS_AND_MORE}


def plan(
    paths: set[str],
    *order: Order,
    where: Filter | None = None,
    page: Page | None = None,
    viewer: Viewer = VIEWER,
) -> AuthorisedPlan:
    """An authorised question about clients."""
    return ACCESS.authorise(ReadPlan("clients", frozenset(paths), where, order, page), viewer)
