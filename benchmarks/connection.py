"""One keep-alive connection that posts GraphQL: what a load needs that watches each single request."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    edition: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Connection:
    """A connection to 127.0.0.1; used as an async context."""

    port: int
    headers: Mapping[str, str] = field(default_factory=dict)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_problem: object) -> None:
        if self._streams is not None:
            self._streams[1].close()

    async def post(self, body: bytes) -> Reply:
        """The reply to one request.

        Raises: OSError, asyncio.IncompleteReadError when the connection breaks.
        """
        if self._streams is None:
            raise RuntimeError("the connection is used outside of its context")
        reader, writer = self._streams
        writer.write(request_bytes(body, self.headers))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = headers_from(head[1:])
        content = await reader.readexactly(int(headers["content-length"]))
        return Reply(int(head[0].split()[1]), headers.get("kehu-edition", ""), content)


def request_bytes(body: bytes, headers: Mapping[str, str]) -> bytes:
    """A POST to /graphql as it goes over the wire."""
    lines = {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "accept": "application/json",
        "content-length": str(len(body)),
        **headers,
    }
    return "\r\n".join(("POST /graphql HTTP/1.1", *(f"{k}: {v}" for k, v in lines.items()), "", "")).encode() + body


def headers_from(lines: list[str]) -> dict[str, str]:
    """Header lines as a mapping, names in small letters."""
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
