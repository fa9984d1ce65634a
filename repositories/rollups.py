"""Rollups kept current: computed after each write of a related record, and when time moves their windows."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, repeat
from secrets import token_hex
from typing import Any
from weakref import WeakValueDictionary

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import Refused
from catalogue.rollups.reading import members_of, relation_of, rolled_up
from policy.viewer import program
from repositories.changes import ChangeHistory
from repositories.compile.filters import query_from
from repositories.compile.rollups import (
    Counted,
    counted,
    counted_path,
    counting_pipeline,
    crossing_pipeline,
    is_there,
    several_pipeline,
    together,
    value_of,
)
from repositories.derivations import Derivations
from repositories.errors import RepositoryError, Unavailable
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID
from repositories.rollup_writes import COUNTER, Computed, RollupWrites

Document = dict[str, Any]

log = logging.getLogger("kehu.rollups")

PROGRAM = program("kehu-rollups")
"""Who has computed a value, as the history names it."""
MARK = "rollup"
"""In a record whose client's rollups have not been computed since it was written: a key of the write, and when."""
MARK_INDEX = "rollup"
BATCH = 500
ATTEMPTS = 100
STATE = "rollups"


class _Turn:
    """Who computes the rollups of a client, of those of one process that want it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.begun = 0


class Rollups:
    """The rollups of the newest catalogue.

    Cost: nothing for a write of an area that no rollup reads; else two commands before the client's and its formulas'
    update, and one that takes the mark away.
    """

    def __init__(
        self, store: Store, catalogue: Callable[[], Catalogue], derivations: Derivations, history: ChangeHistory
    ) -> None:
        self._store = store
        self._clients = store.collection(CLIENTS)
        self._state = store.collection("settings")
        self._newest = catalogue
        self._writes = RollupWrites(store, derivations, history, PROGRAM.person)
        self._turns: WeakValueDictionary[tuple[str, str], _Turn] = WeakValueDictionary()
        self._tickets = count(1)

    def over(self, area: str) -> list[Attribute]:
        """The rollups over the records of an area."""
        return [each for each in rolled_up(self._newest()) if each.rollup is not None and each.rollup.area == area]

    def windowed(self) -> dict[str, list[Attribute]]:
        """The rollups that change as time goes by, by the area of their records, in order."""
        found: dict[str, list[Attribute]] = {}
        for each in rolled_up(self._newest()):
            if each.rollup is not None and each.rollup.days is not None:
                found.setdefault(each.rollup.area, []).append(each)
        return dict(sorted(found.items()))

    def mark(self, area: str) -> Document:
        """What a record gets with its write, in the same command; nothing where no rollup reads its area."""
        return {MARK: {"key": token_hex(8), "at": _now()}} if self.over(area) else {}

    async def follow(self, area: str, owners: Collection[str], mark: Mapping[str, Any]) -> None:
        """Compute the rollups of clients of whom records were written, and take the mark off those records.

        What fails leaves the mark, by which the worker finds it: the records are in, and stay.
        """
        if not mark or not owners:
            return
        relation = relation_of(self._newest(), area)
        if relation is None:
            return
        try:
            await self._compute_shared(area, sorted(owners))
            done = {relation.stored_in: {"$in": sorted(owners)}, f"{MARK}.key": {"$eq": mark[MARK]["key"]}}
            await self._store.collection(area).update_many(done, {"$unset": {MARK: ""}})
        except RepositoryError as error:
            log.warning("the rollups of %d clients are computed later: %s", len(owners), error)

    async def _compute_shared(self, area: str, owners: Sequence[str]) -> None:
        """Compute the rollups of clients; of one client only once for all who wait for their turn.

        Whoever has waited while another began after his record was written has nothing left to do.
        """
        if len(owners) > 1:
            for start in range(0, len(owners), BATCH):
                await self.compute(owners[start : start + BATCH], self.over(area))
            return
        ticket = next(self._tickets)
        turn = self._turns.setdefault((area, owners[0]), _Turn())
        async with turn.lock:
            if turn.begun < ticket:
                begun = next(self._tickets)
                await self.compute(owners, self.over(area))
                turn.begun = begun

    async def compute(self, owners: Sequence[str], attributes: Sequence[Attribute], *, is_final: bool = True) -> int:
        """How many of the clients have other values now, with what hangs on them, by the records as they are.

        The counter is read before the records are: a value is written only where nobody else has computed since, so
        that of several at once the last one has seen what all of them wrote. Without `is_final` a value that is right
        is no computation that others have to notice.
        A client who would be larger than a document may be stays as it is, with a warning; the others are computed.
        Raises: Unavailable where others write without a pause.
        Cost: three commands, one more for each rollup that gives long texts; again where somebody came in between.
        """
        catalogue = self._newest()
        wanted = list(_counted(catalogue, attributes))
        if not wanted or not owners:
            return 0
        for _ in range(ATTEMPTS):
            paths = () if is_final else [counted_path(each.attribute) for each in wanted]
            shown = dict.fromkeys((COUNTER, "tail.version", *paths), 1)
            rows = await self._clients.find({ID: {"$in": list(owners)}}, shown)
            at = _now()
            found = await self._rows(wanted, owners, at)
            changes: list[Computed] = []
            for row in rows:
                values = [value_of(each, of.get(str(row[ID]))) for each, of in zip(wanted, found, strict=True)]
                if is_final or not all(map(is_there, wanted, repeat(row), values)):
                    changes.append((row, values))
            is_whole, changed = await self._writes.write(catalogue, wanted, changes, at, is_final=is_final)
            if is_whole:
                return changed
        raise Unavailable("Others write records of these clients without a pause; their rollups are computed later.")

    async def _rows(self, given: Sequence[Counted], owners: Collection[str], at: datetime) -> list[dict[str, Document]]:
        """What each rollup reads of the clients who have such records, by their ids."""
        found: list[dict[str, Document]] = [{} for _ in given]
        await asyncio.gather(*(self._fill(found, places, given, owners, at) for places in together(given)))
        return found

    async def _fill(
        self,
        found: Sequence[dict[str, Document]],
        places: Sequence[int],
        given: Sequence[Counted],
        owners: Collection[str],
        at: datetime,
    ) -> None:
        several = [given[each] for each in places]
        records = self._store.collection(several[0].rollup.area)
        if len(several) == 1:
            pipeline = counting_pipeline(several[0], owners, at)
        else:
            pipeline = several_pipeline(several, owners, at)
        for row in await records.aggregate(pipeline):
            found[places[row.get("r", 0)]][str(row[ID])] = row

    async def clients_behind(self, after: str) -> list[str]:
        """The next ids of clients behind an id."""
        rows = await self._clients.find({ID: {"$gt": after}}, {ID: 1}, [(ID, 1)], limit=BATCH)
        return [str(each[ID]) for each in rows]

    async def crossing(
        self, attributes: Sequence[Attribute], since: datetime, until: datetime, after: str
    ) -> list[str]:
        """The next clients behind an id of whom a record has left a window, or come in; all are of one area."""
        given = list(_counted(self._newest(), attributes))
        if not given:
            return []
        pipeline = crossing_pipeline(given, since, until, after, BATCH)
        rows = await self._store.collection(given[0].rollup.area).aggregate(pipeline)
        return [str(row[ID]) for row in rows]

    async def finish(self, before: datetime) -> int:
        """How many records had a mark from before a moment: their writers ended before the rollups were computed."""
        done = 0
        for area in sorted({each.rollup.area for each in rolled_up(self._newest()) if each.rollup is not None}):
            done += await self._finish(area, before)
        return done

    async def _finish(self, area: str, before: datetime) -> int:
        relation = relation_of(self._newest(), area)
        if relation is None:
            return 0
        records, done = self._store.collection(area), 0
        query = {f"{MARK}.at": {"$lt": before}}
        while rows := await records.find(query, {relation.stored_in: 1, MARK: 1}, limit=BATCH):
            await self.compute(sorted({str(each[relation.stored_in]) for each in rows}), self.over(area))
            # A newer write has a mark of its own, which stays.
            marks = [({ID: each[ID], f"{MARK}.key": each[MARK]["key"]}, {"$unset": {MARK: ""}}) for each in rows]
            await records.bulk_write(marks)
            done += len(rows)
        return done

    async def counted(self, client_id: str, attribute: Attribute) -> Document | None:
        """What a rollup reads of a client now: n, first and last; None where there is nothing."""
        for each in _counted(self._newest(), (attribute,)):
            (found,) = await self._rows((each,), (client_id,), _now())
            return found.get(client_id)
        return None

    async def has_member(self, client_id: str, attribute: Attribute) -> bool | None:
        """Whether a client is in the segment whose members have a value of a rollup.

        Shape: None where there is no segment, or where the catalogue does not fit its filter any more.
        Cost: one command; none without a segment.
        """
        try:
            predicate = members_of(self._newest(), attribute)
        except Refused:
            return None
        if predicate is None:
            return None
        return await self._clients.count({"$and": [{ID: {"$eq": client_id}}, query_from(predicate)]}, limit=1) > 0

    async def prepare(self) -> None:
        """The indexes that rollups need: of marks, and of the moments by which windows roll."""
        for attribute in rolled_up(self._newest()):
            for each in _counted(self._newest(), (attribute,)):
                specs = {MARK_INDEX: IndexSpec(((f"{MARK}.at", 1),), partial={f"{MARK}.at": {"$exists": True}})}
                if each.rollup.days is not None:
                    specs[f"{MARK} {each.over}"] = IndexSpec(((each.over, 1), (each.owner, 1)))
                await self._store.collection(each.rollup.area).create_indexes(specs)

    async def rolled_until(self) -> datetime | None:
        """The moment that windows have been rolled to."""
        found = await self._state.find_one({ID: STATE})
        return None if found is None else found["at"]

    async def note_rolled(self, until: datetime) -> None:
        """Note that windows have been rolled to a moment."""
        await self._state.update_one({ID: STATE}, {"$max": {"at": until}}, upsert=True)


def _counted(catalogue: Catalogue, attributes: Sequence[Attribute]) -> Iterator[Counted]:
    for each in attributes:
        try:
            found = counted(catalogue, each)
        except Refused as refused:
            log.error("%s is not computed: %s", each.path, refused)
            continue
        if found is not None:
            yield found


def _now() -> datetime:
    """Now, as the database keeps it."""
    moment = datetime.now(UTC)
    return moment - timedelta(microseconds=moment.microsecond % 1_000)
