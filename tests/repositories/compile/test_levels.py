"""Queries and pipelines of lists under many records."""

from datetime import UTC, datetime
from typing import Any

from repositories.compile.levels import LevelQuery, all_lists, behind, count_pipeline, one_list, seek_pipeline
from repositories.plan import Order

AT = datetime(2026, 11, 20, tzinfo=UTC)
NEWEST = (Order("at", True), Order("_id", True))
QUERY = LevelQuery("clientId", (), NEWEST, frozenset(("attendees.name",)), 6)


class TestBehind:
    def test_leaps_to_the_moment_without_losing_unset_ones(self) -> None:
        found: Any = behind(NEWEST, [AT, "in_1"])
        assert found["$and"][0] == {"at": {"$not": {"$gt": AT}}}

    def test_upwards(self) -> None:
        found: Any = behind((Order("at"), Order("_id")), [AT, "in_1"])
        assert found["$and"][0] == {"at": {"$not": {"$lt": AT}}}

    def test_behind_an_unset_one_there_is_nothing_to_leap_over(self) -> None:
        assert behind(NEWEST, [None, "in_1"]) == {"$and": [{"at": {"$eq": None}}, {"_id": {"$lt": "in_1"}}]}


class TestLists:
    def test_a_holder_is_a_value(self) -> None:
        assert one_list(QUERY, "cl_1") == {"clientId": {"$eq": "cl_1"}}
        assert all_lists(QUERY, ["cl_1", "cl_2"]) == {"clientId": {"$in": ["cl_1", "cl_2"]}}


class TestSeekPipeline:
    def test_holders_stand_as_a_literal(self) -> None:
        stages = seek_pipeline(QUERY, ["$secret"], "interactions")
        assert stages[1] == {"$project": {"_id": {"$literal": ["$secret"]}}}
        assert stages[-1] == {"$project": {"rows._id": 1, "rows.at": 1, "rows.attendees.name": 1}}


class TestCountPipeline:
    def test_conditions_stand_beside_the_holders(self) -> None:
        match, _ = count_pipeline("clientId", [{"at": {"$gt": AT}}], ["cl_1"])
        assert match == {"$match": {"$and": [{"clientId": {"$in": ["cl_1"]}}, {"at": {"$gt": AT}}]}}
