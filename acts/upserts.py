"""Create or change many clients by their numbers; the good rows land, each bad one says why."""

from asyncio import sleep
from collections import defaultdict
from collections.abc import Collection as Some
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import random
from typing import Any
from uuid import uuid4

from acts.checks import FACETS, newer_values, now, number_problems, problem, proof_at, proof_problems, refuse
from acts.references import kept_references
from acts.repeated import accept_repeated
from acts.upsert_problems import must_be_there, problems_of_change, problems_of_new
from acts.upsert_rows import BatchKey, ClientRow, Mode, UpsertReport
from catalogue.attribute import CLIENTS, ClientStage
from catalogue.catalogue import UnknownAttribute
from catalogue.errors import ErrorCode, Problem
from catalogue.filters import Filter, all_of
from catalogue.search import folded, searchable_words
from catalogue.values import Checked, check_flat
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import NotAllowed, Touched
from repositories.changes import CREATED
from repositories.clients import TERRITORY, differences, put_values
from repositories.compile.news import says_more
from repositories.cursors import value_at
from repositories.errors import AlreadyExists
from repositories.plan import ID, Change, Proof
from repositories.repositories import Repositories, new_id

ROW_LIMIT = 1_000
ATTEMPTS = 10
PAUSE_SECONDS = 0.01
"""Before rows that others got in the way of are tried again, for the first time; longer each time, by chance."""


Territories = Mapping[str, Mapping[str, str | None]]
"""Team and region by manager."""


@dataclass(slots=True)
class _Batch:
    """One call of the act, as it goes."""

    viewer: Viewer
    repositories: Repositories
    proof: Proof
    at: datetime
    key: str
    rows: Sequence[ClientRow]
    checked: list[Checked]
    scope: Filter | None
    """The clients that the viewer may change."""
    touched: Touched | None
    mode: Mode = Mode.UPSERT
    confirms: bool = False
    """Whether the proof renews that of values that are the same, where it says more."""
    taken: set[int] = field(default_factory=set)
    """Rows whose number turned out to be taken when a client was to be made of them."""
    problems: list[Problem] = field(default_factory=list)
    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def refused(self) -> set[int]:
        return {each.row for each in self.problems if each.row is not None}

    def report(self) -> UpsertReport:
        ordered = sorted(self.problems, key=lambda each: each.row or 0)
        return UpsertReport(self.created, self.changed, self.unchanged, tuple(ordered))


async def upsert_clients(
    viewer: Viewer,
    repositories: Repositories,
    rows: Sequence[ClientRow],
    proof: Proof,
    *,
    dry_run: bool = False,
    touched: Touched | None = None,
    batch_key: BatchKey | None = None,
    mode: Mode = Mode.UPSERT,
    confirms: bool = False,
) -> UpsertReport:
    """How many clients were made, changed and left as they are, and what was wrong with the other rows.

    Sending the same rows again changes nothing; with `confirms` a proof that says more renews that of the same values.
    Raises: NotAllowed; Refused if there are too many rows, or the proof is wrong.
    Cost: up to eight commands, however many rows; two more for a batch that may be done already.
    """
    access = repositories.access
    access.require(viewer, Right.CHANGE_CLIENTS)
    problems = proof_problems(proof)
    if len(rows) > ROW_LIMIT:
        problems.append(problem("clients", f"{len(rows)} rows", f"up to {ROW_LIMIT} rows; send them in parts"))
    refuse(problems)
    scope = all_of(access.rows(viewer), access.rows(viewer, Right.CHANGE_CLIENTS))
    checked = [check_flat(repositories.catalogue, row.values) for row in rows]
    key = f"{viewer.person}:{f'upsert-{uuid4()}' if batch_key is None else batch_key.key}"
    batch = _Batch(viewer, repositories, proof, now(), key, rows, checked, scope, touched, mode, confirms)
    await _accept_repeated(batch)
    _check_rows(batch)
    await _check_references(batch)
    territories = await _territories(batch)
    done = await _done_before(batch) if batch_key is not None and batch_key.may_be_done else frozenset()
    refused = batch.refused()
    waiting = [place for place in range(len(rows)) if place not in refused | done]
    tries = ATTEMPTS
    while waiting and tries:
        outrun, later = await _attempt(batch, waiting, territories, dry_run)
        # Who waits for an earlier row of the same client was not outrun by anybody.
        tries -= bool(outrun)
        waiting = sorted((*outrun, *later))
        if outrun:
            await sleep(PAUSE_SECONDS * (ATTEMPTS - tries) * random())
    for place in waiting:
        message = (
            f"Client {rows[place].number} was changed by others again and again meanwhile, or would be larger than the "
            "16 MB a document may have; send the row alone."
        )
        batch.problems.append(Problem(ErrorCode.STALE_VERSION, message, row=place))
    await _look_at_refused(batch, refused - done)
    return batch.report()


