"""Scalars that GraphQL lacks; what they write is what they read."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from catalogue.bounds import TODAY, bound_from
from catalogue.errors import shown
from catalogue.kinds import LONG_LIMIT, Kind, parse_value
from repositories.values import STORED_ZONE

Long = NewType("Long", int)
Json = NewType("Json", object)
BoundText = NewType("BoundText", object)


def date_text(value: Any) -> str:
    """A date, or the midnight it is stored as, as text."""
    return (value.date() if isinstance(value, datetime) else value).isoformat()


def datetime_text(value: datetime) -> str:
    """A moment as RFC 3339 in UTC; milliseconds only where there are any."""
    # A list has many of them, nearly all as they are stored: those need no conversion, and this is the fastest way.
    at = value if value.tzinfo is STORED_ZONE or value.tzinfo is None else value.astimezone(UTC)
    text = "%04d-%02d-%02dT%02d:%02d:%02d" % (at.year, at.month, at.day, at.hour, at.minute, at.second)  # noqa: UP031
    return f"{text}.{at.microsecond // 1000:03}Z" if at.microsecond else f"{text}Z"


def decimal_text(value: object) -> str:
    """A decimal as plain digits, without an exponent where that is short enough."""
    number = Decimal(str(value))
    return f"{number:f}" if abs(number.adjusted()) < 40 else str(number)


def _long_json(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value or not -LONG_LIMIT <= value < LONG_LIMIT:
        raise GraphQLError(f"Long cannot represent {shown(value)}.")
    return int(value)


def _reader(kind: Kind) -> Callable[..., object]:
    def read(value: object, node: ValueNode | None = None) -> object:
        try:
            return parse_value(kind, value)
        except ValueError as expected:
            raise GraphQLError(f"Expected {expected}; got {shown(value)}.", node) from None

    return read


def _literal_reader(kind: Kind) -> Callable[..., object]:
    """The value of a literal; its error says where in the document it stands."""
    read = _reader(kind)

    def read_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
        is_exact = kind is Kind.DECIMAL
        return read(_written(node, variables) if is_exact else value_from_ast_untyped(node, variables), node)

    return read_literal


def _written(node: ValueNode, variables: dict[str, Any] | None) -> object:
    """A literal; a number as it is written, since a float would have lost digits before anybody looks at them."""
    if isinstance(node, IntValueNode | FloatValueNode):
        return node.value
    return value_from_ast_untyped(node, variables)


def _bound(value: object, node: ValueNode | None = None) -> object:
    try:
        return bound_from(value)
    except ValueError:
        expected = f'a number, a date, a moment or "{TODAY}"'
        raise GraphQLError(f"Expected {expected}; got {shown(value)}.", node) from None


def _bound_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
    return _bound(_written(node, variables), node)


def json_from(value: Any) -> Any:
    """Any stored value as JSON; moments and decimals as their texts."""
    if isinstance(value, dict):
        return {key: json_from(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_from(each) for each in value]
    if isinstance(value, datetime):
        return datetime_text(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return date_text(value) if isinstance(value, date) else decimal_text(value)


def _scalar(name: str, description: str, write: Any, kind: Kind | None, url: str | None = None) -> ScalarDefinition:
    read, read_literal = (_anything, None) if kind is None else (_reader(kind), _literal_reader(kind))
    return strawberry.scalar(
        name=name,
        description=description,
        serialize=write,
        parse_value=read,
        parse_literal=read_literal,
        specified_by_url=url,
    )


def _anything(value: object) -> object:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    Long: _scalar("Long", "A whole number of up to 64 bits, as a JSON integer.", _long_json, Kind.LONG),
    Json: _scalar("JSON", "Any JSON value.", json_from, None),
    BoundText: strawberry.scalar(
        name="Bound",
        description='The least or the greatest value: a number, or a text such as "9007199254740993.01", "2026-11-23" '
        'or "TODAY". A number comes back as a number where that is exactly what was written.',
        serialize=_anything,
        parse_value=_bound,
        parse_literal=_bound_literal,
    ),
    Decimal: _scalar("Decimal", 'A decimal number of up to 34 digits, as text: "12.50".', decimal_text, Kind.DECIMAL),
    date: _scalar("Date", 'A date as text: "2026-11-23".', date_text, Kind.DATE),
    datetime: _scalar(
        "DateTime", 'A moment with its time zone, in RFC 3339: "2026-11-23T18:00:00Z".', datetime_text, Kind.DATETIME
    ),
}
