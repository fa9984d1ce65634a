"""The heads of the audit's chains, outside the database: one signed line each, chained, in a file."""

import fcntl
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from acts.audit import BrokenHead
from api.settings import SettingsError
from api.tokens import secret_in
from repositories.audit_log import Head
from repositories.compile.audit import BEGINNING, canonical

KEY_FILE = "audit.key"
HEADS_FILE = "audit-heads.jsonl"
_LONGEST_LINE_BYTES = 4_096


class AuditKey:
    """The key pair that signs the entries and heads of one data directory; only the public half verifies."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> str:
        """The public half, in base64: what an auditor is given."""
        return b64encode(self._private.public_key().public_bytes_raw()).decode()

    def sign(self, data: bytes) -> str:
        """The Ed25519 signature, in base64."""
        return b64encode(self._private.sign(data)).decode()


def audit_key_in(directory: Path) -> AuditKey:
    """The key of a data directory, made at first need.

    Raises: SettingsError if its file holds something else.
    """
    return AuditKey(secret_in(directory, KEY_FILE))


class Verifier:
    """Says whether a signature was made with one of the keys whose public halves are given.

    Raises: SettingsError for a text that is no public key.
    """

    def __init__(self, public_keys: Sequence[str]) -> None:
        self._keys = [_public_key_from(each) for each in public_keys]

    def __call__(self, data: bytes, signature: object) -> bool:
        if not isinstance(signature, str):
            return False
        try:
            raw = b64decode(signature, validate=True)
        except ValueError:
            return False
        return any(_is_signed(key, raw, data) for key in self._keys)


def _public_key_from(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))
    except ValueError:
        raise SettingsError(
            f'--public-key: got "{text}"; expected 44 characters of base64, as `kehu audit key` prints them.'
        ) from None


def _is_signed(key: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def append_head(path: Path, key: AuditKey, head: Head) -> None:
    """Put a head behind the others, on the disk for good.

    Order: processes that share the file take turns, so that each line names the one before.
    Raises: OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        line = {
            "partition": head.partition,
            "sequence": head.sequence,
            "hash": head.hash,
            "at": head.at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "previous": _hash_of_last_line(handle),
        }
        line["signature"] = key.sign(canonical(line))
        os.write(handle, json.dumps(line).encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def _hash_of_last_line(handle: int) -> str:
    size = os.fstat(handle).st_size
    if not size:
        return BEGINNING
    start = max(0, size - _LONGEST_LINE_BYTES)
    return _line_hash(os.pread(handle, size - start, start).rstrip(b"\n").rpartition(b"\n")[2])


def _line_hash(line: bytes) -> str:
    return sha256(line).hexdigest()


def read_heads(path: Path, verify: Verifier) -> Iterator[Head | BrokenHead]:
    """The heads of a file, in order, and what is wrong with its lines.

    Raises: OSError.
    """
    previous = BEGINNING
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            line = raw.rstrip(b"\n")
            found = _head_from(line, previous, verify)
            yield found if isinstance(found, Head) else BrokenHead(str(path), number, found)
            previous = _line_hash(line)


def _head_from(line: bytes, previous: str, verify: Verifier) -> Head | str:
    """The head that a line says; or, in words, why it says none."""
    try:
        said: dict[str, Any] = json.loads(line)
        signature = said.pop("signature")
        head = Head(str(said["partition"]), int(said["sequence"]), said["hash"], datetime.fromisoformat(said["at"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return "it is no head"
    if not verify(canonical(said), signature):
        return "its signature was not made with this key"
    if said.get("previous") != previous:
        return "the line before is not the one that it was written behind"
    return head
