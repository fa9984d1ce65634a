"""What a repository asks of the vault: changes with their RESTRICTED values encrypted, documents with them readable."""

import logging
from collections.abc import Callable, Sequence
from collections.abc import Collection as Some
from dataclasses import replace
from typing import Any

from bson import Binary

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.filters import Filter, paths_of
from catalogue.search import searchable_words
from repositories.compile.changes import SEALED
from repositories.errors import NotFound
from repositories.mongo import Store
from repositories.plan import Change
from repositories.values import bson_from
from repositories.vault.crypt import Crypt
from repositories.vault.errors import VaultAway
from repositories.vault.keys import KeyVault
from repositories.vault.kms import Kms
from repositories.vault.lookups import Lookups, lookup_paths
from repositories.vault.places import Slot, encrypted_at, encrypted_in, plain_at

log = logging.getLogger("kehu.vault")

Document = dict[str, Any]

KEY_CACHE_SECONDS = 60.0
"""How long a process may go on reading under a key that was deleted."""
ERASURES = "erasures"
"""The collection of tombstones: who stands there gets no key again."""
REWRAP_BATCH = 100
_LOOKUP_KEY = "kehu:lookups"
"""The name of the data key that protects the secret of the look-ups; no id of a client has a colon."""
_NO_KMS = "This process has no master key for RESTRICTED values. Set KEHU_KMS, or leave such values out."


