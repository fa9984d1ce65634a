"""The one aggregation behind groups and measures."""

from decimal import Decimal

import pytest
from bson import Decimal128

from catalogue.filters import Compare
from catalogue.kinds import Operator
from repositories.compile.groups import CalendarUnit, GroupBy, Grouping, Measure, Operation, group_pipeline

SEGMENT, VALUE = "derived.segment", "derived.clientValue"
BY_SEGMENT = Grouping((GroupBy(SEGMENT),))


def group_of(grouping: Grouping) -> dict[str, object]:
    """The stage that groups."""
    (stage,) = (each["$group"] for each in group_pipeline(None, grouping, 11, None) if "$group" in each)
    found: dict[str, object] = stage
    return found


class TestGroupPipeline:
    def test_the_rows_first_then_the_groups_in_order(self) -> None:
        kind = Compare("kind", Operator.EQ, "PERSON")
        grouping = Grouping((GroupBy(SEGMENT), GroupBy("kind")), (Measure(Operation.AVERAGE, VALUE),))
        assert group_pipeline(kind, grouping, 11, None) == [
            {"$match": {"kind": {"$eq": "PERSON"}}},
            {
                "$group": {
                    "_id": {"k0": {"$ifNull": ["$derived.segment", None]}, "k1": {"$ifNull": ["$kind", None]}},
                    "count": {"$sum": 1},
                    "m0": {"$avg": "$derived.clientValue"},
                }
            },
            {"$sort": {"_id.k0": 1, "_id.k1": 1}},
            {"$limit": 11},
        ]

    def test_nothing_that_is_not_wanted(self) -> None:
        assert group_of(Grouping((GroupBy(SEGMENT),), wants_count=False)).keys() == {"_id"}

    def test_behind_a_position(self) -> None:
        after_unset = group_pipeline(None, BY_SEGMENT, 11, [None])
        assert after_unset[-2:] == [{"$match": {"_id.k0": {"$ne": None}}}, {"$limit": 11}]

    def test_the_total_counts_all_groups_and_not_the_page(self) -> None:
        stages = group_pipeline(None, Grouping((GroupBy(SEGMENT),), wants_total=True), 11, ["CORE"])
        (facet,) = (each["$facet"] for each in stages if "$facet" in each)
        assert facet["total"] == [{"$count": "groups"}]
        assert {"$match": {"_id.k0": {"$gt": "CORE"}}} in facet["page"]

    def test_small_groups_are_left_out_even_where_the_count_is_not_wanted(self) -> None:
        stages = group_pipeline(None, Grouping((GroupBy(SEGMENT),), wants_count=False, smallest=5), 11, None)
        assert stages[1] == {"$match": {"count": {"$gte": 5}}}
        assert stages[0]["$group"]["count"] == {"$sum": 1}

    @pytest.mark.parametrize("unit", CalendarUnit)
    def test_spans_of_time(self, unit: CalendarUnit) -> None:
        trunc = {"date": {"$ifNull": ["$createdAt", None]}, "unit": unit.lower()}
        weeks = {"startOfWeek": "monday"} if unit is CalendarUnit.WEEK else {}
        assert group_of(Grouping((GroupBy("createdAt", every=unit),)))["_id"] == {"k0": {"$dateTrunc": trunc | weeks}}

    def test_bounds_of_decimals_are_decimals(self) -> None:
        key = GroupBy(VALUE, bounds=(Decimal("0.1"),))
        assert {"case": {"$lt": [{"$ifNull": [f"${VALUE}", None]}, Decimal128("0.1")]}, "then": 0} in (
            group_of(Grouping((key,)))["_id"]["k0"]["$switch"]["branches"]  # type: ignore[index]
        )
