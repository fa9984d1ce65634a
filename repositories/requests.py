"""Requests that came with an idempotency key and whose effect keeps no key itself: each is carried out once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from repositories.errors import AlreadyExists
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID

REQUESTS = "requests"
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_INDEXES = {"at": IndexSpec((("at", 1),))}


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request that came before."""

    digest: bytes
    """Of all that it asked for."""
    at: datetime
    outcome: str | None
    """What it came to, in the words of its mutation; None until it is done."""


class RequestRepository:
    """What became of requests, by a hash of person, mutation and key. None of their values is kept."""

    def __init__(self, store: Store) -> None:
        self._requests = store.collection(REQUESTS)

    async def prepare(self) -> None:
        """The index by which old ones are removed."""
        await self._requests.create_indexes(_INDEXES)

    async def begin(self, request_id: str, digest: bytes, at: datetime) -> KnownRequest | None:
        """What is known of a request; None where it is new, and begun by this call.

        Cost: one command for a new one, else two.
        """
        try:
            await self._requests.insert_one({ID: request_id, "digest": digest, "at": at})
        except AlreadyExists:
            found = await self._requests.find_one({ID: {"$eq": request_id}})
            # Who was refused meanwhile has taken it back.
            return await self.begin(request_id, digest, at) if found is None else _known(found)
        return None

    async def take_over(self, request_id: str, known: KnownRequest, at: datetime) -> bool:
        """Whether a request that was begun and not ended is this caller's now: whoever had it has stopped."""
        query = {ID: {"$eq": request_id}, "at": {"$eq": known.at}, "outcome": {"$exists": False}}
        return (await self._requests.update_one(query, {"$set": {"at": at}}))[0] == 1

    async def find(self, request_id: str) -> KnownRequest | None:
        """What is known of a request."""
        found = await self._requests.find_one({ID: {"$eq": request_id}})
        return None if found is None else _known(found)

    async def end(self, request_id: str, outcome: str) -> None:
        """Keep what a request came to."""
        await self._requests.update_one({ID: {"$eq": request_id}}, {"$set": {"outcome": outcome}})

    async def release(self, request_id: str) -> None:
        """Let the next who sends a request go on with it at once: what was done of it is not known."""
        await self._requests.update_one({ID: {"$eq": request_id}}, {"$set": {"at": _LONG_AGO}})

    async def forget(self, request_id: str) -> None:
        """Take a request back that was refused: nothing was done, and it may come again."""
        await self._requests.delete_one({ID: {"$eq": request_id}})

    async def remove_before(self, moment: datetime) -> int:
        """How many requests from before a moment are forgotten."""
        return await self._requests.delete_many({"at": {"$lt": moment}})


def _known(found: dict[str, object]) -> KnownRequest:
    digest, at, outcome = found["digest"], found["at"], found.get("outcome")
    assert isinstance(digest, bytes)
    assert isinstance(at, datetime)
    return KnownRequest(bytes(digest), at, None if outcome is None else str(outcome))
