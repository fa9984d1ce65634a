"""Score clients: the whole book by a model that is new somewhere, and those who have changed since the last time."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from math import isfinite
from typing import Any
from uuid import uuid4

from acts.checks import now
from acts.jobs import JobRun
from acts.models.binding import SCORER
from acts.models.columns import days_from, number_from
from acts.models.files import TensorKind, refusal
from acts.models.rooms import ScorerApart, loaded_apart
from acts.models.runtime import CROWD
from catalogue.attribute import CLIENTS, Attribute, ClientKind
from catalogue.catalogue import Catalogue
from catalogue.errors import KehuError, Refused
from catalogue.filters import Compare, Filter, all_of
from catalogue.formulas.graph import graph_of
from catalogue.kinds import Kind, Operator, parse_value
from catalogue.model_use import CORE_INPUTS, TODAY, ModelInput, ModelUse, Unset
from catalogue.search import searchable_words
from catalogue.values import broken_rule
from repositories.clients import differences
from repositories.compile.changes import SEQUENCE, STORED_AT, sequence_of
from repositories.cursors import value_at
from repositories.errors import NotFound
from repositories.models import Document
from repositories.plan import ID, Change, Page, Proof, ReadPlan
from repositories.repositories import Repositories

log = logging.getLogger("kehu.models")

BATCH = CROWD
SKEW = timedelta(minutes=2)
"""How long before its writes a batch may have taken the moment of its changes, and how far clocks may be apart.

What was changed so shortly before a run is looked at once more.
"""
_DIGITS = 6
_UNSET = {TensorKind.NUMBER: float("nan"), TensorKind.STRING: ""}
_CORE = tuple(each for each in CORE_INPUTS if each != TODAY)

Key = tuple[str, str]
"""Name and version."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What one run came to."""

    read: int = 0
    changed: int = 0
    refused: int = 0
    """Clients on whom the model fails, and results that the rules of their attribute do not allow: left out."""


@dataclass(slots=True)
class _Run:
    """One model on its way through the book."""

    repositories: Repositories
    job: JobRun
    key: Key
    uses: tuple[tuple[Attribute, ModelUse], ...]
    scorer: ScorerApart
    since: datetime | None
    up_to: datetime
    after: str = ""
    done: Scored = field(default_factory=Scored)

    @property
    def facts(self) -> dict[str, Any]:
        reached = {"after": self.after, "read": self.done.read, "changed": self.done.changed}
        return {"key": list(self.key), "upTo": self.up_to.isoformat(), "refused": self.done.refused, **reached}


def bound(catalogue: Catalogue) -> dict[Key, tuple[tuple[Attribute, ModelUse], ...]]:
    """The attributes of each version of a model that is used."""
    found: dict[Key, tuple[tuple[Attribute, ModelUse], ...]] = {}
    for each in graph_of(catalogue).models.values():
        if each.model is not None:
            key = (each.model.name, each.model.version)
            found[key] = (*found.get(key, ()), (each, each.model))
    return found


async def has_changes(repositories: Repositories) -> bool:
    """Whether a client was changed since one of the models that are used looked at the book.

    Cost: none without models; else two short reads.
    """
    keys = bound(repositories.feed.catalogue)
    if not keys:
        return False
    moments = [each["scoredUpTo"] for each in await _whole(repositories, keys)]
    return await repositories.models.is_changed_since(moments)


async def has_timed(repositories: Repositories) -> bool:
    """Whether a model is used whose results change as time goes by."""
    return any(use.is_timed for uses in bound(repositories.feed.catalogue).values() for _, use in uses)


async def score_book(repositories: Repositories, run: JobRun, name: str, version: str) -> dict[str, Any]:
    """What became of the whole book by one version of a model; nothing where no attribute uses it any more.

    Raises: JobStopped; NotFound or Refused where the file is away or does not run, RuntimeAway without the extra `ml`:
    values stay as they are, and the model says why it is behind.
    Cost: four commands for 500 clients.
    """
    return await _score(repositories, run, (name, version), None)


async def score_changed(repositories: Repositories, run: JobRun) -> dict[str, Any]:
    """What became of the clients who were changed since each of the models in use last looked at the book.

    A version that has not been through the whole book yet is left to the job that does that.
    Raises: as score_book; the other models are run first.
    """
    keys = bound(repositories.feed.catalogue)
    since = {(each["name"], each["version"]): each["scoredUpTo"] for each in await _whole(repositories, keys)}
    return await _several(repositories, run, {key: since[key] for key in _ordered(keys) if key in since})


