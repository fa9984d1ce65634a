"""Whether an attribute may have its rollup, and whether rollups let others change; every problem at once."""

import json
from collections.abc import Generator, Iterator

from catalogue.attribute import CLIENTS, Attribute, Facet, FormulaState
from catalogue.catalogue import Catalogue
from catalogue.computed import ROLLUP, broken_problems, fitness_problems, has_other_rules, in_force, level_problems
from catalogue.errors import ErrorCode, Problem, Refused
from catalogue.filter_codes import code_problems, codes_of
from catalogue.filters import named_paths, paths_of
from catalogue.formulas.definition import KINDS_GIVEN, fits
from catalogue.formulas.graph import graph_of
from catalogue.formulas.types import MOMENTS, WIDENING, Type, type_of
from catalogue.kinds import Kind
from catalogue.rollups.reading import (
    filter_of,
    is_for_members,
    member_paths,
    members_of,
    moment_path,
    relation_of,
    rolled_up,
    rollup_inputs,
)
from catalogue.rollups.rollup import Rollup, RollupFunction

FACETS = (Facet.BEHAVIOUR, Facet.DERIVED)
"""What a client does is told by records of it as well as by what is computed of them."""
ROLLUPS_LIMIT = 50
DAYS_LIMIT = 3_660
WHERE_LIMIT = 20_000
"""Units: characters of the filter as JSON."""
_NUMBERS = frozenset(WIDENING)
_TAKES = {
    RollupFunction.COUNT: frozenset(Kind) - {Kind.GROUP},
    RollupFunction.SUM: _NUMBERS,
    RollupFunction.AVERAGE: _NUMBERS,
    RollupFunction.MINIMUM: _NUMBERS | set(MOMENTS),
    RollupFunction.MAXIMUM: _NUMBERS | set(MOMENTS),
    RollupFunction.LATEST: KINDS_GIVEN,
    RollupFunction.FIRST: KINDS_GIVEN,
}
"""The kinds of attribute that each function takes values of."""


def rollup_problems(before: Catalogue, after: Catalogue, path: str, area: str = CLIENTS) -> list[Problem]:
    """Why a definition cannot stand in the wanted catalogue, as far as rollups go."""
    wanted, was = after.find(path, area), in_force(before, path, area)
    if wanted is None:
        return []
    if area != CLIENTS:
        return _users_problems(before, after, wanted)
    own = list(_own_problems(after, wanted, was)) if wanted.rollup is not None and wanted.is_live else []
    return [*own, *_segment_problems(before, after, wanted)]


def _own_problems(catalogue: Catalogue, attribute: Attribute, was: Attribute | None) -> Iterator[Problem]:
    rollup = attribute.rollup
    assert rollup is not None
    yield from _place_problems(catalogue, attribute)
    found = list(reading_problems(catalogue, attribute, rollup))
    yield from found
    unfit = list(_member_problems(catalogue, attribute))
    yield from unfit
    circle = graph_of(catalogue).circle_of(attribute.path)
    if circle is not None:
        message = f"Its segment would make a circle: {' reads '.join(circle)}. Take one of these steps away."
        yield _problem(("segment",), message, rollup.segment, "a segment that does not look at it")
    if _secrecy(was) != _secrecy(attribute) and not found and not unfit:
        paths = sorted(rollup_inputs(catalogue, rollup))
        inputs = filter(None, (catalogue.find(each, rollup.area) for each in paths))
        yield from level_problems(catalogue, attribute, inputs, ROLLUP, f"reads {{}} of {rollup.area}")
        told = filter(None, map(catalogue.find, sorted(member_paths(catalogue, attribute))))
        yield from level_problems(catalogue, attribute, told, ROLLUP, f"its segment {rollup.segment} looks at {{}}")
    if len(rolled_up(catalogue)) > ROLLUPS_LIMIT:
        message = f"There are {ROLLUPS_LIMIT} rollups, the most; each costs every write of the records that it reads."
        yield _problem((), message)


def _secrecy(attribute: Attribute | None) -> tuple[object, ...] | None:
    """What its level hangs on."""
    return None if attribute is None else (attribute.rollup, attribute.segment_where, attribute.sensitivity)


