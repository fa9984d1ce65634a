"""Which web origins may call: Kehu's own, those of the settings, those of this machine in development, and programs."""

import logging
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from api.settings import Settings

_LOCAL = r"https?://(localhost|[a-z0-9-]+\.localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?"
_IS_LOCAL = re.compile(_LOCAL)
_ORIGINS_NAMED = 100
_LONGEST_NAMED = 200
_log = logging.getLogger("kehu.api")


class Origins:
    """The origins whose pages may call a server."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = frozenset(settings.allowed_origins)
        self._is_development = settings.environment == "development"
        self._named: set[str] = set()

    def allows(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of this origin may call the server that it reached under this host.

        Only the host is compared, because behind a proxy the server does not know the scheme that the browser used.
        """
        if origin is None or origin in self._allowed or (self._is_development and _IS_LOCAL.fullmatch(origin)):
            return True
        try:
            is_own = bool(host) and urlsplit(origin).netloc.lower() == (host or "").lower()
        except ValueError:
            is_own = False
        if not is_own:
            self._name(origin)
        return is_own

    def _name(self, origin: str) -> None:
        """Say once which origin was refused, and what would let it call: the page itself learns nothing of it."""
        shown = origin[:_LONGEST_NAMED]
        if shown in self._named or len(self._named) >= _ORIGINS_NAMED:
            return
        self._named.add(shown)
        _log.warning("a page of %r was refused; KEHU_ALLOWED_ORIGINS=%s lets its pages call", shown, shown)


class AllowedCors(CORSMiddleware):
    """CORS answers for pages of allowed origins; others get none of its headers, as where there is no such thing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        if origin is None or self.is_allowed_origin(origin):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def cors_middleware(settings: Settings) -> list[Middleware]:
    """The CORS answers for the allowed origins; none is given while no other origin is allowed."""
    is_development = settings.environment == "development"
    if not settings.allowed_origins and not is_development:
        return []
    return [
        Middleware(
            AllowedCors,
            allow_origins=settings.allowed_origins,
            allow_origin_regex=_LOCAL if is_development else None,
            allow_methods=("GET", "POST", "PUT"),
            allow_headers=("authorization", "content-type", "kehu-purpose"),
            expose_headers=("kehu-edition", "etag", "retry-after", "content-disposition"),
            max_age=600,
        )
    ]
