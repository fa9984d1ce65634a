"""The segments of a client over the whole path, both ways."""

from datetime import timedelta

from api.editions import Edition
from tests.schema.segments.test_fields import RM, STEWARD, ask, book, data, edition
from tests.segmented import moment

__all__ = ["book", "edition"]

LISTS = """query Lists($first: Int!, $after: String) { clients(first: 4, orderBy: [{field: NUMBER}]) { nodes {
  number segments(first: $first, after: $after) {
    totalCount nodes { code size } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor }
  }
} } }"""


class TestSegments:
    async def test_of_a_page_of_clients(self, edition: Edition) -> None:
        found = (await data(edition, LISTS, first=5))["clients"]["nodes"]
        assert [[each["code"] for each in client["segments"]["nodes"]] for client in found] == [
            ["HAPPY", "TEA"],
            ["TEA"],
            ["HAPPY"],
            ["TEA"],
        ]
        assert [client["segments"]["totalCount"] for client in found] == [2, 1, 1, 1]
        assert found[0]["segments"]["nodes"][1] == {"code": "TEA", "size": 3}

    async def test_goes_on_from_a_cursor(self, edition: Edition) -> None:
        first = (await data(edition, LISTS, first=1))["clients"]["nodes"][0]["segments"]
        assert first["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "endCursor": "sHAPPY"}
        rest = (await data(edition, LISTS, first=1, after="sHAPPY"))["clients"]["nodes"]
        codes = [[each["code"] for each in client["segments"]["nodes"]] for client in rest]
        assert codes == [["TEA"], ["TEA"], [], ["TEA"]]
        assert rest[0]["segments"]["pageInfo"]["hasPreviousPage"] is True
        for after in ("HAPPY", ""):
            refused = await ask(edition, LISTS, variables={"first": 1, "after": after})
            assert refused["errors"][0]["extensions"]["code"] == "BAD_CURSOR"

    async def test_is_for_whoever_may_know_of_them(self, edition: Edition) -> None:
        found = (await data(edition, LISTS, RM, first=5))["clients"]["nodes"]
        assert [(each["number"], each["segments"]["totalCount"]) for each in found] == [("C0", 2), ("C2", 1)]
        hidden = (await data(edition, LISTS, STEWARD, first=5))["clients"]["nodes"]
        assert [each["segments"]["totalCount"] for each in hidden] == [0, 0, 0, 0]

    async def test_as_of_a_moment_by_the_snapshot_before_it(self, edition: Edition) -> None:
        asked = """query Then($at: DateTime!) { client(number: "C2", asOf: $at) {
          segments(first: 5) { nodes { code } } segmentHistory(first: 5) { nodes { leftAt segment { code } } }
        } }"""
        found = (await data(edition, asked, at=(moment(1) + timedelta(hours=1)).isoformat()))["client"]
        assert found["segments"]["nodes"] == [{"code": "HAPPY"}, {"code": "TEA"}]
        stays = [{"leftAt": None, "segment": {"code": each}} for each in ("TEA", "HAPPY")]
        assert found["segmentHistory"]["nodes"] == stays


class TestSegmentHistory:
    QUERY = """query Stays($first: Int!, $after: String) { client(number: "C2") {
      segmentHistory(first: $first, after: $after) {
        nodes { joinedAt leftAt segment { code label } } pageInfo { hasNextPage endCursor }
      }
    } }"""

    async def test_the_newest_first_page_by_page(self, edition: Edition) -> None:
        whole = (await data(edition, self.QUERY, first=5))["client"]["segmentHistory"]["nodes"]
        text = [moment(day).isoformat().replace("+00:00", "Z") for day in range(3)]
        assert whole == [
            {"joinedAt": text[1], "leftAt": text[2], "segment": {"code": "TEA", "label": "Segment TEA"}},
            {"joinedAt": text[0], "leftAt": None, "segment": {"code": "HAPPY", "label": "Segment HAPPY"}},
        ]
        first = (await data(edition, self.QUERY, first=1))["client"]["segmentHistory"]
        assert (first["nodes"], first["pageInfo"]["hasNextPage"]) == (whole[:1], True)
        rest = await data(edition, self.QUERY, first=5, after=first["pageInfo"]["endCursor"])
        assert rest["client"]["segmentHistory"]["nodes"] == whole[1:]
        refused = await ask(edition, self.QUERY, variables={"first": 1, "after": "yesterday"})
        assert refused["errors"][0]["extensions"]["code"] == "BAD_CURSOR"

    async def test_is_empty_for_whoever_may_not_use_the_attributes(self, edition: Edition) -> None:
        found = await data(edition, self.QUERY, STEWARD, first=5)
        assert found["client"]["segmentHistory"]["nodes"] == []
