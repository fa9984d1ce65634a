"""Whether the process lives (/healthz) and whether it can answer (/readyz)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

_log = logging.getLogger("kehu.api")
_READINESS_SECONDS = 2.0

Readiness = Callable[[], Awaitable[str | None]]
"""Answers None when ready, else the reason in words that may leave the bank: no host, no driver text."""


def health_routes(readiness: Readiness, patience_seconds: float = _READINESS_SECONDS) -> list[BaseRoute]:
    """The routes /healthz and /readyz; neither needs a token."""

    async def healthz(request: Request) -> Response:
        return _json(200, {"status": "alive"})

    async def readyz(request: Request) -> Response:
        reason = await _reason(readiness, patience_seconds)
        if reason is None:
            return _json(200, {"status": "ready"})
        return _json(503, {"status": "not ready", "reason": reason})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def _reason(readiness: Readiness, patience_seconds: float) -> str | None:
    try:
        async with asyncio.timeout(patience_seconds):
            return await readiness()
    except TimeoutError:
        return f"the check took longer than {patience_seconds:g} seconds"
    except Exception:
        _log.exception("the readiness check failed")
        return "the check failed; see the log"


def _json(status: int, body: dict[str, str]) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if status == 503:
        headers["retry-after"] = "1"
    return Response(orjson.dumps(body), status, headers, "application/json")