def _member_problems(catalogue: Catalogue, attribute: Attribute) -> Iterator[Problem]:
    """Why it cannot be said who has a value."""
    try:
        predicate = members_of(catalogue, attribute)
    except Refused as refused:
        yield from (_problem(("segment",), each.message, each.given, each.expected) for each in refused.problems())
        return
    for path in sorted(named_paths(predicate)):
        found = catalogue.find(path)
        if found is not None and catalogue.is_restricted(found):
            yield _problem(("segment",), f"{path} is RESTRICTED: its values are encrypted.", path, "another attribute")


def _place_problems(catalogue: Catalogue, attribute: Attribute) -> Iterator[Problem]:
    if attribute.formula is not None or attribute.model is not None:
        other = "a formula" if attribute.model is None else "a model"
        yield _problem((), f"{attribute.path} has {other}; give {other} or a rollup.", expected="one of them")
    if attribute.facet not in FACETS:
        message = f"A rollup is for the facets behaviour and derived only; {attribute.path} is of neither."
        yield _problem((), message, attribute.path, "behaviour or derived")
    if attribute.is_list or catalogue.list_group_of(attribute) is not None:
        yield _problem((), f"A rollup gives one value; {attribute.path} is a list, or stands in one.")
    yield from fitness_problems(catalogue, attribute, ROLLUP)


def reading_problems(catalogue: Catalogue, attribute: Attribute, rollup: Rollup) -> Iterator[Problem]:
    """Why a rollup cannot be read from the records, or kept as the attribute's values."""
    relation = relation_of(catalogue, rollup.area)
    if relation is None:
        known = sorted(each.area for each in catalogue.relations if each.target == CLIENTS)
        yield _problem(("area",), f"No records of {rollup.area} point at clients.", rollup.area, ", ".join(known))
        return
    if rollup.days is not None and not 1 <= rollup.days <= DAYS_LIMIT:
        yield _problem(("days",), f"A window has 1 to {DAYS_LIMIT} days.", str(rollup.days), f"1 to {DAYS_LIMIT}")
    yield from _moment_problems(catalogue, rollup)
    yield from _where_problems(catalogue, rollup)
    if rollup.of is None and rollup.function is not RollupFunction.COUNT:
        yield _problem(("of",), f"{rollup.function} takes the values of an attribute; name it.", None, "a path")
        return
    kinds = _TAKES[rollup.function]
    found: Attribute | None = None
    if rollup.of is not None:
        found = yield from _input_problems(catalogue, rollup, "of", rollup.of, kinds)
        if found is None:
            return
    gives = Type(_given(rollup.function, found))
    if not fits(gives, type_of(attribute)):
        message = (
            f"{rollup.function} gives {gives.words()} here, and {attribute.path} takes {type_of(attribute).words()}."
        )
        yield _problem(("function",), message, gives.words(), type_of(attribute).words())


def _given(function: RollupFunction, of: Attribute | None) -> Kind:
    if function is RollupFunction.COUNT or of is None:
        return Kind.LONG
    if function is RollupFunction.AVERAGE and of.kind is Kind.LONG:
        return Kind.NUMBER
    return Kind.STRING if of.spec.is_text else of.kind


def _moment_problems(catalogue: Catalogue, rollup: Rollup) -> Iterator[Problem]:
    path = moment_path(catalogue, rollup)
    if path is None:
        yield _problem(("over",), f"Records of {rollup.area} have no moment of their own; name one.", None, "a path")
    else:
        yield from _input_problems(catalogue, rollup, "over", path, frozenset(MOMENTS))


def _where_problems(catalogue: Catalogue, rollup: Rollup) -> Iterator[Problem]:
    try:
        predicate = filter_of(catalogue, rollup)
    except Refused as refused:
        yield from (each.under("rollup") for each in refused.problems())
        return
    yield from (each.under("rollup") for each in code_problems(codes_of(catalogue, rollup.area), predicate))
    for path in sorted(paths_of(predicate)):
        found = catalogue.find(path, rollup.area)
        if found is not None and catalogue.is_restricted(found):
            yield _problem(("where",), f"{path} is RESTRICTED: its values are encrypted.", path, "another attribute")


