"""Indexes from the catalogue."""

import pytest

from catalogue.builtin import builtin_catalogue
from repositories.clients import BOOK_INDEXES
from repositories.compile.indexes import (
    INDEX_LIMIT,
    PREFIX,
    RESERVED,
    SORTABLE_LIMIT,
    index_of_order,
    order_index,
)
from repositories.plan import Order
from tests.books import SMALL
from tests.definitions import defined


class TestOrderIndex:
    def test_the_value_then_the_id(self) -> None:
        keys, name = order_index(defined("profile.name"))
        assert keys == [("profile.name", 1), ("_id", 1)]
        assert name == "order_profile.name"

    def test_names_are_told_from_those_of_code(self) -> None:
        assert not any(name.startswith(PREFIX) for name in BOOK_INDEXES)

    def test_there_is_room_for_what_is_no_attribute(self) -> None:
        assert SORTABLE_LIMIT + RESERVED == INDEX_LIMIT == 64
        assert len(builtin_catalogue().sortable()) < SORTABLE_LIMIT


class TestIndexOfOrder:
    @pytest.mark.parametrize(
        ("order", "index"),
        [
            ((), "_id_"),
            (("profile.name",), "order_profile.name"),
            (("profile.name", "profile.employees"), None),
            (("profile.foundedOn",), None),
            (("number",), "number"),
            (("number", "profile.name"), None),
            (("profile.nothing",), None),
        ],
    )
    def test_one_sortable_attribute_or_none(self, order: tuple[str, ...], index: str | None) -> None:
        assert index_of_order(SMALL, "clients", [Order(each) for each in order]) == index

    def test_of_another_area(self) -> None:
        assert index_of_order(SMALL, "managers", [Order("name", is_descending=True)]) == "order_name"