async def _look_at_refused(batch: _Batch, places: Some[int]) -> None:
    """What else is wrong with rows that were refused by themselves: whoever mends one should hear of everything.

    Cost: one command, where there are any.
    """
    looked = [place for place in places if not number_problems(batch.rows[place].number)]
    find = batch.repositories.clients.find_by_numbers
    present = await find({batch.rows[place].number for place in looked}, batch.scope)
    catalogue = batch.repositories.catalogue
    known: defaultdict[int | None, set[str]] = defaultdict(set)
    for each in batch.problems:
        known[each.row].add(".".join(each.path))
    for place in looked:
        row, given = batch.rows[place], batch.checked[place].values
        document = present.get(row.number)
        if document is None:
            found = problems_of_new(catalogue, row, given, batch.mode)
        else:
            found = problems_of_change(catalogue, row, _new_among(batch, given, document), document, batch.mode)
        batch.problems += (each.in_row(place) for each in found if ".".join(each.path) not in known[place])


async def _done_before(batch: _Batch) -> frozenset[int]:
    """The places of the rows that the same batch has stored already; they count as what they were then.

    Whatever is wrong with such a row now was not then: the client may have left the book by it.
    """
    clients = batch.repositories.clients
    numbers = {row.number for row in batch.rows}
    found = await clients.find_written(numbers, batch.key)
    for number, document in (await clients.find_by_numbers(numbers)).items():
        if document["number"] != number:
            found.pop(number, None)
            found |= await clients.find_written({number}, f"{batch.key}:{number}")
    done = {place: found[row.number] for place, row in enumerate(batch.rows) if row.number in found}
    for place, (client_id, version) in done.items():
        is_new = version == CREATED
        batch.created += is_new
        batch.changed += not is_new
        if batch.touched is not None:
            # Whoever was stopped between the change and its entry in the audit leaves it to this one.
            batch.touched.note_change(CLIENTS, client_id, version, batch.checked[place].values, None)
    batch.problems = [each for each in batch.problems if each.row not in done]
    return frozenset(done)


async def _accept_repeated(batch: _Batch) -> None:
    """Let values pass that break a rule and that their clients have already.

    Cost: one command, none where no value breaks a rule.
    """
    doubtful = [place for place, checked in enumerate(batch.checked) if checked.doubtful]
    paths = {path for place in doubtful for path in batch.checked[place].doubtful}
    numbers = {batch.rows[place].number for place in doubtful}
    present = await batch.repositories.clients.find_by_numbers(numbers, batch.scope, paths) if numbers else {}
    unread = batch.repositories.access.view(batch.viewer).area(CLIENTS).closed
    for place in doubtful:
        if (document := present.get(batch.rows[place].number)) is not None:
            accept_repeated(batch.checked[place], document, unread)


def _check_rows(batch: _Batch) -> None:
    seen: dict[str, int] = {}
    for place, (row, checked) in enumerate(zip(batch.rows, batch.checked, strict=True)):
        found = [*row.problems, *number_problems(row.number), *checked.problems]
        try:
            batch.repositories.access.refuse_sealed(batch.viewer, CLIENTS, checked.values)
        except UnknownAttribute as unknown:
            found += unknown.problems()
        if row.number in seen:
            expected = f"each number once; row {seen[row.number]} has it too"
            found.append(problem("number", row.number, expected))
        seen.setdefault(row.number, place)
        batch.problems += (each.in_row(place) for each in found)


async def _check_references(batch: _Batch) -> None:
    wanted = {client for checked in batch.checked for ids in checked.references.values() for client in ids}
    there = await batch.repositories.clients.existing(wanted, batch.repositories.access.rows(batch.viewer))
    for place, checked in enumerate(batch.checked):
        for path, ids in checked.references.items():
            if missing := [each for each in ids if each not in there]:
                batch.problems.append(problem(path, missing[0], "the id of a client who is there").in_row(place))


