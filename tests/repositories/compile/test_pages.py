"""Keyset pages as pure functions."""

from typing import Any

import pytest

from catalogue.builtin import builtin_catalogue
from repositories.clients import BOOK_INDEXES
from repositories.compile.pages import UNIQUE, beyond, full_order, projection_from, sort_from
from repositories.plan import ID, Order
from repositories.repositories import AREAS

NAME, NAME_DOWN = Order("profile.name"), Order("profile.name", is_descending=True)
ID_UP, ID_DOWN = Order(ID), Order(ID, is_descending=True)


class TestFullOrder:
    @pytest.mark.parametrize(
        ("order", "is_backward", "full"),
        [
            ((), False, (ID_UP,)),
            ((), True, (ID_DOWN,)),
            ((NAME,), False, (NAME, ID_UP)),
            ((NAME,), True, (NAME_DOWN, ID_DOWN)),
            ((NAME_DOWN,), False, (NAME_DOWN, ID_DOWN)),
            ((NAME_DOWN,), True, (NAME, ID_UP)),
            ((Order("a"), NAME_DOWN), False, (Order("a"), NAME_DOWN, ID_DOWN)),
        ],
    )
    def test_ends_in_the_id_the_way_of_the_last_key(
        self, order: tuple[Order, ...], is_backward: bool, full: tuple[Order, ...]
    ) -> None:
        assert full_order(order, is_backward) == full

    def test_a_unique_path_needs_no_tie_break(self) -> None:
        assert full_order((Order("number"),)) == (Order("number"),)
        assert full_order((NAME, Order("number", is_descending=True)), is_backward=True) == (
            NAME_DOWN,
            Order("number"),
        )


class TestSortFrom:
    def test_up_and_down(self) -> None:
        assert sort_from((NAME_DOWN, ID_UP)) == [("profile.name", -1), (ID, 1)]


class TestBeyond:
    def test_up_from_a_value(self) -> None:
        assert beyond((NAME, ID_UP), ["Li", "cl_1"]) == {
            "$or": [
                {"profile.name": {"$gt": "Li"}},
                {"$and": [{"profile.name": {"$eq": "Li"}}, {ID: {"$gt": "cl_1"}}]},
            ]
        }

    def test_up_from_unset_there_is_every_value(self) -> None:
        query: Any = beyond((NAME, ID_UP), [None, "cl_1"])
        assert query["$or"][0] == {"profile.name": {"$ne": None}}

    def test_down_from_a_value_the_unset_come_too(self) -> None:
        query: Any = beyond((NAME_DOWN, ID_DOWN), ["Li", "cl_1"])
        assert query["$or"][0] == {"$or": [{"profile.name": {"$lt": "Li"}}, {"profile.name": {"$eq": None}}]}

    def test_by_a_unique_path_alone(self) -> None:
        assert beyond((Order("number"),), ["C1"]) == {"number": {"$gt": "C1"}}
        assert beyond((Order("number", is_descending=True),), ["C1"]) == {"number": {"$lt": "C1"}}

    def test_down_from_unset_only_ids_are_left(self) -> None:
        assert beyond((NAME_DOWN, ID_DOWN), [None, "cl_1"]) == {
            "$and": [{"profile.name": {"$eq": None}}, {ID: {"$lt": "cl_1"}}]
        }

    @pytest.mark.parametrize("value", ["$name", {"$ne": 1}, "$$ROOT"], ids=str)
    def test_a_stored_value_is_an_operand(self, value: object) -> None:
        query: Any = beyond((NAME, ID_UP), [value, "cl_1"])
        assert query["$or"][0] == {"profile.name": {"$gt": value}}


class TestProjectionFrom:
    def test_what_was_selected_and_what_the_order_needs_sorted(self) -> None:
        assert list(projection_from({"profile.size", "number"}, (NAME, ID_UP)).items()) == [
            (ID, 1),
            ("number", 1),
            ("profile.name", 1),
            ("profile.size", 1),
        ]

    def test_a_path_under_another_is_left_out(self) -> None:
        assert projection_from({"tail", "tail.version", "tailor", "profile.a.b", "profile.a"}) == {
            "profile.a": 1,
            "tail": 1,
            "tailor": 1,
        }

    def test_nothing_selected_is_the_id(self) -> None:
        assert projection_from(()) == {ID: 1}


class TestUnique:
    def test_no_other_area_has_such_a_path(self) -> None:
        catalogue = builtin_catalogue()
        assert [area for area in AREAS for path in UNIQUE if catalogue.find(path, area) is not None] == []
        assert {path: BOOK_INDEXES[path].unique for path in UNIQUE} == {"number": True}
