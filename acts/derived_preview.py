"""Try a formula without saving it: on clients, or on values that are only supposed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from acts.checks import now, problem, refuse
from acts.formulas import NOT_IN_MEMORY
from catalogue.attribute import CLIENTS, Attribute, ClientKind, ClientStage
from catalogue.catalogue import BOTH_KINDS, Catalogue, unknown_attribute
from catalogue.errors import Problem
from catalogue.filters import Compare
from catalogue.formulas.definition import kind_problems
from catalogue.formulas.forms import check_text
from catalogue.formulas.graph import input_paths
from catalogue.formulas.text import CORE, reads_of
from catalogue.formulas.text import problem as formula_problem
from catalogue.kinds import Kind, Operator, parse_value
from catalogue.values import check_flat
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.compile.derived_value import value_expression
from repositories.cursors import value_at
from repositories.errors import RepositoryFault
from repositories.plan import ReadPlan
from repositories.previewing import FOUND, PreviewRepository
from repositories.repositories import Repositories

CLIENTS_MOST = 50
_OWN_PATH = "derived.preview"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A formula to be tried."""

    formula: str
    kind: Kind
    is_list: bool = False
    numbers: Sequence[str] = ()
    sample: int = 0
    """How many of the clients that the viewer may see."""
    supposed: Mapping[str, object] = field(default_factory=dict)
    """Values by path that stand instead of those that are stored."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a formula gives for one client, or for none."""

    number: str | None
    value: Any
    inputs: Mapping[str, Any]
    """What it read, by path."""


async def preview(
    viewer: Viewer, repositories: Repositories, wanted: Wanted, touched: Touched | None = None
) -> list[Tried]:
    """What the formula gives: for each of the clients, or for the supposed values alone where no clients are named.

    Raises: NotAllowed; Refused with every problem at once; UnknownAttribute for inputs that the viewer may not read.
    Cost: one command.
    """
    repositories.access.require(viewer, Right.DEFINE_ATTRIBUTES)
    catalogue = repositories.feed.catalogue
    attribute = Attribute(path=_OWN_PATH, label="-", description="-", kind=wanted.kind, is_list=wanted.is_list)
    checked = check_text(catalogue, _OWN_PATH, wanted.formula)
    problems = [*checked.problems] or list(kind_problems(attribute, checked.tree.type))
    if wanted.kind is Kind.CODE:
        problems.append(problem("kind", "CODE", "STRING, because a trial has no options"))
    if len(wanted.numbers) > CLIENTS_MOST or not 0 <= wanted.sample <= CLIENTS_MOST:
        problems.append(problem("sample", max(len(wanted.numbers), wanted.sample), f"up to {CLIENTS_MOST} clients"))
    if not repositories.store.has_formulas:
        problems.append(formula_problem("", NOT_IN_MEMORY))
    inputs = input_paths(catalogue, wanted.formula)
    supposed = _supposed(catalogue, wanted.supposed, inputs, problems)
    refuse(problems)
    expression = value_expression(attribute, BOTH_KINDS, checked.tree)
    at = now() if reads_of(wanted.formula).is_timed else None
    # Of a list of groups it is shown what the formula read, and no more.
    groups = {path for path in inputs if (found := catalogue.find(path)) is not None and found.kind is Kind.GROUP}
    try:
        return await _tried(viewer, repositories, wanted, expression, at, (inputs, inputs - groups), supposed, touched)
    except RepositoryFault as refused:
        refuse([formula_problem("", f"is refused by the database: {refused.__cause__ or refused.message}")])
        raise


async def values_despite_unset(viewer: Viewer, repositories: Repositories, attribute: Attribute) -> int | None:
    """Of how many clients that the viewer may see a formula gives a value though something that it reads is unset.

    None where there is no formula, where the store computes none, and for whoever may not count by all that it reads.
    Cost: one command, which computes the formula for every client with an unset input.
    """
    text, catalogue = attribute.formula, repositories.catalogue
    if text is None or not repositories.store.has_formulas:
        return None
    inputs = input_paths(catalogue, text) - set(CORE)
    if not inputs or not all(repositories.access.may_filter(viewer, path) for path in inputs):
        return None
    tree = check_text(catalogue, attribute.path, text).tree
    expression = value_expression(attribute, BOTH_KINDS, tree)
    at = now() if reads_of(text).is_timed else None
    rows = repositories.access.rows(viewer)
    return await PreviewRepository(repositories.store).count_despite_unset(rows, expression, at, inputs)


async def _tried(
    viewer: Viewer,
    repositories: Repositories,
    wanted: Wanted,
    expression: object,
    at: datetime | None,
    read: tuple[frozenset[str], frozenset[str]],
    supposed: Mapping[str, object],
    touched: Touched | None,
) -> list[Tried]:
    previews, (inputs, shown) = PreviewRepository(repositories.store), read
    if not wanted.numbers and not wanted.sample:
        return [_row(await previews.of_nobody(expression, at, shown, supposed), shown)]
    for path in sorted(inputs - set(CORE)):
        if not repositories.access.may_filter(viewer, path):
            raise unknown_attribute(path)
    where = Compare("number", Operator.IN, tuple(sorted(wanted.numbers))) if wanted.numbers else None
    plan = ReadPlan(CLIENTS, frozenset((*inputs, "number")), where)
    authorised = repositories.access.authorise(plan, viewer, touched)
    most = len(wanted.numbers) or wanted.sample
    rows = await previews.of_clients(authorised, expression, at, shown, supposed, most)
    return [_row(each, shown) for each in rows]


def _row(found: Mapping[str, Any], shown: frozenset[str]) -> Tried:
    return Tried(found.get("number"), found.get(FOUND), {path: _value(found, path) for path in sorted(shown)})


def _value(found: Any, path: str) -> Any:
    """The value at a path; of a list of groups, that of each item."""
    for place, key in enumerate(path.split(".")):
        if isinstance(found, list):
            return [value_at(each, ".".join(path.split(".")[place:])) for each in found]
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _supposed(
    catalogue: Catalogue, given: Mapping[str, object], inputs: frozenset[str], problems: list[Problem]
) -> dict[str, object]:
    """The supposed values as they would be stored."""
    core = {path: _core(path, value, problems) for path, value in given.items() if path in CORE}
    rows = [found for path in given if (found := catalogue.find(path)) is not None and found.formula is not None]
    # What is computed may be supposed to be otherwise too.
    entered = catalogue.with_attributes(each.model_copy(update={"formula": None}) for each in rows)
    checked = check_flat(entered, {path: value for path, value in given.items() if path not in CORE})
    problems += (each.under("whatIf") for each in checked.problems)
    read = ", ".join(sorted(inputs)) or "none"
    for path in sorted(given):
        if not any(path == each or each.startswith(f"{path}.") for each in inputs):
            problems.append(problem("whatIf", path, f"paths that the formula reads: {read}"))
        if outer := next((each for each in given if path.startswith(f"{each}.")), None):
            problems.append(problem("whatIf", path, f"each value once; it stands in {outer}, which is given too"))
    return core | checked.values


def _core(path: str, value: object, problems: list[Problem]) -> object:
    codes: Mapping[str, list[str]] = {"kind": list(ClientKind), "stage": list(ClientStage)}
    expected = codes.get(path)
    if expected is not None and value not in expected:
        problems.append(problem(path, value, f"one of {', '.join(expected)}"))
    if expected is None:
        try:
            return parse_value(Kind.DATETIME, value)
        except ValueError as wanted:
            problems.append(problem(path, value, str(wanted)))
    return value
