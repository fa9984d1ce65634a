"""Which records a definition would refuse today; the database finds those that the checks would."""

from decimal import Decimal
from typing import Any

import pytest

from catalogue.kinds import Kind
from repositories.compile.misfits import misfit_query
from repositories.mongo import Store
from repositories.values import bson_from
from tests.definitions import defined


async def misfits_among(store: Store, more: dict[str, Any], values: list[object], kind: str = "PERSON") -> list[object]:
    """Those of the values that the query finds in clients that have them."""
    row = defined("profile.x", **more)
    clients = store.collection("clients")
    for at, value in enumerate(values):
        profile = {} if value is None else {"x": bson_from(value)}
        await clients.insert_one({"_id": at, "kind": kind, "profile": profile})
    found = await clients.find(misfit_query(row), {"_id": 1}, [("_id", 1)])
    return [values[each["_id"]] for each in found]


def test_of_an_encrypted_value_only_its_presence_counts() -> None:
    attribute = defined("profile.code", Kind.CODE, applies_to=("PERSON",), sensitivity="RESTRICTED")
    assert misfit_query(attribute, is_encrypted=True) == {
        "$or": [{"kind": {"$nin": ["PERSON"]}, "profile.code": {"$ne": None}}]
    }
    assert misfit_query(defined("profile.pin", max_length=4), is_encrypted=True) == {"_id": {"$in": []}}


class TestMisfitQuery:
    @pytest.mark.parametrize(
        ("more", "fits", "breaks"),
        [
            ({}, ["a", "", None], []),
            ({"kind": Kind.LONG, "minimum": 1, "maximum": 3}, [1, 3, None], [0, 4]),
            ({"kind": Kind.DECIMAL, "minimum": 0.1}, [Decimal("0.1"), None], [Decimal("0.09")]),
            ({"kind": Kind.LONG, "minimum": 1, "is_list": True}, [[1, 2], [], None], [[2, 0]]),
            ({"kind": Kind.CODE}, ["A", "B", None], ["C"]),
            ({"kind": Kind.CODE, "is_list": True}, [["A", "B"], [], None], [["A", "C"]]),
            ({"max_length": 2}, ["", "客戶", None], ["abc", "a\nb"]),
            ({"max_length": 2, "is_list": True}, [["ab"], [], None], [["a", "abc"]]),
            ({"min_length": 2}, ["ab", "a\n", None], ["a", ""]),
            ({"min_length": 2, "is_list": True}, [["ab"], [], None], [["ab", "a"]]),
            ({"pattern": "[A-Z]{2}"}, ["CH", None], ["ch", "CHE", ""]),
            ({"pattern": "a|b"}, ["a", "b", None], ["ab"]),
            ({"pattern": "[A-Z]{2}", "is_list": True}, [["CH", "DE"], [], None], [["CH", "x"], ["x"]]),
            ({"required_for": ("PERSON",)}, ["a"], [None]),
            ({"required_for": ("ORGANISATION",)}, ["a", None], []),
            ({"applies_to": ("ORGANISATION",)}, [None], ["a"]),
            ({"applies_to": ("PERSON",)}, [None, "a"], []),
        ],
    )
    async def test_finds_what_breaks_the_rules_and_nothing_else(
        self, store: Store, more: dict[str, Any], fits: list[object], breaks: list[object]
    ) -> None:
        assert await misfits_among(store, more, [*fits, *breaks]) == breaks

    @pytest.mark.parametrize(
        ("more", "fits", "breaks"),
        [
            ({"kind": Kind.CODE}, [["A", "B"], [], None, [None]], [["A", "C"], ["C"]]),
            ({"kind": Kind.CODE, "is_list": True}, [[["A"], ["B"]], [[]]], [[["A"], ["B", "C"]]]),
            ({"pattern": "[A-Z]{2}"}, [["CH", "DE"], [None]], [["CH", "de"], ["x"]]),
            ({"kind": Kind.LONG, "minimum": 1}, [[1, 2]], [[1, 0]]),
            ({"max_length": 2}, [["ab"]], [["ab", "abc"]]),
            ({"required_for": ("ORGANISATION",)}, [["a"], [], None], [["a", None]]),
            ({"applies_to": ("ORGANISATION",)}, [[None], [], None], [["a", None]]),
        ],
    )
    async def test_one_item_of_a_list_of_groups_is_enough(
        self, store: Store, more: dict[str, Any], fits: list[Any], breaks: list[Any]
    ) -> None:
        row, clients = defined("profile.people.x", **more), store.collection("clients")
        for at, values in enumerate([*fits, *breaks]):
            items = None if values is None else [{} if each is None else {"x": each} for each in values]
            await clients.insert_one(
                {"_id": at, "kind": "PERSON", "profile": {} if items is None else {"people": items}}
            )
        found = await clients.find(misfit_query(row, within="profile.people"), {"_id": 1}, [("_id", 1)])
        assert [[*fits, *breaks][each["_id"]] for each in found] == breaks

    @pytest.mark.real_drivers
    async def test_the_longest_text_there_may_be(self, store: Store) -> None:
        more = {"kind": Kind.TEXT, "max_length": 20_000, "min_length": 10_000}
        assert await misfits_among(store, more, ["a" * 20_000, "a" * 9_999]) == ["a" * 9_999]
