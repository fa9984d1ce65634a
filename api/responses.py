"""GraphQL answers as bytes on the wire."""

import orjson
from starlette.types import Receive, Scope, Send

from api.errors import Answer, Headers, HttpRefusal


class JsonResponse:
    """An ASGI application that sends one JSON body.

    Starlette's response would encode the same few headers anew for every request.
    """

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: int, answer: Answer, media: str, version: str | None, more: Headers = ()) -> None:
        body = orjson.dumps(answer)
        headers = [
            (b"content-type", media.encode() + b"; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            *more,
        ]
        if version is not None:
            headers.append((b"kehu-edition", version.encode()))
        self._status = status
        self._body = body
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


def refused(refusal: HttpRefusal, media: str, version: str | None = None) -> JsonResponse:
    """The response to a refused request."""
    return JsonResponse(refusal.status, refusal.answer(), media, version, refusal.headers)
