"""Create and change clients, one at a time."""

from collections.abc import Collection as Some
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from acts.checks import (
    FACETS,
    Guard,
    guard_problems,
    key_of,
    newer_values,
    now,
    number_problems,
    problem,
    proof_at,
    proof_problems,
    proof_words,
    refuse,
    request_hash,
)
from acts.references import with_hidden_references
from acts.repeated import accept_repeated
from catalogue.attribute import CLIENTS, ClientKind, ClientStage
from catalogue.catalogue import BOTH_KINDS
from catalogue.errors import ErrorCode, Problem
from catalogue.filters import Compare, Filter, all_of
from catalogue.kinds import Operator
from catalogue.search import folded, searchable_words
from catalogue.values import Checked, check_nested, misfits, missing_required
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import AuthorisedPlan, Touched
from repositories.base import WRITE_ATTEMPTS, Written
from repositories.clients import TERRITORY
from repositories.compile.news import says_more
from repositories.cursors import value_at
from repositories.errors import AlreadyExists, StaleVersion, Unavailable
from repositories.plan import ID, Change, Proof, ReadPlan
from repositories.repositories import Repositories, new_id
from repositories.values import is_same


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client as somebody asks for it."""

    number: str
    kind: ClientKind
    stage: ClientStage = ClientStage.PROSPECT
    manager_id: str | None = None
    facets: Mapping[str, object] = field(default_factory=dict)
    """By facet, nested as in GraphQL."""


async def create_client(
    viewer: Viewer,
    repositories: Repositories,
    new: NewClient,
    proof: Proof,
    guard: Guard,
    *,
    paths: Some[str] = (),
    touched: Touched | None = None,
) -> Written:
    """A new client; or, for a request made before with the same key, the client it made.

    Raises: NotAllowed; Refused with every problem at once; AlreadyExists if the number is taken; KeyReused.
    """
    catalogue, access = repositories.catalogue, repositories.access
    access.require(viewer, Right.CHANGE_CLIENTS)
    checked = check_nested(catalogue, new.facets, unread=access.view(viewer).area(CLIENTS).closed)
    problems = [*guard_problems(guard), *proof_problems(proof), *number_problems(new.number), *checked.problems]
    problems += missing_required(catalogue, checked.values | dict.fromkeys(_refused_paths(checked), 0), new.kind)
    problems += misfits(catalogue, checked.values, new.kind)
    manager_id = new.manager_id or access.own_manager(viewer)
    territory = await manager_territory(repositories, manager_id, problems)
    problems += await reference_problems(viewer, repositories, checked)
    refuse(problems)
    access.refuse_sealed(viewer, CLIENTS, checked.values)
    core = {"stage": str(new.stage), "managerId": manager_id}
    access.require_within(viewer, Right.CHANGE_CLIENTS, core | territory)
    values = {path: value for path, value in (core | territory | checked.values).items() if value is not None}
    key = key_of(viewer, guard)
    # As it was given: who sends it again may have got another role meanwhile.
    given = {"stage": str(new.stage), "managerId": new.manager_id}
    request = request_hash("clientCreate", new.number, new.kind, given, new.facets, proof_words(proof))
    words = searchable_words(catalogue, checked.values) | {"number": folded(new.number)}
    change = Change(values, viewer.person, now(), proof, key, request, words=words)
    record: dict[str, object] = {ID: new_id(CLIENTS, key), "number": new.number, "kind": str(new.kind)} | {
        facet: {} for facet in FACETS
    }
    answer = access.authorise(ReadPlan(CLIENTS, frozenset(paths)), viewer, touched)
    try:
        return await repositories.clients.insert(record, change, answer)
    except AlreadyExists:
        replayed = await repositories.clients.replay(str(record[ID]), change, answer)
        if replayed is None:
            raise
        return replayed


async def change_client(
    viewer: Viewer,
    repositories: Repositories,
    client_id: str,
    changes: Mapping[str, object],
    proof: Proof,
    guard: Guard,
    *,
    paths: Some[str] = (),
    touched: Touched | None = None,
) -> Written:
    """A client after some of its values were set or cleared, with the paths that the caller wants to see.

    What is equal to what the client has is no change, unless the proof says more; with nothing else it stays as it is.
    Raises: NotAllowed; Refused with every problem at once; NotFound, StaleVersion, KeyReused. Nothing is changed then.
    """
    access = repositories.access
    access.require(viewer, Right.CHANGE_CLIENTS)
    checked = check_changes(viewer, repositories, changes)
    if checked.doubtful:
        await _accept_repeated(viewer, repositories, client_id, checked)
    problems = [*guard_problems(guard), *proof_problems(proof), *checked.problems]
    problems += await reference_problems(viewer, repositories, checked)
    fits = kind_filter(checked)
    if fits is not None:
        problems += await _misfits_of(viewer, repositories, client_id, checked)
        # The kind never changes, and what it cannot have was looked at.
        fits = None
    if not problems and not checked.values:
        problems.append(problem("changes", "nothing", "at least one value to set, or null to clear one"))
    version = guard.expected_version
    if proof.keeps_newer:
        seen, newer = await _newer_than(viewer, repositories, client_id, checked, proof)
        # What was looked at is what is changed.
        version, problems = version or seen, [*problems, *newer]
    refuse(problems)
    access.refuse_sealed(viewer, CLIENTS, checked.values)
    answer = access.authorise(ReadPlan(CLIENTS, frozenset(paths)), viewer, touched)
    request = request_hash("clientChange", client_id, changes, guard.expected_version, proof_words(proof))
    values = await _without_known_secrets(viewer, repositories, client_id, checked.values, proof)
    change = Change(
        values,
        viewer.person,
        now(),
        proof,
        key_of(viewer, guard),
        request,
        version,
        all_of(access.rows(viewer, Right.CHANGE_CLIENTS), answer.rows, fits),
        searchable_words(repositories.catalogue, values),
        is_compared=True,
        unread=access.view(viewer).area(CLIENTS).closed & values.keys(),
        confirms=True,
    )
    return await _write(viewer, repositories, client_id, change, answer)


async def _write(
    viewer: Viewer, repositories: Repositories, client_id: str, change: Change, answer: AuthorisedPlan
) -> Written:
    """The client after a change that keeps the references which its writer may not see.

    Raises: as `RecordRepository.write`.
    """
    missed: StaleVersion | None = None
    for _ in range(WRITE_ATTEMPTS):
        values, seen = await with_hidden_references(viewer, repositories, client_id, change.values)
        # What was looked at is what is changed.
        kept = replace(change, values=values, expected_sequence=change.expected_sequence or seen)
        try:
            return await repositories.clients.write(client_id, kept, answer)
        except StaleVersion as stale:
            if seen is None:
                raise
            missed = stale
    raise missed or Unavailable()


async def _accept_repeated(viewer: Viewer, repositories: Repositories, client_id: str, checked: Checked) -> None:
    """Let values pass that break a rule and that the client has already.

    Cost: one command; asked only where a value breaks a rule.
    """
    unread = repositories.access.view(viewer).area(CLIENTS).closed
    paths = frozenset(checked.doubtful.keys() - unread)
    found = await repositories.clients.find_one(client_by_id(viewer, repositories, client_id, paths)) if paths else None
    if found is not None:
        accept_repeated(checked, found, unread)


async def _without_known_secrets(
    viewer: Viewer, repositories: Repositories, client_id: str, values: Mapping[str, object], proof: Proof
) -> Mapping[str, object]:
    """The values without the RESTRICTED ones that the client has already, which the database cannot compare.

    Those that the viewer may not read stay: whether they were there must not be told.
    Cost: none without such values; else one command, and one for the keys.
    """
    access = repositories.access
    encrypted = repositories.catalogue.restricted(CLIENTS).keys()
    secrets = (encrypted & values.keys()) - access.view(viewer).area(CLIENTS).closed
    if not secrets:
        return values
    plan = client_by_id(viewer, repositories, client_id, frozenset(("proof", *secrets)))
    found = await repositories.clients.find_one(plan) or {}
    known = {path for path in secrets if is_same(value_at(found, path), values[path])}
    said = {path for path in known if says_more(proof_at(found, path), proof) and values[path] is not None}
    return {path: each for path, each in values.items() if path not in known - said}


def check_changes(viewer: Viewer, repositories: Repositories, changes: Mapping[str, object]) -> Checked:
    """The values of a change, core fields besides the facets."""
    facets = {key: each for key, each in changes.items() if key in FACETS}
    unread = repositories.access.view(viewer).area(CLIENTS).closed
    checked = check_nested(repositories.catalogue, facets, unread=unread)
    stage = changes.get("stage")
    if "stage" in changes:
        if stage is None:
            checked.problems.append(problem("stage", None, f"one of {', '.join(ClientStage)}"))
        else:
            checked.values["stage"] = str(stage)
    return checked


def kind_filter(checked: Checked) -> Filter | None:
    """The condition that the client is of a kind that the values fit."""
    if checked.kinds == BOTH_KINDS:
        return None
    return Compare("kind", Operator.IN, tuple(sorted(str(each) for each in checked.kinds)))


async def _misfits_of(viewer: Viewer, repositories: Repositories, client_id: str, checked: Checked) -> list[Problem]:
    """Which values do not fit the client's kind, which never changes; but for those that it has already.

    Cost: one command; asked only where a value fits one kind of client alone.
    """
    values = {path: value for path, value in checked.values.items() if path.split(".")[0] in FACETS}
    unread = repositories.access.view(viewer).area(CLIENTS).closed
    plan = client_by_id(viewer, repositories, client_id, frozenset(("kind", *(values.keys() - unread))))
    found = await repositories.clients.find_one(plan)
    if found is None:
        return []
    others = {path: each for path, each in values.items() if path in unread or not is_same(value_at(found, path), each)}
    return misfits(repositories.catalogue, others, ClientKind(str(found["kind"])))


async def _newer_than(
    viewer: Viewer, repositories: Repositories, client_id: str, checked: Checked, proof: Proof
) -> tuple[int | None, list[Problem]]:
    """The version of the client, and a problem for each value that it has from after the proof.

    Of values that the viewer may not read nothing is told: they are not compared.
    Cost: one command.
    """
    compared = checked.values.keys() - repositories.access.view(viewer).area(CLIENTS).closed
    plan = client_by_id(viewer, repositories, client_id, frozenset(("version", "proof", *compared)))
    found = await repositories.clients.find_one(plan)
    if found is None:
        return None, []
    problems = [
        Problem(
            ErrorCode.INVALID_VALUE,
            f"{path} has a value that was observed later, at {at:%Y-%m-%dT%H:%M:%SZ}; leave {path} out, or leave "
            "keepsNewer out to replace it.",
            tuple(path.split(".")),
            None if proof.observed_at is None else proof.observed_at.isoformat(),
            "a later observedAt",
        )
        for path, at in sorted(newer_values(found, compared, proof).items())
        if not is_same(value_at(found, path), checked.values[path])
    ]
    return found["version"], problems


def client_by_id(viewer: Viewer, repositories: Repositories, client_id: str, paths: frozenset[str]) -> AuthorisedPlan:
    """The plan that reads one client."""
    return repositories.access.authorise(ReadPlan(CLIENTS, paths, Compare(ID, Operator.EQ, client_id)), viewer)


async def manager_territory(
    repositories: Repositories, manager_id: str | None, problems: list[Problem]
) -> dict[str, str | None]:
    """Team and region of the manager; a problem is added where there is no such manager."""
    if manager_id is None:
        return {}
    found = await repositories.managers.collection.find_one({ID: {"$eq": manager_id}}, dict.fromkeys(TERRITORY, 1))
    if found is None:
        expected = "the id of a manager; query `managers` for them"
        problems.append(problem("managerId", manager_id, expected))
        return {}
    return {name: found.get(name) for name in TERRITORY}


async def reference_problems(viewer: Viewer, repositories: Repositories, checked: Checked) -> list[Problem]:
    """A problem for each value that points at a client who is not there.

    Cost: one command, none where nothing points anywhere.
    """
    wanted = {client for ids in checked.references.values() for client in ids}
    there = await repositories.clients.existing(wanted, repositories.access.rows(viewer))
    return [
        Problem(
            ErrorCode.INVALID_VALUE,
            f"{path} takes the id of a client; there is no client {client} that you may see.",
            tuple(path.split(".")),
            client,
            "the id of a client",
        )
        for path, ids in checked.references.items()
        for client in ids
        if client not in there
    ]


def _refused_paths(checked: Checked) -> list[str]:
    """Paths that were given, though wrongly: they are not missing besides."""
    return [".".join(each.path) for each in checked.problems]