async def score_timed(repositories: Repositories, run: JobRun) -> dict[str, Any]:
    """What became of the whole book by those of the models in use whose results change as time goes by."""
    keys = bound(repositories.feed.catalogue)
    timed = [key for key in _ordered(keys) if any(use.is_timed for _, use in keys[key])]
    return await _several(repositories, run, dict.fromkeys(timed))


async def _several(repositories: Repositories, run: JobRun, wanted: Mapping[Key, datetime | None]) -> dict[str, Any]:
    """Each model in turn; an attempt that goes on begins with the one that was not done."""
    found: dict[str, Any] = dict(run.job.checkpoint.get("done", {}))
    failed: KehuError | None = None
    for key, since in wanted.items():
        named = " ".join(key)
        if named not in found:
            try:
                found[named] = await _score(repositories, run, key, since, found)
            except KehuError as error:
                failed = error
    if failed is not None:
        raise failed
    return found


async def _whole(repositories: Repositories, keys: Mapping[Key, object]) -> list[Document]:
    """The versions in use that have been through the whole book."""
    rows = await repositories.models.every()
    return [each for each in rows if (each["name"], each["version"]) in keys and "scoredUpTo" in each]


def _ordered(keys: Mapping[Key, Sequence[tuple[Attribute, ModelUse]]]) -> list[Key]:
    """Models that others work from come first."""
    left, found = dict(keys), list[Key]()
    while left:
        outputs = {key: {attribute.path for attribute, _ in uses} for key, uses in left.items()}
        ready = [
            key
            for key, uses in left.items()
            if not any(use.paths & outputs[other] for _, use in uses for other in left if other != key)
        ]
        for key in sorted(ready or left):
            found.append(key)
            del left[key]
    return found


