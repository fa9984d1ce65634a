"""Compute values of the whole book anew: after a formula has changed, and every night what time has changed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Collection as Some
from hashlib import sha256
from typing import Any

from acts.checks import now
from acts.jobs import Progress, enqueue
from catalogue.attribute import Attribute, FormulaState
from catalogue.formulas.graph import graph_of
from catalogue.rollups.reading import rolled_up
from policy.jobs import JOBS
from policy.viewer import program
from repositories.attributes import DefinitionChange, OutrunByAnother
from repositories.compile.derivations import Derivation, recomputing_stages, upcoming_stages
from repositories.errors import DocumentTooLarge, Unavailable
from repositories.plan import ReadPlan
from repositories.recomputing import BATCH, RecomputingRepository
from repositories.repositories import Repositories, new_id

log = logging.getLogger("kehu.formulas")

PROGRAM = program("kehu-formulas")
"""Who has computed a value, as the history names it."""
SETTLE_SECONDS = 5.0
"""After so long every server writes by the new definition."""
ATTEMPTS = 50
PASSES = 10
TOO_LARGE_LIMIT = 1_000
"""Clients that a job goes past because they would become too large; their ids stand in its checkpoint."""
RECOMPUTE = "formula.recompute"
"""The kind of the job that computes the book by a new formula."""
VERIFY = "formula.verify"
"""The kind of the job that computes every derived value of the book anew."""
COUNTING = "rollups"
"""The first phase of that job; the second one has no name."""

Report = Callable[..., Awaitable[None]]
"""Told how many are done, of how many, with the checkpoint that another attempt begins from."""


async def ask(repositories: Repositories, before: Attribute | None, after: Attribute, occasion: str = "") -> None:
    """Ask for the job that computes the book by a formula, where a definition makes it necessary.

    Cost: none where it does not; else one command.
    """
    was = (0, None) if before is None else (before.formula_revision, before.formula_state)
    is_given_up = was[1] is FormulaState.FILLING and after.formula_state is None
    is_new = after.formula_state is not None and was != (after.formula_revision, after.formula_state)
    if is_new or is_given_up or occasion:
        given = {"path": after.path, "revision": after.formula_revision}
        await enqueue(PROGRAM, repositories, RECOMPUTE, given, key=_key(after, occasion))


def job_of(attribute: Attribute) -> str:
    """The id of the job that computes the book by the formula of an attribute."""
    return new_id(JOBS, f"{PROGRAM.person}:{RECOMPUTE}:{_key(attribute)}")


def _key(attribute: Attribute, occasion: str = "") -> str:
    return ":".join((attribute.path, str(attribute.formula_revision), *([occasion] if occasion else ())))


async def read_progress(repositories: Repositories, ids: Some[str]) -> dict[str, Progress]:
    """How far those jobs are, by their ids, as far as there are such jobs.

    Cost: one command; none for none.
    """
    plan = repositories.access.authorise(ReadPlan(JOBS, frozenset(("done", "total"))), PROGRAM)
    found = await repositories.jobs.load_many(plan, ids)
    return {each: Progress(row["done"], row.get("total")) for each, row in found.items()}


class Superseded(Exception):
    """The formula that was being computed is no longer that of the attribute."""


async def recompute_formula(
    repositories: Repositories,
    path: str,
    revision: int,
    report: Report,
    checkpoint: Mapping[str, Any],
    *,
    settle_seconds: float = SETTLE_SECONDS,
) -> dict[str, Any]:
    """What became of the values of an attribute whose formula is new or changed.

    First the new values are put beside the old ones, which are read, filtered and sorted by meanwhile; when every
    client has both, the new ones take their place, each client's in one step with all that hangs on them. Values that
    nobody has had take their place at once. Safe to stop and to run again: a batch that is done twice changes nothing.
    Raises: whatever `report` raises; Unavailable where others write without a pause.
    Cost: two passes through the book by the database itself, a thousand clients a command.
    """
    book = _Book(repositories, path, revision, report, checkpoint, settle_seconds)
    try:
        attribute = await book.attribute()
        if attribute.formula_state is FormulaState.FILLING:
            await book.fill()
            await book.move_on(FormulaState.SWITCHING)
        changed = await (book.switch() if attribute.rollup is None else book.roll())
        await book.move_on(None)
    except Superseded:
        dropped = await book.clean()
        return {"isSuperseded": True, "dropped": dropped}
    return {"isSuperseded": False, "changed": changed, **_told(book.too_large)}


async def recompute_all(
    repositories: Repositories, report: Report, checkpoint: Mapping[str, Any], occasion: str
) -> dict[str, Any]:
    """How many clients had a derived value that was not what its formula or its rollup says now; they have it now.

    Time changes those of formulas that read $$NOW; of the others it is a proof that none was forgotten, and how a book
    comes by values that an attribute has been computed for from the beginning. What the book is still on its way to is
    asked for once more, whatever became of the job that was to compute it.
    Cost: one pass through the book by the database itself, and one through the records that rollups read.
    """
    await repositories.feed.refresh()
    catalogue = repositories.feed.catalogue
    rollups = rolled_up(catalogue)
    for each in (*graph_of(catalogue).formulas.values(), *rollups) if not checkpoint else ():
        if each.formula_state is not None:
            await ask(repositories, each, each, occasion)
    walk = _Walk(repositories, report, str(checkpoint.get("after", "")), int(checkpoint.get("done", 0)))
    walk.changed, walk.too_large = int(checkpoint.get("changed", 0)), set(checkpoint.get("tooLarge", ()))
    if rollups and (not checkpoint or checkpoint.get("phase") == COUNTING):
        await walk.count(lambda: rolled_up(repositories.feed.catalogue), {"phase": COUNTING})
        walk.after, walk.done = "", 0
    if repositories.derivations.for_all():
        await walk.run(repositories.derivations.for_all, {})
    return {"changed": walk.changed, **_told(walk.too_large)}


def _told(too_large: Some[str]) -> dict[str, Any]:
    """What a result says of clients who would have become too large; nothing where there are none."""
    return {"tooLarge": sorted(too_large)} if too_large else {}


def _note(too_large: Some[str]) -> dict[str, str]:
    """The same in words, for whoever follows the job."""
    if not too_large:
        return {}
    return {"note": f"{len(too_large):,} clients stay as they are: they would be larger than the 16 MB of a document"}


async def follow_built_in(repositories: Repositories) -> None:
    """Ask once for the job that computes a book by built-in rules which it does not know, as after an upgrade.

    Cost: one command where it knows them.
    """
    rows = repositories.feed.built_in.attributes
    texts = [each.canonical_text for each in rows if each.formula is not None or each.rollup is not None]
    rules = sha256("".join(texts).encode()).hexdigest()
    book = RecomputingRepository(repositories.store, repositories.clients.history)
    if not texts or await book.knows(rules):
        return
    if await book.count():
        await enqueue(PROGRAM, repositories, VERIFY, {}, key=rules)
    await book.note_rules(rules)


class _Walk:
    """One pass through the book, from where it stopped."""

    def __init__(self, repositories: Repositories, report: Report, after: str, done: int) -> None:
        self._repositories = repositories
        self._book = RecomputingRepository(repositories.store, repositories.clients.history)
        self._report = report
        self.after, self.done, self.changed = after, done, 0
        self.too_large: set[str] = set()

    async def run(
        self,
        wanted: Callable[[], Sequence[Derivation]],
        facts: Mapping[str, Any],
        *,
        is_filling: bool = False,
        before: int = 0,
        passes: int = 1,
    ) -> None:
        """Run through the rest of the book; `wanted` says anew for each batch what is computed, by the catalogue."""
        total = passes * max(await self._book.count(), 1)
        while True:
            until = await self._book.end_of_batch(self.after, BATCH)
            await self._repositories.feed.refresh()
            derivations = wanted()
            at = now()
            stages = (
                upcoming_stages(derivations[0], at)
                if is_filling
                else recomputing_stages(derivations, at, PROGRAM.person)
            )
            ran = await self._book.run(stages, self.after, until, at)
            self.changed += ran.changed
            self._leave(ran.too_large)
            if until is None:
                if self.too_large:
                    await self._report(before + self.done, **_note(self.too_large))
                return
            self.after, self.done = until, self.done + BATCH
            reached = {**facts, "after": until, "done": self.done, "changed": self.changed, **_told(self.too_large)}
            counts = before + self.done, max(total, before + self.done)
            await self._report(*counts, checkpoint=reached, **_note(self.too_large))

    def _leave(self, ids: Some[str]) -> None:
        """Go past clients who would become too large. Raises: DocumentTooLarge, if there is no end of them."""
        if ids:
            log.warning("too large for what is computed of them, left as they are: %s", ", ".join(ids))
        self.too_large.update(ids)
        if len(self.too_large) > TOO_LARGE_LIMIT:
            raise DocumentTooLarge

    async def count(self, wanted: Callable[[], Sequence[Attribute]], facts: Mapping[str, Any]) -> None:
        """Have the rest of the book counted anew from the related records, with what hangs on it."""
        rollups = self._repositories.rollups
        total = max(await self._book.count(), 1)
        while ids := await rollups.clients_behind(self.after):
            await self._repositories.feed.refresh()
            self.changed += await rollups.compute(ids, wanted(), is_final=False)
            self.after, self.done = ids[-1], self.done + len(ids)
            reached = {**facts, "after": self.after, "done": self.done, "changed": self.changed}
            await self._report(self.done, max(total, self.done), checkpoint=reached)


class _Book:
    """The book on its way to a formula."""

    def __init__(
        self,
        repositories: Repositories,
        path: str,
        revision: int,
        report: Report,
        checkpoint: Mapping[str, Any],
        settle_seconds: float,
    ) -> None:
        self._repositories = repositories
        self._path, self._revision = path, revision
        self._report, self._checkpoint = report, checkpoint
        self._settle_seconds = settle_seconds
        self._book = RecomputingRepository(repositories.store, repositories.clients.history)
        self._filled = 0
        self.too_large: set[str] = set(checkpoint.get("tooLarge", ()))

    async def attribute(self) -> Attribute:
        """The attribute as it is defined now. Raises: Superseded."""
        await self._repositories.feed.refresh()
        return self._known()

    def _known(self) -> Attribute:
        found = self._repositories.feed.catalogue.find(self._path)
        is_ours = found is not None and found.is_live and found.formula_revision == self._revision
        if found is None or not is_ours or found.formula_state is None:
            raise Superseded
        return found

    async def fill(self) -> None:
        """Put the new value of every client beside the old one."""
        walk = await self._walk("fill")
        await walk.run(self._filling, {"phase": "fill"}, is_filling=True, passes=2)
        # Whoever wrote by an older definition after his batch was done has left no new value, or an old one.
        for _ in range(PASSES):
            stages = upcoming_stages(self._filling()[0], now())
            ran = await self._book.run_missing(stages, self._path, self._revision, self.too_large)
            self.too_large.update(ran.too_large)
            if not ran.changed:
                self._filled = walk.done
                return
        raise Unavailable("Others write without a pause; the formula is computed later.")

    def _filling(self) -> Sequence[Derivation]:
        return [self._wanted(self._path)]

    def _wanted(self, path: str) -> Derivation:
        self._known()
        found = self._repositories.derivations.of(path)
        if found is None:
            raise Superseded
        return found

    async def switch(self) -> int:
        """Have the new value of every client take the place of the old one, with what hangs on it."""
        walk = await self._walk("switch")
        before = int(self._checkpoint.get("filled", self._filled))
        facts = {"phase": "switch", "filled": before}
        await walk.run(self._switching, facts, before=before, passes=2 if before else 1)
        return walk.changed

    async def roll(self) -> int:
        """Have every client's value counted anew from the related records, with what hangs on it."""
        walk = await self._walk("roll")
        await walk.count(lambda: (self._known(),), {"phase": "roll"})
        return walk.changed

    def _switching(self) -> Sequence[Derivation]:
        self._wanted(self._path)
        return self._repositories.derivations.with_users(self._path)

    async def _walk(self, phase: str) -> _Walk:
        is_begun = self._checkpoint.get("phase") == phase
        if not is_begun:
            # A server that does not know of it yet would write by the definition before.
            await asyncio.sleep(self._settle_seconds)
        given = self._checkpoint if is_begun else {}
        walk = _Walk(self._repositories, self._report, str(given.get("after", "")), int(given.get("done", 0)))
        walk.changed, walk.too_large = int(given.get("changed", 0)), self.too_large
        return walk

    async def move_on(self, state: FormulaState | None) -> None:
        """Let every server know that the book has come so far."""
        feed, attributes = self._repositories.feed, self._repositories.attributes
        for _ in range(ATTEMPTS):
            found = await self.attribute()
            update = {"formula_state": state, "formula_before": None, "formula_before_revision": 0}
            try:
                change = DefinitionChange(PROGRAM.person, now())
                await attributes.write(found.model_copy(update=update), change, feed.sequence)
            except OutrunByAnother:
                continue
            await feed.refresh()
            log.info("the formula of %s, revision %d: %s", self._path, self._revision, state or "all values follow it")
            return
        raise Unavailable("Others define attributes without a pause; the formula is computed later.")

    async def clean(self) -> int:
        """How many values that were put beside are gone, where no formula wants them."""
        found = self._repositories.feed.catalogue.find(self._path)
        is_wanted = found is not None and found.formula_state is FormulaState.FILLING
        return 0 if is_wanted else await self._book.drop_upcoming(self._path)
