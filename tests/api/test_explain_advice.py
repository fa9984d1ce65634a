"""What is said of a command that was dear."""

from typing import Any

import pytest

from api.explain_advice import advice_on
from repositories.compile.explained import Asked, Explained
from tests.books import SMALL


def explained(**given: Any) -> Explained:
    values: dict[str, Any] = {
        "indexes": (),
        "is_scan": False,
        "is_covered": False,
        "sorts_in_memory": False,
        "keys": 0,
        "documents": 0,
        "returned": 0,
        "milliseconds": 0,
    }
    return Explained(**values | given)


SCAN = explained(is_scan=True, documents=2_000, returned=4)


class TestAdviceOn:
    @pytest.mark.parametrize(
        "found",
        [
            explained(indexes=("order_profile.name",), keys=21, documents=21, returned=21),
            explained(indexes=("_id_",), keys=99, documents=99, returned=1),
            explained(indexes=("clientId",), keys=900, is_covered=True),
            explained(indexes=("number",), sorts_in_memory=True, keys=1, documents=1, returned=1),
            explained(is_scan=True, documents=1, returned=1),
        ],
    )
    def test_nothing_of_what_is_cheap(self, found: Explained) -> None:
        assert advice_on(Asked("find", "clients", {"attitude.remarks": {"$eq": "x"}}), found, SMALL) == []

    def test_a_scan_for_an_attribute_that_could_have_an_index(self) -> None:
        asked = Asked("find", "clients", {"$and": [{"behaviour.visits": {"$gt": 3}}, {"profile.name": {"$ne": None}}]})
        assert advice_on(asked, SCAN, SMALL) == [
            "Reads the whole collection clients: 2,000 documents looked at, 4 returned.",
            "Make behaviour.visits sortable, and an index serves the filter: "
            'attributeChange(input: {path: "behaviour.visits", isSortable: true}).',
        ]

    @pytest.mark.parametrize("path", ["profile.tags", "attitude.remarks", "profile.keyPeople"])
    def test_a_scan_for_one_that_cannot(self, path: str) -> None:
        asked = Asked("find", "clients", {"$or": [{path: {"$eq": "x"}}, {"number": {"$eq": "y"}}]})
        hint = (
            f"No index of its own can serve the filter on {path}: filter by a sortable attribute besides, or let the "
            f"setting KEHU_WILDCARD_FACETS name {path.partition('.')[0]}."
        )
        assert advice_on(asked, SCAN, SMALL)[1:] == [hint]

    def test_a_scan_of_another_area(self) -> None:
        asked = Asked("find", "managers", {"team": {"$eq": "north"}})
        assert advice_on(asked, SCAN, SMALL)[1:] == [
            "team has no index, and managers are few; narrow the filter where they are not."
        ]

    @pytest.mark.parametrize("condition", [{"$ne": 3}, {"$eq": None}, {"$nin": [1]}, {"$regex": "x", "$options": "i"}])
    def test_no_index_is_offered_where_it_would_not_help(self, condition: dict[str, object]) -> None:
        asked = Asked("find", "clients", {"behaviour.visits": condition, "$nor": [{"profile.name": {"$eq": "x"}}]})
        assert advice_on(asked, SCAN, SMALL) == [
            "Reads the whole collection clients: 2,000 documents looked at, 4 returned."
        ]

    def test_nor_where_the_filter_has_one_already(self) -> None:
        asked = Asked("find", "clients", {"behaviour.visits": {"$gt": 3}, "profile.name": {"$eq": "x"}})
        found = explained(indexes=("order_profile.name",), keys=1_900, documents=1_900, returned=4)
        assert advice_on(asked, found, SMALL) == [
            "Walks the index order_profile.name: 1,900 documents looked at, 4 returned."
        ]

    def test_a_sort_that_the_command_itself_chose(self) -> None:
        asked = Asked("find", "clients", sort={"profile.name": 1, "_id": 1}, hint="manager")
        found = explained(indexes=("manager",), keys=63, documents=63, returned=4, sorts_in_memory=True)
        assert advice_on(asked, found, SMALL) == []

    def test_groups_that_are_sorted(self) -> None:
        asked = Asked("aggregate", "clients", {"stage": {"$eq": "ACTIVE"}}, has_groups=True)
        found = explained(indexes=("words",), keys=63, documents=63, returned=4, sorts_in_memory=True)
        assert advice_on(asked, found, SMALL) == [
            "Sorts 63 documents in memory. Groups of all that the filter finds; narrow it, where that is much."
        ]

    def test_a_count_of_everything(self) -> None:
        (found,) = advice_on(Asked("aggregate", "clients", has_groups=True), SCAN, SMALL)
        assert found.endswith("A count or a group of everything has to; leave it out, or narrow it by where.")

    def test_a_walk_along_an_index(self) -> None:
        asked = Asked("find", "clients", {"behaviour.visits": {"$gt": 3}}, {"_id": 1})
        found = explained(indexes=("_id_",), keys=1_900, documents=1_900, returned=4)
        first, second = advice_on(asked, found, SMALL)
        assert first == "Walks the index _id_: 1,900 documents looked at, 4 returned."
        assert second.startswith("Make behaviour.visits sortable")

    @pytest.mark.parametrize(
        ("sort", "words"),
        [
            (
                {"profile.name": 1, "profile.employees": -1, "_id": -1},
                "No index serves the order by profile.name, profile.employees: order by one of them, for an index "
                "serves one key.",
            ),
            (
                {"profile.name": 1, "_id": 1},
                "The index of the filter was used and not that of the order by profile.name, which is fine while it "
                "finds few.",
            ),
            (
                {"rank": -1, "_id": -1},
                "What a search finds is sorted by how well it fits; a longer text finds fewer.",
            ),
            (
                {"_id": 1},
                "The filter has an index, the order by id another one; that is fine while the filter finds few.",
            ),
        ],
    )
    def test_a_sort_in_memory(self, sort: dict[str, int], words: str) -> None:
        found = explained(indexes=("words",), keys=63, documents=63, returned=4, sorts_in_memory=True)
        assert advice_on(Asked("find", "clients", sort=sort), found, SMALL) == [
            f"Sorts 63 documents in memory. {words}"
        ]
