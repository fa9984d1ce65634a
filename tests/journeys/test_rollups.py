"""A derived attribute from related records by the API: defined, followed, explained, filtered and protected."""

from typing import Any

import httpx2

from tests.journeys.test_formulas import asked, sent

DEFINE = """mutation Define($input: AttributeDefineInput!) {
  attributeDefine(input: $input) {
    attribute {
      path formula isTimed inputs sensitivity rollup { area function of where over days segment } recompute { state }
    }
    errors { code message path }
  }
}"""
CHANGE = """mutation Change($input: AttributeChangeInput!) {
  attributeChange(input: $input) { attribute { rollup { function } } errors { code message path } }
}"""
VALUE = """query Value($number: String!, $path: String!) {
  client(number: $number) {
    attribute(path: $path) {
      value
      explain {
        formula revision isTimed computedAt inputs { path } next { value }
        rollup { records isMember firstAt lastAt definition { area function where days } }
      }
    }
  }
}"""
SEGMENT = """mutation Segment($input: SegmentDefineInput!) {
  segmentDefine(input: $input) { segment { code } errors { message path } }
}"""
RETIRE = """mutation Retire($input: SegmentRetireInput!) {
  segmentRetire(input: $input) { segment { code } errors { message path } }
}"""
SATISFY = """mutation Satisfy($input: ClientChangeInput!) {
  clientChange(input: $input) { client { attribute(path: "derived.ofContent") { value } } errors { message } }
}"""
MEMBER = """query Member($number: String!) {
  client(number: $number) {
    attribute(path: "derived.ofContent") {
      value
      explain { inputs { path value } rollup { records isMember definition { segment } } }
    }
  }
}"""
VISITS: dict[str, Any] = {
    "facet": "DERIVED",
    "key": "visits",
    "kind": "LONG",
    "label": "Visits",
    "rollup": {
        "area": "interactions",
        "function": "COUNT",
        "days": 3_000,
        "where": {"channel": {"eq": "VISIT"}},
    },
}


async def new_client(api: httpx2.AsyncClient, number: str) -> str:
    query = """mutation New($input: ClientCreateInput!) {
      clientCreate(input: $input) { client { id } errors { message } }
    }"""
    made = await sent(api, query, number=number, kind="ORGANISATION", profile={"name": number})
    return str(made["client"]["id"])


async def met(api: httpx2.AsyncClient, client: str, at: str, channel: str = "VISIT") -> dict[str, Any]:
    query = """mutation Met($input: InteractionRecordInput!) {
      interactionRecord(input: $input) {
        interaction { client { derived { visits } } }
        errors { message path }
      }
    }"""
    return await sent(api, query, clientId=client, at=at, channel=channel)


class TestRollups:
    async def test_a_rollup_is_defined_followed_and_explained(self, api: httpx2.AsyncClient) -> None:
        made = await sent(api, DEFINE, **VISITS)
        assert made["errors"] == []
        assert made["attribute"] == {
            "path": "derived.visits",
            "formula": None,
            "isTimed": True,
            "sensitivity": "CONFIDENTIAL",
            "inputs": ["interactions:at", "interactions:channel"],
            "rollup": {**VISITS["rollup"], "of": None, "over": None, "segment": None},
            "recompute": made["attribute"]["recompute"],
        }
        client = await new_client(api, "R1")
        first = await met(api, client, "2026-10-01T09:00:00Z")
        assert first == {"interaction": {"client": {"derived": {"visits": 1}}}, "errors": []}
        await met(api, client, "2026-10-03T09:00:00Z")
        other = await met(api, client, "2026-10-05T09:00:00Z", "EMAIL")
        assert other["interaction"]["client"]["derived"] == {"visits": 2}
        found = (await asked(api, VALUE, number="R1", path="derived.visits"))["client"]["attribute"]
        explained = found["explain"]
        assert found["value"] == 2
        assert explained.pop("computedAt") is not None
        assert explained == {
            "formula": None,
            "revision": 1,
            "isTimed": True,
            "inputs": [],
            "next": None,
            "rollup": {
                "records": 2,
                "isMember": None,
                "firstAt": "2026-10-01T09:00:00Z",
                "lastAt": "2026-10-03T09:00:00Z",
                "definition": VISITS["rollup"],
            },
        }
        where = "{ clients(first: 1, where: {derived: {visits: {gte: 2}}}) { nodes { number } } }"
        assert (await asked(api, where))["clients"]["nodes"] == [{"number": "R1"}]

    async def test_a_segment_says_who_has_a_value(self, api: httpx2.AsyncClient) -> None:
        where = {"attitude": {"satisfaction": {"gte": 8}}}
        made = await sent(api, SEGMENT, code="CONTENT", label="Content", where=where)
        assert made["errors"] == []
        rollup = {"area": "interactions", "function": "COUNT", "segment": "CONTENT"}
        made = await sent(api, DEFINE, **{**VISITS, "key": "ofContent", "rollup": rollup})
        assert made["errors"] == []
        assert made["attribute"]["inputs"] == ["interactions:at", "attitude.satisfaction"]
        client = await new_client(api, "R2")
        await met(api, client, "2026-10-01T09:00:00Z")
        explained = (await asked(api, MEMBER, number="R2"))["client"]["attribute"]
        assert explained["value"] is None
        content = {"definition": {"segment": "CONTENT"}, "records": 1, "isMember": False}
        assert explained["explain"] == {
            "inputs": [{"path": "attitude.satisfaction", "value": None}],
            "rollup": content,
        }
        changed = await sent(api, SATISFY, id=client, changes={"attitude": {"satisfaction": 9}})
        assert changed == {"client": {"attribute": {"value": 1}}, "errors": []}
        explained = (await asked(api, MEMBER, number="R2"))["client"]["attribute"]["explain"]
        assert explained["rollup"] == {**content, "isMember": True}
        refused = await sent(api, RETIRE, code="CONTENT")
        assert [each["path"] for each in refused["errors"]] == [["code"]]
        assert "derived.ofContent" in refused["errors"][0]["message"]

    async def test_what_is_wrong_comes_with_its_place(self, api: httpx2.AsyncClient) -> None:
        wrong = {
            "area": "interactions",
            "function": "SUM",
            "of": "place",
            "where": {"outcome": {"like": "A"}},
            "days": 0,
        }
        refused = await sent(api, DEFINE, **{**VISITS, "key": "wrong", "rollup": wrong})
        assert refused["attribute"] is None
        assert [each["path"] for each in refused["errors"]] == [
            ["rollup", "days"],
            ["rollup", "where", "outcome", "like"],
            ["rollup", "of"],
        ]

    async def test_it_can_be_changed_and_taken_away(self, api: httpx2.AsyncClient) -> None:
        await sent(api, DEFINE, **{**VISITS, "key": "calls"})
        rollup = {"area": "interactions", "function": "MAXIMUM", "of": "duration"}
        changed = await sent(api, CHANGE, path="derived.calls", rollup=rollup)
        assert changed == {"attribute": {"rollup": {"function": "MAXIMUM"}}, "errors": []}
        gone = await sent(api, CHANGE, path="derived.calls", rollup=None)
        assert gone == {"attribute": {"rollup": None}, "errors": []}
