"""Commands, and the server's explanations of them as MongoDB 6.0 wrote them: the files beside, shortened."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalogue.filters import Compare
from catalogue.kinds import Operator
from repositories.compile.explained import Asked, Explained, asked_from, explained_from
from repositories.compile.filters import query_from
from repositories.compile.groups import GroupBy, Grouping, group_pipeline
from repositories.compile.levels import LevelQuery, scan_pipeline, seek_pipeline
from repositories.plan import Order

RECORDED = Path(__file__).parent / "explained"


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return found


class TestExplainedFrom:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("ordered_page", Explained(("order_derived.clientValue",), False, False, False, 4, 4, 4, 0)),
            ("filtered_walk", Explained(("_id_",), False, False, False, 14, 14, 4, 0)),
            ("sorted_scan", Explained((), True, False, True, 0, 2000, 4, 1)),
            ("one", Explained(("number",), False, False, False, 1, 1, 1, 0)),
            ("search", Explained(("words",), False, False, True, 63, 63, 4, 1)),
            ("search_ordered", Explained(("words",), False, False, True, 63, 63, 4, 1)),
            ("level_scan", Explained(("clientId",), False, True, False, 14, 0, 3, 0)),
            ("level_total", Explained(("clientId",), False, True, False, 11, 0, 3, 0)),
            ("level_seek", Explained(("clientId",), False, False, False, 8, 9, 3, 0)),
            ("groups", Explained((), True, False, False, 0, 2000, 1, 4)),
        ],
    )
    def test_recorded(self, name: str, expected: Explained) -> None:
        assert explained_from(recorded(name)) == expected

    def test_every_record_is_looked_at(self) -> None:
        assert len(list(RECORDED.glob("*.json"))) == 10

    @pytest.mark.parametrize(("stage", "covered"), [("IDHACK", False), ("EXPRESS_IDHACK", False)])
    def test_found_by_id(self, stage: str, covered: bool) -> None:
        found = explained_from(_explanation({"stage": stage}, keys=1, documents=1, returned=1))
        assert found == Explained(("_id_",), False, covered, False, 1, 1, 1, 0)

    def test_a_count_over_keys_is_covered(self) -> None:
        plan = {"stage": "COUNT", "inputStage": {"stage": "COUNT_SCAN", "indexName": "team"}}
        assert explained_from(_explanation(plan, keys=7)) == Explained(("team",), False, True, False, 7, 0, 0, 0)

    def test_branches_of_an_or_each_with_its_index(self) -> None:
        branches = [{"stage": "IXSCAN", "indexName": name} for name in ("number", "team", "number")]
        plan = {
            "stage": "SUBPLAN",
            "inputStage": {"stage": "FETCH", "inputStage": {"stage": "OR", "inputStages": branches}},
        }
        found = explained_from(_explanation(plan, keys=9, documents=9, returned=9))
        assert found.indexes == ("number", "team")
        assert not found.is_covered

    def test_a_join_of_the_slot_based_engine(self) -> None:
        join = {"stage": "EQ_LOOKUP", "strategy": "IndexedLoopJoin", "indexName": "clientId"}
        plan = {"queryPlan": {**join, "inputStage": {"stage": "COLLSCAN"}}, "slotBasedPlan": {"stages": "[1] nlj"}}
        found = explained_from(_explanation(plan, keys=3, documents=4, returned=3))
        assert (found.indexes, found.is_scan) == (("clientId",), True)

    def test_members_of_a_sharded_cluster(self) -> None:
        members = [{"winningPlan": {"stage": "IXSCAN", "indexName": "team"}}, {"winningPlan": {"stage": "COLLSCAN"}}]
        found = explained_from(_explanation({"stage": "SHARD_MERGE", "shards": members}))
        assert (found.indexes, found.is_scan) == (("team",), True)

    def test_nothing_that_is_known(self) -> None:
        assert explained_from({}) == Explained((), False, False, False, 0, 0, 0, 0)


def _explanation(plan: dict[str, Any], keys: int = 0, documents: int = 0, returned: int = 0) -> dict[str, Any]:
    figures = {"totalKeysExamined": keys, "totalDocsExamined": documents, "nReturned": returned}
    return {"queryPlanner": {"winningPlan": plan}, "executionStats": {**figures, "executionTimeMillis": 0}}


class TestAskedFrom:
    def test_find(self) -> None:
        command = {
            "find": "clients",
            "filter": {"updatedAt": {"$gt": datetime(2026, 11, 23, tzinfo=UTC)}},
            "sort": {"profile.name": -1, "_id": -1},
            "projection": {"_id": 1, "number": 1},
            "limit": 4,
            "batchSize": 5,
        }
        assert asked_from(command) == Asked(
            "find",
            "clients",
            {"updatedAt": {"$gt": {"$date": "2026-11-23T00:00:00Z"}}},
            {"profile.name": -1, "_id": -1},
            ("_id", "number"),
            4,
        )

    def test_find_of_everything(self) -> None:
        assert asked_from({"find": "clients", "limit": 0}) == Asked("find", "clients")

    def test_count(self) -> None:
        command = {"count": "clients", "query": {"stage": {"$eq": "LOST"}}}
        assert asked_from(command) == Asked("count", "clients", {"stage": {"$eq": "LOST"}})

    def test_count_as_the_driver_sends_it(self) -> None:
        pipeline = [{"$match": {}}, {"$limit": 10_001}, {"$group": {"_id": 1, "n": {"$sum": 1}}}]
        expected = Asked("aggregate", "clients", limit=10_001, has_groups=True)
        assert asked_from({"aggregate": "clients", "pipeline": pipeline, "cursor": {}}) == expected

    def test_groups(self) -> None:
        where = Compare("stage", Operator.EQ, "ACTIVE")
        pipeline = group_pipeline(where, Grouping((GroupBy("kind"),), wants_total=True), 3, None)
        expected = Asked("aggregate", "clients", query_from(where), has_groups=True)
        assert asked_from({"aggregate": "clients", "pipeline": pipeline}) == expected

    LISTS = LevelQuery(
        "clientId", ({"channel": {"$eq": "CALL"}},), (Order("at", True), Order("_id", True)), frozenset(("at",)), 3
    )

    def test_lists_that_are_scanned(self) -> None:
        command = {"aggregate": "interactions", "pipeline": scan_pipeline(self.LISTS, ["cl_1", "cl_2"], 66)}
        assert asked_from(command) == Asked(
            "aggregate",
            "interactions",
            {"$and": [{"clientId": {"$in": ["cl_1", "cl_2"]}}, {"channel": {"$eq": "CALL"}}]},
            {"clientId": 1, "at": -1, "_id": -1},
            ("_id", "at", "clientId"),
            66,
            has_groups=True,
        )

    def test_lists_that_are_sought(self) -> None:
        command = {"aggregate": "interactions", "pipeline": seek_pipeline(self.LISTS, ["cl_1", "cl_2"], "interactions")}
        assert asked_from(command) == Asked(
            "aggregate",
            "interactions",
            {"$and": [{"clientId": {"$in": ["cl_1", "cl_2"]}}, {"channel": {"$eq": "CALL"}}]},
            {"at": -1, "_id": -1},
            ("_id", "at"),
            3,
        )

    def test_several_matches_hold_together(self) -> None:
        pipeline = [{"$match": {"a": {"$eq": 1}}}, {"$match": {"b": {"$eq": 2}}}, {"$sort": {"rank": -1}}]
        expected = Asked("aggregate", "clients", {"$and": [{"a": {"$eq": 1}}, {"b": {"$eq": 2}}]}, {"rank": -1})
        assert asked_from({"aggregate": "clients", "pipeline": pipeline}) == expected