async def _score(
    repositories: Repositories,
    job: JobRun,
    key: Key,
    since: datetime | None,
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    uses = bound(repositories.feed.catalogue).get(key, ())
    if not uses:
        return {"read": 0, "changed": 0}
    is_loaded = False
    try:
        async with loaded_apart(await _content(repositories, key)) as scorer:
            is_loaded = True
            run = _begun(repositories, job, key, uses, scorer, since)
            await _walk(run, before or {})
    except KehuError as error:
        # Once it runs, values decide whether it fails.
        await repositories.models.note_error(*key, error.message, tells=is_loaded)
        raise
    await repositories.models.note_scored(*key, run.up_to)
    await repositories.models.note_error(*key, None)
    return {"read": run.done.read, "changed": run.done.changed, "refused": run.done.refused}


async def _content(repositories: Repositories, key: Key) -> bytes:
    """The file of a model, which is the one that was registered.

    Raises: NotFound, Refused.
    """
    facts, content = await repositories.models.find(*key), await repositories.models.read(*key)
    if facts is None or content is None:
        raise NotFound("model", " ".join(key))
    if sha256(content).hexdigest() != facts["digest"]:
        raise Refused([refusal(f"The file of {' '.join(key)} is not the one that was registered; register it again.")])
    return content


def _begun(
    repositories: Repositories,
    job: JobRun,
    key: Key,
    uses: tuple[tuple[Attribute, ModelUse], ...],
    scorer: ScorerApart,
    since: datetime | None,
) -> _Run:
    reached = job.job.checkpoint
    run = _Run(repositories, job, key, uses, scorer, since, now() - SKEW)
    if reached.get("key") == list(key):
        run.up_to, run.after = datetime.fromisoformat(reached["upTo"]), reached["after"]
        run.done = Scored(reached["read"], reached["changed"], reached["refused"])
    return run


async def _walk(run: _Run, before: Mapping[str, Any]) -> None:
    """Through the book by ids; the checkpoint moves with each batch."""
    clients = run.repositories.clients
    total = run.done.read + await clients.count(_question(run, Page(1)))
    while True:
        page = await clients.read_page(_question(run, Page(BATCH)))
        if page.documents:
            await _score_batch(run, page.documents)
            run.after = str(page.documents[-1][ID])
            facts = {"done": dict(before), **run.facts}
            await run.job.report(run.done.read, max(total, run.done.read), checkpoint=facts, note=" ".join(run.key))
        if not page.has_next:
            return


def _question(run: _Run, page: Page) -> Any:
    paths = {"version", SEQUENCE, *_CORE}.union(*({attribute.path, *use.paths} for attribute, use in run.uses))
    changed: Filter | None = None if run.since is None else Compare(STORED_AT, Operator.GTE, run.since)
    beyond: Filter | None = Compare(ID, Operator.GT, run.after) if run.after else None
    plan = ReadPlan(CLIENTS, frozenset(paths), all_of(changed, beyond), page=page)
    return run.repositories.access.authorise(plan, SCORER)


async def _score_batch(run: _Run, documents: Sequence[Document]) -> None:
    """Write what has changed of one batch; who was changed by others meanwhile is looked at in the next run."""
    at = now()
    inputs = run.uses[0][1].inputs
    kinds = {each.name: each.kind for each in run.scorer.inputs}
    rows = [_row(inputs, kinds, each, at) for each in documents]
    whole = [place for place, row in enumerate(rows) if row is not None]
    columns = {
        tensor.name: [[row[at_] for at_ in _places(inputs, tensor.name)] for row in rows if row is not None]
        for tensor in run.scorer.inputs
    }
    results, failed = await _results(run.scorer, columns) if whole else ({}, frozenset[int]())
    of_client = {place: number for number, place in enumerate(whole) if number not in failed}
    changes: list[tuple[str, Change]] = []
    refused = len(failed)
    key = f"{SCORER.person}:{uuid4()}"
    proof = Proof(source=f"model {' '.join(run.key)}")
    for place, document in enumerate(documents):
        values: dict[str, object] = {}
        for attribute, use in run.uses:
            number = of_client.get(place)
            found = None if number is None else results[use.output][number][use.column]
            values[attribute.path], is_refused = _value(run.repositories.catalogue, attribute, found, document["kind"])
            refused += is_refused
        if changed := differences(document, values):
            words = searchable_words(run.repositories.catalogue, changed)
            place_in_history = sequence_of(document)
            change = Change(
                changed,
                SCORER.person,
                at,
                proof,
                key,
                expected_sequence=place_in_history,
                is_silent=True,
                words=words,
            )
            changes.append((str(document[ID]), change))
    stale = await run.repositories.clients.write_many(changes, run.job.touched) if changes else ()
    done = run.done
    run.done = Scored(done.read + len(documents), done.changed + len(changes) - len(stale), done.refused + refused)


async def _results(
    scorer: ScorerApart, columns: Mapping[str, list[list[Any]]]
) -> tuple[dict[str, Any], frozenset[int]]:
    """The rows of each output, and the places of those on which the model fails: one client must not stop the others.

    Raises: Refused where it fails on all of several.
    """
    try:
        return await scorer.run(columns), frozenset()
    except Refused:
        count = len(next(iter(columns.values())))
    failed: dict[int, Refused] = {}
    found: dict[str, list[Any]] = {each.name: [None] * count for each in scorer.outputs}
    for place in range(count):
        try:
            row = await scorer.run({name: [rows[place]] for name, rows in columns.items()})
        except Refused as refused:
            failed[place] = refused
            continue
        for name, rows in row.items():
            found[name][place] = rows[0]
    if 1 < count == len(failed):
        raise failed[0]
    return found, frozenset(failed)


def _places(inputs: Sequence[ModelInput], name: str) -> list[int]:
    return [place for place, each in enumerate(inputs) if each.name == name]


def _row(
    inputs: Sequence[ModelInput], kinds: Mapping[str, TensorKind], document: Document, at: datetime
) -> list[Any] | None:
    """The inputs of one client, as their tensors take them; None where one is unset that must not be."""
    row: list[Any] = []
    for each in inputs:
        # The day and not the moment: a result must not be another one at each look.
        value = days_from(at.date()) if each.path == TODAY else value_at(document, each.path)
        found = _input(value, kinds[each.name])
        if found is None:
            if each.unset is Unset.SKIP:
                return None
            found = _UNSET[kinds[each.name]]
        row.append(found)
    return row


def _input(value: object, kind: TensorKind) -> Any:
    """A stored value for a tensor; what is of another kind than its attribute says counts as unset."""
    if kind is TensorKind.STRING:
        return value if isinstance(value, str) else None
    number = None if isinstance(value, str) else number_from(value)
    return int(number) if number is not None and kind is not TensorKind.NUMBER else number


def _value(catalogue: Catalogue, attribute: Attribute, found: Any, kind: str) -> tuple[object, bool]:
    """A result as a value of its attribute, and whether it was left out because a rule does not allow it."""
    if found is None or ClientKind(kind) not in catalogue.kinds_with(attribute):
        return None, False
    if isinstance(found, float) and not isfinite(found):
        return None, False
    if isinstance(found, str) and not found:
        return None, False
    given = _given(attribute, found)
    try:
        value = parse_value(attribute.kind, given)
    except ValueError:
        return None, True
    return (None, True) if broken_rule(attribute, value) is not None else (value, False)


def _given(attribute: Attribute, found: Any) -> object:
    if attribute.kind is Kind.DECIMAL:
        return str(Decimal(str(round(found, _DIGITS))))
    return round(found, _DIGITS) if isinstance(found, float) else found
