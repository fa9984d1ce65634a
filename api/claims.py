"""What a verified bearer token says, the checks that every issuer's claims meet, and the tokens checked lately."""

import base64
import binascii
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEEWAY_SECONDS = 30
"""How far the clocks of issuer and server may be apart."""
LONGEST_LIFE_SECONDS = 366 * 86_400
"""A token that ends later than this from now is not believed."""
LONGEST_TOKEN_CHARACTERS = 8_192
CACHE_SECONDS = 60
CACHE_ENTRIES = 10_000


class InvalidToken(Exception):
    """A token that proves nothing; why is for the log only."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    person: str
    expires_at: int
    role: str | None = None
    """The one role that a token of the local issuer is for; other issuers say nothing of roles."""
    team: str | None = None
    is_local: bool = False
    """Whether the local development issuer made it: a person it names is entered into the directory at first sight."""


class VerifiedTokens:
    """The claims of tokens that were checked within the last minute, by a hash of the token."""

    def __init__(self) -> None:
        self._verified: OrderedDict[bytes, tuple[float, Claims]] = OrderedDict()

    def find(self, token: str, now: float) -> Claims | None:
        """The claims, if they still hold.

        Raises: InvalidToken for a text too long to be looked at.
        """
        if len(token) > LONGEST_TOKEN_CHARACTERS:
            raise InvalidToken(f"{len(token)} characters")
        known = self._verified.get(_digest(token))
        return known[1] if known is not None and now < known[0] else None

    def keep(self, token: str, claims: Claims, now: float) -> None:
        """Remember a token that was checked; the oldest one is forgotten when there are too many."""
        digest = _digest(token)
        self._verified[digest] = (min(now + CACHE_SECONDS, claims.expires_at + LEEWAY_SECONDS), claims)
        self._verified.move_to_end(digest)
        if len(self._verified) > CACHE_ENTRIES:
            self._verified.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def header_of(token: str) -> dict[str, Any]:
    """The header of a token of three canonical parts, which nobody has verified yet.

    Raises: InvalidToken if it is none, or asks for extensions that must be understood.
    """
    header, _, _ = _parts_of(token)
    found = _object_in(header)
    if "crit" in found:
        raise InvalidToken("crit")
    return found


def issuer_named_in(token: str) -> str | None:
    """The issuer that a token names, which nobody has verified yet.

    Raises: InvalidToken.
    """
    found = _object_in(_parts_of(token)[1]).get("iss")
    return found if isinstance(found, str) else None


def _parts_of(token: str) -> list[bytes]:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST_TOKEN_CHARACTERS:
        raise InvalidToken("parts")
    return [_decoded(each) for each in parts]


def _decoded(part: str) -> bytes:
    try:
        found = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as problem:
        raise InvalidToken(type(problem).__name__) from None
    # Bits that stand for nothing, and padding, would make many texts of one token.
    if base64.urlsafe_b64encode(found).rstrip(b"=") != part.encode():
        raise InvalidToken("not canonical")
    return found


def _object_in(part: bytes) -> dict[str, Any]:
    try:
        value = json.loads(part)
    except (ValueError, RecursionError) as problem:
        raise InvalidToken(type(problem).__name__) from None
    if not isinstance(value, dict):
        raise InvalidToken("no object")
    return value


def check_claims(raw: Mapping[str, object], issuer: str, audience: str, now: float) -> int:
    """The moment, in seconds since 1970, at which claims that hold now expire.

    Raises: InvalidToken.
    """
    if raw.get("iss") != issuer:
        raise InvalidToken("iss")
    meant = raw.get("aud")
    if meant != audience and not (isinstance(meant, list) and audience in meant):
        raise InvalidToken("aud")
    subject = raw.get("sub")
    if not isinstance(subject, str) or not subject:
        raise InvalidToken("sub")
    for name in ("iat", "nbf"):
        if name in raw and _moment(raw, name) > now + LEEWAY_SECONDS:
            raise InvalidToken(f"{name} ahead")
    expires_at = _moment(raw, "exp")
    if not now - LEEWAY_SECONDS < expires_at <= now + LONGEST_LIFE_SECONDS:
        raise InvalidToken("exp")
    return int(expires_at)


def _moment(raw: Mapping[str, object], name: str) -> float:
    value = raw.get(name)
    # True is an int to Python; NaN and the infinities, which Python's JSON takes, are no moments.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _END_OF_TIME:
        raise InvalidToken(name)
    return value


_END_OF_TIME = 2**53
