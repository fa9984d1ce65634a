"""Indexes from the catalogue."""

import pytest

from catalogue.attribute import Facet
from catalogue.builtin import builtin_catalogue
from repositories.clients import BOOK_INDEXES
from repositories.compile.indexes import (
    FACET_INDEXES,
    INDEX_LIMIT,
    PREFIX,
    RESERVED,
    SORTABLE_LIMIT,
    facet_keys,
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

    def test_the_places_kept_are_enough_with_every_facet(self) -> None:
        own_id = 1
        assert own_id + len(BOOK_INDEXES) + len(FACET_INDEXES) == RESERVED


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


class TestFacetKeys:
    def test_everything_below_the_facet(self) -> None:
        assert facet_keys(Facet.DERIVED) == (("derived.$**", 1),)

    def test_one_name_a_facet_and_none_of_another_index(self) -> None:
        assert set(FACET_INDEXES) == set(Facet)
        assert FACET_INDEXES[Facet.PROFILE] == "facet_profile"
        assert not set(FACET_INDEXES.values()) & set(BOOK_INDEXES)
        assert not any(name.startswith(PREFIX) for name in FACET_INDEXES.values())
