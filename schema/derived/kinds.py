"""Attribute kinds in GraphQL: the type of a value, and the operators that a filter offers."""

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import strawberry

from catalogue.attribute import Attribute
from catalogue.filter_json import MANY
from catalogue.kinds import KINDS, LIST_OPERATORS, Kind, Operator
from schema.fields import input_type
from schema.scalars import Long

VALUE_TYPES: dict[Kind, Any] = {
    Kind.STRING: str,
    Kind.TEXT: str,
    Kind.LONG: Long,
    Kind.NUMBER: float,
    Kind.DECIMAL: Decimal,
    Kind.BOOLEAN: bool,
    Kind.DATE: date,
    Kind.DATETIME: datetime,
    Kind.CODE: str,
    Kind.EMAIL: str,
    Kind.PHONE: str,
    Kind.URL: str,
    Kind.CLIENT: strawberry.ID,
}
"""The type of one value in an input; a GROUP has a type of its own."""

_NAMES = {
    Kind.TEXT: "Text",
    Kind.LONG: "Long",
    Kind.NUMBER: "Number",
    Kind.DECIMAL: "Decimal",
    Kind.BOOLEAN: "Boolean",
    Kind.DATE: "Date",
    Kind.DATETIME: "DateTime",
    Kind.CODE: "Code",
    Kind.CLIENT: "Id",
    Kind.GROUP: "Group",
}
"""What an operator input is called after; everything that is a plain text is a String."""

_MEANINGS = {
    Operator.EQ: "Equal to.",
    Operator.NE: "Not equal to; matches unset values too.",
    Operator.IN: "One of.",
    Operator.NOT_IN: "None of; matches unset values too.",
    Operator.GT: "Greater than.",
    Operator.GTE: "Greater than or equal to.",
    Operator.LT: "Less than.",
    Operator.LTE: "Less than or equal to.",
    Operator.STARTS_WITH: "Starts with, case-sensitive.",
    Operator.CONTAINS: "Contains, whatever the case.",
    Operator.IS_NULL: "Whether there is no value.",
    Operator.CONTAINS_ANY: "Has at least one of these items.",
    Operator.CONTAINS_ALL: "Has all of these items.",
}


def operators_type(attribute: Attribute, operators: tuple[Operator, ...]) -> Any:
    """The input with the operators that are offered for an attribute."""
    if operators != attribute.operators:
        # What the kind would offer is more than an encrypted value can answer.
        name = "Lookup" if Operator.EQ in operators else "Presence"
        return _input(f"{name}Operators", VALUE_TYPES[Kind.STRING], operators)
    return _operators(_NAMES.get(attribute.kind, "String"), attribute.kind, operators, attribute.is_list)


def named_operators(name: str, value: Any, operators: tuple[Operator, ...] = KINDS[Kind.CODE].operators) -> Any:
    """The operators of something that code owns, such as an enum or an id."""
    return _input(f"{name}Operators", value, tuple(each for each in operators if each not in _TEXT_ONLY))


def string_operators() -> Any:
    """The operators of a plain text that code owns, such as the client number."""
    spec = KINDS[Kind.STRING].operators
    return _operators("String", Kind.STRING, tuple(each for each in spec if each is not Operator.CONTAINS), False)


_TEXT_ONLY = (Operator.STARTS_WITH, Operator.CONTAINS)


@cache
def _operators(name: str, kind: Kind, operators: tuple[Operator, ...], is_list: bool) -> Any:
    if operators == LIST_OPERATORS:
        return _list_operators(name, VALUE_TYPES[kind])
    searchable = "Searchable" if Operator.CONTAINS in operators else ""
    return _input(f"{searchable}{name}Operators", VALUE_TYPES.get(kind, bool), operators)


@cache
def _list_operators(name: str, value: Any) -> Any:
    return _input(f"{name}ListOperators", value, LIST_OPERATORS)


@cache
def _input(name: str, value: Any, operators: tuple[Operator, ...]) -> Any:
    fields = [(str(each), _operand(each, value), _MEANINGS[each]) for each in operators]
    return input_type(name, "How to compare; several operators hold together.", fields)


def _operand(operator: Operator, value: Any) -> Any:
    if operator is Operator.IS_NULL:
        return bool | None
    return list[value] | None if operator in MANY else value | None