async def _territories(batch: _Batch) -> Territories:
    """Team and region of each manager that the rows name; a problem for each that is not there."""
    own = batch.repositories.access.own_manager(batch.viewer)
    wanted = {row.manager_id for row in batch.rows if row.manager_id is not None} | ({own} if own else set())
    if not wanted:
        return {}
    query, projection = {ID: {"$in": sorted(wanted)}}, dict.fromkeys(TERRITORY, 1)
    found = await batch.repositories.managers.collection.find(query, projection)
    territories = {str(each[ID]): {name: each.get(name) for name in TERRITORY} for each in found}
    for place, row in enumerate(batch.rows):
        if row.manager_id is not None and row.manager_id not in territories:
            batch.problems.append(problem("managerId", row.manager_id, "the id of a manager").in_row(place))
    return territories


async def _attempt(
    batch: _Batch, places: list[int], territories: Territories, dry_run: bool
) -> tuple[list[int], list[int]]:
    """The places of the rows that another writer got in the way of, and of those whose turn has not come.

    Two numbers are one client since a merge: the later row is compared with what the earlier one has made of it.
    """
    numbers = {batch.rows[place].number for place in places}
    given = {path for place in places for path in batch.checked[place].values}
    find = batch.repositories.clients.find_by_numbers
    present = await find(numbers, batch.scope, given, batch.proof.keeps_newer or batch.confirms)
    new: list[tuple[int, dict[str, Any], Change]] = []
    old: list[tuple[int, str, Change]] = []
    later: list[int] = []
    changed: set[str] = set()
    values_of = {place: _values_of(batch, place, territories) for place in places}
    there = {place: present[batch.rows[place].number] for place in places if batch.rows[place].number in present}
    pairs = [(values_of[place], document) for place, document in there.items()]
    values_of |= zip(there, await kept_references(batch.viewer, batch.repositories, pairs), strict=True)
    for place in places:
        values, document = values_of[place], there.get(place)
        if document is None:
            _plan_new(batch, place, values, territories, new)
        elif document[ID] in changed and not dry_run:
            later.append(place)
        elif (change := _plan_change(batch, place, values, document)) is not None:
            old.append((place, str(document[ID]), change))
            changed.add(document[ID])
            if dry_run:
                put_values(document, change.values)
    if dry_run:
        _note_read(batch, present.values())
        batch.created += len(new)
        batch.changed += len(old)
        return [], []
    clients, touched = batch.repositories.clients, batch.touched
    taken = await clients.insert_many([(record, change) for _, record, change in new], touched) if new else ()
    stale = await clients.write_many([(record_id, change) for _, record_id, change in old], touched) if old else ()
    batch.created += len(new) - len(taken)
    batch.changed += len(old) - len(stale)
    batch.taken.update(new[each][0] for each in taken)
    return [new[each][0] for each in taken] + [old[each][0] for each in stale], later


def _note_read(batch: _Batch, documents: Iterable[Mapping[str, Any]]) -> None:
    """Note clients of whom the report tells how they compare with the rows."""
    if batch.touched is not None:
        batch.touched.note(CLIENTS, (str(each[ID]) for each in documents))


def _values_of(batch: _Batch, place: int, territories: Territories) -> dict[str, object]:
    row = batch.rows[place]
    values = dict(batch.checked[place].values)
    if row.stage is not None:
        values["stage"] = str(row.stage)
    if row.manager_id is not None:
        values["managerId"] = row.manager_id
        values |= territories.get(row.manager_id, {})
    return values


def _beyond_problem(batch: _Batch, record: Mapping[str, object]) -> Problem | None:
    """What is wrong where a client, as it is to be, would not be one that the viewer may change."""
    try:
        batch.repositories.access.require_within(batch.viewer, Right.CHANGE_CLIENTS, record)
    except NotAllowed as refused:
        return refused.problems()[0]
    return None


