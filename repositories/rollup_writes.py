"""What was counted of clients put into them: many by one command, and only where nobody else has counted since."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from catalogue.rollups.reading import is_for_members
from repositories.changes import TAIL_LIMIT, ChangeHistory
from repositories.compile.derivations import recomputing_stages
from repositories.compile.rollups import Counted, as_derivation, rolled_stages, value_among
from repositories.derivations import Derivations
from repositories.errors import DocumentTooLarge, RepositoryFault
from repositories.mongo import BulkError, Store
from repositories.plan import ID

Document = dict[str, Any]
Computed = tuple[Document, Sequence[object]]
"""A client as it was found, with the values of its rollups in their order."""

COUNTER = "rollups"
"""Counts in a client how often its rollups were computed: what was counted before another did so is not written."""
TOGETHER = 100
"""Clients whose values one command writes: they stand in it."""

log = logging.getLogger("kehu.rollups")


class RollupWrites:
    """Writes what was counted, with what hangs on it, in the name of a program."""

    def __init__(self, store: Store, derivations: Derivations, history: ChangeHistory, by: str) -> None:
        self._clients = store.collection(CLIENTS)
        self._derivations = derivations
        self._history = history
        self._by = by

    async def write(
        self,
        catalogue: Catalogue,
        wanted: Sequence[Counted],
        changes: Sequence[Computed],
        at: datetime,
        *,
        is_final: bool,
    ) -> tuple[bool, int]:
        """Whether nobody else has computed these clients meanwhile, and how many have other values now.

        Cost: one command for up to a hundred clients who were computed equally often, and one for all others.
        """
        pairs: list[tuple[Document, list[Mapping[str, Any]]]] = []
        matched = changed = 0
        for group in _groups(changes, is_apart=any(each.of_kind is Kind.TEXT for each in wanted)):
            update = self._update(catalogue, group, wanted, at, is_final=is_final)
            if len(group) == 1:
                pairs.append(update)
                continue
            try:
                done = await self._clients.update_many(*update)
            except DocumentTooLarge:
                pairs += [self._update(catalogue, (each,), wanted, at, is_final=is_final) for each in group]
                continue
            matched, changed = matched + done[0], changed + done[1]
        bulk = await self._clients.bulk_write(pairs)
        too_large = _too_large(bulk.errors, pairs)
        await self._move_full(row for row, _ in changes)
        return matched + bulk.matched + len(too_large) == len(changes), changed + bulk.modified

    def _update(
        self,
        catalogue: Catalogue,
        group: Sequence[Computed],
        wanted: Sequence[Counted],
        at: datetime,
        *,
        is_final: bool,
    ) -> tuple[Document, list[Mapping[str, Any]]]:
        """The command that gives clients, all of them computed equally often, their values."""
        ids = [str(row[ID]) for row, _ in group]
        columns = zip(*(values for _, values in group), strict=True)
        counts = [(each, value_among(ids, values)) for each, values in zip(wanted, columns, strict=True)]
        own = [as_derivation(catalogue, *each) for each in counts if not is_for_members(each[0].attribute)]
        hanging = self._derivations.with_users(*(each.attribute.path for each in wanted))
        computing = recomputing_stages([*own, *hanging], at, self._by)
        stages: list[Mapping[str, Any]] = [*rolled_stages(counts), *computing]
        if is_final:
            stages.append({"$set": {COUNTER: {"$add": [{"$ifNull": [f"${COUNTER}", 0]}, 1]}}})
        return {ID: {"$in": ids}, COUNTER: {"$eq": group[0][0].get(COUNTER)}}, stages

    async def _move_full(self, clients: Iterable[Document]) -> None:
        """Move the older changes of those out whose tails were full before they got one more."""
        for each in clients:
            if len(each.get("tail", ())) >= TAIL_LIMIT:
                await self._history.move_when_full(str(each[ID]), {"tail": [*each["tail"], {}]})


def _groups(changes: Sequence[Computed], *, is_apart: bool) -> Iterator[Sequence[Computed]]:
    """Those that one command writes: of clients who were computed equally often; long texts make a command each."""
    by_counter: dict[object, list[Computed]] = {}
    for each in changes:
        by_counter.setdefault(each[0].get(COUNTER), []).append(each)
    size = 1 if is_apart else TOGETHER
    for several in by_counter.values():
        yield from (several[start : start + size] for start in range(0, len(several), size))


def _too_large(errors: Sequence[BulkError], pairs: Sequence[tuple[Document, object]]) -> list[str]:
    """The clients whose values have no room in their documents. Raises: RepositoryFault for any other error."""
    if others := [each for each in errors if not each.is_too_large]:
        raise RepositoryFault(others[0].message)
    found = [str(pairs[each.index][0][ID]["$in"][0]) for each in errors]
    if found:
        log.warning("too large for what is computed of their records, left as they are: %s", ", ".join(found))
    return found
