"""The history of a client together with the histories of those who have become part of it."""

import re
from collections.abc import Collection as Some
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from repositories.changes import ChangeHistory, Place
from repositories.errors import BadCursor
from repositories.plan import ID

Document = dict[str, Any]
Positions = tuple[Place, ...]
"""For each history, the client's own first, where it is read on; those that are not named are whole."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_CURSOR = re.compile(r"t[0-9]{1,15}\.[0-9]{1,6}(-[0-9]{1,15}\.[0-9]{1,6}){0,50}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One change, whose history it is of, and where a page goes on behind it."""

    change: Document
    merged: Document | None
    """Who had become part of the client; None for the client's own."""
    positions: Positions


def cursor_of(positions: Positions) -> str:
    """The cursor of a place in histories: it says when the change was entered, as the change itself does."""
    return "t" + "-".join(f"{(each.at - _EPOCH) // _MILLISECOND}.{each.told}" for each in positions)


def positions_from(after: str | None) -> Positions:
    """Where a page goes on behind a cursor.

    Raises: BadCursor.
    """
    if after is None:
        return ()
    if _CURSOR.fullmatch(after) is None:
        raise BadCursor()
    pairs = (each.split(".") for each in after[1:].split("-"))
    return tuple(Place(_EPOCH + int(at) * _MILLISECOND, int(told)) for at, told in pairs)


def behind(change: Document, place: Place | None) -> Place:
    """The place behind a change that was read on from a place."""
    at: datetime = change["at"]
    return Place(at, place.told + 1 if place is not None and place.at == at else 1)


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
    """Changes of a client and of those who have become part of it, newest first.

    Shape: the client is a document with `tail` and `merged`. Each history keeps the order of its changes.
    Cost: as that of one history, and one command more for each client who has become part.
    """
    tail, merged = client.get("tail") or [], client.get("merged") or []
    ids = (str(client[ID]), *(str(each["id"]) for each in merged))
    reached: list[Place | None] = [before[place] if place < len(before) else None for place in range(len(ids))]
    streams: list[list[Document]] = []
    for place, record_id in enumerate(ids):
        own: Sequence[Document] = tail if place == 0 else ()
        start = reached[place]
        streams.append(await history.read(record_id, own, limit, before=start, paths=paths, since=since, hidden=hidden))
    found: list[Entry] = []
    while len(found) < limit and any(streams):
        # Of two of one moment the client's own comes first.
        place = max((at for at, rows in enumerate(streams) if rows), key=lambda at: (streams[at][0]["at"], -at))
        change = streams[place].pop(0)
        reached[place] = behind(change, reached[place])
        # A history of which nothing was shown yet goes on below what was: all of it is older, or of that moment.
        positions = tuple(each or Place(change["at"]) for each in reached)
        found.append(Entry(change, merged[place - 1] if place else None, positions))
    return found