def _moving_problems(
    batch: _Batch, row: ClientRow, document: Mapping[str, object], values: Mapping[str, object]
) -> list[Problem]:
    """What is wrong with another manager: the client moves from a book of the viewer's into one of them."""
    if not batch.repositories.access.is_in_book(batch.viewer, Right.CHANGE_CLIENTS, document):
        message = f"Client {row.number} is open to you by a grant alone, and its manager stays; leave managerId out."
        return [Problem(ErrorCode.NOT_ALLOWED, message, ("managerId",), row.manager_id)]
    beyond = _beyond_problem(batch, {**document, **values})
    return [] if beyond is None else [beyond]


def _plan_new(
    batch: _Batch,
    place: int,
    values: dict[str, object],
    territories: Territories,
    new: list[tuple[int, dict[str, Any], Change]],
) -> None:
    row, catalogue = batch.rows[place], batch.repositories.catalogue
    own = batch.repositories.access.own_manager(batch.viewer)
    if row.manager_id is None and own is not None:
        values |= {"managerId": own, **territories.get(own, {})}
    beyond = _beyond_problem(batch, values)
    if place in batch.taken:
        # It is there, and not to be seen: what making a client says of a taken number is all that may be said.
        found = list(AlreadyExists("number", row.number).problems())
    elif beyond is not None and not must_be_there(row, batch.mode):
        found = [beyond]
    else:
        found = problems_of_new(catalogue, row, batch.checked[place].values, batch.mode)
    if found:
        batch.problems += (each.in_row(place) for each in found)
        return
    values.setdefault("stage", str(ClientStage.PROSPECT))
    record: dict[str, Any] = {ID: new_id(CLIENTS), "number": row.number, "kind": str(row.kind)} | {
        facet: {} for facet in FACETS
    }
    words = searchable_words(catalogue, batch.checked[place].values) | {"number": folded(row.number)}
    new.append((place, record, Change(values, batch.viewer.person, batch.at, batch.proof, batch.key, words=words)))


def _plan_change(batch: _Batch, place: int, values: dict[str, object], document: dict[str, Any]) -> Change | None:
    """What a row changes of the client it names; None where that is nothing, or it is refused."""
    row = batch.rows[place]
    given = batch.checked[place].values
    catalogue = batch.repositories.catalogue
    found = problems_of_change(catalogue, row, _new_among(batch, given, document), document, batch.mode)
    if row.manager_id not in (None, document.get("managerId")):
        found += _moving_problems(batch, row, document, values)
    if found:
        batch.problems += (each.in_row(place) for each in found)
        return None
    # Whether a value that is not read was there already must not be told: it counts as a change, whatever its age.
    unread = batch.repositories.access.view(batch.viewer).area(CLIENTS).unusable
    compared = (batch.checked[place].values.keys() | {"stage"} & values.keys()) - unread
    newer = newer_values(document, compared, batch.proof)
    values = {path: each for path, each in values.items() if path not in newer}
    changed = differences(document, values) | {path: each for path, each in values.items() if path in unread}
    if batch.confirms:
        same = sorted(values.keys() - changed.keys())
        changed |= {path: values[path] for path in same if _is_confirmed(batch, document, path)}
    if not changed:
        batch.unchanged += 1
        _note_read(batch, (document,))
        return None
    return Change(
        changed,
        batch.viewer.person,
        batch.at,
        batch.proof,
        _key_of(batch, row, document),
        expected_version=document["version"],
        where=batch.scope,
        words=searchable_words(batch.repositories.catalogue, changed),
    )


def _new_among(batch: _Batch, given: Mapping[str, object], document: Mapping[str, Any]) -> dict[str, object]:
    """Those of the values that a client does not have, or may not be told to have.

    What a client of its kind cannot have, or lose, is a rule too: it holds for new values.
    """
    unread = batch.repositories.access.view(batch.viewer).area(CLIENTS).unusable
    return differences(dict(document), given) | {path: each for path, each in given.items() if path in unread}


def _is_confirmed(batch: _Batch, document: Mapping[str, Any], path: str) -> bool:
    """Whether the proof of the batch says more of a value that the client has already."""
    is_value = path in batch.repositories.catalogue.area(CLIENTS) and value_at(document, path) is not None
    return is_value and says_more(proof_at(document, path), batch.proof)


def _key_of(batch: _Batch, row: ClientRow, document: Mapping[str, Any]) -> str:
    """The key of a row's change; one that names its client by the number of another one that it took in has its own."""
    return batch.key if document["number"] == row.number else f"{batch.key}:{row.number}"
