"""A derived attribute by the API: tried, defined, computed, explained, changed and protected."""

import json
import re
from pathlib import Path
from typing import Any

import httpx2

from tests.servers import do

DEFINE = """mutation Define($input: AttributeDefineInput!) {
  attributeDefine(input: $input) {
    attribute { path formula isTimed inputs usedBy sensitivity recompute { state revision } }
    cost { recomputedDocuments } errors { code message path expected }
  }
}"""
CHANGE = """mutation Change($input: AttributeChangeInput!) {
  attributeChange(input: $input) {
    attribute { path formula recompute { state revision } } errors { code message path }
  }
}"""
PREVIEW = """query Preview($input: DerivedPreviewInput!) {
  derivedPreview(input: $input) { rows { number value inputs { path value } } errors { code message path } }
}"""
VALUE = """query Value($number: String!, $path: String!) {
  client(number: $number) {
    attribute(path: $path) {
      value source enteredAt
      explain {
        formula revision isTimed isPending computedAt next { value revision }
        inputs { path value observedAt definition { label usedBy } }
      }
    }
    history(first: 1) { nodes { version values { path old new } } }
  }
}"""
LEVERAGE = {"$divide": ["$behaviour.financials.totalLiabilities", "$behaviour.financials.totalAssets"]}

PAGE = Path(__file__).parents[2] / "docs" / "derived.md"


