"""Which web origins may call: Kehu's own, those of the settings, and programs that name none."""

from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from api.settings import Settings


def is_origin_allowed(origin: str | None, host: str | None, allowed: tuple[str, ...]) -> bool:
    """Whether a page of this origin may call the server that it reached under this host.

    Only the host is compared, because behind a proxy the server does not know the scheme that the browser used.
    """
    if origin is None or origin in allowed:
        return True
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == (host or "").lower()
    except ValueError:
        return False


def cors_middleware(settings: Settings) -> list[Middleware]:
    """The CORS answers for the allowed origins; none is given while no origin is allowed."""
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=("GET", "POST", "PUT"),
            allow_headers=("authorization", "content-type", "kehu-purpose"),
            expose_headers=("kehu-edition", "etag", "retry-after", "content-disposition"),
            max_age=600,
        )
    ]
