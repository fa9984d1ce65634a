"""Define, change and retire segments: saved filters with a playbook."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acts.checks import UNGUARDED, Guard, guard_problems, key_of, now, problem, refuse, request_hash
from acts.segments_in_rollups import refuse_no_members, refuse_other_members
from catalogue.attribute import CLIENTS
from catalogue.errors import ErrorCode, KehuError, Problem, Refused
from catalogue.filter_json import filter_from_json, json_from_filter
from catalogue.filters import Filter, named_paths
from catalogue.saved_filters import meaning_of, restricted_problems
from policy.rules import Right
from policy.segments import LOOKED_AT, SEGMENTS, SegmentStatus
from policy.viewer import Viewer
from repositories.access import AuthorisedPlan, Touched
from repositories.base import Written
from repositories.compile.records import new_document
from repositories.errors import AlreadyExists, NotFound, StaleVersion, Unavailable
from repositories.plan import ID, Change, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories
from repositories.segments import EVER_LOOKED_AT, PATHS, segment_id

CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
CODE_EXPECTED = 'a code of letters, digits, "_" and "-", up to 64, that starts with a letter'
LIMITS = {"label": 100, "description": 2_000, "playbook": 20_000, "owner": 100}
"""Units: characters."""
ATTEMPTS = 5


class SegmentNotUsable(KehuError):
    """A segment that has no members: it is retired, or the catalogue no longer fits it."""

    code = ErrorCode.SEGMENT_NOT_USABLE


@dataclass(frozen=True, slots=True)
class NewSegment:
    """A segment as somebody wants it."""

    code: str
    label: str
    where: Filter
    description: str | None = None
    playbook: str | None = None
    owner: str | None = None


def _whole(viewer: Viewer, repositories: Repositories, touched: Touched | None = None) -> AuthorisedPlan:
    return repositories.access.authorise(ReadPlan(SEGMENTS, PATHS), viewer, touched)


async def find_segment(
    viewer: Viewer, repositories: Repositories, code: str, touched: Touched | None = None
) -> Document | None:
    """The segment with a code; None where there is none that the viewer may know of."""
    return await repositories.segments.load(_whole(viewer, repositories, touched), segment_id(code))


def usable_filter(repositories: Repositories, segment: Mapping[str, Any]) -> Filter:
    """The predicate that a segment stands for.

    Raises: SegmentNotUsable.
    """
    code = segment["code"]
    if segment["status"] != SegmentStatus.ACTIVE:
        raise SegmentNotUsable(
            f"The segment {code} is retired, so it has no members. Name another one; `segments` lists them.",
            given=code,
        )
    meaning = meaning_of(repositories.catalogue, segment["where"])
    if meaning.predicate is None:
        raise SegmentNotUsable(
            f"The segment {code} no longer fits the attributes, so it has no members: "
            f"{meaning.problems[0].message} Mend it with segmentChange.",
            given=code,
        )
    return meaning.predicate


async def define_segment(
    viewer: Viewer,
    repositories: Repositories,
    new: NewSegment,
    guard: Guard = UNGUARDED,
    *,
    dry_run: bool = False,
    touched: Touched | None = None,
) -> Document:
    """A new segment; in a dry run what it would be, with nothing written.

    Raises: NotAllowed, Refused with every problem at once, KeyReused; UnknownAttribute for what the viewer may not use.
    """
    repositories.access.require(viewer, Right.DEFINE_SEGMENTS)
    words = {"label": new.label, "description": new.description, "playbook": new.playbook, "owner": new.owner}
    problems = [*guard_problems(guard), *_word_problems(words), *_where_problems(viewer, repositories, new.where)]
    if not CODE.fullmatch(new.code):
        problems.append(problem("code", new.code, CODE_EXPECTED))
    refuse(problems)
    values = {name: each for name, each in words.items() if each is not None}
    given = {**values, **_kept(new.where, ()), "status": str(SegmentStatus.ACTIVE)}
    key = key_of(viewer, guard)
    change = Change(given, viewer.person, now(), key=key, request_hash=request_hash("segmentDefine", new.code, given))
    record: dict[str, object] = {ID: segment_id(new.code), "code": new.code, "definedBy": viewer.person}
    answer = _whole(viewer, repositories, touched)
    taken = Refused((_taken(new.code),))
    if dry_run:
        if await repositories.segments.existing({str(record[ID])}):
            raise taken
        return new_document(record, change)
    try:
        return (await repositories.segments.insert(record, change, answer)).document
    except AlreadyExists:
        replayed = await repositories.segments.replay(str(record[ID]), change, answer)
        if replayed is None:
            raise taken from None
        return replayed.document


async def change_segment(
    viewer: Viewer,
    repositories: Repositories,
    code: str,
    words: Mapping[str, str | None],
    where: Filter | None = None,
    guard: Guard = UNGUARDED,
    *,
    to_successors: bool = False,
    dry_run: bool = False,
    touched: Touched | None = None,
) -> Document:
    """A segment with other words or another `where`; what is left out stays, null clears.

    `to_successors` puts the successors of deprecated attributes in their place.
    Raises: NotAllowed, Refused, NotFound, StaleVersion, KeyReused, SegmentNotUsable for a retired one.
    """
    problems = [*guard_problems(guard), *_word_problems(words)]
    if where is not None:
        problems += _where_problems(viewer, repositories, where)
    if to_successors and where is not None:
        problems.append(problem("useSuccessors", "true", "false where `where` is given"))
    asked = None if where is None else json_from_filter(where)
    request = request_hash("segmentChange", code, dict(words), asked, to_successors, guard.expected_version)

    def change(segment: Document) -> Mapping[str, object]:
        wanted = where if not to_successors else _successors(viewer, repositories, segment)
        if wanted is None:
            return words
        kept = _kept(wanted, segment[EVER_LOOKED_AT])
        refuse_other_members(viewer, repositories, code, segment["where"], kept["where"])
        return {**words, **kept}

    return await _write(viewer, repositories, code, change, problems, guard, request, touched, dry_run=dry_run)


async def retire_segment(
    viewer: Viewer,
    repositories: Repositories,
    code: str,
    guard: Guard = UNGUARDED,
    touched: Touched | None = None,
) -> Document:
    """A segment that has no members any more; its past stays, and its code is not used again.

    Raises: NotAllowed, Refused, also where a rollup names it; NotFound, StaleVersion, KeyReused, SegmentNotUsable if it
    is retired already.
    """
    request = request_hash("segmentRetire", code, guard.expected_version)

    def change(segment: Document) -> Mapping[str, object]:
        refuse_no_members(viewer, repositories, segment)
        return {"status": str(SegmentStatus.RETIRED), "retiredAt": now()}

    return await _write(viewer, repositories, code, change, guard_problems(guard), guard, request, touched)


async def _write(
    viewer: Viewer,
    repositories: Repositories,
    code: str,
    change_of: Any,
    problems: list[Problem],
    guard: Guard,
    request: str,
    touched: Touched | None,
    *,
    dry_run: bool = False,
) -> Document:
    """One change on top of the version that it was worked out from; anew where another one came between."""
    repositories.access.require(viewer, Right.DEFINE_SEGMENTS)
    refuse(problems)
    answer, record_id = _whole(viewer, repositories, touched), segment_id(code)
    key = key_of(viewer, guard)
    # What rollups name is looked up in the newest catalogue.
    await repositories.feed.refresh()
    for _ in range(ATTEMPTS):
        found = (await repositories.segments.load_many(answer, {record_id})).get(record_id)
        if found is None:
            raise NotFound("segment", code)
        first = Change({}, viewer.person, now(), key=key, request_hash=request)
        if not dry_run and (earlier := await repositories.segments.replay(record_id, first, answer)) is not None:
            return earlier.document
        if guard.expected_version not in (None, found["version"]):
            raise StaleVersion("segment", guard.expected_version, found["version"])
        if found["status"] != SegmentStatus.ACTIVE:
            raise SegmentNotUsable(f"The segment {code} is retired and stays as it is.", given=code)
        values = change_of(found)
        if not values:
            refuse([problem("input", None, "something to change")])
        if dry_run:
            return {**found, **values}
        change = Change(
            values, viewer.person, first.at, key=key, request_hash=request, expected_version=found["version"]
        )
        try:
            written: Written = await repositories.segments.write(record_id, change, answer)
            return written.document
        except StaleVersion:
            if guard.expected_version is not None:
                raise
    raise Unavailable("Others change this segment without a pause; send the change again with its key.")


def _successors(viewer: Viewer, repositories: Repositories, segment: Document) -> Filter:
    """The predicate of a segment over the successors of its deprecated attributes. Raises: Refused."""
    unknown = repositories.access.view(viewer).area(CLIENTS).unusable
    migrated = meaning_of(repositories.catalogue, segment["where"], unknown).migrated
    if migrated is None:
        refuse([problem("useSuccessors", "true", "a segment with a deprecated attribute whose successor fits")])
    found = filter_from_json(repositories.catalogue, migrated)
    refuse(_where_problems(viewer, repositories, found))
    return found


def _kept(where: Filter, ever: Any) -> dict[str, object]:
    """What is stored of a predicate."""
    paths = sorted(named_paths(where))
    return {"where": json_from_filter(where), LOOKED_AT: paths, EVER_LOOKED_AT: sorted({*ever, *paths})}


def _where_problems(viewer: Viewer, repositories: Repositories, where: Filter) -> list[Problem]:
    """What is wrong with a predicate; the same words for an attribute that is not there and for one that is hidden.

    Raises: UnknownAttribute.
    """
    repositories.access.authorise(ReadPlan(CLIENTS, frozenset(), where), viewer)
    try:
        # As it will be read again: nothing is stored that would be broken at once.
        found = filter_from_json(repositories.catalogue, json_from_filter(where))
    except Refused as refused:
        return list(refused.problems())
    return restricted_problems(repositories.catalogue, found)


def _word_problems(words: Mapping[str, str | None]) -> list[Problem]:
    problems = []
    for name, most in LIMITS.items():
        if name not in words or (words[name] is None and name != "label"):
            continue
        text = words[name] or ""
        if not 1 <= len(text.strip()) <= len(text) <= most:
            problems.append(problem(name, words[name], f"1 to {most} characters"))
    return problems


def _taken(code: str) -> Problem:
    message = f'The code "{code}" is taken, maybe by a retired segment, or by one that you may not see; choose another.'
    return Problem(ErrorCode.ALREADY_EXISTS, message, ("code",), code, "a code that no segment has had")
