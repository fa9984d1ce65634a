"""The schema of the current edition as SDL text at /schema.graphql."""

import hashlib

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import HttpRefusal, refusal_from, unauthenticated
from api.execution import ServedEdition
from api.negotiation import JSON
from api.responses import refused
from api.service import Service
from api.viewer import Unauthenticated, credentials_from

_ALLOW = ((b"allow", b"GET, HEAD"),)


class SchemaDocument:
    """The ASGI application at /schema.graphql, for the signed-in only."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._response(scope)
        await response(scope, receive, send)

    async def _response(self, scope: Scope) -> ASGIApp:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise HttpRefusal(405, "METHOD_NOT_ALLOWED", "The schema is served by GET.", _ALLOW)
            viewer = await self._service.authenticate(credentials_from(scope["headers"]))
            return self._document(self._service.edition_for(viewer), headers.get(b"if-none-match"))
        except Unauthenticated:
            return refused(unauthenticated(), JSON)
        except Exception as problem:
            return refused(refusal_from(problem), JSON)

    def _document(self, edition: ServedEdition, if_none_match: str | None) -> Response:
        # Of the text, not of the catalogue: a new release may word the same catalogue differently.
        tag = f'"{hashlib.sha256(edition.sdl.encode()).hexdigest()}"'
        headers = {"etag": tag, "kehu-edition": edition.version, "cache-control": "private, no-cache"}
        headers["x-content-type-options"] = "nosniff"
        known = {each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")}
        if tag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return PlainTextResponse(edition.sdl, headers=headers, media_type="text/plain")
