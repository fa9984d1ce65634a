"""The key management service that wraps the data keys: a local key, or a service that is asked over TLS."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from ssl import SSLContext, create_default_context
from typing import Any

from repositories.vault.errors import VaultAway

PROVIDERS = ("local", "aws", "azure", "gcp", "kmip")
LOCAL_KEY_BYTES = 96
_DEFAULT_PORT = 443
_KMIP_PORT = 5696
_NETWORK_ERRORS = (OSError, TimeoutError, asyncio.IncompleteReadError)


@dataclass(frozen=True, slots=True)
class Kms:
    """Where the master key is, and how it is reached; the words are MongoDB's own."""

    provider: str
    credentials: Mapping[str, Any] = field(repr=False)
    """Empty for a service that finds the credentials of the machine it runs on."""
    master_key: Mapping[str, Any] | None = None
    """Names the master key within the service; None for a local one."""
    tls: SSLContext | None = None
    """How the service is trusted; None: as every server is."""
    timeout_seconds: float = 3.0
    also: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """Others that may have wrapped older keys, and what they are reached by."""

    @property
    def providers(self) -> dict[str, dict[str, Any]]:
        return {**{name: dict(each) for name, each in self.also.items()}, self.provider: dict(self.credentials)}

    async def ask(self, request: Any) -> None:
        """Carry one request of libmongocrypt to the service and its answer back.

        Raises: VaultAway.
        """
        host, port = _address(request.endpoint, _KMIP_PORT if self.provider == "kmip" else _DEFAULT_PORT)
        # How long libmongocrypt wants to wait after an answer of "too many requests".
        await asyncio.sleep(request.usleep / 1_000_000)
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self._exchange(request, host, port)
        except _NETWORK_ERRORS as error:
            raise VaultAway from error

    async def _exchange(self, request: Any, host: str, port: int) -> None:
        context = self.tls or create_default_context()
        reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
        try:
            writer.write(request.message)
            await writer.drain()
            while (wanted := request.bytes_needed) > 0:
                answer = await reader.read(wanted)
                if not answer:
                    raise asyncio.IncompleteReadError(b"", wanted)
                request.feed(answer)
        finally:
            writer.close()


def local_kms(key: bytes) -> Kms:
    """A master key that this program keeps itself."""
    return Kms("local", {"key": key})


def _address(endpoint: str, default: int) -> tuple[str, int]:
    host, _, port = endpoint.rpartition(":")
    return (host, int(port)) if host and port.isdecimal() else (endpoint, default)
