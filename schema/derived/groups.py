"""Groups: what can be grouped by and measured, the types for both, and the keys that were asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import pairwise
from math import isfinite
from typing import Any

import strawberry

from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, KehuError, shown
from catalogue.kinds import Kind
from repositories.compile.groups import CalendarUnit, GroupBy
from schema.derived.fields import description_of
from schema.fields import input_type, output_type, plain
from schema.marks import PATHS_OF
from schema.scalars import Json

KEY_LIMIT = 3
BOUND_LIMIT = 50
GROUPED = frozenset(
    (Kind.CODE, Kind.STRING, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME, Kind.LONG, Kind.NUMBER, Kind.DECIMAL)
)
GROUPED_LISTS = frozenset((Kind.CODE, Kind.STRING))
_DATES = frozenset((Kind.DATE, Kind.DATETIME))

CalendarUnitEnum = strawberry.enum(CalendarUnit, description="A span of time, in UTC.")
_UNITS = ("A day.", "A week, from Monday.", "A calendar month.", "A quarter of a year.", "A year.")
for _value, _meaning in zip(CalendarUnitEnum.__strawberry_definition__.values, _UNITS, strict=True):  # type: ignore[attr-defined]
    _value.description = _meaning


class BadGroups(KehuError):
    """Groups were asked for in a way that has no answer."""

    code = ErrorCode.INVALID_VALUE


@dataclass(frozen=True, slots=True)
class GroupTypes:
    """The types of an edition that questions about groups need."""

    by: Any
    key: Any
    measure: Any | None
    """None where the catalogue has nothing to measure."""


def group_field_types(catalogue: Catalogue, area: str, noun: str, core: Mapping[str, str]) -> GroupTypes:
    """`<Noun>GroupField`, `<Noun>MeasureField`, `<Noun>GroupBy` and `GroupKey`; core fields are name in lists: path."""
    rows = grouped(catalogue, area)
    core_rows = {name: (path, f"{name.capitalize()}.") for name, path in core.items()}
    text = "What can be grouped by; of a list each item counts."
    field = _enum(area, f"{noun}GroupField", text, core_rows | _named(rows))
    measures = [each for each in rows if each.spec.is_measurable]
    measure = _enum(area, f"{noun}MeasureField", "What can be measured.", _named(measures)) if measures else None
    by = input_type(
        f"{noun}GroupBy",
        "One key of the groups.",
        (
            ("field", field, "What to group by."),
            ("every", CalendarUnitEnum | None, "For dates and moments: one group for each span of time."),
            ("bounds", list[float] | None, "For numbers: one group below the first bound, one from each bound on."),
        ),
    )
    return GroupTypes(by, _key_type(field), measure)


def grouped(catalogue: Catalogue, area: str) -> list[Attribute]:
    """The live attributes that can be grouped by, in order of their path: none inside a list of groups, none secret."""
    return [
        each
        for each in catalogue.area(area).values()
        if each.kind in (GROUPED_LISTS if each.is_list else GROUPED)
        and catalogue.is_live(each)
        and catalogue.list_group_of(each) is None
        and not catalogue.is_restricted(each)
    ]


def _named(rows: Iterable[Attribute]) -> dict[str, tuple[str, str]]:
    return {each.enum_name: (each.path, description_of(each)) for each in rows}


def _enum(area: str, name: str, description: str, rows: Mapping[str, tuple[str, str]]) -> Any:
    values: Any = Enum(name, {key: path for key, (path, _) in rows.items()})  # type: ignore[misc]
    setattr(values, PATHS_OF, area)
    made: Any = strawberry.enum(values, name=name, description=description)
    for each in made.__strawberry_definition__.values:
        each.description = rows[each.name][1]
    return made


def _key_type(field: Any) -> Any:
    return output_type(
        "GroupKey",
        "What the clients of a group have in common in one field.",
        (
            ("field", field, plain("field", "The field.")),
            ("value", Json | None, plain("value", "The value, or the label of its range; null for unset.")),
            ("label", str | None, plain("label", "The value in words; null for unset.")),
            ("from", Json | None, plain("from", "The start of the span or range, itself inside; null if it is open.")),
            ("to", Json | None, plain("to", "The end of the span or range, itself outside; null if it is open.")),
        ),
    )


def groups_from(
    catalogue: Catalogue, area: str, core: Mapping[str, str], given: Sequence[Mapping[str, Any]]
) -> tuple[GroupBy, ...]:
    """The keys that were asked for.

    Raises: BadGroups.
    """
    if not 1 <= len(given) <= KEY_LIMIT:
        raise BadGroups(f"by takes 1 to {KEY_LIMIT} keys; got {len(given)}.", path=("by",), given=str(len(given)))
    keys = tuple(_key(catalogue, area, core, each, ("by", str(at))) for at, each in enumerate(given))
    if len(set(keys)) < len(keys):
        raise BadGroups("by takes different keys; got one of them twice. Leave it out.", path=("by",))
    return keys


def _key(
    catalogue: Catalogue, area: str, core: Mapping[str, str], given: Mapping[str, Any], place: tuple[str, ...]
) -> GroupBy:
    path = str(value_of(given["field"]))
    attribute = None if path in core.values() else catalogue.get_live(path, area)
    every, bounds = given.get("every"), given.get("bounds")
    if every is not None and (attribute is None or attribute.kind not in _DATES):
        raise BadGroups(f"every goes with dates and moments; {path} is neither. Leave it out.", path=(*place, "every"))
    if bounds is not None and (attribute is None or not attribute.spec.is_measurable):
        raise BadGroups(f"bounds go with numbers; {path} is none. Leave them out.", path=(*place, "bounds"))
    unit = None if every is None else CalendarUnit(value_of(every))
    cut = () if bounds is None else _bounds(bounds, (*place, "bounds"))
    if attribute is not None and attribute.kind is Kind.DECIMAL:
        # As it was written: the float 0.1 is a little more than the decimal.
        return GroupBy(path, attribute.is_list, unit, tuple(Decimal(str(each)) for each in cut))
    return GroupBy(path, attribute is not None and attribute.is_list, unit, cut)


def _bounds(given: Sequence[float], place: tuple[str, ...]) -> tuple[float, ...]:
    is_ascending = all(low < high for low, high in pairwise(given))
    if not 1 <= len(given) <= BOUND_LIMIT or not is_ascending or not all(isfinite(each) for each in given):
        expected = f"1 to {BOUND_LIMIT} finite numbers, each greater than the one before"
        words = shown(list(given))
        raise BadGroups(f"bounds takes {expected}; got {words}.", path=place, given=words, expected=expected)
    return tuple(float(each) for each in given)


def value_of(given: Any) -> Any:
    """The value of an enum's member, whether it came as the member or as the value."""
    return given.value if isinstance(given, Enum) else given
