"""Define, change and retire entry windows, and find one by its code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from acts.checks import WORDS_LIMIT, Guard, guard_problems, guarded_change, key_of, now, problem, refuse, request_hash
from acts.entry_weeks import MIDNIGHT, Hours, minutes_of, zones
from catalogue.attribute import Attribute, Facet
from catalogue.catalogue import Catalogue
from catalogue.errors import Problem
from catalogue.expectations import ENTERED_FACETS, entered_attributes, expected_attributes
from policy.attributes import AreaView
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.base import Written
from repositories.entry_windows import CODE, ENTRY_WINDOWS, PATHS, Weekday, WindowStatus
from repositories.errors import AlreadyExists, NotFound
from repositories.plan import ID, Change, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories, new_id

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
MOST_PATHS = 100
_SUBJECT = ("paths", "facet")
"""What a window is about: one of them is set."""
_HOUR_EXPECTED = "an hour from 00:00 to 23:59, such as 14:30"


@dataclass(frozen=True, slots=True)
class EntryWindow:
    """A window as somebody wants it."""

    code: str
    label: str
    hours: Hours
    paths: tuple[str, ...] | None = None
    """The attributes; None where all that are expected of a facet are meant."""
    facet: Facet | None = None

    def values(self) -> dict[str, object]:
        """What is stored of it; None for what is not said."""
        return {
            CODE: self.code,
            "label": self.label,
            "paths": None if self.paths is None else list(self.paths),
            "facet": None if self.facet is None else str(self.facet),
            "weekday": str(self.hours.weekday),
            "opens": self.hours.opens,
            "closes": self.hours.closes,
            "timeZone": self.hours.time_zone,
        }


def window_from(document: Mapping[str, object]) -> EntryWindow:
    """The window that a stored document is."""
    paths, facet = document.get("paths"), document.get("facet")
    hours = Hours(
        Weekday(str(document["weekday"])),
        str(document["opens"]),
        str(document["closes"]),
        str(document["timeZone"]),
    )
    return EntryWindow(
        str(document[CODE]),
        str(document["label"]),
        hours,
        tuple(map(str, paths)) if isinstance(paths, list) else None,
        None if facet is None else Facet(str(facet)),
    )


def window_attributes(catalogue: Catalogue, window: EntryWindow, seen: AreaView) -> list[Attribute]:
    """The live attributes that a window is about, as far as they may be read."""
    if window.paths is None:
        found = expected_attributes(catalogue, window.facet)
    else:
        found = tuple(each for each in entered_attributes(catalogue) if each.path in window.paths)
    return [each for each in found if each.path not in seen.unusable]


async def define_entry_window(
    viewer: Viewer, repositories: Repositories, window: EntryWindow, guard: Guard, touched: Touched | None = None
) -> Written:
    """A new window.

    Raises: NotAllowed; Refused with every problem at once; AlreadyExists if the code is taken; KeyReused.
    """
    access = repositories.access
    access.require(viewer, Right.DEFINE_ATTRIBUTES)
    problems = [*guard_problems(guard), *_window_problems(access.catalogue(viewer), window)]
    if not _CODE.fullmatch(window.code):
        problems.append(
            problem(CODE, window.code, "a capital letter and up to 39 capitals, digits and _, such as WEEKLY_VIEWS")
        )
    refuse(problems)
    given = {name: value for name, value in window.values().items() if value is not None}
    key = key_of(viewer, guard)
    change = Change(
        {**given, "status": str(WindowStatus.ACTIVE)},
        viewer.person,
        now(),
        key=key,
        request_hash=request_hash("entryWindowDefine", given),
    )
    record_id = new_id(ENTRY_WINDOWS, key)
    answer = access.authorise(ReadPlan(ENTRY_WINDOWS, PATHS), viewer, touched)
    try:
        return await repositories.entry_windows.insert({ID: record_id}, change, answer)
    except AlreadyExists:
        replayed = await repositories.entry_windows.replay(record_id, change, answer)
        if replayed is None:
            raise
        return replayed


async def change_entry_window(
    viewer: Viewer,
    repositories: Repositories,
    code: str,
    changes: Mapping[str, object],
    guard: Guard,
    touched: Touched | None = None,
) -> Written:
    """A window after some of it was changed; paths take the place of a facet, and the other way round.

    Raises: NotAllowed, Refused, NotFound, StaleVersion, KeyReused; nothing is changed then.
    """
    repositories.access.require(viewer, Right.DEFINE_ATTRIBUTES)
    found = await _get(repositories, code)
    problems = [*guard_problems(guard), *_cleared_problems(changes)]
    if not changes:
        problems.append(problem("changes", "nothing", "at least one value to set"))
    refuse(problems)
    before = window_from(found)
    after = _changed(before, changes)
    if found["status"] == WindowStatus.RETIRED:
        problems.append(problem(CODE, code, "a window that is not retired"))
    refuse([*problems, *_window_problems(repositories.access.catalogue(viewer), after)])
    stored, wanted = before.values(), after.values()
    values = {name: value for name, value in wanted.items() if name in changes or stored[name] != value}
    given = {name: str(value) for name, value in changes.items()}
    return await _write(
        viewer, repositories, found, values, guard, request_hash("entryWindowChange", code, given), touched
    )


async def retire_entry_window(
    viewer: Viewer, repositories: Repositories, code: str, guard: Guard, touched: Touched | None = None
) -> Written:
    """A window that is out of use; what was entered within it can still be asked.

    Raises: NotAllowed, Refused, NotFound, StaleVersion, KeyReused; nothing is changed then.
    """
    repositories.access.require(viewer, Right.DEFINE_ATTRIBUTES)
    refuse(guard_problems(guard))
    found = await _get(repositories, code)
    values = {"status": str(WindowStatus.RETIRED)}
    return await _write(viewer, repositories, found, values, guard, request_hash("entryWindowRetire", code), touched)


async def _write(
    viewer: Viewer,
    repositories: Repositories,
    found: Document,
    values: Mapping[str, object],
    guard: Guard,
    request: str,
    touched: Touched | None,
) -> Written:
    change = guarded_change(viewer, guard, values, request)
    answer = repositories.access.authorise(ReadPlan(ENTRY_WINDOWS, PATHS), viewer, touched)
    return await repositories.entry_windows.write(str(found[ID]), change, answer)


async def _get(repositories: Repositories, code: str) -> Document:
    found = await repositories.entry_windows.find_by_code(code)
    if found is None:
        raise NotFound("entry window", code)
    return found


def _changed(before: EntryWindow, changes: Mapping[str, object]) -> EntryWindow:
    """The window with changes, which have the names of the fields in what is stored."""
    values = {**before.values(), **changes}
    if changes.get("paths") is not None and "facet" not in changes:
        values["facet"] = None
    if changes.get("facet") is not None and "paths" not in changes:
        values["paths"] = None
    return replace(window_from(values), code=before.code)


def _cleared_problems(changes: Mapping[str, object]) -> list[Problem]:
    cleared = [name for name, value in changes.items() if value is None and name not in _SUBJECT]
    return [problem(name, None, "a value: a window has to have one") for name in cleared]


def _window_problems(catalogue: Catalogue, window: EntryWindow) -> list[Problem]:
    problems = []
    if not 1 <= len(window.label.strip()) <= len(window.label) <= WORDS_LIMIT:
        problems.append(problem("label", window.label, f"1 to {WORDS_LIMIT} characters: what people call it"))
    hours = window.hours
    opens, closes = minutes_of(hours.opens), minutes_of(hours.closes)
    if opens is None or hours.opens == MIDNIGHT:
        problems.append(problem("opens", hours.opens, _HOUR_EXPECTED))
    if closes is None:
        problems.append(problem("closes", hours.closes, f"{_HOUR_EXPECTED}, or {MIDNIGHT}"))
    elif opens is not None and closes <= opens:
        problems.append(problem("closes", hours.closes, f"an hour of the same day after {hours.opens}"))
    if hours.time_zone not in zones():
        problems.append(problem("timeZone", hours.time_zone, "the name of a time zone, such as Asia/Shanghai, or UTC"))
    return [*problems, *_subject_problems(catalogue, window)]


def _subject_problems(catalogue: Catalogue, window: EntryWindow) -> list[Problem]:
    if (window.paths is None) == (window.facet is None):
        return [problem("paths", window.paths and ", ".join(window.paths), "attributes, or facet instead of them")]
    if window.facet is not None:
        entered = [each.name for each in ENTERED_FACETS]
        is_entered = window.facet in ENTERED_FACETS
        return [] if is_entered else [problem("facet", window.facet.name, f"one of {', '.join(entered)}")]
    paths = window.paths or ()
    if not 1 <= len(paths) <= MOST_PATHS:
        return [problem("paths", len(paths), f"1 to {MOST_PATHS} attributes")]
    known = {each.path for each in entered_attributes(catalogue)}
    expected = "the path of a live attribute that has values of its own and that people enter"
    return [problem("paths", each, expected) for each in dict.fromkeys(paths) if each not in known]
