"""`orderBy`: the list of sortable fields, and the order that was asked for."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import strawberry

from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, KehuError
from repositories.plan import Order
from schema.fields import as_given
from schema.marks import PATHS_OF

KEY_LIMIT = 3


class OrderDirection(Enum):
    """Which way to sort."""

    ASC = "ASC"
    DESC = "DESC"


OrderDirectionEnum = strawberry.enum(OrderDirection, description="Which way to sort; unset values are lowest.")
OrderDirectionEnum.__strawberry_definition__.values[0].description = "Lowest first."  # type: ignore[attr-defined]
OrderDirectionEnum.__strawberry_definition__.values[1].description = "Highest first."  # type: ignore[attr-defined]


class BadOrder(KehuError):
    """An order that no index serves."""

    code = ErrorCode.ORDER_NOT_INDEXED


def order_type(catalogue: Catalogue, area: str, noun: str, core: Mapping[str, str]) -> type:
    """`<Noun>Order`, over the sortable attributes and the sortable fields that code owns (name in lists: path)."""
    rows = dict(core) | {each.enum_name: each.path for each in catalogue.sortable(area)}
    descriptions = {each.enum_name: each.label for each in catalogue.sortable(area)}
    values: Any = Enum(f"{noun}OrderField", rows)  # type: ignore[misc]
    setattr(values, PATHS_OF, area)
    field: Any = strawberry.enum(
        values, name=f"{noun}OrderField", description="What can be sorted by: an index serves it."
    )
    for each in field.__strawberry_definition__.values:
        each.description = f"{descriptions.get(each.name, each.name.replace('_', ' ').capitalize())}."
    made = strawberry.input(
        type(
            f"{noun}Order",
            (),
            {
                "__annotations__": {"field": field, "direction": OrderDirection},
                "field": strawberry.field(name="field", description="What to sort by."),
                "direction": strawberry.field(name="direction", description="Which way.", default=OrderDirection.ASC),
            },
        ),
        name=f"{noun}Order",
        description="One key of an order.",
    )
    return as_given(made)


def order_from(given: Sequence[Mapping[str, Any]] | None) -> tuple[Order, ...]:
    """The order that was asked for.

    Raises: BadOrder for too many keys, or one key twice.
    """
    keys = tuple(Order(_path(each["field"]), _value(each["direction"]) == "DESC") for each in given or ())
    if len(keys) > KEY_LIMIT or len({each.path for each in keys}) != len(keys):
        expected = f"up to {KEY_LIMIT} different fields"
        raise BadOrder(f"orderBy takes {expected}; got {', '.join(each.path for each in keys)}.", expected=expected)
    return keys


def _path(field: Any) -> str:
    return str(_value(field))


def _value(given: Any) -> Any:
    return given.value if isinstance(given, Enum) else given
