"""All repositories of one database, together with the catalogue that a request reads by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from secrets import token_bytes

from bson import Binary, ObjectId

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from policy.approvals import APPROVALS
from policy.files import FILES
from policy.jobs import JOBS
from policy.rules import Policy
from policy.segments import SEGMENTS
from repositories.access import Access
from repositories.approvals import ID_PREFIX as APPROVAL_PREFIX
from repositories.approvals import ApprovalRepository
from repositories.attributes import AttributeRepository
from repositories.audit import AuditRepository
from repositories.base import RecordRepository
from repositories.catalogue_feed import CatalogueFeed
from repositories.client_freshness import ClientFreshness
from repositories.client_groups import AGE_LIMIT_SECONDS, ClientGroupRepository
from repositories.clients import ID_PREFIX as CLIENT_PREFIX
from repositories.clients import ClientRepository
from repositories.cursors import Cursors
from repositories.derivations import Derivations
from repositories.entry_times import EntryTimes
from repositories.entry_windows import ENTRY_WINDOWS, EntryWindowRepository
from repositories.entry_windows import ID_PREFIX as ENTRY_WINDOW_PREFIX
from repositories.erasures import ErasureRepository
from repositories.files import ID_PREFIX as FILE_PREFIX
from repositories.files import FileRepository
from repositories.grants import GRANTS, GrantRepository
from repositories.grants import ID_PREFIX as GRANT_PREFIX
from repositories.interactions import ID_PREFIX as INTERACTION_PREFIX
from repositories.interactions import INTERACTIONS, InteractionRepository
from repositories.jobs import ID_PREFIX as JOB_PREFIX
from repositories.jobs import JobRepository
from repositories.managers import ID_PREFIX as MANAGER_PREFIX
from repositories.managers import MANAGERS, ManagerRepository
from repositories.models import ModelRepository
from repositories.mongo import Store
from repositories.policies import PolicyRepository
from repositories.requests import RequestRepository
from repositories.rollups import Rollups
from repositories.segment_members import SegmentMemberRepository
from repositories.segments import ID_PREFIX as SEGMENT_PREFIX
from repositories.segments import SegmentRepository
from repositories.service_accounts import ID_PREFIX as SERVICE_ACCOUNT_PREFIX
from repositories.service_accounts import SERVICE_ACCOUNTS, ServiceAccountRepository
from repositories.vault import KEY_CACHE_SECONDS, Kms, Vault

AREAS = (CLIENTS, MANAGERS, INTERACTIONS)
"""The areas whose records the catalogue describes."""


@dataclass(frozen=True, slots=True)
class Repositories:
    """What acts and resolvers work with; one for each catalogue, sharing everything below it."""

    catalogue: Catalogue
    access: Access
    store: Store
    clients: ClientRepository
    managers: ManagerRepository
    interactions: InteractionRepository
    service_accounts: ServiceAccountRepository
    attributes: AttributeRepository
    policies: PolicyRepository
    grants: GrantRepository
    feed: CatalogueFeed
    client_groups: ClientGroupRepository
    freshness: ClientFreshness
    entry_windows: EntryWindowRepository
    entry_times: EntryTimes
    approvals: ApprovalRepository
    jobs: JobRepository
    segments: SegmentRepository
    segment_members: SegmentMemberRepository
    vault: Vault
    derivations: Derivations
    models: ModelRepository
    rollups: Rollups
    erasures: ErasureRepository
    audit: AuditRepository
    files: FileRepository
    requests: RequestRepository

    def on(self, catalogue: Catalogue, policy: Policy | None = None) -> "Repositories":
        """The same, reading by another catalogue, or under another policy."""
        return replace(self, catalogue=catalogue, access=Access(policy or self.access.policy, catalogue))

    def of(self, area: str) -> RecordRepository:
        """The repository of an area's records."""
        return _BY_AREA[area](self)

    async def prepare(self) -> None:
        """Indexes and validators, as code and the catalogue want them; safe to run at every start."""
        await self.clients.prepare()
        await self.managers.prepare()
        await self.interactions.prepare()
        await self.approvals.prepare()
        await self.jobs.prepare()
        await self.segments.prepare()
        await self.segment_members.prepare()
        await self.grants.prepare()
        await self.service_accounts.prepare()
        await self.entry_windows.prepare()
        await self.audit.prepare()
        await self.files.prepare()
        await self.requests.prepare()
        await self.rollups.prepare()
        await self.attributes.sync_indexes(self.catalogue, AREAS)


