"""Two documents of one client become one: what would come of it, and doing it."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from acts.checks import now, problem, refuse
from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue, unknown_attribute
from catalogue.errors import ErrorCode, KehuError, Problem
from catalogue.kinds import Kind
from catalogue.search import folded, searchable_words
from policy.approvals import CLIENT_ERASE
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import NotAllowed, Touched
from repositories.base import WRITE_ATTEMPTS
from repositories.clients import MERGED, NUMBERS, TERRITORY
from repositories.compile.changes import sequence_of, shown_version
from repositories.compile.forgetting import without_reference
from repositories.cursors import value_at
from repositories.errors import NotFound, StaleVersion, Unavailable
from repositories.merges import MERGED_LIMIT, REFERRING_LIMIT, Merge, MergeRepository
from repositories.owned import following, references_of
from repositories.plan import ID, Change, Proof, ReadPlan
from repositories.repositories import Repositories

Document = dict[str, Any]

RIGHT = Right.CHANGE_CLIENTS
_CORE = frozenset((ID, "number", "kind", "stage", "version", "managerId", MERGED, *TERRITORY))


class Side(StrEnum):
    """Which of the two clients a value comes from."""

    KEPT = "KEPT"
    MERGED = "MERGED"


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """Which client becomes part of which, as somebody has seen the two."""

    keep_id: str
    merge_id: str
    keep_version: int
    merge_version: int
    choices: Mapping[str, Side] = field(default_factory=dict)
    """By path; where nothing is chosen the kept client's value stands, and gaps are filled."""
    proof: Proof = field(default_factory=Proof)


@dataclass(frozen=True, slots=True)
class MergedValue:
    """One value of the two clients."""

    path: str
    kept: object
    merged: object
    side: Side


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """What would come of a merge, as far as the viewer may see it."""

    values: tuple[MergedValue, ...]
    """Where the two differ, or the merged one fills a gap."""
    follows: Mapping[str, int]
    """Records by area, and references."""


async def planned_merge(
    viewer: Viewer, repositories: Repositories, wanted: MergeRequest, touched: Touched | None = None
) -> MergeOutcome:
    """What would come of a merge; nothing is changed.

    Raises: NotAllowed, NotFound; Refused with every problem at once.
    Cost: two commands, and a count for each area of related records.
    """
    access, catalogue = repositories.access, repositories.catalogue
    access.require(viewer, RIGHT)
    refuse(_problems(wanted))
    seen = access.view(viewer).area(CLIENTS)
    for path in sorted(wanted.choices):
        if path != "stage" and (path not in stored_paths(catalogue) or path in seen.closed):
            raise unknown_attribute(path)
    shown = [path for path in stored_paths(catalogue) if path not in seen.hidden]
    plan = access.authorise(ReadPlan(CLIENTS, _CORE | frozenset(shown)), viewer, touched)
    found = await repositories.clients.load_many(plan, (wanted.keep_id, wanted.merge_id))
    kept, merged = _pair(found, wanted)
    for each in (kept, merged):
        if not access.is_in_book(viewer, RIGHT, each):
            raise NotAllowed(f"Client {each[ID]} is open to you by a grant alone; who may change it can merge it.")
    await _refuse_blocked(repositories, wanted, kept, merged)
    refuse(_choice_problems(wanted, merged))
    taken = paths_taken(catalogue, kept, merged, wanted.choices, among=shown)
    values = tuple(
        MergedValue(path, value_at(kept, path), value_at(merged, path), Side.MERGED if path in taken else Side.KEPT)
        for path in ("stage", *shown)
        if value_at(merged, path) is not None and value_at(merged, path) != value_at(kept, path)
    )
    merges = _merges(repositories)
    merge = _merge(catalogue, kept, merged, Change({}, "", now()), ())
    # Who points at the client by what, and whether, is told of clients and attributes alone that may be filtered by.
    pointing = (each for each in merge.references if each.area == CLIENTS)
    told = tuple(each for each in pointing if access.may_filter(viewer, each.path))
    seen_areas = (each for each in catalogue.owned() if not access.is_closed(each.area, viewer))
    records = tuple((each.area, each.stored_in) for each in seen_areas)
    shown_of = replace(merge, references=told, related=records)
    follows = await merges.counts(wanted.merge_id, shown_of, access.rows(viewer))
    refuse(_too_many(follows))
    return MergeOutcome(values, follows)


