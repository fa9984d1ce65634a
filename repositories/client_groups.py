"""Groups of clients with their figures: one aggregation a page, kept while nothing changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import partial
from hashlib import blake2b
from typing import Any

from catalogue.attribute import CLIENTS
from catalogue.kinds import DECIMAL_DIGITS
from repositories.access import AuthorisedPlan
from repositories.book_head import head_of
from repositories.compile.groups import (
    Grouping,
    Measure,
    Operation,
    group_pipeline,
    key_names,
    known_name,
    measure_names,
)
from repositories.cursors import Cursors
from repositories.group_cache import Answer, GroupCache
from repositories.mongo import Collection, Store
from repositories.past import PastReads
from repositories.references import ReferenceReads
from repositories.vault import Vault

AGE_LIMIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """One question about groups: the clients that may be read, and how they are grouped."""

    authorised: AuthorisedPlan
    grouping: Grouping
    version: str
    """The version of the catalogue that the question was asked by."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group."""

    keys: tuple[Any, ...]
    """As stored; the start of a span of time, the place of a bucket, None for unset."""
    count: int
    """0 where it is not wanted."""
    figures: tuple[float | Decimal | None, ...]
    """In the order of the measures."""


@dataclass(frozen=True, slots=True)
class GroupSlice:
    """One page of groups."""

    groups: tuple[Group, ...]
    has_next: bool
    total: int | None


class ClientGroupRepository:
    """Answers questions about groups of clients.

    The same question is answered once for all who ask it at a time, and its answer is kept by the rule of GroupCache.
    What is kept is found by the very command that would be sent, which contains the rows that a viewer may read: nobody
    can meet the figures of others.
    """

    def __init__(
        self,
        store: Store,
        cursors: Cursors,
        vault: Vault,
        past: PastReads,
        age_limit_seconds: float = AGE_LIMIT_SECONDS,
    ) -> None:
        self._vault = vault
        self._past = past
        self._references = ReferenceReads(store)
        self._collection = store.collection(CLIENTS)
        self._cursors = cursors
        self.cache = GroupCache(head_of(store, CLIENTS, age_limit_seconds), age_limit_seconds)

    async def read_page(self, plan: GroupPlan) -> GroupSlice:
        """One page of groups.

        Order: by the keys, ascending; unset is lowest.
        Raises: BadCursor; TooManyChanged for a moment that is too long ago.
        Cost: one command, or none where the answer is kept; one more for a moment.
        """
        page = plan.authorised.plan.page
        if page is None:
            raise ValueError("a page is read by a plan that has one")
        position = None
        if page.after is not None:
            position = self._cursors.open(self._binding(plan), page.after, len(plan.grouping.by))
        authorised = plan.authorised
        if authorised.past is None:
            collection, before = self._collection, list[dict[str, Any]]()
            predicate = await self._references.resolved(authorised.pointing, authorised.filter)
            predicate = await self._vault.resolved(predicate)
        else:
            collection, before = await self._past.grouped(await self._references.resolved_then(authorised))
            predicate = None
        pipeline = [*before, *group_pipeline(predicate, plan.grouping, page.limit + 1, position)]
        read = partial(self._read, collection, pipeline, plan.grouping)
        rows, total = await self.cache.answer(_key(plan, pipeline), read)
        return GroupSlice(rows[: page.limit], len(rows) > page.limit, total)

    async def _read(self, collection: Collection, pipeline: Sequence[dict[str, Any]], grouping: Grouping) -> Answer:
        found = await collection.aggregate(pipeline)
        if not grouping.wants_total:
            return _groups(found, grouping), None
        both = found[0]
        return _groups(both["page"], grouping), both["total"][0]["groups"] if both["total"] else 0

    def seal(self, plan: GroupPlan, groups: Sequence[Group]) -> list[str]:
        """The cursors of groups."""
        binding = self._binding(plan)
        return [self._cursors.seal(binding, each.keys) for each in groups]

    def _binding(self, plan: GroupPlan) -> bytes:
        """What a cursor is bound to: the person and the filter, as every cursor, and the keys."""
        return self._cursors.bound_to((self._cursors.binding(plan.authorised), plan.grouping.by))

    async def close(self) -> None:
        """Ends what runs in the background."""
        await self.cache.close()


def _key(plan: GroupPlan, pipeline: object) -> bytes:
    # In memory the rows and the moment are not in the pipeline.
    then = "" if plan.authorised.past is None else f"{plan.authorised.past.moment} {plan.authorised.rows!r}"
    text = f"{plan.version} {then} {pipeline!r}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def _groups(rows: Sequence[dict[str, Any]], grouping: Grouping) -> tuple[Group, ...]:
    keys, measures = key_names(len(grouping.by)), measure_names(len(grouping.measures))
    return tuple(
        Group(
            tuple(row["_id"].get(name) for name in keys),
            int(row.get("count", 0)),
            tuple(_figure(row, name, measure) for name, measure in zip(measures, grouping.measures, strict=True)),
        )
        for row in rows
    )


def _figure(row: Mapping[str, Any], name: str, measure: Measure) -> float | Decimal | None:
    """A figure of a group: a Decimal where every digit counts, else a float."""
    value = row.get(name)
    if value is None or value.__class__ is float:
        return value
    # By its text, because a Decimal128 has no other way to a float than through a Decimal.
    text = str(value)
    if not measure.operation.is_exact:
        return float(text)
    if measure.operation is not Operation.AVERAGE_EXACT:
        return Decimal(text)
    known = row[known_name(name)]
    return _AVERAGES.divide(Decimal(text), Decimal(known)) if known else None


_AVERAGES = Context(prec=DECIMAL_DIGITS, rounding=ROUND_HALF_EVEN)
