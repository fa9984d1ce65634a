"""Erase a client for good, and tell whether anything of him is left."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from acts.checks import now
from acts.clients import client_by_id
from catalogue.attribute import CLIENTS
from catalogue.search import searchable_words
from policy.rules import Right
from policy.viewer import Viewer, program
from repositories.clients import MERGED, NUMBERS
from repositories.compile.changes import sequence_of
from repositories.compile.forgetting import without_reference
from repositories.cursors import value_at
from repositories.erasures import Left
from repositories.errors import NotFound, StaleVersion, Unavailable
from repositories.owned import Reference
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
    copies_until: datetime | None = None
    """When the last export, or other file, is gone that may hold the client; None where there is none."""

    def is_proven(self, at: datetime) -> bool:
        """Whether at this moment nothing is left, and nobody can read what copies there may be."""
        ends = [each for each in (self.readable_until, self.copies_until) if each is not None]
        return not self.left and self.readable_until is not None and at >= max(ends)


async def erase_client(
    viewer: Viewer, repositories: Repositories, client_id: str, *, approval: str | None = None
) -> Erasure:
    """An erasure that is complete: the client's key first, then what others have of it, its records and its document.

    Stopped half way it is begun again with the same call, and done again it changes nothing. It is not undone: it has
    to be agreed to before, and `approval` says by what.
    Raises: NotAllowed, NotFound, VaultAway.
    Cost: about fifty commands; some go through the whole book, and through all moved changes, for references; two for
    500 records of the client's, and two for each record that points at it.
    """
    repositories.access.require(viewer, Right.ERASE_CLIENTS)
    erasures = repositories.erasures
    known = frozenset(("number", NUMBERS, MERGED))
    found = await repositories.clients.find_one(client_by_id(viewer, repositories, client_id, known))
    if found is not None:
        facts = {"begunAt": now(), "by": viewer.person, "approval": approval}
        await erasures.begin(found, facts)
    elif await erasures.find(client_id) is None:
        raise NotFound("client", client_id)
    if await erasures.left(client_id):
        await erasures.reopen(client_id)
    for _ in range(ATTEMPTS):
        await erasures.delete_key(client_id)
        for reference in await erasures.references_to(client_id):
            await _clear_references(viewer, repositories, client_id, reference)
        await erasures.forget_names(client_id)
        await erasures.delete_records(client_id)
        if not await erasures.left(client_id):
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

    Cost: as that of `ErasureRepository.left`.
    """
    tombstone = await repositories.erasures.find(client_id) or {}
    left = tuple(await repositories.erasures.left(client_id))
    erased_at = tombstone.get("erasedAt")
    if erased_at is None:
        return ErasureProof(client_id, None, left, None, None)
    life = timedelta(seconds=repositories.vault.cache_seconds)
    copies_until = await repositories.erasures.copies_until(client_id)
    return ErasureProof(client_id, erased_at, left, erased_at + life, copies_until)


async def erase_again(viewer: Viewer, repositories: Repositories) -> list[str]:
    """The ids of those who were erased once and came back with a restored backup; they are erased again."""
    back = []
    async for client_id in repositories.erasures.all():
        if await repositories.erasures.left(client_id):
            await erase_client(viewer, repositories, client_id)
            back.append(client_id)
    return back


async def _clear_references(viewer: Viewer, repositories: Repositories, client_id: str, reference: Reference) -> None:
    catalogue, erasures = repositories.feed.catalogue, repositories.erasures
    answer = repositories.access.authorise(ReadPlan(reference.area, frozenset((ID,))), ERASER)
    while others := await erasures.pointing(client_id, reference):
        for other in others:
            value = without_reference(value_at(other, reference.holder), reference.keys, client_id)
            await erasures.note_reference(client_id, str(other[ID]), reference.name)
            values = {reference.holder: value}
            words = searchable_words(catalogue, values) if reference.area == CLIENTS else {}
            place = sequence_of(other)
            # A version that moved would tell that this client pointed at the one who is gone.
            change = Change(values, viewer.person, now(), PROOF, expected_sequence=place, is_silent=True, words=words)
            try:
                await repositories.of(reference.area).write(str(other[ID]), change, answer)
            except (StaleVersion, NotFound):
                continue
