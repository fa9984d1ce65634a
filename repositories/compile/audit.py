"""Entries of the audit as plain documents, and the chain that they form; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from catalogue.attribute import CLIENTS
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.plan import ID

Document = dict[str, Any]

IDS_AN_ENTRY = 5_000
"""Longer lists of ids go into several entries, so that none is cut short."""
BEGINNING = "0" * 64
"""What the first entry of a partition has for the hash of the one before."""
LISTS_OF_IDS = ("clients", "changed", "changes")
OUTSIDE_THE_HASH = frozenset(("hash", "signature"))
OK = "ok"
_SEQUENCE_DIGITS = 12
_PROOF = "proof."
_TAIL = "tail"
HISTORY = "history"
"""What the entries call the changes of a record, wherever they are kept."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody asked the server to do."""

    kind: str
    """query, mutation, subscription or command; what the server itself notes has other words."""
    name: str | None = None
    document: str | None = None
    """The SHA-256 of the GraphQL text, in hex."""
    edition: str | None = None


def body_from(
    at: datetime, viewer: Viewer, deed: Deed, touched: Touched, outcome: str = OK, codes: Iterable[str] = ()
) -> Document:
    """One entry before it has its place in a chain; what there is nothing of is left out."""
    ids = {area: sorted(found) for area, found in sorted(touched.records.items()) if found}
    body = {
        "at": stored_moment(at),
        "person": storable(viewer.person),
        "roles": sorted(viewer.roles),
        "purpose": viewer.purpose,
        "kind": deed.kind,
        "operation": deed.name,
        "document": deed.document,
        "edition": deed.edition and deed.edition[:12],
        "clients": ids.pop(CLIENTS, None),
        "records": ids,
        "attributes": attribute_names(touched.paths),
        "hidden": sorted(touched.hidden),
        "changed": sorted(touched.changed),
        "changes": sorted(touched.changes),
        "written": sorted(touched.written),
        "outcome": outcome,
        "errors": sorted(set(codes)),
    }
    return {name: value for name, value in body.items() if value or name == "roles"}


def note_from(at: datetime, kind: str, **facts: object) -> Document:
    """An entry of the server's own, about no request."""
    return {"at": stored_moment(at), "kind": kind, **facts}


def stored_moment(at: datetime) -> datetime:
    """The moment as MongoDB keeps it, in milliseconds: the hash is over what will be read again."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def attribute_names(paths: Mapping[str, Iterable[str]]) -> list[str]:
    """The paths by area as one list: those of clients as they are, the others behind the name of their area."""
    found: set[str] = set()
    for area, own in paths.items():
        for path in own:
            if path != ID and not path.startswith(_PROOF):
                name = HISTORY if path.partition(".")[0] == _TAIL else path
                found.add(name if area == CLIENTS else f"{area}.{name}")
    return sorted(found)


def storable(text: str) -> str:
    """The text without halves of signs, which neither BSON nor JSON can hold."""
    return text.encode("utf-8", "replace").decode()


def parts_of(body: Document, most: int = IDS_AN_ENTRY) -> Iterator[Document]:
    """The entry, or as many as its longest list of ids needs; each says all the rest."""
    records: Mapping[str, Sequence[str]] = body.get("records", {})
    lists: list[Sequence[str]] = [body.get(name, ()) for name in LISTS_OF_IDS]
    longest = max((len(each) for each in (*lists, *records.values())), default=0)
    if longest <= most:
        yield body
        return
    for start in range(0, longest, most):
        part = {name: value for name, value in body.items() if name not in LISTS_OF_IDS and name != "records"}
        for name, ids in zip(LISTS_OF_IDS, lists, strict=True):
            if cut := ids[start : start + most]:
                part[name] = cut
        if cuts := {area: cut for area, ids in records.items() if (cut := ids[start : start + most])}:
            part["records"] = cuts
        yield part


def entry_id(partition: str, sequence: int) -> str:
    """The id of an entry: ids are in the order of the chain."""
    return f"{partition}:{sequence:0{_SEQUENCE_DIGITS}d}"


def chained(body: Document, partition: str, sequence: int, previous: str) -> Document:
    """The entry in its place, with the hash that the next one will name."""
    entry = {"_id": entry_id(partition, sequence), "partition": partition, "sequence": sequence, **body}
    entry["previous"] = previous
    entry["hash"] = entry_hash(entry)
    return entry


def entry_hash(entry: Mapping[str, Any]) -> str:
    """The SHA-256, in hex, of all that an entry says, the hash of the one before included."""
    return sha256(canonical({name: value for name, value in entry.items() if name not in OUTSIDE_THE_HASH})).hexdigest()


def canonical(value: object) -> bytes:
    """A value as JSON, the same for equal values: keys sorted, no spaces, moments in ISO 8601."""
    return orjson.dumps(value, _in_words, orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)


def _in_words(value: object) -> str:
    # An entry that was meddled with may hold anything that BSON can.
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else repr(value)
