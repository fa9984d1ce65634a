"""Authorization header -> Viewer: the same door for HTTP, websocket and event streams."""

import logging
from collections.abc import Awaitable, Callable

from api.tokens import Claims, InvalidToken
from policy.viewer import Viewer

_log = logging.getLogger("kehu.api")

Authenticate = Callable[[str | None], Awaitable[Viewer]]
Enter = Callable[[Viewer], Awaitable[Viewer]]


class Unauthenticated(Exception):
    """Nobody is signed in. It says no more, so that every refusal is the same."""


class Authenticator:
    """Turns an Authorization header into a Viewer.

    `enter` is the directory's word: it gets the viewer that the token names and answers the one the directory knows.
    """

    def __init__(self, verify: Callable[[str], Claims], enter: Enter | None = None) -> None:
        self._verify = verify
        self._enter = enter

    async def __call__(self, authorization: str | None) -> Viewer:
        """The viewer who asks.

        Raises: Unauthenticated.
        """
        try:
            claims = self._verify(bearer_token_from(authorization))
        except InvalidToken as problem:
            _log.info("a request without a valid token was refused: %s", problem)
            raise Unauthenticated from None
        viewer = Viewer(claims.person, frozenset({claims.role}), claims.team)
        return viewer if self._enter is None else await self._enter(viewer)


def bearer_token_from(authorization: str | None) -> str:
    """The token of a header `Bearer <token>`.

    Raises: Unauthenticated.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()
