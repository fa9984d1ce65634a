"""The catalogue as a file between stages: written out, compared, and applied by the acts that define attributes."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass, field, replace
from functools import partial

from acts.attributes import (
    Definition,
    change_attribute,
    define_attribute,
    definition_cost,
    deprecate_attribute,
    retire_attribute,
)
from acts.attributes_approved import change_or_propose, propose_retirement
from acts.attributes_in_order import (
    catalogue_of,
    places_in_order,
    problems_together,
    read_by,
    users_gone,
    with_members_known,
)
from acts.checks import Guard
from catalogue.attribute import Attribute, Status
from catalogue.catalogue import Catalogue
from catalogue.differences import Difference, FieldChange, Level, Verb, defined_here, differences
from catalogue.errors import ErrorCode, KehuError, Problem, Refused
from catalogue.formulas.text import normal_text
from policy.approvals import attribute_act, may_propose
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.attributes import ATTRIBUTES
from repositories.repositories import Repositories

_RULES = frozenset(
    ("options", "minimum", "maximum", "min_length", "max_length", "pattern", "required_for", "applies_to")
)
"""The fields by which stored values may no longer fit."""
_COMPUTED = frozenset(("formula", "rollup", "model"))
"""The fields that say how values are computed."""
_OF_DEPRECATION = frozenset(("status", "successor", "removal_on"))


@dataclass(slots=True)
class Applied:
    """What became of a file."""

    differences: Sequence[Difference]
    done: list[str] = field(default_factory=list)
    """What was written, a sentence each."""
    waiting: list[str] = field(default_factory=list)
    """What waits for a second person."""
    stopped: KehuError | None = None
    """The refusal at which it ended; what was done before stays."""


def exported(viewer: Viewer, repositories: Repositories) -> list[Attribute]:
    """The definitions that were made or changed at run time. Raises: NotAllowed."""
    repositories.access.require(viewer, Right.DEFINE_ATTRIBUTES)
    return defined_here(repositories.feed.built_in, repositories.feed.catalogue)


async def compare(viewer: Viewer, repositories: Repositories, wanted: Iterable[Attribute]) -> list[Difference]:
    """How the wanted definitions differ from those that are here, judged by the values that clients have.

    Raises: NotAllowed.
    Cost: a count over the book for each attribute with a narrower rule.
    """
    repositories.access.require(viewer, Right.DEFINE_ATTRIBUTES)
    await repositories.feed.refresh()
    present = repositories.feed.catalogue
    found = differences(repositories.feed.built_in, present, map(_settled, wanted))
    return [await _counted(viewer, repositories, present, each) for each in found]


async def apply(
    viewer: Viewer,
    repositories: Repositories,
    wanted: Iterable[Attribute],
    touched: Touched,
    *,
    reason: str | None = None,
    dry_run: bool = False,
) -> Applied:
    """The wanted definitions, in force; what is here besides stays.

    Everything is checked before anything is written; a definition that another person changes meanwhile ends it.
    A lower sensitivity and a retirement are proposed, as by the API.
    Order: what gives an index back, then additions and changes, outer groups and what others are computed from first,
    then deprecations, then retirements, the other way round.
    Raises: NotAllowed; Refused with every problem at once, nothing is changed then.
    """
    found = await compare(viewer, repositories, wanted)
    wanting = [each for each in found if each.verb is not Verb.MISSING]
    wanting, problems = await with_members_known(viewer, repositories, wanting)
    problems += [problem for each in wanting for problem in _losses(each)]
    problems += await _refusals(viewer, repositories, wanting)
    if problems:
        raise Refused(problems)
    applied = Applied(found)
    held: set[str] = set()
    for step in () if dry_run else _steps(viewer, repositories, wanting, reason):
        if step.path in held:
            # What waits is approved at the revision that it was proposed at: nothing may come between.
            continue
        if (first := step.first(held)) is not None:
            applied.waiting.append(f"{step.path} {step.words}: after {first}; apply the file again then")
            held.add(step.path)
            continue
        try:
            done = await step.run()
        except KehuError as refused:
            if refused.code is not ErrorCode.ALREADY_EXISTS or not step.is_proposed:
                applied.stopped = refused
                break
            applied.waiting.append(f"{step.path} {step.words}: proposed already")
            held.add(step.path)
            continue
        if done.approval is None:
            applied.done.append(f"{step.path} {step.words}")
            touched.note_change(ATTRIBUTES, step.path, done.attribute.revision, step.fields, None)
        else:
            applied.waiting.append(f"{step.path} {step.words}: approval {done.approval['_id']}")
            held.add(step.path)
    return applied


def _settled(wanted: Attribute) -> Attribute:
    """The definition with its formula as it would be stored: other spaces are no difference."""
    text, problems = (None, []) if wanted.formula is None else normal_text(wanted.formula)
    return wanted if text is None or problems else wanted.model_copy(update={"formula": text})


async def _counted(
    viewer: Viewer, repositories: Repositories, present: Catalogue, difference: Difference
) -> Difference:
    """The difference with the levels that the stored values give it."""
    before, after = difference.present, difference.wanted
    narrower = [each for each in difference.fields if each.name in _RULES and each.level is Level.DANGEROUS]
    cleared = [each for each in difference.fields if each.name == "retain_days" and each.level is Level.DANGEROUS]
    if before is None or after is None or not (narrower or cleared):
        return difference
    raised: dict[str, FieldChange] = {}
    if narrower and before.kind is after.kind:
        done = Definition(after, present, present.with_attributes([after]))
        count = (await definition_cost(viewer, repositories, done)).failing_documents
        for each in narrower:
            level = Level.LOSES_DATA if count else Level.DANGEROUS
            words = "values were not counted" if count is None else f"values of {count} clients would not fit"
            raised[each.name] = replace(each, level=level, why=f"{each.why}; {words}")
    # Whether there are values is told to nobody who may not look for them.
    is_told = repositories.access.may_filter(viewer, before.path)
    if cleared and (not is_told or await repositories.attributes.has_values(before.path)):
        raised["retain_days"] = replace(cleared[0], level=Level.LOSES_DATA)
    return replace(difference, fields=tuple(raised.get(each.name, each) for each in difference.fields))


def _losses(difference: Difference) -> list[Problem]:
    """What would be lost, but for what a second person has to approve anyway."""
    path = difference.attribute.path
    return [
        Problem(
            ErrorCode.INVALID_VALUE,
            f"{path}: {each.name} would lose data ({each.why}). {_ADVICE.get(each.name, _MEND)}",
            (path, each.name),
            str(each.new),
            str(each.old),
        )
        for each in difference.fields
        if each.level is Level.LOSES_DATA and each.name != "status"
    ]


_FIXED = "Leave it as it is in the file, under another path if need be."
_ADVICE = {
    **dict.fromkeys(("kind", "is_list", "area"), _FIXED),
    "options": "Put the codes back into the file, retired.",
    "retain_days": "Set it on this stage by attributeChange, where that is wanted.",
}
_MEND = "Mend those values first; or set it on this stage by attributeChange, which lets them stand."


async def _refusals(viewer: Viewer, repositories: Repositories, wanting: Sequence[Difference]) -> list[Problem]:
    """What the acts would refuse, asked before anything is written."""
    present = repositories.feed.catalogue
    catalogue = catalogue_of(present, wanting)
    problems = await problems_together(viewer, repositories, wanting, _is_computed)
    for each in wanting:
        wanted = each.attribute
        successor = wanted.successor
        if wanted.status is Status.DEPRECATED and successor and catalogue.find(successor, wanted.area) is None:
            problems.append(_no_successor(wanted))
        if (why := _alone(viewer, each)) is not None:
            problems.append(Problem(ErrorCode.NOT_ALLOWED, f"{wanted.path}: {why}", (wanted.path,)))
    wrong = {each.path[0] for each in problems if each.path}
    for each in wanting:
        if each.attribute.path in wrong:
            continue
        if each.present is None or (each.level is Level.LOSES_DATA and not _is_retired(each)):
            continue
        if any(_is_retired(inner) and inner.attribute.parent == each.attribute.path for inner in wanting):
            # What is in it goes first.
            continue
        if _is_computed(each) or (_is_retired(each) and users_gone(present, catalogue, each.attribute)):
            # By what is here now it may not do what it may when the rest of the file is in force.
            continue
        for step in _steps(viewer, repositories, [each], None, dry_run=True):
            try:
                await step.run()
            except KehuError as refused:
                problems += [problem.under(each.attribute.path) for problem in refused.problems()]
    return problems


def _no_successor(wanted: Attribute) -> Problem:
    message = f"{wanted.path}: its successor {wanted.successor} is neither here nor in the file; add it to the file."
    return Problem(ErrorCode.INVALID_VALUE, message, (wanted.path, "successor"), wanted.successor)


def _alone(viewer: Viewer, difference: Difference) -> str | None:
    """Why the viewer may not even propose what takes two people."""
    act = attribute_act(difference.present, difference.attribute)
    return None if act is None else may_propose(viewer, act)


@dataclass(frozen=True, slots=True)
class _Step:
    """One call of an act."""

    path: str
    words: str
    order: tuple[object, ...]
    run: Callable[[], Awaitable[Definition]]
    is_proposed: bool = False
    fields: tuple[str, ...] = ()
    read: frozenset[str] = frozenset()
    """What it is computed from, by path."""
    readers: frozenset[str] = frozenset()
    """What is no more computed from it, by path."""

    def first(self, held: Some[str]) -> str | None:
        """What of that which waits for a second person has to be there before."""
        if self.is_proposed and any(each.startswith(f"{self.path}.") for each in held):
            return "what is in it"
        if not self.read.isdisjoint(held):
            return "what it is computed from"
        return None if self.readers.isdisjoint(held) else "what is computed from it"


def _steps(
    viewer: Viewer,
    repositories: Repositories,
    wanting: Sequence[Difference],
    reason: str | None,
    *,
    dry_run: bool = False,
) -> list[_Step]:
    """The calls that make what is wanted of what is here, in their order."""
    present = repositories.feed.catalogue
    catalogue = catalogue_of(present, wanting)
    places = places_in_order(catalogue, wanting)
    steps: list[_Step] = []
    for each in wanting:
        wanted, before = each.attribute, each.present
        place = places[wanted.area, wanted.path]
        if before is None:
            made = [_define(viewer, repositories, wanted, place)]
        else:
            made = _changes(viewer, repositories, each, before, reason, place, dry_run=dry_run)
        read = frozenset(path for _, path in read_by(catalogue, wanted))
        readers = users_gone(present, catalogue, wanted) if _is_retired(each) else frozenset()
        steps += (replace(step, read=read, readers=readers) for step in made)
    return sorted(steps, key=lambda step: step.order)


def _define(viewer: Viewer, repositories: Repositories, wanted: Attribute, place: int) -> _Step:
    fresh = wanted.model_copy(update={"revision": 1})
    run = partial(define_attribute, viewer, repositories, fresh)
    return _Step(wanted.path, "is defined", (1, place), run, fields=tuple(wanted.canonical()))


def _changes(
    viewer: Viewer,
    repositories: Repositories,
    difference: Difference,
    before: Attribute,
    reason: str | None,
    place: int,
    *,
    dry_run: bool,
) -> list[_Step]:
    wanted, path, area = difference.attribute, before.path, before.area
    names = {each.name for each in difference.fields}
    is_retired = _is_retired(difference)
    is_deprecated = (before.status, wanted.status) == (Status.PUBLISHED, Status.DEPRECATED)
    apart = _OF_DEPRECATION if is_deprecated else {"status"} if is_retired else frozenset()
    changes = {name: getattr(wanted, name) for name in names - apart}
    own, later = Guard(before.revision), Guard(before.revision + 1 if changes and not dry_run else before.revision)
    steps: list[_Step] = []
    if changes:
        frees = before.is_sortable and not wanted.is_sortable and names.isdisjoint(_COMPUTED)

        async def change() -> Definition:
            if "sensitivity" not in changes:
                return await change_attribute(viewer, repositories, path, changes, own, area=area, dry_run=dry_run)
            return await change_or_propose(
                viewer, repositories, path, changes, own, area=area, reason=reason, dry_run=dry_run
            )

        fields = tuple(sorted(changes))
        words, order = f"has another {', '.join(fields)}", (0 if frees else 1, place)
        steps.append(_Step(path, words, order, change, "sensitivity" in changes, fields))
    if is_deprecated:

        async def deprecate() -> Definition:
            # A successor of the same file is not here yet while everything is only checked.
            is_here = repositories.feed.catalogue.find(wanted.successor or "", area) is not None or not dry_run
            successor, removal_on = wanted.successor if is_here else None, wanted.removal_on
            return await deprecate_attribute(
                viewer, repositories, path, successor=successor, removal_on=removal_on, guard=later, dry_run=dry_run
            )

        steps.append(_Step(path, "is deprecated", (2, place), deprecate, fields=tuple(_OF_DEPRECATION)))
    if is_retired:

        async def retire() -> Definition:
            if dry_run:
                return await retire_attribute(viewer, repositories, path, guard=later, dry_run=True)
            return await propose_retirement(viewer, repositories, path, guard=later, reason=reason)

        # What stands in it, and what is computed from it, goes first.
        steps.append(_Step(path, "is retired", (3, -place), retire, is_proposed=True, fields=("status",)))
    return steps


def _is_computed(difference: Difference) -> bool:
    """Whether computed values come about otherwise, have another level, or are there for the first time."""
    before, wanted = difference.present, difference.attribute
    names = {each.name for each in difference.fields}
    is_published = "status" in names and wanted.status is Status.PUBLISHED
    is_other = not names.isdisjoint(_COMPUTED) or (wanted.is_computed and ("sensitivity" in names or is_published))
    return before is not None and is_other


def _is_retired(difference: Difference) -> bool:
    after, before = difference.wanted, difference.present
    return (
        after is not None
        and before is not None
        and after.status is Status.RETIRED
        and before.status is not Status.RETIRED
    )
