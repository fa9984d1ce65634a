"""Credentials -> Viewer: the same door for HTTP, websocket and event streams."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from acts.service_accounts import TOKEN_PREFIX
from api.claims import LEEWAY_SECONDS, Claims, InvalidToken
from api.errors import BAD_USER_INPUT, HttpRefusal
from catalogue.errors import shown
from policy.viewer import PURPOSE, PURPOSE_EXPECTED, Viewer

_log = logging.getLogger("kehu.api")

PURPOSE_HEADER = "Kehu-Purpose"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller shows of itself."""

    authorization: str | None = None
    purpose: str | None = None
    is_ambiguous: bool = False
    """Whether something was given twice, so that two readers could take it for different people."""


Authenticate = Callable[[Credentials], Awaitable[Viewer]]


class Unauthenticated(Exception):
    """Nobody is signed in. It says no more, so that every refusal is the same."""


class Authenticator:
    """Turns credentials into a Viewer.

    `verify` answers for bearer tokens of people, `person` for who they are, `account` for tokens of service accounts.
    """

    def __init__(
        self,
        verify: Callable[[str], Awaitable[Claims]],
        person: Callable[[Claims], Awaitable[Viewer]],
        account: Callable[[str], Awaitable[Viewer]],
    ) -> None:
        self._verify = verify
        self._person = person
        self._account = account

    async def __call__(self, credentials: Credentials) -> Viewer:
        """The viewer who asks.

        Raises: Unauthenticated; Unavailable where nobody can say who it is; HttpRefusal 400 for a purpose of no shape.
        """
        try:
            if credentials.is_ambiguous:
                raise InvalidToken("given twice")
            token = bearer_token_from(credentials.authorization)
            if token.startswith(TOKEN_PREFIX):
                viewer = await self._account(token)
            else:
                viewer = await self._person(await self._verify(token))
        except InvalidToken as problem:
            _log.info("a request without a valid token was refused: %s", problem)
            raise Unauthenticated from None
        return viewer if credentials.purpose is None else replace(viewer, purpose=purpose_from(credentials.purpose))


def bearer_token_from(authorization: str | None) -> str:
    """The token of a header `Bearer <token>`.

    Raises: InvalidToken.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken("no bearer token")
    return token.strip()


def purpose_from(given: str) -> str:
    """The purpose that a caller names; what it allows is the policy's business.

    Raises: HttpRefusal 400.
    """
    if not PURPOSE.fullmatch(given):
        raise HttpRefusal(400, BAD_USER_INPUT, f"{PURPOSE_HEADER} takes {PURPOSE_EXPECTED}; got {shown(given)}.")
    return given


def credentials_from(headers: Iterable[tuple[bytes, bytes]]) -> Credentials:
    """What the headers of a request show."""
    authorization: str | None = None
    purpose: str | None = None
    is_ambiguous = False
    for name, value in headers:
        if name == b"authorization":
            is_ambiguous = is_ambiguous or authorization is not None
            authorization = value.decode("latin-1")
        elif name == b"kehu-purpose":
            is_ambiguous = is_ambiguous or purpose is not None
            purpose = value.decode("latin-1")
    return Credentials(authorization, purpose, is_ambiguous)


def end_of(viewer: Viewer, now: float) -> float:
    """When a stream that is open now must end: as the token expires.

    One that opens within the leeway, because the clocks differ, has the rest of the leeway.
    """
    if viewer.expires_at is None:
        return float("inf")
    return viewer.expires_at if now < viewer.expires_at else viewer.expires_at + LEEWAY_SECONDS
