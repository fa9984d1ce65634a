"""What holds for every attribute whose values are computed, whichever way: by a formula, a rollup or a model."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from catalogue.attribute import Attribute, Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.formulas.graph import sensitivity_of

_SECRECY = list(Sensitivity)
RULES = ("options", "minimum", "maximum", "min_length", "max_length", "applies_to")
"""Parts of a definition that a computed value must fit: under others it comes out otherwise."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way in which values are computed, in the words of its refusals."""

    code: ErrorCode
    noun: str
    subject: str
    why: str = "a computed value is at least as secret as what it is computed from"


FORMULA = Way(ErrorCode.FORMULA_REFUSED, "formula", "The formula")
ROLLUP = Way(ErrorCode.INVALID_VALUE, "rollup", "A rollup")
MODEL = Way(ErrorCode.MODEL_REFUSED, "model", "The model", "a result is at least as secret as what it is made from")


def in_force(before: Catalogue, path: str, area: str) -> Attribute | None:
    """The definition by which there are values; a draft has had none: its level is asked about when it is published."""
    was = before.find(path, area)
    return was if was is not None and before.is_live(was) else None


def fitness_problems(catalogue: Catalogue, attribute: Attribute, way: Way) -> Iterator[Problem]:
    """A problem for each part of a definition that no value has which the database computes."""
    if catalogue.is_restricted(attribute):
        message = f"{way.subject} would give RESTRICTED values, which are encrypted; the database computes in clear."
        yield Problem(way.code, message, ("sensitivity",), "RESTRICTED", "CONFIDENTIAL")
    unfit = {
        "isSearchable": attribute.is_searchable,
        "retainDays": attribute.retain_days is not None,
        "requiredFor": bool(attribute.required_for),
        "pattern": attribute.pattern is not None,
    }
    for name in (name for name, is_set in unfit.items() if is_set):
        message = f"{name} is not for computed values; leave it out, or the {way.noun}."
        yield Problem(way.code, message, (name,), None, "nothing")


def level_problems(
    catalogue: Catalogue, attribute: Attribute, inputs: Iterable[Attribute], way: Way, reads: str = "reads {}"
) -> Iterator[Problem]:
    """A problem where a value would be less secret than one of its inputs.

    Shape: `reads` says what is read, with {} where the paths of the most secret inputs stand.
    """
    levels = [(each, sensitivity_of(catalogue, each)) for each in inputs]
    least = max((level for _, level in levels), key=_SECRECY.index, default=Sensitivity.PUBLIC)
    if _SECRECY.index(attribute.sensitivity) >= _SECRECY.index(least):
        return
    named = ", ".join(each.path for each, level in levels if level is least)
    message = (
        f"{attribute.path} is {attribute.sensitivity}, and {reads.format(named)}, which is {least}: {way.why}. "
        f"Set sensitivity to {least}."
    )
    yield Problem(way.code, message, ("sensitivity",), str(attribute.sensitivity), str(least))


def broken_problems(changed: Attribute, broken: Mapping[str, str], way: Way) -> list[Problem]:
    """A problem where what reads an attribute could not be computed any more; `broken` says why, by path."""
    if not broken:
        return []
    names, first = ", ".join(broken), next(iter(broken.values()))
    message = (
        f"{changed.path} is read by the {way.noun} of {names}, which could not be computed: {first} Change it first."
    )
    return [Problem(way.code, message, ("path",), changed.path, f"no {way.noun} of {names}")]


def has_other_rules(before: Attribute | None, after: Attribute) -> bool:
    """Whether the same computation may give other values, because of the rules that they are held against."""
    return before is not None and any(getattr(before, name) != getattr(after, name) for name in RULES)
