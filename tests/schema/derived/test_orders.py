"""`orderBy`: the sortable fields, and the order that was asked for."""

from enum import Enum
from typing import Any

import pytest

from catalogue.errors import ErrorCode
from repositories.plan import Order
from schema.build import build_schema
from schema.derived.orders import KEY_LIMIT, BadOrder, OrderDirection, order_from
from tests.definitions import beside, book, defined


class Field(Enum):
    A = "profile.a"
    B = "profile.b"
    C = "profile.c"
    D = "profile.d"


def key(field: Field, direction: OrderDirection = OrderDirection.ASC) -> dict[str, Any]:
    return {"field": field, "direction": direction}


class TestOrderType:
    def test_sortable_attributes_and_the_number(self) -> None:
        schema: Any = build_schema(book())._schema
        assert set(schema.type_map["ClientOrderField"].values) == {"NUMBER", "PROFILE_PLACE_CITY", "ATTITUDE_SCORE"}

    def test_a_new_sortable_attribute_is_in_the_next_schema(self) -> None:
        schema: Any = build_schema(beside(defined("profile.esgScore", is_sortable=True)))._schema
        assert "PROFILE_ESG_SCORE" in schema.type_map["ClientOrderField"].values


class TestOrderFrom:
    def test_nothing(self) -> None:
        assert order_from(None) == order_from([]) == ()

    def test_keys_in_their_order(self) -> None:
        assert order_from([key(Field.B, OrderDirection.DESC), key(Field.A)]) == (
            Order("profile.b", is_descending=True),
            Order("profile.a"),
        )

    @pytest.mark.parametrize("keys", [[key(Field.A), key(Field.A, OrderDirection.DESC)], [key(each) for each in Field]])
    def test_too_many_or_one_twice(self, keys: list[dict[str, Any]]) -> None:
        with pytest.raises(BadOrder, match=f"up to {KEY_LIMIT} different") as refused:
            order_from(keys)
        assert refused.value.code is ErrorCode.ORDER_NOT_INDEXED
