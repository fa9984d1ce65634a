"""Erase a client for good, and tell whether anything of him is left."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from acts.checks import now
from acts.clients import client_by_id
from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from catalogue.search import searchable_words
from policy.rules import Right
from policy.viewer import Viewer, program
from repositories.clients import MERGED, NUMBERS
from repositories.cursors import value_at
from repositories.erasures import Left, without_reference
from repositories.errors import NotFound, StaleVersion, Unavailable
from repositories.plan import ID, Change, Proof, ReadPlan
from repositories.repositories import Repositories

ATTEMPTS = 3
ERASER = program("kehu-erasure")
"""Who clears what others have of an erased client: they may be clients of anybody."""
PROOF = Proof(source="the client it points at was erased")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What became of an erasure."""

    client_id: str
    begun_at: datetime
    erased_at: datetime
    by: str
    approval: str | None


@dataclass(frozen=True, slots=True)
class ErasureProof:
    """What a proof of an erasure found."""

    client_id: str
    erased_at: datetime | None
    """None where no erasure has ended."""
    left: tuple[Left, ...]
    readable_until: datetime | None
    """When the last process will have forgotten the key that it may keep."""

    def is_proven(self, at: datetime) -> bool:
        """Whether at this moment nothing is left, and nobody can read what copies there may be."""
        return not self.left and self.readable_until is not None and at >= self.readable_until


async def erase_client(
    viewer: Viewer, repositories: Repositories, client_id: str, *, approval: str | None = None
) -> Erasure:
    """An erasure that is complete: the client's key first, then the document, its history, contacts and references.

    Stopped half way it is begun again with the same call, and done again it changes nothing. It is not undone: it has
    to be agreed to before, and `approval` says by what.
    Raises: NotAllowed, NotFound, VaultAway.
    Cost: about twenty commands, three of which go through the whole book for references; two for 500 contacts, and
    two for each client who points at this one.
    """
    repositories.access.require(viewer, Right.ERASE_CLIENTS)
    erasures, paths = repositories.erasures, _reference_paths(repositories.feed.catalogue)
    known = frozenset(("number", NUMBERS, MERGED))
    found = await repositories.clients.find_one(client_by_id(viewer, repositories, client_id, known))
    if found is not None:
        facts = {"begunAt": now(), "by": viewer.person, "approval": approval}
        await erasures.begin(found, facts)
    elif await erasures.find(client_id) is None:
        raise NotFound("client", client_id)
    if await erasures.left(client_id, paths):
        await erasures.reopen(client_id)
    for _ in range(ATTEMPTS):
        await erasures.delete_key(client_id)
        await erasures.delete_record(client_id)
        await erasures.delete_interactions(client_id)
        is_pointed_at = await erasures.is_pointed_at(client_id, paths)
        for reference in _references(repositories.feed.catalogue) if is_pointed_at else ():
            await _clear_references(viewer, repositories, client_id, reference)
        if not await erasures.left(client_id, paths):
            await erasures.end(client_id, now())
            return await get_erasure(repositories, client_id)
    raise Unavailable(f"Others write to client {client_id} without a pause; erase the client again to finish.")


async def get_erasure(repositories: Repositories, client_id: str) -> Erasure:
    """An erasure that has ended. Raises: NotFound."""
    tombstone = await repositories.erasures.find(client_id)
    if tombstone is None or "erasedAt" not in tombstone:
        raise NotFound("erasure", client_id)
    return Erasure(
        client_id, tombstone["begunAt"], tombstone["erasedAt"], str(tombstone["by"]), tombstone.get("approval")
    )


async def prove_erasure(repositories: Repositories, client_id: str) -> ErasureProof:
    """Whether a client is erased, with everything that is left.

    Cost: a count for every place where something could be, and for every attribute that points at clients.
    """
    tombstone = await repositories.erasures.find(client_id) or {}
    left = await repositories.erasures.left(client_id, _reference_paths(repositories.feed.catalogue))
    erased_at = tombstone.get("erasedAt")
    life = timedelta(seconds=repositories.vault.cache_seconds)
    return ErasureProof(client_id, erased_at, tuple(left), None if erased_at is None else erased_at + life)


async def erase_again(viewer: Viewer, repositories: Repositories) -> list[str]:
    """The ids of those who were erased once and came back with a restored backup; they are erased again."""
    paths = _reference_paths(repositories.feed.catalogue)
    back = []
    async for client_id in repositories.erasures.all():
        if await repositories.erasures.left(client_id, paths):
            await erase_client(viewer, repositories, client_id)
            back.append(client_id)
    return back


def _references(catalogue: Catalogue) -> list[Attribute]:
    """Every attribute of clients that points at clients, drafts and retired ones too."""
    return [each for each in catalogue.area(CLIENTS).values() if each.kind is Kind.CLIENT]


def _reference_paths(catalogue: Catalogue) -> frozenset[str]:
    return frozenset(each.path for each in _references(catalogue))


async def _clear_references(viewer: Viewer, repositories: Repositories, client_id: str, reference: Attribute) -> None:
    catalogue, erasures = repositories.feed.catalogue, repositories.erasures
    holder = (catalogue.list_group_of(reference) or reference).path
    keys = reference.path.removeprefix(holder).lstrip(".").split(".") if reference.path != holder else []
    answer = repositories.access.authorise(ReadPlan(CLIENTS, frozenset((ID,))), ERASER)
    while others := await erasures.pointing(client_id, reference.path, holder):
        for other in others:
            values = {holder: without_reference(value_at(other, holder), keys, client_id)}
            await erasures.note_reference(client_id, str(other[ID]), reference.path)
            words = searchable_words(catalogue, values)
            change = Change(values, viewer.person, now(), PROOF, expected_version=other["version"], words=words)
            try:
                await repositories.clients.write(str(other[ID]), change, answer)
            except (StaleVersion, NotFound):
                continue
