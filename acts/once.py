"""Carry a request out once, however often it comes: for acts whose effect does not keep the idempotency key itself."""

from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from acts.checks import Guard, guard_problems, key_of, now, refuse, request_hash
from catalogue.errors import ErrorCode, KehuError
from policy.viewer import Viewer
from repositories.errors import KeyReused, Unavailable
from repositories.repositories import Repositories
from repositories.requests import KnownRequest
from repositories.vault.errors import VaultAway

ABANDONED = timedelta(seconds=60)
"""After so long whoever carries a request out has stopped: no request may take longer."""
WAIT_SECONDS = 2.5
"""How long the same request waits for the one that came first."""
_STEP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a request, as its act sees it."""

    key: str | None = None
    """The person's own; None where none was given."""
    may_be_done: bool = False
    """Whether an earlier attempt may have done some of it, or all."""


Act = Callable[[Attempt], Awaitable[tuple[dict[str, Any], str]]]
"""Answers the fields of a payload, and what is to be known of them when the request comes again: no values."""
Again = Callable[[str], Awaitable[dict[str, Any]]]
"""From what was known to the fields of the payload, without doing anything."""


async def once(
    viewer: Viewer,
    repositories: Repositories,
    name: str,
    given: Mapping[str, Any],
    act: Act,
    again: Again,
) -> dict[str, Any]:
    """What a mutation answers; for a request that was carried out before, what it answered then.

    What is refused is not kept: it may be sent again with the same key.
    Raises: Refused for what is no key; KeyReused; Unavailable while the same request is being carried out; what the act
    raises.
    Cost: two commands besides the act's where there is a key, none where there is not.
    """
    guard = Guard(None, given.get("idempotencyKey"))
    refuse(guard_problems(guard))
    key = key_of(viewer, guard)
    if key is None or given.get("dryRun"):
        return (await act(Attempt()))[0]
    asked = {field: value for field, value in given.items() if field != "idempotencyKey"}
    request_id = sha256(f"{name}:{key}".encode("utf-8", "surrogatepass")).hexdigest()
    digest = await _digest(repositories, request_id, request_hash(name, asked))
    known = await repositories.requests.begin(request_id, digest, now())
    if known is not None:
        if known.digest != digest:
            raise KeyReused(guard.idempotency_key or "")
        outcome = await _outcome(repositories, request_id, known)
        if outcome is not None:
            return await again(outcome)
    try:
        payload, outcome = await act(Attempt(key, may_be_done=known is not None))
    except KehuError as refused:
        is_open = any(each.code is ErrorCode.UNAVAILABLE for each in refused.problems())
        await (repositories.requests.release if is_open else repositories.requests.forget)(request_id)
        raise
    except Exception:
        await repositories.requests.release(request_id)
        raise
    await repositories.requests.end(request_id, outcome)
    return payload


async def _digest(repositories: Repositories, request_id: str, request: str) -> bytes:
    """The keyed hash of what is asked for: RESTRICTED values in it could be guessed from a plain one.

    Without a vault none of them is written, and a plain one will do.
    """
    try:
        return await repositories.vault.digest(f"requests:{request_id}", request)
    except VaultAway:
        return sha256(f"{request_id}:{request}".encode()).digest()


async def _outcome(repositories: Repositories, request_id: str, known: KnownRequest) -> str | None:
    """What the same request came to, as soon as it is done; None where this one takes its place.

    Raises: Unavailable.
    """
    found: KnownRequest | None = known
    for _ in range(int(WAIT_SECONDS / _STEP_SECONDS)):
        if found is None:
            # It was refused, and so is this one, or it is carried out now.
            return None
        if found.outcome is not None:
            return found.outcome
        if now() - found.at > ABANDONED and await repositories.requests.take_over(request_id, found, now()):
            return None
        await sleep(_STEP_SECONDS)
        found = await repositories.requests.find(request_id)
    raise Unavailable("The same request is being carried out just now; send it again with its key in some seconds.")
