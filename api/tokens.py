"""Bearer tokens of the local development issuer: a key in the data directory signs and checks them."""

import hashlib
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from api.settings import Settings, SettingsError
from policy.viewer import ROLES

ALGORITHM = "HS256"
KEY_ID = "kehu-local-1"
KEY_FILE = "token.key"
ISSUER = "kehu-local"
AUDIENCE = "kehu"
LEEWAY_SECONDS = 30
CACHE_SECONDS = 60
CACHE_ENTRIES = 10_000
LONGEST_TOKEN_CHARACTERS = 4096
_KEY_BYTES = 32


class InvalidToken(Exception):
    """A token that proves nothing; why is for the log only."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    person: str
    role: str
    team: str | None
    expires_at: int


class LocalIssuer:
    """Issues and verifies the tokens of one data directory.

    Raises: SettingsError in production, where this issuer is off.
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        if settings.environment == "production":
            raise SettingsError(
                "KEHU_ENVIRONMENT: got production, where the local token issuer is off and no other issuer is set up;"
                " expected development until an identity provider can be named."
            )
        self._key = OctKey.import_key(secret_in(settings.data_dir, KEY_FILE))
        self._now = now
        self._verified: OrderedDict[bytes, tuple[float, Claims]] = OrderedDict()

    def issue(self, person: str, role: str, team: str | None, minutes: int) -> str:
        """A signed token.

        Raises: ValueError if the person is empty, the role unknown or the life not positive.
        """
        if not person:
            raise ValueError("person: got an empty text; expected the id of a person, such as rm-001.")
        if role not in ROLES:
            raise ValueError(f'role: got "{role}"; expected one of {", ".join(ROLES)}.')
        if minutes < 1:
            raise ValueError(f"minutes: got {minutes}; expected at least 1.")
        issued_at = int(self._now())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": person,
            "role": role,
            "iat": issued_at,
            "exp": issued_at + minutes * 60,
        }
        if team is not None:
            claims["team"] = team
        return jwt.encode({"alg": ALGORITHM, "kid": KEY_ID}, claims, self._key, algorithms=[ALGORITHM])

    def verify(self, token: str) -> Claims:
        """The claims of a token that this issuer signed and that has not expired.

        Raises: InvalidToken.
        Cost: a signature check, or one hash where the token was checked within the last minute.
        """
        if len(token) > LONGEST_TOKEN_CHARACTERS:
            raise InvalidToken(f"{len(token)} characters")
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        now = self._now()
        known = self._verified.get(digest)
        if known is not None and now < known[0]:
            return known[1]
        claims = self._check(token, now)
        self._verified[digest] = (min(now + CACHE_SECONDS, claims.expires_at + LEEWAY_SECONDS), claims)
        self._verified.move_to_end(digest)
        if len(self._verified) > CACHE_ENTRIES:
            self._verified.popitem(last=False)
        return claims

    def _check(self, token: str, now: float) -> Claims:
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            registry = jwt.JWTClaimsRegistry(
                now=int(now),
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": ISSUER},
                aud={"essential": True, "value": AUDIENCE},
                sub={"essential": True},
                exp={"essential": True},
            )
            registry.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as problem:
            raise InvalidToken(type(problem).__name__) from None
        if decoded.header.get("kid") != KEY_ID:
            raise InvalidToken("another key id")
        return _claims_from(decoded.claims)


def _claims_from(raw: dict[str, object]) -> Claims:
    person, role, team, expires_at = raw.get("sub"), raw.get("role"), raw.get("team"), raw.get("exp")
    if not isinstance(person, str) or not isinstance(role, str) or role not in ROLES:
        raise InvalidToken("sub or role")
    if not (team is None or isinstance(team, str)) or type(expires_at) is not int:
        raise InvalidToken("team or exp")
    return Claims(person, role, team, expires_at)


def secret_in(directory: Path, name: str) -> bytes:
    """The random key kept in a file of the directory, made at first need.

    Order: several processes that start at once agree, because a link to a whole file either appears or fails.
    Raises: SettingsError if the file holds something else.
    """
    target = directory / name
    if not target.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = directory / f".{name}.{secrets.token_hex(8)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_bytes(_KEY_BYTES))
            os.fsync(handle)
            os.link(draft, target)
        except FileExistsError:
            pass  # Another process was first; its key is read below.
        finally:
            os.close(handle)
            draft.unlink()
    key = target.read_bytes()
    if len(key) != _KEY_BYTES:
        raise SettingsError(f"{target}: got {len(key)} bytes; expected {_KEY_BYTES}. Remove the file to get a new key.")
    return key
