"""The history of a client together with the histories of those who have become part of him."""

from collections.abc import Collection as Some
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from repositories.changes import ChangeHistory
from repositories.plan import ID

Document = dict[str, Any]
Positions = tuple[int, ...]
"""For each history, the client's own first, the version that is read on below; those that are not named are whole."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change, whose history it is of, and where a page goes on behind it."""

    change: Document
    merged: Document | None
    """Who had become part of the client; None for the client's own."""
    positions: Positions


async def read_histories(
    history: ChangeHistory,
    client: Document,
    limit: int,
    *,
    before: Positions = (),
    paths: Some[str] = (),
    since: object = None,
    hidden: Some[str] = (),
) -> list[Entry]:
    """Changes of a client and of those who have become part of him, newest first.

    Shape: the client is a document with `tail` and `merged`. Each history keeps the order of its versions.
    Cost: as that of one history, and one command more for each client who has become part.
    """
    tail, merged = client.get("tail") or [], client.get("merged") or []
    newest = max((entry["version"] for entry in tail), default=0) + 1
    tops = (newest, *(each["version"] + 1 for each in merged))
    reached = [each if place >= len(before) else before[place] for place, each in enumerate(tops)]
    streams: list[list[Document]] = []
    for place, record_id in enumerate((str(client[ID]), *(str(each["id"]) for each in merged))):
        own: Sequence[Document] = tail if place == 0 else ()
        start = before[place] if place < len(before) else None
        streams.append(await history.read(record_id, own, limit, before=start, paths=paths, since=since, hidden=hidden))
    found: list[Entry] = []
    while len(found) < limit and any(streams):
        # Of two of one moment the client's own comes first.
        place = max((at for at, rows in enumerate(streams) if rows), key=lambda at: (streams[at][0]["at"], -at))
        change = streams[place].pop(0)
        reached[place] = change["version"]
        positions = tuple(reached) if merged else (reached[0],)
        found.append(Entry(change, merged[place - 1] if place else None, positions))
    return found