async def asked(api: httpx2.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = (await api.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]
    return found


async def sent(api: httpx2.AsyncClient, query: str, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = next(iter((await asked(api, query, input=given)).values()))
    return found


async def new_client(api: httpx2.AsyncClient, number: str, **facets: Any) -> str:
    query = """mutation New($input: ClientCreateInput!) {
      clientCreate(input: $input) { client { id derived { leverage } } errors { message } }
    }"""
    given = {"number": number, "kind": "ORGANISATION", "profile": {"name": number}, **facets}
    made = await sent(api, query, **given)
    assert made["errors"] == []
    return str(made["client"]["id"])


class TestFormulas:
    async def test_a_formula_is_tried_defined_and_explained(self, api: httpx2.AsyncClient) -> None:
        supposed = [
            {"path": "behaviour.financials.totalLiabilities", "value": 30},
            {"path": "behaviour.financials.totalAssets", "value": 120},
        ]
        tried = await sent(api, PREVIEW, formula=LEVERAGE, kind="NUMBER", whatIf=supposed)
        assert tried["errors"] == []
        assert [each["value"] for each in tried["rows"]] == [0.25]

        wanted = {"facet": "DERIVED", "key": "leverage", "kind": "NUMBER", "label": "Leverage", "formula": LEVERAGE}
        dry = await sent(api, DEFINE, **wanted, dryRun=True)
        assert dry["attribute"]["inputs"] == sorted(str(each["path"]) for each in supposed)
        made = await sent(api, DEFINE, **wanted)
        assert made["errors"] == []
        assert made["attribute"]["formula"] == LEVERAGE
        assert made["attribute"]["isTimed"] is False

        accounts = {"financials": {"totalLiabilities": 50, "totalAssets": 200}}
        client_id = await new_client(api, "F1", behaviour=accounts)
        found = (await asked(api, VALUE, number="F1", path="derived.leverage"))["client"]["attribute"]
        assert found["value"] == 0.25
        explained = found["explain"]
        assert (explained["formula"], explained["revision"], explained["next"]) == (LEVERAGE, 1, None)
        assert explained["isPending"] is False
        assert explained["computedAt"] == found["enteredAt"] is not None
        values = {each["path"]: each["value"] for each in explained["inputs"]}
        assert values == {"behaviour.financials.totalAssets": 200.0, "behaviour.financials.totalLiabilities": 50.0}
        assert all("derived.leverage" in each["definition"]["usedBy"] for each in explained["inputs"])

        changed = """mutation Pay($id: ID!) {
          clientChange(input: { id: $id, changes: { behaviour: { financials: { totalLiabilities: 20 } } } }) {
            client { derived { leverage } } errors { message }
          }
        }"""
        assert (await asked(api, changed, id=client_id))["clientChange"]["client"]["derived"]["leverage"] == 0.1
        newest = (await asked(api, VALUE, number="F1", path="derived.leverage"))["client"]["history"]["nodes"][0]
        assert {"path": "derived.leverage", "old": 0.25, "new": 0.1} in newest["values"]

        samples = await sent(api, PREVIEW, formula=LEVERAGE, kind="NUMBER", numbers=["F1"])
        assert [(each["number"], each["value"]) for each in samples["rows"]] == [("F1", 0.1)]
        other = await sent(api, PREVIEW, formula=LEVERAGE, kind="NUMBER", numbers=["F1"], whatIf=supposed[:1])
        assert [each["value"] for each in other["rows"]] == [0.15]

    async def test_a_computed_value_takes_none(self, api: httpx2.AsyncClient) -> None:
        query = """mutation New($input: ClientCreateInput!) {
          clientCreate(input: $input) { client { id } errors { code message } }
        }"""
        given = {"number": "F2", "kind": "ORGANISATION", "profile": {"name": "F2"}, "derived": {"leverage": 1}}
        made = await sent(api, query, **given)
        assert made["client"] is None
        assert "is computed by its formula" in made["errors"][0]["message"]

    async def test_every_problem_with_its_place(self, api: httpx2.AsyncClient) -> None:
        wrong = {"$divide": [{"$add": ["$profile.name", 1]}, {"$where": "1"}, "$nowhere.else"]}
        given = {"facet": "DERIVED", "key": "wrong", "kind": "NUMBER", "label": "Wrong", "formula": wrong}
        refused = await sent(api, DEFINE, **given)
        assert refused["attribute"] is None
        assert {each["code"] for each in refused["errors"]} == {"FORMULA_REFUSED"}
        inner = await sent(api, DEFINE, **given | {"formula": {"$divide": [{"$add": ["$profile.name", 1]}, "$no.no"]}})
        places = [each["path"] for each in inner["errors"]]
        assert places == [["formula", "$divide[0].$add[0]"], ["formula", "$divide[1]"]]
        as_text = await sent(api, DEFINE, **given | {"formula": json.dumps({"$divide": [1, "$derived.wrong"]})})
        assert "is the attribute itself" in as_text["errors"][0]["message"]

    async def test_what_a_formula_reads_stays(self, api: httpx2.AsyncClient) -> None:
        define = {"facet": "BEHAVIOUR", "key": "stock", "kind": "LONG", "label": "Stock"}
        assert (await sent(api, DEFINE, **define))["errors"] == []
        formula = {"$multiply": ["$behaviour.stock", 2]}
        read = {"facet": "DERIVED", "key": "twice", "kind": "LONG", "label": "Twice", "formula": formula}
        assert (await sent(api, DEFINE, **read))["errors"] == []
        retire = """mutation Retire($input: AttributeRetireInput!) {
          attributeRetire(input: $input) { attribute { path } errors { code message } }
        }"""
        refused = await sent(api, retire, path="behaviour.stock", dryRun=True)
        assert refused["errors"][0]["code"] == "FORMULA_REFUSED"
        assert "derived.twice" in refused["errors"][0]["message"]
        secret = await sent(api, CHANGE, path="behaviour.stock", sensitivity="RESTRICTED")
        assert "derived.twice" in secret["errors"][0]["message"]
        circle = await sent(api, CHANGE, path="derived.twice", formula={"$add": ["$derived.twiceMore", 1]})
        assert circle["errors"][0]["code"] == "FORMULA_REFUSED"
        more = read | {"key": "twiceMore", "formula": {"$add": ["$derived.twice", 1]}}
        assert (await sent(api, DEFINE, **more))["errors"] == []
        circle = await sent(api, CHANGE, path="derived.twice", formula={"$add": ["$derived.twiceMore", 1]})
        assert "derived.twice reads derived.twiceMore reads derived.twice" in circle["errors"][0]["message"]

    async def test_a_changed_formula_stands_beside_the_old_one(self, api: httpx2.AsyncClient) -> None:
        accounts = {"financials": {"totalLiabilities": 50, "totalAssets": 200}}
        client_id = await new_client(api, "F3", behaviour=accounts)
        changed = await sent(api, CHANGE, path="derived.leverage", formula={"$multiply": [LEVERAGE, 100]})
        assert changed["errors"] == []
        assert changed["attribute"]["recompute"] == {"state": "FILLING", "revision": 2}
        progress = '{ attribute(path: "derived.leverage") { recompute { state revision done total } } }'
        assert (await asked(api, progress))["attribute"]["recompute"] == {
            "state": "FILLING",
            "revision": 2,
            "done": 0,
            "total": None,
        }
        query = """mutation Pay($id: ID!) {
          clientChange(input: { id: $id, changes: { behaviour: { financials: { totalLiabilities: 20 } } } }) {
            client {
              attribute(path: "derived.leverage") { value explain { revision isPending next { value revision } } }
            }
          }
        }"""
        found = (await asked(api, query, id=client_id))["clientChange"]["client"]["attribute"]
        assert found == {
            "value": 0.1,
            "explain": {"revision": 1, "isPending": True, "next": {"value": 10.0, "revision": 2}},
        }


class TestPolicy:
    async def test_who_may_not_read_an_input_does_not_read_the_result(
        self, api: httpx2.AsyncClient, steward: httpx2.AsyncClient
    ) -> None:
        await new_client(api, "F4", behaviour={"financials": {"totalLiabilities": 50, "totalAssets": 200}})
        select = '{ client(number: "F4") { derived { leverage } attribute(path: "derived.leverage") { value } } }'
        own = await asked(api, select)
        assert own["client"] == {"derived": {"leverage": 0.25}, "attribute": {"value": 0.25}}
        answer = (await steward.post("/graphql", json={"query": select})).json()
        assert answer["data"]["client"] == {"derived": {"leverage": None}, "attribute": None}
        where = "{ clients(first: 5, where: {derived: {leverage: {gt: 0}}}) { totalCount } }"
        refused = (await steward.post("/graphql", json={"query": where})).json()
        assert refused["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        history = '{ client(number: "F4") { history(first: 5) { nodes { values { path } } } } }'
        rows = (await asked(steward, history))["client"]["history"]["nodes"][0]["values"]
        assert not [each for each in rows if each["path"] == "derived.leverage"]


class TestPage:
    async def test_the_examples_of_the_page_can_be_carried_out(self, api: httpx2.AsyncClient) -> None:
        # one of the demonstration book, which an example is about
        who = {"code": "LEAVING", "label": "About to leave", "where": {"stage": {"eq": "ACTIVE"}}}
        await do(api, "segmentDefine", "segment { code }", **who)
        for question in re.findall(r"^```graphql\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            given = {"number": "F1"} if "$number" in question else {}
            for field in (await asked(api, question, **given)).values():
                assert not (field or {}).get("errors"), question
