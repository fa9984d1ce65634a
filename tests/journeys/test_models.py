"""Models by the API: registered, used by attributes, scored by the worker, explained, and held to the policy."""

import base64
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from acts.models.shipped import read_shipped
from api.settings import Settings
from catalogue.builtin import builtin_catalogue
from repositories.mongo import MongoSettings, connect
from repositories.repositories import open_repositories
from tests.journeys.conftest import signed_in
from worker.attempt import Manner, next_attempt
from worker.handlers import HANDLERS

REGISTER = """mutation Register($input: ModelRegisterInput!) {
  modelRegister(input: $input) {
    model {
      name version owner inputs { name path unset } outputs { name gives columns } metrics { name value } scoredUpTo
    }
    errors { code message path }
  }
}"""
USE = """mutation Use($input: AttributeChangeInput!) {
  attributeChange(input: $input) {
    attribute { path model { name version output column } isTimed inputs usedBy } errors { code message path expected }
  }
}"""
MODEL = """query Model($name: String!) {
  model(name: $name) { name version attributes scoredUpTo error sha256 size registeredBy trainedOn operators }
}"""
VALUE = """query Value($number: String!) {
  client(number: $number) {
    derived { creditRating tier clientValue }
    attribute(path: "derived.creditRating") {
      value source
      explain { formula revision isTimed isPending computedAt next { revision }
        model { name version output scoredUpTo isBehind } inputs { path value definition { label } } }
    }
  }
}"""
DEFINE = """mutation Define($input: AttributeDefineInput!) { attributeDefine(input: $input) { errors { message } } }"""
IS_BEST = {"$eq": ["$derived.creditRating", "AAA"]}
BEST = """query Best($number: String!) { client(number: $number) { derived { isBest } } }"""
NEW = (
    """mutation New($input: ClientCreateInput!) { clientCreate(input: $input) { client { id } errors { message } } }"""
)

pytestmark = pytest.mark.anyio


