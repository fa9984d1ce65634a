"""Codes in predicates: one that is no option finds nobody, or everybody with `ne`, so it is refused."""

from collections.abc import Iterator, Mapping

from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem, shown
from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Kind, Operator

Codes = Mapping[str, tuple[str, ...]]
"""The options of each CODE attribute of an area by its path, retired ones too: stored values are found by them."""
SHOWN = 20


def codes_of(catalogue: Catalogue, area: str = CLIENTS) -> Codes:
    """The codes that a predicate over records of an area may name."""
    return {
        path: tuple(option.code for option in each.options)
        for path, each in catalogue.area(area).items()
        if each.kind is Kind.CODE and each.options
    }


def code_problems(codes: Codes, predicate: Filter | None) -> list[Problem]:
    """A problem for each value of a predicate that is none of the codes, and no beginning of one for `startsWith`."""
    return [] if predicate is None else [*_problems(codes, predicate, ("where",), "")]


def _problems(codes: Codes, predicate: Filter, place: tuple[str, ...], prefix: str) -> Iterator[Problem]:
    match predicate:
        case Compare(path, operator, value) if f"{prefix}{path}" in codes:
            options = codes[f"{prefix}{path}"]
            here = (*place, *path.split("."), str(operator))
            for each in value if isinstance(value, tuple) else (value,):
                if not _is_known(operator, each, options):
                    yield _problem(here, operator, each, options)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _problems(codes, part, place, prefix)
        case Not(part):
            yield from _problems(codes, part, place, prefix)
        case AnyItem(path, part):
            yield from _problems(codes, part, (*place, *path.split("."), "any"), f"{prefix}{path}.")
        case _:
            return


def _is_known(operator: Operator, value: object, options: tuple[str, ...]) -> bool:
    if operator is Operator.IS_NULL:
        return True
    if operator in (Operator.STARTS_WITH, Operator.CONTAINS):
        text = str(value)
        folded = text.casefold()
        return any(
            each.startswith(text) if operator is Operator.STARTS_WITH else folded in each.casefold() for each in options
        )
    return value in options


def _problem(place: tuple[str, ...], operator: Operator, value: object, options: tuple[str, ...]) -> Problem:
    listed = f"{', '.join(options[:SHOWN])}{' ...' if len(options) > SHOWN else ''}"
    part = {Operator.STARTS_WITH: "the beginning of one of ", Operator.CONTAINS: "a part of one of "}
    expected = f"{part.get(operator, 'one of ')}{listed}"
    message = f"{'.'.join(place)} takes {expected}; got {shown(value)}."
    return Problem(ErrorCode.INVALID_VALUE, message, place, shown(value), expected)
