"""Connections that keep a server waiting are closed: with no whole head, or a reader who does not read.

Uvicorn waits for them for ever.
"""

import asyncio
from functools import cache

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.settings import Settings, load_settings


@cache
def _of_environment() -> Settings:
    return load_settings()


UNREAD_SECONDS = 30.0
"""Within it a caller reads what waits for them down to a few kilobytes, or loses the connection."""
HEAD_LIMIT_BYTES = 65_536
"""Of a request's line and headers together; a token and the names of a browser are a few kilobytes."""
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose patience has an end: with a request's head, and with a caller who does not read the answer.

    That with a body is the application's.
    Cost: no timer for a head that comes in one piece, nor for an answer that is read.
    """

    settings: Settings | None = None
    """Of this process; those of the environment without them, as one of several server processes has it."""
    _is_awaited = True
    """Whether a head has yet to come, or its end."""
    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _head_bytes = 0

    @classmethod
    def of(cls, settings: Settings) -> type["PatientProtocol"]:
        """The same, with settings that may come from elsewhere than the environment."""
        return type("PatientProtocol", (cls,), {"settings": settings})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(self._patience_seconds(), self._give_up)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_awaited:
            self._stop_timer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._timer is None:
            self._timer = self.loop.call_later(self._patience_seconds(), self._give_up)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_awaited = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._is_awaited = False
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_unread()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_unread()
        super().connection_lost(exc)

    def _patience_seconds(self) -> float:
        return (self.settings or _of_environment()).request_read_seconds

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()


class PatientSocket(WebSocketsSansIOProtocol):
    """A websocket whose handshake is answered, whatever is in it, and whose caller reads.

    The HTTP side hands on a head that is whole. What is no request to the library then, because a line is too long for
    it or says what it does not know, would never become one, and be neither answered nor closed.
    """

    _unread: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_unread()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_unread()
        super().connection_lost(exc)

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