async def merge_clients(
    viewer: Viewer,
    repositories: Repositories,
    wanted: MergeRequest,
    *,
    key: str,
    touched: Touched | None = None,
    source: str | None = None,
) -> int:
    """The version of the kept client after the other one has become part of it; its key makes it happen once.

    The values that the viewer may not read follow too: nobody is shown them by it.
    Raises: NotAllowed, NotFound, Refused where one of the two was changed, VaultAway; nothing is changed then.
    """
    repositories.access.require(viewer, RIGHT)
    clients, catalogue = repositories.clients, repositories.feed.catalogue
    earlier = await clients.history.find_by_key(wanted.keep_id, key)
    if earlier is not None:
        await _merges(repositories).let_follow(wanted.merge_id, wanted.keep_id, following(catalogue))
        return shown_version(earlier)
    scope = repositories.access.rows(viewer, RIGHT)
    if len(await clients.existing({wanted.keep_id, wanted.merge_id}, scope)) < 2:
        raise NotFound("client", f"{wanted.keep_id} or {wanted.merge_id}")
    for _ in range(WRITE_ATTEMPTS):
        # What was computed of one of the two meanwhile is no change that anybody would see: it is read again.
        with suppress(StaleVersion):
            return await _merge_as_read(viewer, repositories, wanted, key, touched, source)
    raise Unavailable("One of the two clients is computed without a pause; send the merge again.")


async def _merge_as_read(
    viewer: Viewer,
    repositories: Repositories,
    wanted: MergeRequest,
    key: str,
    touched: Touched | None,
    source: str | None,
) -> int:
    catalogue, merges = repositories.feed.catalogue, _merges(repositories)
    read = [await merges.read(each) for each in (wanted.keep_id, wanted.merge_id)]
    kept, merged = _pair({str(each[ID]): each for each in read if each is not None}, wanted)
    await _refuse_blocked(repositories, wanted, kept, merged)
    taken = paths_taken(catalogue, kept, merged, wanted.choices)
    values = await merges.in_clear(merged, taken)
    values = _without_itself(catalogue, kept, values, (wanted.keep_id, wanted.merge_id))
    numbers = "\n".join(folded(each) for each in _numbers(kept, merged))
    proof = wanted.proof if wanted.proof.source else Proof(source or f"client {merged['number']}, who became part")
    words = searchable_words(catalogue, values) | {"number": numbers}
    change = Change(values, viewer.person, now(), proof, key, words=words)
    merge = _merge(catalogue, kept, merged, change, taken)
    refuse(_too_many(await merges.counts(wanted.merge_id, merge)))
    version, place = await merges.carry_out(merge)
    if touched is not None:
        touched.note_change(CLIENTS, wanted.keep_id, place, values, None)
        touched.note_change(CLIENTS, wanted.merge_id, sequence_of(merged) + 1, taken, None)
    return version


def stored_paths(catalogue: Catalogue) -> tuple[str, ...]:
    """The paths at which values of clients are stored, those of drafts and retired attributes too."""
    return tuple(
        each.path
        for each in catalogue.area(CLIENTS).values()
        if (each.kind is not Kind.GROUP or each.is_list) and catalogue.list_group_of(each) is None
    )


def paths_taken(
    catalogue: Catalogue,
    kept: Document,
    merged: Document,
    choices: Mapping[str, Side],
    *,
    among: Iterable[str] | None = None,
) -> tuple[str, ...]:
    """The paths whose values come from the merged client: gaps, and what is chosen."""
    found: list[str] = []
    for path in ("stage", *(stored_paths(catalogue) if among is None else among)):
        attribute = catalogue.find(path)
        if attribute is not None and attribute.is_computed:
            # Computed of what the client has then.
            continue
        is_gap = value_at(kept, path) is None and value_at(merged, path) is not None
        if choices.get(path, Side.MERGED if is_gap else Side.KEPT) is Side.MERGED:
            found.append(path)
    return tuple(found)


def _merge(catalogue: Catalogue, kept: Document, merged: Document, change: Change, paths: tuple[str, ...]) -> Merge:
    references = references_of(catalogue)
    return Merge(kept, merged, change, paths, stored_paths(catalogue), references, following(catalogue))


