"""GraphQL answers as bytes on the wire."""

import orjson
from starlette.types import Receive, Scope, Send

from api.errors import Answer, Headers, HttpRefusal
from api.lanes import PersonsShare

_NOSNIFF = (b"x-content-type-options", b"nosniff")
"""A browser takes the answer for what it says that it is, and for no page with scripts."""
_SENT_AT_ONCE_BYTES = 65_536
"""What a connection takes before it says that it is full."""


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
            _NOSNIFF,
            *more,
        ]
        if version is not None:
            headers.append((b"kehu-edition", version.encode()))
        self._status = status
        self._body = body
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        if len(self._body) <= _SENT_AT_ONCE_BYTES:
            await send({"type": "http.response.body", "body": self._body})
            return
        await send({"type": "http.response.body", "body": self._body, "more_body": True})
        # The server takes the end only when the connection has room again: so long the answer is not delivered.
        await send({"type": "http.response.body", "body": b""})


class Delivered:
    """An answer that counts as its person's until the connection has taken all of it."""

    __slots__ = ("_person", "_response", "_unread")

    def __init__(self, response: JsonResponse, unread: PersonsShare, person: str) -> None:
        self._response = response
        self._unread = unread
        self._person = person

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._unread.take(self._person)
        try:
            await self._response(scope, receive, send)
        finally:
            self._unread.give_back(self._person)


def refused(refusal: HttpRefusal, media: str, version: str | None = None) -> JsonResponse:
    """The response to a refused request."""
    return JsonResponse(refusal.status, refusal.answer(), media, version, refusal.headers)
