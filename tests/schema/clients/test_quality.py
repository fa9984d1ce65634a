"""`dataQuality` and `unexplainedPaths` over HTTP."""

from pathlib import Path

from tests.served import served

READ = """
query($first: Int!, $after: String, $paths: [String!], $facet: Facet) {
  dataQuality(first: $first, after: $after, paths: $paths, facet: $facet) {
    totalCount
    nodes { path label clients filled fillRate distinct minimum maximum misfits misfitIds isSampled }
    pageInfo { hasNextPage endCursor }
  }
}
"""
LESS = "{ dataQuality(first: 2, facet: PROFILE) { edges { cursor node { path filled } } } }"
UNKNOWN = "{ unexplainedPaths(first: 5) { totalCount nodes { path count exampleId isSampled } } }"
PERSON, ROLE = "demo-data-steward", "data_steward"


async def test_over_http(tmp_path: Path) -> None:
    async with served(tmp_path, clients=12) as book:
        paths = ["profile.employees", "profile.birthday"]
        answer = (await book.ask(READ, {"first": 1, "paths": paths}))["data"]["dataQuality"]
        assert (answer["totalCount"], answer["pageInfo"]["hasNextPage"]) == (2, True)
        (first,) = answer["nodes"]
        assert first["path"] == "profile.birthday"
        assert 0 < first["filled"] <= first["clients"] <= 12
        assert first["fillRate"] == first["filled"] / first["clients"]
        assert "1900-01-01" < first["minimum"] <= first["maximum"] < "2026-11-26"
        assert (first["misfits"], first["misfitIds"], first["isSampled"]) == (0, [], False)
        more: dict[str, object] = {"first": 5, "paths": paths, "after": answer["pageInfo"]["endCursor"]}
        rest = (await book.ask(READ, more))["data"]["dataQuality"]
        assert [each["path"] for each in rest["nodes"]] == ["profile.employees"]
        assert 0 < rest["nodes"][0]["minimum"] <= rest["nodes"][0]["maximum"]
        edges = (await book.ask(LESS, person=PERSON, role=ROLE))["data"]["dataQuality"]["edges"]
        assert [set(each["node"]) for each in edges] == [{"path", "filled"}] * 2
        assert (await book.ask(UNKNOWN, person=PERSON, role=ROLE))["data"]["unexplainedPaths"] == {
            "totalCount": 0,
            "nodes": [],
        }
        cases: list[tuple[str, dict[str, object], str]] = [
            (READ, {"first": 51}, "PAGE_SIZE"),
            (READ, {"first": 5, "paths": ["profile.taxId"]}, "UNKNOWN_ATTRIBUTE"),
            (READ, {**more, "facet": "PROFILE"}, "BAD_CURSOR"),
        ]
        for question, given, code in cases:
            refused = await book.ask(question, given)
            assert refused["errors"][0]["extensions"]["code"] == code
