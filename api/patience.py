"""Connections that send no request, or only a part of its head, are closed after a while; uvicorn waits for ever."""

import asyncio
from functools import cache

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.settings import Settings, load_settings


@cache
def _of_environment() -> Settings:
    return load_settings()


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose patience with a request's head has an end; that with its body is the application's.

    Cost: no timer for a head that comes in one piece.
    """

    settings: Settings | None = None
    """Of this process; those of the environment without them, as one of several server processes has it."""
    _is_awaited = True
    """Whether a head has yet to come, or its end."""
    _timer: asyncio.TimerHandle | None = None

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
        elif self._timer is None:
            self._timer = self.loop.call_later(self._patience_seconds(), self._give_up)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_awaited = True

    def on_headers_complete(self) -> None:
        self._is_awaited = False
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _patience_seconds(self) -> float:
        return (self.settings or _of_environment()).request_read_seconds

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
