"""Of which kind the result of an operator is, by the kinds of its arguments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from catalogue.formulas.operator import DAY_UNITS, Result
from catalogue.formulas.types import DATE, DATETIME, LONG, NULL, NUMBER, Type, united
from catalogue.kinds import Kind


def fixed(type_: Type) -> Result:
    """Null where an argument is."""
    return lambda types, _: replace(type_, is_nullable=any(each.is_nullable for each in types))


def always(type_: Type) -> Result:
    return lambda _types, _: type_


def widest(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
    found = united(*types)
    return NULL if found is None else found


def fraction(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
    is_decimal = any(each.kind is Kind.DECIMAL for each in types)
    return Type(Kind.DECIMAL) if is_decimal else NUMBER


def like_first(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
    return types[0]


def agreeing(type_: Type) -> Result:
    def result(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
        return type_ if united(*types) is not None and not has_groups(types) else unlike(types)

    return result


def compared(type_: Type) -> Result:
    """Of two values of one kind; with null written out it is never null."""

    def result(types: Sequence[Type], constants: Mapping[str, object]) -> Type | str:
        found = agreeing(type_)(types, constants)
        is_presence = any(each.is_null for each in types)
        if isinstance(found, str):
            return found
        return replace(found, is_nullable=not is_presence and any(each.is_nullable for each in types))

    return result


def one_of(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
    found = united(*types)
    if found is None:
        return unlike(types)
    return replace(found, is_nullable=all(each.is_nullable for each in types))


def gathered(give: Callable[[Type], Type]) -> Result:
    """Of one list, or of several single values."""

    def result(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
        if any(each.depth for each in types) and (len(types) > 1 or types[0].depth > 1):
            return "takes one list, or several single values, not both"
        found = united(*(each.item if each.depth else each for each in types))
        return unlike(types) if found is None else give(found)

    return result


def item(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
    return types[0].item.nullable


def member(type_: Type) -> Result:
    """Of a value and a list of its like; `$in` has the list last, `$indexOfArray` first."""

    def result(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
        list_, value = sorted(types, key=lambda each: -each.depth)
        is_one = list_.is_null or united(list_.item, value) is not None
        return type_ if is_one and not has_groups(types) else unlike(types)

    return result


def joined(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
    found = united(*types)
    return unlike(types) if found is None else found.nullable


def as_set(types: Sequence[Type], _constants: Mapping[str, object]) -> Type | str:
    found = united(*types)
    return unlike(types) if found is None or has_groups(types) else found.nullable


def has_groups(types: Sequence[Type]) -> bool:
    # Whether two groups are equal would tell of attributes in them that the formula does not name.
    return any(each.kind is Kind.GROUP for each in types)


def dated(types: Sequence[Type], constants: Mapping[str, object]) -> Type | str:
    """A date stays a date where whole days are counted."""
    is_day = constants.get("unit") in DAY_UNITS and "timezone" not in constants
    return DATE if is_day and types[0].kind is Kind.DATE else DATETIME


def truncated(_types: Sequence[Type], constants: Mapping[str, object]) -> Type | str:
    return DATE if constants.get("unit") in DAY_UNITS and "timezone" not in constants else DATETIME


def assembled(types: Sequence[Type], constants: Mapping[str, object]) -> Type | str:
    return DATE if len(types) <= 3 and "timezone" not in constants else DATETIME


def unlike(types: Sequence[Type]) -> str:
    """What is wrong with arguments that are not of one kind."""
    return f"takes values of one kind, and no groups; got {' and '.join(each.words() for each in types)}"


def nullable(found: Type | str) -> Type | str:
    return found if isinstance(found, str) else found.nullable


def average(items: Type) -> Type:
    return Type(Kind.DECIMAL) if items.kind is Kind.DECIMAL else NUMBER


def total(items: Type) -> Type:
    return LONG if items.kind is None else items.nullable
