"""Values to ciphertexts and back, by libmongocrypt: the only file that knows it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import bson
from bson import Binary
from bson.codec_options import CodecOptions
from pymongocrypt.asynchronous.state_machine import AsyncMongoCryptCallback, run_state_machine
from pymongocrypt.errors import MongoCryptError
from pymongocrypt.mongocrypt import MongoCrypt
from pymongocrypt.options import DataKeyOpts, ExplicitEncryptOpts, MongoCryptOptions

from repositories.vault.errors import VaultAway
from repositories.vault.kms import Kms

Document = dict[str, Any]
Find = Callable[[Mapping[str, Any]], Awaitable[list[Document]]]
"""The keys that a query selects."""

CIPHERTEXT = 6
"""The subtype of BSON binaries that are ciphertexts."""
RANDOM = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"
KEYS_KEPT = 1_000
"""libmongocrypt looks through all the keys that it keeps: with more of them it is started anew."""
AT_ONCE = 16
"""Data keys that are made, and values that are encrypted, before others get their turn."""
_UTC: CodecOptions[Document] = CodecOptions(tz_aware=True)
_ID_PLACE = slice(1, 17)


def is_ciphertext(value: object) -> bool:
    """Whether a stored value is encrypted."""
    return isinstance(value, Binary) and value.subtype == CIPHERTEXT


class _Errand(AsyncMongoCryptCallback):  # type: ignore[misc]
    """What libmongocrypt asks for in the course of one operation."""

    def __init__(self, kms: Kms, find: Find) -> None:
        self._kms = kms
        self._find = find
        self.found: set[bytes] = set()

    async def kms_request(self, kms_context: Any) -> None:
        await self._kms.ask(kms_context)

    async def fetch_keys(self, query: bytes) -> AsyncIterator[bytes]:
        for key in await self._find(bson.decode(query)):
            self.found.add(bytes(key["_id"]))
            yield bson.encode(key)

    async def insert_data_key(self, data_key: bytes) -> Any:
        raise NotImplementedError("keys are kept by the vault")

    async def collection_info(self, database: str, query: bytes) -> Any:
        raise NotImplementedError("nothing is encrypted by schema")

    async def mark_command(self, database: str, cmd: bytes) -> Any:
        raise NotImplementedError("nothing is encrypted by schema")

    def bson_encode(self, doc: Mapping[str, Any]) -> bytes:
        return bson.encode(doc)

    async def close(self) -> None:
        """Nothing is held."""


class Crypt:
    """Encrypts and decrypts under data keys, which it keeps unwrapped for a while."""

    def __init__(self, kms: Kms, find: Find, cache_seconds: float) -> None:
        self._kms = kms
        self._find = find
        self._cache_seconds = cache_seconds
        self._kept: MongoCrypt | None = None
        self._keys_kept = 0

    def _fresh(self) -> MongoCrypt:
        options = MongoCryptOptions(
            self._kms.providers, bypass_encryption=True, key_expiration_ms=max(1, int(self._cache_seconds * 1000))
        )
        try:
            return MongoCrypt(options, _Errand(self._kms, self._find))
        except MongoCryptError as error:
            raise VaultAway from error

    def _handle(self) -> MongoCrypt:
        if self._kept is None or self._keys_kept > KEYS_KEPT:
            self._kept, self._keys_kept = self._fresh(), 0
        return self._kept

    async def new_keys(self, names: Sequence[str]) -> list[Document]:
        """New data keys under these names, wrapped; nobody keeps them yet.

        Raises: VaultAway.
        Cost: one request to a remote service each.
        """
        handle, made = self._handle(), []
        for at in range(0, len(names), AT_ONCE):
            made += await asyncio.gather(*(self._new_key(handle, each) for each in names[at : at + AT_ONCE]))
            await asyncio.sleep(0)
        return made

    async def _new_key(self, handle: MongoCrypt, name: str) -> Document:
        options = DataKeyOpts(self._kms.master_key, [bson.encode({"keyAltName": name})])
        errand = _Errand(self._kms, self._find)
        with _vault_errors(), handle.data_key_context(self._kms.provider, options) as context:
            return bson.decode(await run_state_machine(context, errand), _UTC)

    async def encrypt(self, items: Sequence[tuple[Document, object]]) -> list[Binary]:
        """The ciphertext of each value under the wrapped key beside it; the same value never twice the same.

        Raises: VaultAway.
        Cost: no command; a tenth of a millisecond a value.
        """
        keys = {bytes(key["_id"]): key for key, _ in items}

        async def known(query: Mapping[str, Any]) -> list[Document]:
            return [keys[bytes(each)] for part in query["$or"] for each in part.get("_id", {}).get("$in", ())]

        # A batch has its own handle, so that its keys are forgotten with it.
        handle = self._handle() if len(keys) < AT_ONCE else self._fresh()
        errand, done = _Errand(self._kms, known), []
        for place, (key, value) in enumerate(items):
            options = ExplicitEncryptOpts(RANDOM, bytes(key["_id"]))
            given = bson.encode({"v": value})
            with _vault_errors(), handle.explicit_encryption_context(given, options) as context:
                done.append(bson.decode(await run_state_machine(context, errand))["v"])
            if place % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        return done

    async def decrypt(self, values: Sequence[Binary]) -> list[tuple[bool, Any]]:
        """For each ciphertext whether it could be read, and its value.

        Raises: VaultAway where no key at all can be had.
        Cost: one command for the keys that are not kept, however many; then 20 microseconds a value.
        """
        errand = _Errand(self._kms, self._find)
        try:
            found = await self._decrypted(errand, values)
        except MongoCryptError:
            return await self._decrypted_singly(values)
        return [(True, each) for each in found]

    async def _decrypted(self, errand: _Errand, values: Sequence[Binary]) -> list[Any]:
        # Held for as long as it is used: another operation may replace the one that is kept.
        handle = self._handle()
        try:
            with handle.decryption_context(bson.encode({"v": list(values)})) as context:
                answer = await run_state_machine(context, errand)
        finally:
            self._keys_kept += len(errand.found)
        found: list[Any] = bson.decode(answer, _UTC)["v"]
        return found

    async def _decrypted_singly(self, values: Sequence[Binary]) -> list[tuple[bool, Any]]:
        """The same where some key is gone or some ciphertext damaged: the others are read."""
        ids = {bytes(each[_ID_PLACE]) for each in values}
        there = {bytes(each["_id"]) for each in await self._find({"_id": {"$in": [Binary(each, 4) for each in ids]}})}
        errand, done = _Errand(self._kms, self._find), []
        for each in values:
            try:
                if bytes(each[_ID_PLACE]) not in there:
                    raise MongoCryptError("its key is gone")
                done.append((True, (await self._decrypted(errand, (each,)))[0]))
            except MongoCryptError:
                done.append((False, None))
        return done

    async def rewrapped(self, query: Mapping[str, Any]) -> list[Document]:
        """The keys that a query selects, wrapped anew under the present master key."""
        errand = _Errand(self._kms, self._find)
        handle, given = self._fresh(), dict(query)
        with (
            _vault_errors(),
            handle.rewrap_many_data_key_context(given, self._kms.provider, self._kms.master_key) as context,
        ):
            answer = await run_state_machine(context, errand)
        found: list[Document] = [] if answer is None else bson.decode(answer, _UTC)["v"]
        return found


@contextmanager
def _vault_errors() -> Iterator[None]:
    """Context in which an error of libmongocrypt is one of ours."""
    try:
        yield
    except MongoCryptError as error:
        raise VaultAway from error
