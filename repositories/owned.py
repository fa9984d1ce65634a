"""Every collection of the database, and what it has of clients: one list, over which all go who owe a client something.

Erasure and its proof, merge, the export of a client's data and `kehu audit verify` loop over it; the record types that
belong to clients come from the catalogue. A test fails for a collection that is not in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from policy.approvals import APPROVALS
from policy.files import FILES
from policy.jobs import JOBS
from policy.segments import SEGMENTS
from repositories.attributes import ATTRIBUTES
from repositories.audit import AUDIT
from repositories.changes import CHANGES
from repositories.entry_windows import ENTRY_WINDOWS
from repositories.grants import CLIENT_ID as GRANTED_CLIENT
from repositories.grants import GRANTS
from repositories.jobs import SCHEDULES
from repositories.managers import MANAGERS
from repositories.models import MODELS
from repositories.plan import ID
from repositories.policies import POLICIES
from repositories.requests import REQUESTS
from repositories.segment_members import CLIENT_ID as MEMBER_ID
from repositories.segment_members import MEMBERS, SNAPSHOTS
from repositories.service_accounts import SERVICE_ACCOUNTS
from repositories.trusted_documents import TRUSTED_DOCUMENTS
from repositories.vault import ERASURES
from repositories.vault.keys import KEYS

SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Held:
    """What one collection has of clients."""

    collection: str
    label: str = ""
    """In a proof of an erasure."""
    key: str | None = None
    """Where a document says whose it is: the documents of a client go with the client."""
    has_changes: bool = False
    """Whether the documents have a version and changes, each of which has an entry in the audit."""
    follows_merge: bool = False
    """Whether the documents of a merged client belong to the kept one from then on; else they stay as its past."""
    may_name: bool = False
    """Whether people write texts, filters or inputs here in which they may name a client."""
    keeps_id: bool = False
    """Whether the id of an erased client stays, as evidence of what was done with it."""
    why: str = ""
    """Why nothing is deleted here."""


_PLATFORM: tuple[Held, ...] = (
    Held(CLIENTS, "clients", key=ID, has_changes=True),
    Held(CHANGES, "changes", why="changes go with their records; what others say of a client is taken out of them"),
    Held(KEYS, "data keys", why="the key of a client is deleted first of all"),
    Held(GRANTS, "grants", key=GRANTED_CLIENT, has_changes=True, follows_merge=True),
    Held(MEMBERS, "segment members", key=MEMBER_ID),
    Held(SEGMENTS, "segments", may_name=True),
    Held(JOBS, "jobs", may_name=True),
    Held(FILES, "files", may_name=True),
    Held(APPROVALS, "approvals", may_name=True, keeps_id=True, why="who agreed to what is evidence"),
    Held(ERASURES, keeps_id=True, why="the tombstone"),
    Held(AUDIT, keeps_id=True, why="who read and changed what is evidence; it holds ids and paths, no values"),
    Held(SNAPSHOTS, why="figures alone"),
    Held(MANAGERS, why="the bank's people"),
    Held(SERVICE_ACCOUNTS, why="the bank's programs"),
    Held(ENTRY_WINDOWS, why="hours of the week"),
    Held(ATTRIBUTES, why="what can be known of any client"),
    Held(POLICIES, why="who may see what"),
    Held(MODELS, why="files and figures of models"),
    Held(TRUSTED_DOCUMENTS, why="questions of programs; what they ask for comes in variables"),
    Held(SCHEDULES, why="moments"),
    Held(REQUESTS, why="keyed hashes of requests, and counts of what they came to"),
    Held(SETTINGS, why="secrets and states of the server"),
)
"""What code owns; the record types that belong to clients are the catalogue's."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An attribute that points at clients."""

    path: str
    holder: str
    """The list of groups that it stands in, or itself: what a change sets."""
    area: str = CLIENTS

    @property
    def keys(self) -> list[str]:
        """From the holder to the reference."""
        return self.path.removeprefix(self.holder).lstrip(".").split(".") if self.path != self.holder else []

    @property
    def name(self) -> str:
        """The path, behind its area where that is another than the clients'."""
        return self.path if self.area == CLIENTS else f"{self.area}:{self.path}"


def references_of(catalogue: Catalogue) -> tuple[Reference, ...]:
    """Every attribute that points at clients, of all areas, drafts and retired ones too."""
    return tuple(
        Reference(each.path, (catalogue.list_group_of(each) or each).path, each.area)
        for each in catalogue.attributes
        if each.kind is Kind.CLIENT
    )


def held(catalogue: Catalogue) -> tuple[Held, ...]:
    """Every collection, the catalogue's record types included."""
    known = {each.collection for each in _PLATFORM}
    records = [
        Held(each.area, each.area.replace("_", " "), key=each.stored_in, has_changes=True, follows_merge=True)
        for each in catalogue.owned()
        if each.area not in known
    ]
    return (*_PLATFORM, *records)


def records_of_clients(catalogue: Catalogue) -> tuple[tuple[Held, str], ...]:
    """The collections whose documents belong to clients, each with the path of the client's id; not the clients."""
    return tuple((each, each.key) for each in held(catalogue) if each.key is not None and each.collection != CLIENTS)


def following(catalogue: Catalogue) -> tuple[tuple[str, str], ...]:
    """The collections whose documents follow a merge, each with the path of the client's id."""
    return tuple((each.collection, key) for each, key in records_of_clients(catalogue) if each.follows_merge)


def unclassified(catalogue: Catalogue, collections: Iterable[str]) -> list[str]:
    """The collections of which nobody has said what they have of clients."""
    return sorted(set(collections) - {each.collection for each in held(catalogue)})
