"""The one door to derived values: what has to be computed with a change is said here, and by no act."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import bson

from catalogue.attribute import CLIENTS, Attribute, FormulaState
from catalogue.catalogue import Catalogue
from catalogue.errors import Refused
from catalogue.formulas.forms import check_text
from catalogue.formulas.graph import graph_of, texts_of
from catalogue.formulas.text import reads_of
from catalogue.kinds import Kind
from catalogue.rollups.reading import is_for_members, rolled_up
from repositories.compile.changes import Stage, change_pipeline
from repositories.compile.derivations import NEXT, Derivation, bare_stages, derived_stages
from repositories.compile.derived_value import value_expression
from repositories.compile.formula import AT
from repositories.compile.news import IS_NEWS, is_conditional
from repositories.compile.records import assign
from repositories.compile.rollups import as_derivation, counted, for_members
from repositories.cursors import value_at
from repositories.mongo import Store
from repositories.plan import Change

Document = dict[str, Any]

COMPLETED = 100
"""Clients that one command computes values for; they stand in it, so that it must not grow too large."""
COMPLETED_BYTES = 4_000_000
"""Of clients in one such command, who have every value twice: the history has it too. A command takes 16 MB."""

_NOT_READ = frozenset(("tail", "words", "proof", "lookups"))

log = logging.getLogger("kehu.formulas")


class Derivations:
    """The formulas of the newest catalogue, compiled.

    Cost: a formula is compiled once for each catalogue, when it is first needed; a change that no formula hangs on
    costs a look-up for each of its paths.
    """

    def __init__(self, store: Store, catalogue: Callable[[], Catalogue]) -> None:
        self._clients = store.collection(CLIENTS)
        self._newest = catalogue
        self._catalogue: Catalogue | None = None
        self._made: dict[str, Derivation | None] = {}
        self._all: tuple[Derivation, ...] | None = None
        self._new: tuple[Derivation, ...] | None = None

    def pipeline(self, change: Change) -> list[Stage]:
        """The stages of a change of a client, with what is computed of it: the one way in which clients change."""
        seen = change.proof.observed_at or change.at
        condition = IS_NEWS if is_conditional(change) else None
        derived = derived_stages(self.for_change(change.values), change.at, seen, condition)
        return change_pipeline(change, derived)

    def for_change(self, paths: Iterable[str]) -> tuple[Derivation, ...]:
        """What to compute when the values at some paths change, in order."""
        catalogue = self._current()
        graph = graph_of(catalogue)
        return self._several(catalogue, graph.hanging_on(paths)) if graph.formulas else ()

    def for_all(self) -> tuple[Derivation, ...]:
        """What formulas compute of a client, in order."""
        catalogue = self._current()
        if self._all is None:
            graph = graph_of(catalogue)
            self._all = self._several(catalogue, graph.ordered(graph.formulas))
        return self._all

    def for_new(self) -> tuple[Derivation, ...]:
        """What to compute for a new client, who has no related records yet."""
        formulas, catalogue = self.for_all(), self._current()
        if self._new is None:
            self._new = (*_without_records(catalogue), *formulas)
        return self._new

    async def complete(self, documents: Sequence[Document]) -> None:
        """Give clients who are about to be stored what is computed of them, with their first change's rows.

        One pipeline computes it for many of them: one for each would cost ten times as much.
        Cost: one command for a hundred clients; none where there are no formulas.
        """
        derivations = self.for_new()
        paths = stored_paths(derivations)
        for batch in _batches(documents) if derivations else ():
            # What was given stands in the values; history and words of the search would double what is sent.
            read = [{name: each for name, each in document.items() if name not in _NOT_READ} for document in batch]
            given: list[Document] = [
                {"$collStats": {}},
                {"$limit": 1},
                {"$project": {"each": {"$literal": read}}},
                {"$unwind": "$each"},
                {"$replaceWith": "$each"},
                *bare_stages(derivations),
                {"$project": dict.fromkeys((*paths, NEXT), 1)},
            ]
            for document, found in zip(batch, await self._clients.aggregate(given), strict=True):
                if NEXT in found:
                    document[NEXT] = found[NEXT]
                for path in paths:
                    _enter(document, path, value_at(found, path))

    def of(self, path: str) -> Derivation | None:
        """How the value at one path is computed; None where no formula computes it."""
        catalogue = self._current()
        return self._one(catalogue, path) if path in graph_of(catalogue).levels else None

    def with_users(self, *paths: str) -> tuple[Derivation, ...]:
        """How the values at some paths are computed, as far as they are, and what hangs on them."""
        catalogue = self._current()
        graph = graph_of(catalogue)
        return self._several(catalogue, graph.ordered({*paths, *graph.hanging_on(paths)}))

    async def trial(self, derivation: Derivation) -> None:
        """Let the database read an expression, for a client who has nothing: what it says against it is told.

        Raises: RepositoryFault, if it finds something against it.
        """
        for each in (derivation.value, derivation.upcoming):
            found = {"$let": {"vars": {AT: "$createdAt"}, "in": each}}
            nobody: Document = {"$replaceWith": {"$literal": {"createdAt": datetime(2000, 1, 1, tzinfo=UTC)}}}
            await self._clients.aggregate(
                [{"$collStats": {}}, {"$limit": 1}, nobody, {"$project": {"_id": 0, "found": found}}]
            )

    def _current(self) -> Catalogue:
        catalogue = self._newest()
        if self._catalogue is not catalogue:
            self._catalogue, self._made, self._all, self._new = catalogue, {}, None, None
        return catalogue

    def _several(self, catalogue: Catalogue, paths: Collection[str]) -> tuple[Derivation, ...]:
        found = (self._one(catalogue, path) for path in paths)
        return tuple(each for each in found if each is not None)

    def _one(self, catalogue: Catalogue, path: str) -> Derivation | None:
        if path not in self._made:
            self._made[path] = derivation_of(catalogue, graph_of(catalogue).formulas[path])
        return self._made[path]


def _enter(document: Document, path: str, value: object) -> None:
    """Put what was computed into a new client, and into the change that it is made with."""
    was = value_at(document, path)
    if value is not None and value != was:
        assign(document, path, value)
        row = {"path": path, "new": value}
        document["tail"][0]["values"].append(row if was is None else {**row, "old": was})


def _without_records(catalogue: Catalogue) -> Iterator[Derivation]:
    for each in rolled_up(catalogue):
        if is_for_members(each):
            continue
        with suppress(Refused):
            found = counted(catalogue, each)
            if found is not None and found.nothing is not None:
                yield as_derivation(catalogue, found, {"$literal": found.nothing})


def _batches(documents: Sequence[Document]) -> Iterator[Sequence[Document]]:
    """The documents in their order, as many at a time as one command takes."""
    start = size = 0
    for at, document in enumerate(documents):
        weight = len(bson.encode(document))
        if at > start and (at - start == COMPLETED or size + weight > COMPLETED_BYTES):
            yield documents[start:at]
            start, size = at, 0
        size += weight
    if start < len(documents):
        yield documents[start:]


def derivation_of(catalogue: Catalogue, attribute: Attribute) -> Derivation | None:
    """A formula as it is to be computed; None, with a warning, where the catalogue does not let it.

    No definition is accepted that leads there; what is stored may have been written by other hands.
    """
    level = graph_of(catalogue).levels.get(attribute.path, 0)
    if is_for_members(attribute):
        return _for_members(catalogue, attribute, level)
    is_timed = any(reads_of(each).is_timed for each in texts_of(attribute))
    source = f"formula of {attribute.path}, revision"
    value = _expression(catalogue, attribute, attribute.formula)
    if value is None:
        return None
    if attribute.formula_state is not FormulaState.FILLING:
        is_switching = attribute.formula_state is FormulaState.SWITCHING
        named = f"{source} {attribute.formula_revision}"
        return Derivation(attribute.path, level, value, drops_upcoming=is_switching, is_timed=is_timed, source=named)
    before = _expression(catalogue, attribute, attribute.formula_before)
    named = f"{source} {attribute.formula_before_revision}"
    revision = attribute.formula_revision
    return Derivation(attribute.path, level, before, value, revision, is_timed=is_timed, source=named)


def _for_members(catalogue: Catalogue, attribute: Attribute, level: int) -> Derivation | None:
    try:
        found = counted(catalogue, attribute)
        return None if found is None else for_members(catalogue, found, level)
    except Refused as refused:
        log.error("%s is not computed: %s", attribute.path, refused)
        return None


def _expression(catalogue: Catalogue, attribute: Attribute, text: str | None) -> object | None:
    if text is None or attribute.kind is Kind.GROUP:
        return None
    checked = check_text(catalogue, attribute.path, text)
    if checked.problems:
        log.error("%s is not computed: %s", attribute.path, checked.problems[0].message)
        return None
    return value_expression(attribute, catalogue.kinds_with(attribute), checked.tree)


def stored_paths(derivations: Sequence[Derivation]) -> list[str]:
    """The paths whose values are computed, and not left as they are."""
    return [each.path for each in derivations if each.value is not None]
