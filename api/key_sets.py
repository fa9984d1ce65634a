"""The public keys of an identity provider, fetched when they are needed and kept while it is away."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from api.addresses import LOOPBACK, is_safe_address
from repositories.errors import Unavailable

log = logging.getLogger("kehu.api")

PublicKey = RSAKey | ECKey | OKPKey

DISCOVERY = "/.well-known/openid-configuration"
RENEW_SECONDS = 600
"""Age at which the keys are asked for again, so that one that was withdrawn goes."""
KEEP_SECONDS = 86_400
"""Age at which keys are used no longer, however long the provider is away."""
PAUSE_SECONDS = 60
"""Between two looks for a key that nobody knows: strange tokens must not become requests to the provider."""
RETRY_SECONDS = 5
"""Between two looks while there are no keys at all."""
ANSWER_SECONDS = 5.0
LARGEST_ANSWER_BYTES = 262_144
MOST_KEYS = 100
SMALLEST_RSA_BITS = 2048
_TYPES: Mapping[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_AWAY = "The identity provider does not answer, and its keys are not known. Try again in a few seconds."


class BadAnswer(Exception):
    """The provider answered something that is no key set or no configuration; why is for the log."""


class KeySet:
    """The signing keys of one issuer, by their ids."""

    def __init__(self, issuer: str, uri: str | None = None) -> None:
        self._issuer = issuer
        self._uri = uri
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> PublicKey | None:
        """The key with this id; None if the provider has none.

        Raises: Unavailable while no keys are known and the provider does not answer.
        Cost: a look-up; where the id is unknown, one request to the provider a minute at most, for all who ask.
        """
        self._drop_the_old()
        found = self._keys.get(key_id)
        if found is not None:
            if self._age(self._fetched_at) > RENEW_SECONDS and self._may_look():
                # This token is as good as it was; the next ones find what comes.
                self._look()
            return found
        if self._fetching is not None or self._may_look():
            await asyncio.shield(self._look())
        if self._fetched_at is None:
            raise Unavailable(_AWAY)
        return self._keys.get(key_id)

    def _drop_the_old(self) -> None:
        if self._fetched_at is not None and self._age(self._fetched_at) > KEEP_SECONDS:
            self._keys, self._fetched_at = {}, None

    def _may_look(self) -> bool:
        return self._age(self._tried_at) >= (RETRY_SECONDS if self._fetched_at is None else PAUSE_SECONDS)

    def _age(self, moment: float | None) -> float:
        return float("inf") if moment is None else self._now() - moment

    def _now(self) -> float:
        return time.monotonic()

    def _look(self) -> "asyncio.Task[None]":
        if self._fetching is None:
            self._tried_at = self._now()
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                uri = self._uri or await self._discovered()
                keys = _keys_in(await answer_of(uri))
            self._keys, self._fetched_at = keys, self._now()
        except (httpx2.HTTPError, httpx2.InvalidURL, BadAnswer, TimeoutError, OSError) as problem:
            log.warning("no keys came from the identity provider %s: %s", self._issuer, _words(problem))
        finally:
            self._fetching = None

    async def _discovered(self) -> str:
        found = await answer_of(self._issuer.rstrip("/") + DISCOVERY)
        uri = found.get("jwks_uri")
        if found.get("issuer") != self._issuer:
            raise BadAnswer("its configuration is of another issuer")
        if not isinstance(uri, str) or not is_safe_address(uri):
            raise BadAnswer("its configuration has no jwks_uri with https")
        return uri


def _words(problem: BaseException) -> str:
    return f"{type(problem).__name__} {problem}".strip()


async def answer_of(uri: str) -> dict[str, Any]:
    """The JSON object at an address; redirects are not followed.

    Raises: BadAnswer, or what the client raises where nothing comes.
    """
    is_near = urlsplit(uri).hostname in LOOPBACK
    body = b""
    async with (
        httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=not is_near) as client,
        client.stream("GET", uri, headers={"accept": "application/json"}) as answer,
    ):
        if answer.status_code != 200:
            raise BadAnswer(f"HTTP status {answer.status_code}")
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER_BYTES:
                raise BadAnswer(f"more than {LARGEST_ANSWER_BYTES} bytes")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswer("no JSON") from None
    if not isinstance(found, dict):
        raise BadAnswer("no JSON object")
    return found


def _keys_in(answer: Mapping[str, Any]) -> dict[str, PublicKey]:
    """The keys for signatures that have an id; what cannot be used is left out.

    Raises: BadAnswer.
    """
    rows = answer.get("keys")
    if not isinstance(rows, list) or len(rows) > MOST_KEYS:
        raise BadAnswer(f"no list of up to {MOST_KEYS} keys")
    found: dict[str, PublicKey] = {}
    for row in rows:
        key = _key_from(row) if isinstance(row, dict) else None
        if key is not None:
            found.setdefault(row["kid"], key)
    return found


def _key_from(row: Mapping[str, Any]) -> PublicKey | None:
    key_id, use, kind = row.get("kid"), row.get("use", "sig"), row.get("kty")
    # A symmetric key has no place in a public list: whoever reads it could sign with it.
    if not isinstance(key_id, str) or not key_id or use != "sig" or not isinstance(kind, str) or kind not in _TYPES:
        return None
    public = {name: value for name, value in row.items() if name in _PUBLIC_PARTS}
    try:
        made: PublicKey = _TYPES[kind].import_key(public)
        if isinstance(made, RSAKey) and made.public_key.key_size < SMALLEST_RSA_BITS:
            return None
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return made


_PUBLIC_PARTS = frozenset(("kty", "n", "e", "crv", "x", "y", "kid", "alg", "use"))
