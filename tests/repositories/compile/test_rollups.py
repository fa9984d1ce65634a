"""What rollups over the same records send, as one command."""

from datetime import UTC, datetime, timedelta

from catalogue.kinds import Kind
from catalogue.rollups.rollup import Rollup, RollupFunction
from repositories.compile.rollups import (
    CLOCKS,
    Counted,
    counting_pipeline,
    crossing_pipeline,
    several_pipeline,
    together,
)
from tests.books import attribute

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)


def counted(key: str, of_kind: Kind | None = None, area: str = "interactions", days: int | None = None) -> Counted:
    function = RollupFunction.COUNT if of_kind is None else RollupFunction.LATEST
    rollup = Rollup(area=area, function=function, of=None if of_kind is None else key, days=days)
    wanted = attribute(f"derived.{key}", of_kind or Kind.LONG, rollup=rollup)
    return Counted(wanted, rollup, "clientId", "at", of_kind, {})


class TestTogether:
    def test_records_of_one_area_are_walked_through_once(self) -> None:
        given = [counted("a"), counted("b", Kind.CODE), counted("c", area="needs"), counted("d", days=90)]
        assert list(together(given)) == [[0, 1, 3], [2]]

    def test_long_texts_are_counted_alone(self) -> None:
        given = [counted("a"), counted("summary", Kind.TEXT), counted("b"), counted("observations", Kind.TEXT)]
        assert list(together(given)) == [[0, 2], [1], [3]]


class TestSeveralPipeline:
    def test_each_rollup_has_what_it_has_alone(self) -> None:
        given = [counted("a", days=90), counted("channel", Kind.CODE)]
        stages = several_pipeline(given, ("c2", "c1"), AT)
        assert stages[0] == {"$match": {"clientId": {"$in": ["c1", "c2"]}}}
        moments = {"n": {"$sum": 1}, "first": {"$min": "$at"}, "last": {"$max": "$at"}}
        newest = {"o": "$at", "i": "$_id", "v": "$channel"}
        assert stages[1] == {
            "$facet": {
                "r0": [
                    {"$match": {"$and": [{"at": {"$gt": AT - timedelta(days=90), "$lte": AT + CLOCKS}}]}},
                    {"$group": {"_id": "$clientId", "v": {"$sum": 1}, **moments}},
                    {"$set": {"r": 0}},
                ],
                "r1": [
                    {"$match": {"$and": [{"channel": {"$type": "string"}}, {"at": {"$type": "date"}}]}},
                    {"$group": {"_id": "$clientId", "v": {"$max": newest}, **moments}},
                    {"$set": {"r": 1}},
                ],
            }
        }  # fmt: skip
        alone = counting_pipeline(given[0], ("c2", "c1"), AT)
        assert alone[0] == {
            "$match": {"$and": [stages[0]["$match"], {"at": {"$gt": AT - timedelta(days=90), "$lte": AT + CLOCKS}}]}
        }


class TestCrossingPipeline:
    def test_each_edge_is_looked_at_once(self) -> None:
        given = [counted("a", days=90), counted("b", days=365), counted("c", days=90)]
        since = AT - timedelta(minutes=20)
        spans = [
            {"at": {"$gt": since - timedelta(days=days), "$lte": AT - timedelta(days=days)}} for days in (0, 90, 365)
        ]
        stages = crossing_pipeline(given, since, AT, "c1", 500)
        assert stages[0] == {"$match": {"$or": spans}}
        assert stages[1:3] == [{"$group": {"_id": "$clientId"}}, {"$match": {"_id": {"$gt": "c1"}}}]