async def asked(api: httpx2.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = (await api.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]
    return found


async def sent(api: httpx2.AsyncClient, query: str, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = next(iter((await asked(api, query, input=given)).values()))
    return found


@pytest.fixture
def work(app: Starlette, journey_settings: Settings) -> Callable[[], Any]:
    """Works off what is due, as a worker beside the server would."""

    async def run() -> None:
        settings = MongoSettings(
            journey_settings.mongodb_uri, "pymongo", journey_settings.database, timeout_seconds=30.0
        )
        store = connect(settings)
        book = await open_repositories(store, builtin_catalogue())
        while attempt := await next_attempt(lambda: book.on(book.feed.catalogue), HANDLERS, "w", Manner()):
            await attempt.carry_out()
        await store.close()

    return run


class TestModels:
    async def test_registered_used_scored_and_explained(self, api: httpx2.AsyncClient, work: Callable[[], Any]) -> None:
        made = await sent(api, REGISTER, shipped="credit-rating")
        assert made["errors"] == []
        assert made["model"]["outputs"][1] == {"name": "rating", "gives": "STRING", "columns": 1}
        assert {"name": "kind", "path": "kind", "unset": "SKIP"} in made["model"]["inputs"]
        accounts = {
            "totalLiabilities": 20.0,
            "totalAssets": 100.0,
            "currentAssets": 50.0,
            "currentLiabilities": 20.0,
            "netProfit": 20.0,
            "revenue": 100.0,
        }
        profile, behaviour = {"name": "Steel"}, {"financials": accounts, "withUs": {"overdueDays": 0}}
        given = {"number": "M1", "kind": "ORGANISATION", "profile": profile, "behaviour": behaviour}
        assert (await sent(api, NEW, **given))["errors"] == []

        use = {"path": "derived.creditRating", "model": {"name": "credit-rating", "output": "rating"}}
        bound = await sent(api, USE, **use)
        assert bound["errors"] == []
        attribute = bound["attribute"]
        assert attribute["model"] == {"name": "credit-rating", "version": "1", "output": "rating", "column": 0}
        assert (attribute["isTimed"], "derived.debtRatio" in attribute["inputs"]) == (False, True)
        before = (await asked(api, VALUE, number="M1"))["client"]["attribute"]
        assert (before["value"], before["explain"]["isPending"], before["explain"]["model"]["isBehind"]) == (
            None,
            True,
            True,
        )
        assert (await asked(api, MODEL, name="credit-rating"))["model"]["scoredUpTo"] is None

        best = {"facet": "DERIVED", "key": "isBest", "kind": "BOOLEAN", "label": "Best rating", "formula": IS_BEST}
        assert (await sent(api, DEFINE, **best))["errors"] == []
        await work()
        found = (await asked(api, VALUE, number="M1"))["client"]["attribute"]
        assert (found["value"], found["source"]) == ("AAA", "model credit-rating 1")
        explained = found["explain"]
        assert explained["model"] | {"scoredUpTo": ""} == {
            "name": "credit-rating", "version": "1", "output": "rating", "scoredUpTo": "", "isBehind": False,
        }  # fmt: skip
        values = {each["path"]: each["value"] for each in explained["inputs"]}
        assert values["derived.debtRatio"] == 0.2
        assert values["kind"] == "ORGANISATION"
        assert (explained["formula"], explained["isTimed"], explained["isPending"]) == (None, False, False)
        assert explained["next"] is None
        assert (await asked(api, BEST, number="M1"))["client"]["derived"] == {"isBest": True}
        model = (await asked(api, MODEL, name="credit-rating"))["model"]
        assert (model["attributes"], model["error"]) == (["derived.creditRating"], None)
        assert model["scoredUpTo"] == explained["model"]["scoredUpTo"] is not None

    async def test_takes_no_value_from_people(self, api: httpx2.AsyncClient) -> None:
        given = {"number": "M2", "kind": "PERSON", "profile": {"name": "Li"}, "derived": {"creditRating": "A"}}
        made = await sent(api, NEW, **given)
        assert "is computed by its model credit-rating and takes no value" in made["errors"][0]["message"]

    async def test_is_as_secret_as_what_it_reads(self, api: httpx2.AsyncClient) -> None:
        await sent(api, REGISTER, shipped="value-tier")
        use = {"path": "derived.tier", "model": {"name": "value-tier"}}
        refused = (await sent(api, USE, **use))["errors"]
        assert [(each["code"], each["path"], each["expected"]) for each in refused] == [
            ("MODEL_REFUSED", ["sensitivity"], "CONFIDENTIAL")
        ]
        assert (await sent(api, USE, **use, sensitivity="CONFIDENTIAL"))["errors"] == []

    async def test_every_problem_of_a_file(self, api: httpx2.AsyncClient) -> None:
        for given, message in (
            ({}, "file takes either file or shipped"),
            ({"file": "no base64!"}, "file takes the file in base64"),
            ({"file": base64.b64encode(b"\x80\x04pickle").decode()}, "This is a pickle"),
            ({"shipped": "nothing"}, "shipped takes one of churn-risk"),
        ):
            refused = await sent(api, REGISTER, **given)
            assert refused["model"] is None
            assert refused["errors"][0]["message"].startswith(message)

    async def test_own_file_under_another_name(self, api: httpx2.AsyncClient) -> None:
        file = base64.b64encode(read_shipped("value-tier") or b"").decode()
        inputs = [{"name": "value", "path": "derived.lifetimeValue"}, {"name": "kind", "path": "kind"}]
        metrics = [{"name": "share", "value": 0.1}]
        dry = await sent(
            api, REGISTER, file=file, name="mine", version="2.0", inputs=inputs, metrics=metrics, dryRun=True
        )
        assert dry["errors"] == []
        assert (await asked(api, MODEL, name="mine"))["model"] is None
        made = await sent(api, REGISTER, file=file, name="mine", version="2.0", inputs=inputs, metrics=metrics)
        assert (made["model"]["metrics"], made["model"]["version"]) == (metrics, "2.0")
        query = """query Models($after: String) {
          models(first: 2, after: $after) { nodes { name } totalCount pageInfo { endCursor hasNextPage } }
        }"""
        first = (await asked(api, query))["models"]
        assert [each["name"] for each in first["nodes"]] == ["credit-rating", "mine"]
        rest = (await asked(api, query, after=first["pageInfo"]["endCursor"]))["models"]
        assert ([each["name"] for each in rest["nodes"]], rest["totalCount"]) == (["value-tier"], 3)

    async def test_who_defines_attributes_registers_models(
        self, app: Starlette, journey_settings: Settings, api: httpx2.AsyncClient
    ) -> None:
        async with signed_in(app, journey_settings, "S001", "data_steward") as steward:
            assert (await asked(steward, MODEL, name="credit-rating"))["model"]["name"] == "credit-rating"
        async with signed_in(app, journey_settings, "R001", "relationship_manager") as manager:
            assert (await asked(manager, MODEL, name="credit-rating"))["model"]["name"] == "credit-rating"
            refused = await sent(manager, REGISTER, shipped="churn-risk")
            assert (refused["model"], refused["errors"][0]["code"]) == (None, "NOT_ALLOWED")
        assert (await asked(api, MODEL, name="churn-risk"))["model"] is None