Source = Callable[[], Repositories]
"""Where the repositories of the moment come from; it raises Unavailable while there are none."""
_BY_AREA: dict[str, Callable[[Repositories], RecordRepository]] = {
    CLIENTS: lambda each: each.clients,
    MANAGERS: lambda each: each.managers,
    INTERACTIONS: lambda each: each.interactions,
    APPROVALS: lambda each: each.approvals,
    JOBS: lambda each: each.jobs,
    SEGMENTS: lambda each: each.segments,
    GRANTS: lambda each: each.grants,
    SERVICE_ACCOUNTS: lambda each: each.service_accounts,
    ENTRY_WINDOWS: lambda each: each.entry_windows,
    FILES: lambda each: each.files,
}
AREA_BY_PREFIX: Mapping[str, str] = {
    CLIENT_PREFIX: CLIENTS,
    MANAGER_PREFIX: MANAGERS,
    INTERACTION_PREFIX: INTERACTIONS,
    APPROVAL_PREFIX: APPROVALS,
    JOB_PREFIX: JOBS,
    SEGMENT_PREFIX: SEGMENTS,
    GRANT_PREFIX: GRANTS,
    SERVICE_ACCOUNT_PREFIX: SERVICE_ACCOUNTS,
    ENTRY_WINDOW_PREFIX: ENTRY_WINDOWS,
    FILE_PREFIX: FILES,
}
_PREFIX_BY_AREA = {area: prefix for prefix, area in AREA_BY_PREFIX.items()}


def new_id(area: str, key: str | None = None) -> str:
    """A new id for a record of an area: its prefix says which, so it is found again by the id alone.

    With an idempotency key the id follows from it: the same request makes the same record, and no second one.
    """
    own = ObjectId() if key is None else sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return f"{_PREFIX_BY_AREA[area]}{own}"


async def open_repositories(
    store: Store,
    built_in: Catalogue,
    cursor_secret: str = "",
    group_age_limit_seconds: float = AGE_LIMIT_SECONDS,
    kms: Callable[[], Kms] | None = None,
    key_cache_seconds: float = KEY_CACHE_SECONDS,
) -> Repositories:
    """The repositories of a database, with the catalogue as it stands there.

    Without a key management service no RESTRICTED value is written or read.

    Without a secret of its own the key of the cursors is made once and kept in the database, so that a cursor of one
    server process is understood by the others.
    """
    key = sha256(cursor_secret.encode()).digest() if cursor_secret else await _stored_key(store)
    cursors = Cursors(key)
    attributes = AttributeRepository(store)
    policies = PolicyRepository(store)
    feed = CatalogueFeed(store, attributes, policies, built_in)
    await attributes.prepare()
    await feed.refresh()
    vault = Vault(store, kms, lambda: feed.catalogue, key_cache_seconds)
    derivations = Derivations(store, lambda: feed.catalogue)
    clients = ClientRepository(store, cursors, vault, derivations)
    managers = ManagerRepository(store, cursors)
    rollups = Rollups(store, lambda: feed.catalogue, derivations, clients.history)
    interactions = InteractionRepository(store, cursors, clients, rollups)
    accounts = ServiceAccountRepository(store, cursors)
    groups = ClientGroupRepository(store, cursors, vault, clients.past, group_age_limit_seconds)
    access = Access(feed.policy, feed.catalogue)
    return Repositories(
        catalogue=feed.catalogue,
        access=access,
        store=store,
        clients=clients,
        managers=managers,
        interactions=interactions,
        service_accounts=accounts,
        attributes=attributes,
        policies=policies,
        grants=GrantRepository(store, cursors),
        feed=feed,
        client_groups=groups,
        freshness=ClientFreshness(store, cursors),
        entry_windows=EntryWindowRepository(store, cursors),
        entry_times=EntryTimes(store, cursors),
        approvals=ApprovalRepository(store, cursors),
        jobs=JobRepository(store, cursors),
        segments=SegmentRepository(store, cursors),
        segment_members=SegmentMemberRepository(store),
        vault=vault,
        derivations=derivations,
        models=ModelRepository(store),
        rollups=rollups,
        erasures=ErasureRepository(store, vault, lambda: feed.catalogue),
        audit=AuditRepository(store, cursors),
        files=FileRepository(store, cursors),
        requests=RequestRepository(store),
    )


async def _stored_key(store: Store) -> bytes:
    settings = store.collection("settings")
    query = {"_id": "cursorKey"}
    await settings.update_one(query, {"$setOnInsert": {"value": Binary(token_bytes(32))}}, upsert=True)
    found = await settings.find_one(query)
    return bytes(found["value"]) if found else b""