def _pair(found: Mapping[str, Document], wanted: MergeRequest) -> tuple[Document, Document]:
    """The two clients as they were seen. Raises: NotFound; Refused, also for each of the two that has changed."""
    given = (("keep", wanted.keep_id, wanted.keep_version), ("merge", wanted.merge_id, wanted.merge_version))
    for _, client_id, _ in given:
        if client_id not in found:
            raise NotFound("client", client_id)
    refuse(
        [
            _stale(name, version, found[client_id])
            for name, client_id, version in given
            if found[client_id]["version"] != version
        ]
    )
    kept, merged = found[wanted.keep_id], found[wanted.merge_id]
    if kept["kind"] != merged["kind"]:
        refuse([problem("mergeId", f"a client of kind {merged['kind']}", f"one of kind {kept['kind']}, as is kept")])
    return kept, merged


def _merges(repositories: Repositories) -> MergeRepository:
    return MergeRepository(repositories.store, repositories.vault, repositories.derivations, repositories.rollups)


def _stale(name: str, version: int, client: Document) -> Problem:
    now = client["version"]
    message = (
        f"Client {client['number']} was changed since version {version} and is now at version {now}. "
        "Read both clients again, then send the merge with their versions."
    )
    return Problem(ErrorCode.STALE_VERSION, message, ("expectedVersions", name), str(version), str(now))


async def _refuse_blocked(repositories: Repositories, wanted: MergeRequest, kept: Document, merged: Document) -> None:
    """Raises: KehuError while an erasure of one of the two is proposed or begun: it must not miss anything of him."""
    for each in (kept, merged):
        client_id = str(each[ID])
        is_proposed = await repositories.approvals.find_open(f"{CLIENT_ERASE}:{client_id}") is not None
        if is_proposed or await repositories.erasures.find(client_id) is not None:
            raise KehuError(
                f"The erasure of client {client_id} is proposed or begun; merge when it is refused or withdrawn.",
                code=ErrorCode.NOT_ALLOWED,
                given=client_id,
            )
    if len(kept.get(MERGED, ())) + len(merged.get(MERGED, ())) >= MERGED_LIMIT:
        refuse([problem("keepId", wanted.keep_id, f"a client who has taken in fewer than {MERGED_LIMIT} others")])


def _problems(wanted: MergeRequest) -> list[Problem]:
    problems = []
    if wanted.keep_id == wanted.merge_id:
        problems.append(problem("mergeId", wanted.merge_id, "another client than keepId"))
    for name, version in (("keep", wanted.keep_version), ("merge", wanted.merge_version)):
        if version < 1:
            problems.append(problem(name, version, "a version from 1 on").under("expectedVersions"))
    return problems


def _choice_problems(wanted: MergeRequest, merged: Document) -> list[Problem]:
    """A problem for each choice of a value that is not there: nothing is cleared by a merge."""
    return [
        problem("choices", path, "paths at which the merged client has a value")
        for path, side in sorted(wanted.choices.items())
        if side is Side.MERGED and value_at(merged, path) is None
    ]


def _too_many(follows: Mapping[str, int]) -> list[Problem]:
    if follows["references"] <= REFERRING_LIMIT:
        return []
    expected = f"a client whom up to {REFERRING_LIMIT} others point at; keep that one and merge the other"
    return [problem("mergeId", f"a client whom {follows['references']} others point at", expected)]


def _numbers(kept: Document, merged: Document) -> list[str]:
    own = [each["number"] for each in (kept, merged)]
    return list(dict.fromkeys([*own, *kept.get(NUMBERS, ()), *merged.get(NUMBERS, ())]))


def _without_itself(
    catalogue: Catalogue, kept: Document, values: Mapping[str, Any], ids: tuple[str, str]
) -> dict[str, Any]:
    """The values of the kept client's change, in which it does not point at itself by one of the two ids."""
    done = dict(values)
    for each in (each for each in references_of(catalogue) if each.area == CLIENTS):
        before = done[each.holder] if each.holder in done else value_at(kept, each.holder)
        after = before
        for client_id in ids:
            after = without_reference(after, each.keys, client_id)
        if after != before:
            done[each.holder] = after
    return done
