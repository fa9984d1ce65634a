"""Whether an attribute may have its formula, and whether others let it change; every problem at once."""

from collections.abc import Iterator

from catalogue.attribute import CLIENTS, Attribute, Facet, FormulaState
from catalogue.catalogue import Catalogue
from catalogue.computed import FORMULA, broken_problems, fitness_problems, has_other_rules, in_force, level_problems
from catalogue.errors import Problem
from catalogue.formulas.forms import check_text
from catalogue.formulas.graph import graph_of, input_paths
from catalogue.formulas.text import problem
from catalogue.formulas.types import WIDENING, Type, type_of
from catalogue.kinds import Kind

KINDS_GIVEN = frozenset(
    (
        *(Kind.STRING, Kind.TEXT, Kind.CODE, Kind.LONG, Kind.NUMBER, Kind.DECIMAL),
        *(Kind.BOOLEAN, Kind.DATE, Kind.DATETIME),
    )
)
"""Kinds that a formula can give."""
FORMULAS_LIMIT = 200
_ADVICE = {
    Kind.LONG: "wrap it in $toLong, after $round or $trunc",
    Kind.NUMBER: "wrap it in $toDouble",
    Kind.DECIMAL: "wrap it in $toDecimal",
    Kind.DATE: 'wrap it in $dateTrunc with the unit "day"',
    Kind.DATETIME: "wrap it in $toDate",
    Kind.BOOLEAN: "compare it with something",
}


def formula_problems(before: Catalogue, after: Catalogue, path: str, area: str = CLIENTS) -> list[Problem]:
    """Why a definition cannot stand in the wanted catalogue, as far as formulas go; its own and those that read it."""
    wanted, was = after.find(path, area), in_force(before, path, area)
    if wanted is None:
        return []
    problems = list(_own_problems(after, wanted, was)) if wanted.formula is not None and wanted.is_live else []
    return [*problems, *_users_problems(before, after, wanted)]


def _own_problems(catalogue: Catalogue, attribute: Attribute, was: Attribute | None) -> Iterator[Problem]:
    misplaced = list(_place_problems(catalogue, attribute))
    yield from misplaced
    checked = check_text(catalogue, attribute.path, attribute.formula or "null")
    yield from checked.problems
    if not checked.problems and not misplaced:
        yield from kind_problems(attribute, checked.tree.type)
    circle = graph_of(catalogue).circle_of(attribute.path)
    if circle is not None and len(circle) > 2:
        yield problem("", f"would make a circle: {' reads '.join(circle)}. Take one of these steps away.")
    is_newly_secret = was is None or (was.formula, was.sensitivity) != (attribute.formula, attribute.sensitivity)
    if is_newly_secret and not checked.problems:
        inputs = map(catalogue.find, sorted(input_paths(catalogue, attribute.formula or "null")))
        yield from level_problems(catalogue, attribute, filter(None, inputs), FORMULA)
    if len(graph_of(catalogue).formulas) > FORMULAS_LIMIT:
        yield problem("", f"would be one of more than {FORMULAS_LIMIT}, and each costs every write that it hangs on.")


def _place_problems(catalogue: Catalogue, attribute: Attribute) -> Iterator[Problem]:
    if attribute.area != CLIENTS or attribute.facet is not Facet.DERIVED:
        yield problem("", f"is for the facet derived only; {attribute.path} is not of it.", attribute.path)
    if catalogue.list_group_of(attribute) is not None:
        yield problem("", f"is of {attribute.path}, which is in a list of groups and has no value of its own.")
    if attribute.kind not in KINDS_GIVEN:
        kinds = ", ".join(sorted(KINDS_GIVEN))
        yield problem("", f"gives {kinds}, and no {attribute.kind}.", attribute.kind, kinds)
    yield from fitness_problems(catalogue, attribute, FORMULA)


def kind_problems(attribute: Attribute, found: Type) -> Iterator[Problem]:
    """A problem where what a formula gives cannot be kept as the attribute's values."""
    wanted = type_of(attribute)
    if fits(found, wanted):
        return
    advice = _ADVICE.get(attribute.kind) if found.depth == wanted.depth else None
    advice = advice or ("it is a list" if found.depth else "give a list")
    yield problem(
        "",
        f"gives {found.words()}, and {attribute.path} takes {wanted.words()}; {advice}.",
        found.words(),
        wanted.words(),
    )


def fits(found: Type, wanted: Type) -> bool:
    """Whether values of one type can be kept as another without losing anything."""
    if found.is_null or (found.kind is None and found.depth == wanted.depth):
        return True
    if found.depth != wanted.depth or found.kind is None or wanted.kind is None:
        return False
    if found.kind in WIDENING and wanted.kind in WIDENING:
        return WIDENING.index(found.kind) <= WIDENING.index(wanted.kind)
    return found.kind is wanted.kind or (found.kind, wanted.kind) == (Kind.DATE, Kind.DATETIME)


def _users_problems(before: Catalogue, after: Catalogue, attribute: Attribute) -> Iterator[Problem]:
    """A problem where a formula that reads the attribute could not be computed any more."""
    if attribute.area != CLIENTS:
        return
    broken: dict[str, str] = {}
    for user in graph_of(before).users(attribute.path):
        found = after.find(user)
        if found is not None and found.formula is not None and user != attribute.path and after.is_live(found):
            for each in check_text(after, user, found.formula).problems:
                broken.setdefault(user, each.message)
    yield from broken_problems(attribute, broken, FORMULA)


def settled(before: Attribute | None, after: Attribute, inputs: frozenset[str]) -> Attribute:
    """The wanted definition with what has to be known of a formula that is new, changed or gone.

    An attribute that was live may have values, which are read meanwhile. Whether it has any is not asked: the state
    would tell it to those who may not read them.
    """
    old = before if before is not None and before.is_live else None
    is_same = old is not None and old.formula == after.formula
    if not after.is_live or (is_same and (after.formula is None or not has_other_rules(old, after))):
        return after
    derived_from = tuple(sorted({*after.derived_from, *inputs}))
    update: dict[str, object] = {"derived_from": derived_from}
    if is_same and old is not None:
        # The same expression gives other values under other rules.
        state = old.formula_state or FormulaState.SWITCHING
        return after.model_copy(update=update | {"formula_state": state, "formula_revision": after.revision})
    update |= {"formula_revision": after.revision if after.formula is not None else 0}
    update |= {"formula_state": None, "formula_before": None, "formula_before_revision": 0}
    if after.formula is None:
        return after.model_copy(update=update)
    if old is None:
        return after.model_copy(update=update | {"formula_state": FormulaState.SWITCHING})
    update |= {"formula_state": FormulaState.FILLING}
    if old.formula is not None:
        is_filling = old.formula_state is FormulaState.FILLING
        update["formula_before"] = old.formula_before if is_filling else old.formula
        update["formula_before_revision"] = old.formula_before_revision if is_filling else old.formula_revision
    return after.model_copy(update=update)