class Vault:
    """Keeps RESTRICTED values of clients encrypted at rest, each client's under a key of its own.

    What is RESTRICTED when something is written is said by the newest catalogue; what is read says itself whether it is
    encrypted.
    """

    def __init__(
        self,
        store: Store,
        kms: Callable[[], Kms] | None,
        catalogue: Callable[[], Catalogue],
        cache_seconds: float = KEY_CACHE_SECONDS,
    ) -> None:
        self.keys = KeyVault(store)
        self.cache_seconds = cache_seconds
        self.unreadable_values = 0
        """Values that were asked for and could not be decrypted, since the process started."""
        self._catalogue = catalogue
        self._kms = kms
        self._crypt: Crypt | None = None
        self._lookups = Lookups(store, self._protect, self._unprotect)
        self._clients = store.collection(CLIENTS)
        self._erasures = store.collection(ERASURES)
        self._lookup_paths: tuple[str, frozenset[str]] = ("", frozenset())

    @property
    def crypt(self) -> Crypt:
        """Raises: VaultAway where no master key is set up."""
        if self._crypt is None:
            if self._kms is None:
                raise VaultAway(_NO_KMS)
            # At first need: a local key is made then.
            self._crypt = Crypt(self._kms(), self.keys.find, self.cache_seconds)
        return self._crypt

    @property
    def lookup_paths(self) -> frozenset[str]:
        """The paths whose values have keyed hashes, by the newest catalogue."""
        catalogue = self._catalogue()
        if self._lookup_paths[0] != catalogue.version:
            self._lookup_paths = (catalogue.version, lookup_paths(catalogue))
        return self._lookup_paths[1]

    async def digest(self, path: str, value: str) -> bytes:
        """The keyed hash of a value at a path. Raises: VaultAway."""
        return await self._lookups.digest(path, value)

    async def resolved(self, predicate: Filter | None) -> Filter | None:
        """The predicate as the database can answer it: by keyed hashes where values are encrypted.

        Raises: VaultAway.
        """
        paths = self.lookup_paths
        if predicate is None or not paths & paths_of(predicate):
            return predicate
        return await self._lookups.resolved(predicate, paths)

    async def sealed(self, pairs: Sequence[tuple[str, Change]]) -> list[Change]:
        """The changes of these records with their RESTRICTED values encrypted, and hashed where they are looked up.

        Raises: VaultAway; NotFound for a client who has been erased. Never does a value go on in clear.
        Cost: none where nothing is RESTRICTED; else one command, and up to four more where clients have no key yet.
        """
        catalogue = self._catalogue()
        inside = catalogue.restricted(CLIENTS)
        done = [change for _, change in pairs]
        touched = [place for place, change in enumerate(done) if not inside.keys().isdisjoint(change.values)]
        if not touched:
            return done
        slots: list[tuple[str, Slot]] = []
        for place in touched:
            record_id, change = pairs[place]
            values = dict(change.values)
            found = [slot for path in inside.keys() & values.keys() for slot in _open_slots(values, path, inside[path])]
            slots += [(record_id, slot) for slot in found]
            secret = {path: change.values[path] for path in inside.keys() & change.values.keys()}
            # The request may have been read by an older catalogue, by which the value was one to be searched.
            words = {path: each for path, each in change.words.items() if path not in secret}
            done[place] = replace(
                change,
                values=values,
                request_hash=await self.request_hash(change),
                words=words | searchable_words(catalogue, secret),
                lookups=await self._lookups_of(change),
                is_sealed=bool(found),
            )
        await self.seal(slots)
        return done

    async def seal(self, slots: Sequence[tuple[str, Slot]]) -> None:
        """Encrypts values where they stand, each under the key of its client.

        Raises: VaultAway; NotFound for a client who has been erased.
        """
        if not slots:
            return
        await self._lookups.prepare()
        keys = await self._keys_of({record_id for record_id, _ in slots})
        secrets = await self.crypt.encrypt([(keys[record_id], holder[key]) for record_id, (holder, key) in slots])
        for (_, (holder, key)), secret in zip(slots, secrets, strict=True):
            holder[key] = secret

    async def _lookups_of(self, change: Change) -> dict[str, bytes | None]:
        values = {path: change.values[path] for path in self.lookup_paths & change.values.keys()}
        return {path: None if each is None else await self.digest(path, str(each)) for path, each in values.items()}

    async def request_hash(self, change: Change) -> str | None:
        """The hash of a request as the history keeps it: a keyed one where it is over a RESTRICTED value."""
        if change.request_hash is None or self._catalogue().restricted(CLIENTS).keys().isdisjoint(change.values):
            return change.request_hash
        return (await self.digest("request", change.request_hash)).hex()

    async def _keys_of(self, record_ids: Some[str]) -> dict[str, Document]:
        found = await self.keys.find_by_names(record_ids)
        missing = sorted(set(record_ids) - found.keys())
        if missing:
            await self._refuse_lost(missing)
            await self.keys.add(await self.crypt.new_keys(missing))
            found |= await self.keys.find_by_names(missing)
        return found

    async def _refuse_lost(self, record_ids: Sequence[str]) -> None:
        """A client who has been erased, or whose key was lost, gets no other one."""
        query = {"_id": {"$in": list(record_ids)}}
        for each in await self._erasures.find(query, {"_id": 1}, limit=1):
            raise NotFound("client", each["_id"])
        sealed = {str(each["_id"]) for each in await self._clients.find({**query, SEALED: True}, {"_id": 1})}
        # A key is there before its first value is: one that another writer has just made is seen now.
        for lost in sorted(sealed - (await self.keys.find_by_names(sealed)).keys()):
            raise VaultAway(
                f"The key of client {lost} is not in the key vault, so no RESTRICTED value of this client is "
                "written. Restore the collection __kehu_keys from a backup."
            )

    async def open_at(self, documents: Sequence[Document], paths: Some[str], *, must: bool = False) -> None:
        """Decrypts what stands encrypted at the paths of documents, in place; what cannot be read is taken out.

        Raises: VaultAway, but only where it `must` be read.
        Cost: none where nothing is encrypted; one command for the keys that are not kept.
        """
        await self._open(encrypted_at(documents, paths), must=must)

    async def open_values(self, documents: Sequence[Document], paths: Some[str]) -> None:
        """Decrypts the values of documents at paths that a change names, in place. Raises: VaultAway."""
        inside = self._catalogue().restricted(CLIENTS)
        wanted = [f"{path}.{each}".rstrip(".") for path in paths for each in inside.get(path, ())]
        await self.open_at(documents, wanted, must=True)

    async def opened(self, value: Any, *, must: bool = False) -> Any:
        """A value with all that is encrypted in it decrypted; nothing where that cannot be read."""
        if next(encrypted_in([value]), None) is None:
            return value
        box = _copy([value])
        await self._open(list(encrypted_in(box)), must=must)
        return box[0]

    async def _open(self, slots: Sequence[Slot], *, must: bool) -> None:
        if not slots:
            return
        secrets = [holder[key] for holder, key in slots]
        try:
            values = await self.crypt.decrypt(secrets)
        except VaultAway as error:
            if must:
                raise
            log.warning("%d RESTRICTED values are not shown: no key can be had (%s)", len(secrets), error.__cause__)
            values = [(False, None)] * len(secrets)
        lost = sum(not is_read for is_read, _ in values)
        if lost and must:
            raise VaultAway(f"{lost} RESTRICTED values cannot be read: their keys are not in the key vault.")
        if lost:
            self.unreadable_values += lost
            log.warning("%d RESTRICTED values of %d cannot be read: their keys are gone", lost, len(secrets))
        for (holder, key), (is_read, value) in zip(slots, values, strict=True):
            if is_read or isinstance(holder, list):
                holder[key] = value
            else:
                del holder[key]

    async def rewrap(self) -> int:
        """How many data keys were wrapped anew under the present master key.

        Safe to stop and to run again; values stay as they are and are read meanwhile.
        Cost: two commands for a hundred keys; two requests to a remote service for each.
        """
        done, after = 0, ""
        while names := await self.keys.names(after, REWRAP_BATCH):
            await self.keys.rewrap(await self.crypt.rewrapped({"keyAltNames": {"$in": names}}))
            done, after = done + len(names), names[-1]
        return done

    async def _protect(self, secret: bytes) -> Binary:
        keys = await self._keys_of({_LOOKUP_KEY})
        return (await self.crypt.encrypt([(keys[_LOOKUP_KEY], secret)]))[0]

    async def _unprotect(self, secret: Binary) -> Any:
        ((is_read, value),) = await self.crypt.decrypt([secret])
        if not is_read:
            raise VaultAway
        return value


def _open_slots(values: dict[str, Any], path: str, inside: Sequence[str]) -> list[Slot]:
    """The values to be encrypted at a path of a change; what is put in their place goes into the values."""
    values[path] = bson_from(values[path])
    return plain_at(values, path, inside)


def _copy(value: Any) -> Any:
    if isinstance(value, list):
        return [_copy(each) for each in value]
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return value