def _input_problems(
    catalogue: Catalogue, rollup: Rollup, name: str, path: str, kinds: frozenset[Kind]
) -> Generator[Problem, None, Attribute | None]:
    """What is wrong with an attribute that values are read from; the attribute is returned if nothing is."""
    found = catalogue.find(path, rollup.area)
    if found is None or not catalogue.is_live(found):
        yield _problem((name,), f'{rollup.area} has no live attribute "{path}".', path, "the path of an attribute")
    elif found.is_list or catalogue.list_group_of(found) is not None:
        yield _problem((name,), f"{path} is a list, or stands in one; a record has one value.", path, "a single value")
    elif found.kind not in kinds:
        words = ", ".join(sorted(kinds))
        yield _problem((name,), f"{path} is {found.kind}; {words} can be taken here.", found.kind, words)
    elif catalogue.is_restricted(found):
        yield _problem((name,), f"{path} is RESTRICTED: its values are encrypted.", path, "another attribute")
    else:
        return found
    return None


def _segment_problems(before: Catalogue, after: Catalogue, changed: Attribute) -> list[Problem]:
    """A problem where it could not be said any more who has a value of a rollup."""
    broken: dict[str, str] = {}
    for path in graph_of(before).users(changed.path):
        found = after.find(path)
        if found is None or path == changed.path or not is_for_members(found) or not after.is_live(found):
            continue
        for problem in _member_problems(after, found):
            broken.setdefault(path, problem.message)
    return broken_problems(changed, broken, ROLLUP)


def _users_problems(before: Catalogue, after: Catalogue, changed: Attribute) -> list[Problem]:
    """A problem where rollups that read the attribute could not be computed any more."""
    broken: dict[str, str] = {}
    for each in rolled_up(before):
        found = after.find(each.path)
        if each.rollup is None or each.rollup.area != changed.area or found is None or not after.is_live(found):
            continue
        for problem in reading_problems(after, each, each.rollup):
            broken.setdefault(each.path, problem.message)
    return broken_problems(changed, broken, ROLLUP)


def settled_rollup(
    before: Attribute | None, after: Attribute, inputs: frozenset[str], members: frozenset[str] = frozenset()
) -> Attribute:
    """The wanted definition with what has to be known of a rollup that is new, changed or gone.

    Its values take their place client by client: those of a rollup move with each record anyway. `members` are the
    paths of clients by which its segment says who has one.
    """
    old = before if before is not None and before.is_live else None
    is_same = old is not None and (old.rollup, old.segment_where) == (after.rollup, after.segment_where)
    if not after.is_live or (is_same and (after.rollup is None or not has_other_rules(old, after))):
        return after
    update: dict[str, object] = {"formula_before": None, "formula_before_revision": 0}
    if after.rollup is None:
        return after.model_copy(update=update | {"formula_state": None, "formula_revision": 0})
    named = {f"{after.rollup.area}:{each}" for each in inputs} | members
    update |= {"derived_from": tuple(sorted({*after.derived_from, *named}))}
    update |= {"formula_state": FormulaState.SWITCHING, "formula_revision": after.revision}
    return after.model_copy(update=update)


def where_text(given: object) -> str:
    """A filter as one text, the same for the same filter. Raises: Refused for what is no filter."""
    try:
        value = json.loads(given) if isinstance(given, str) else given
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise Refused([_problem(("where",), "The filter is no JSON; give an object.", None, "an object")]) from None
    if len(text) > WHERE_LIMIT:
        message = f"The filter is {len(text)} characters of JSON; {WHERE_LIMIT} are the most."
        raise Refused([_problem(("where",), message, str(len(text)), f"up to {WHERE_LIMIT}")])
    return text


def _problem(place: tuple[str, ...], message: str, given: object = None, expected: str | None = None) -> Problem:
    words = None if given is None else str(given)
    return Problem(ErrorCode.INVALID_VALUE, message, ("rollup", *place), words, expected)
