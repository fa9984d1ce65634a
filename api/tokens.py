"""Bearer tokens of the local development issuer: a key in the data directory signs and checks them."""

import os
import secrets
import time
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from api.claims import LONGEST_LIFE_SECONDS, Claims, InvalidToken, VerifiedTokens, check_claims, header_of
from api.clock import Clock
from api.settings import Settings, SettingsError
from policy.viewer import ROLES

ALGORITHM = "HS256"
KEY_ID = "kehu-local-1"
KEY_FILE = "token.key"
ISSUER = "kehu-local"
AUDIENCE = "kehu"
LONGEST_LIFE_MINUTES = LONGEST_LIFE_SECONDS // 60
_KEY_BYTES = 32


class LocalIssuer:
    """Issues and verifies the tokens of one data directory.

    Raises: SettingsError in production, where this issuer is off.
    """

    def __init__(self, settings: Settings, now: Clock = time.time) -> None:
        if settings.environment == "production":
            raise SettingsError(
                "KEHU_ENVIRONMENT: got production, where the local token issuer is off; expected development."
                " In production tokens come from the identity provider that KEHU_OIDC_ISSUER names."
            )
        self._key = OctKey.import_key(secret_in(settings.data_dir, KEY_FILE))
        self._now = now
        self._verified = VerifiedTokens()

    def issue(self, person: str, role: str, team: str | None, minutes: int) -> str:
        """A signed token.

        Raises: ValueError if the person is empty, the role unknown or the life not positive.
        """
        if not person:
            raise ValueError("person: got an empty text; expected the id of a person, such as rm-001.")
        if role not in ROLES:
            raise ValueError(f'role: got "{role}"; expected one of {", ".join(ROLES)}.')
        if not 1 <= minutes <= LONGEST_LIFE_MINUTES:
            raise ValueError(f"minutes: got {minutes}; expected 1 to {LONGEST_LIFE_MINUTES}.")
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
        now = self._now()
        known = self._verified.find(token, now)
        if known is not None:
            return known
        claims = self._check(token, now)
        self._verified.keep(token, claims, now)
        return claims

    def _check(self, token: str, now: float) -> Claims:
        if header_of(token).get("kid") != KEY_ID:
            raise InvalidToken("another key id")
        try:
            raw = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as problem:
            raise InvalidToken(type(problem).__name__) from None
        expires_at = check_claims(raw, ISSUER, AUDIENCE, now)
        role, team = raw.get("role"), raw.get("team")
        if not isinstance(role, str) or role not in ROLES:
            raise InvalidToken("role")
        if not (team is None or isinstance(team, str)):
            raise InvalidToken("team")
        return Claims(raw["sub"], expires_at, role, team, is_local=True)


def secret_in(directory: Path, name: str, size: int = _KEY_BYTES) -> bytes:
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
            os.write(handle, secrets.token_bytes(size))
            os.fsync(handle)
            os.link(draft, target)
        except FileExistsError:
            pass  # Another process was first; its key is read below.
        finally:
            os.close(handle)
            draft.unlink()
    key = target.read_bytes()
    if len(key) != size:
        raise SettingsError(f"{target}: got {len(key)} bytes; expected {size}. Remove the file to get a new key.")
    return key
