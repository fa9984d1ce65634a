"""Clear values that have been kept for as long as their attribute allows, and let the history forget them."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from acts.checks import now
from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.search import searchable_words
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import AuthorisedPlan, Touched
from repositories.compile.changes import sequence_of
from repositories.errors import DocumentTooLarge, NotFound, StaleVersion
from repositories.plan import ID, Change, Proof, ReadPlan
from repositories.repositories import Repositories
from repositories.retention import RetentionRepository

log = logging.getLogger("kehu.privacy")


@dataclass(frozen=True, slots=True)
class Retained:
    """What became, or would become, of the values of one attribute."""

    path: str
    days: int
    cleared: int
    """Clients whose value was cleared."""
    forgotten: int
    """Changes that no longer say a value."""


Report = Callable[[int, int], Awaitable[None]]
"""Hears how many attributes are done, and how many there are."""


async def _silent(_done: int, _count: int) -> None:
    """Nobody listens."""


async def retain(
    viewer: Viewer,
    repositories: Repositories,
    *,
    dry_run: bool = False,
    at: datetime | None = None,
    report: Report = _silent,
    touched: Touched | None = None,
) -> list[Retained]:
    """What was cleared of each attribute that is not kept for good.

    A value is as old as its observation, or its entry if nobody said when it was observed. It is cleared by an ordinary
    change. Safe to stop and to run again.
    Raises: NotAllowed.
    Cost: for each such attribute two passes through the clients, one more for each that is computed of it, and two
    commands for each value that is cleared.
    """
    repositories.access.require(viewer, Right.CHANGE_CLIENTS)
    moment = at or now()
    done: list[Retained] = []
    answer = repositories.access.authorise(ReadPlan(CLIENTS, frozenset((ID,))), viewer, touched)
    limited = _limited(repositories.feed.catalogue)
    for attribute, days in limited:
        before = moment - timedelta(days=days)
        retention = RetentionRepository(repositories.store)
        cleared = await _clear(answer, repositories, retention, attribute, before, dry_run)
        forgotten = await retention.forget(attribute.path, before, dry_run=dry_run)
        # What was computed of a value may be the value itself: the history forgets it with what it came from.
        for path in _computed_of(repositories.feed.catalogue, attribute.path):
            forgotten += await retention.forget(path, before, dry_run=dry_run)
        done.append(Retained(attribute.path, days, cleared, forgotten))
        await report(len(done), len(limited))
    return done


def _limited(catalogue: Catalogue) -> list[tuple[Attribute, int]]:
    """The attributes whose values go after some days, retired ones too."""
    rows = catalogue.area(CLIENTS).values()
    return [(each, each.retain_days) for each in rows if each.retain_days is not None]


def _computed_of(catalogue: Catalogue, path: str) -> list[str]:
    """The paths of what is, or ever was, computed of a value, at one remove or at several."""
    found: dict[str, None] = {}
    waiting = [path]
    while waiting:
        source = waiting.pop()
        for each in catalogue.area(CLIENTS).values():
            if each.path not in found and any(_overlap(source, read) for read in each.derived_from):
                found[each.path] = None
                waiting.append(each.path)
    return sorted(found.keys() - {path})


def _overlap(one: str, other: str) -> bool:
    """Whether one path is the other, or stands in it."""
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


async def _clear(
    answer: AuthorisedPlan,
    repositories: Repositories,
    retention: RetentionRepository,
    attribute: Attribute,
    before: datetime,
    dry_run: bool,
) -> int:
    values = {attribute.path: None}
    proof = Proof(source=f"kept for {attribute.retain_days} days")
    words = searchable_words(repositories.feed.catalogue, values)
    done, last = 0, ""
    while batch := await retention.expired(attribute.path, before, last):
        for client in batch:
            last = str(client[ID])
            place = sequence_of(client)
            change = Change(
                values, answer.principal, now(), proof, expected_sequence=place, is_silent=True, words=words
            )
            if not dry_run:
                try:
                    await repositories.clients.write(last, change, answer)
                except (StaleVersion, NotFound):
                    # Somebody has just changed it; the next run looks at what it is then.
                    continue
                except DocumentTooLarge:
                    log.warning("client %s is too large for one more change: %s stays", last, attribute.path)
                    continue
            done += 1
    return done
