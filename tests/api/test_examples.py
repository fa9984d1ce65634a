"""The example queries of GraphiQL, on the schema that people meet and on a small book."""

from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse, validate
from strawberry import Schema

from api.examples import EXAMPLES, Example
from catalogue.builtin import builtin_catalogue
from schema.build import build_schema
from tests.served import Served, served


def name_of(example: Example) -> str:
    (operation,) = parse(example.query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None
    return operation.name.value


BY_NAME = {name_of(each): each for each in EXAMPLES}
EDITOR_CHARACTERS = 58


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema(builtin_catalogue())


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


async def run(book: Served, name: str, **variables: object) -> Any:
    """The data of one example; its errors fail the test."""
    example = BY_NAME[name]
    answer = await book.ask(example.query, {**deepcopy(example.variables), **variables})
    assert "errors" not in answer
    return answer["data"]


class TestExamples:
    @pytest.mark.parametrize("name", BY_NAME)
    def test_valid_on_the_built_in_schema(self, name: str, schema: Schema) -> None:
        assert validate(schema._schema, parse(BY_NAME[name].query)) == []

    @pytest.mark.parametrize("name", BY_NAME)
    def test_readable_beside_the_answer(self, name: str) -> None:
        assert [line for line in BY_NAME[name].query.splitlines() if len(line) > EDITOR_CHARACTERS] == []

    async def test_questions_have_answers(self, book: Served) -> None:
        first = await run(book, "FirstClients")
        assert first["clients"]["nodes"][0]["number"] == "K000001"
        facets = await run(book, "FourFacets")
        assert facets["client"]["profile"]["keyPeople"]
        assert facets["client"]["attribute"]["source"] == "demonstration book"
        unhappy = await run(book, "MostValuableButUnhappy")
        values = [each["derived"]["clientValue"] for each in unhappy["clients"]["nodes"]]
        assert values == sorted(values, reverse=True)
        assert len(values) > 1

    async def test_definition_says_what_it_would_do_and_does_nothing(self, book: Served) -> None:
        dry = await run(book, "DefineAttribute")
        assert dry["attributeDefine"]["errors"] == []
        assert {"level": "SAFE", "message": "Field ClientProfile.esgScore was added."} in dry["attributeDefine"][
            "difference"
        ]
        assert (await book.ask('{ attribute(path: "profile.esgScore") { path } }'))["data"]["attribute"] is None

    async def test_upsert_takes_the_good_rows_and_names_the_bad_one(self, book: Served) -> None:
        dry = (await run(book, "UpsertByNumber"))["clientsUpsert"]
        assert dry["report"] == {"created": 1, "changed": 1, "unchanged": 0, "refused": 1}
        given = deepcopy(BY_NAME["UpsertByNumber"].variables["input"])
        assert isinstance(given, dict)
        real = (await run(book, "UpsertByNumber", input={**given, "dryRun": False}))["clientsUpsert"]
        assert real == dry
        assert {(each["code"], each["row"]) for each in real["errors"]} == {("INVALID_VALUE", 2)}
        again = (await run(book, "UpsertByNumber", input={**given, "dryRun": False}))["clientsUpsert"]
        assert again["report"] == {"created": 0, "changed": 0, "unchanged": 2, "refused": 1}

    async def test_change_with_a_pasted_id_is_in_the_history(self, book: Served) -> None:
        untouched = (await run(book, "ChangeWithProof"))["clientChange"]
        assert [each["code"] for each in untouched["errors"]] == ["NOT_FOUND"]
        found = (await run(book, "FourFacets"))["client"]
        given = BY_NAME["ChangeWithProof"].variables["input"]
        assert isinstance(given, dict)
        pasted = {**given, "id": found["id"], "expectedVersion": found["version"]}
        done = (await run(book, "ChangeWithProof", input=pasted))["clientChange"]
        assert done["errors"] == []
        assert done["client"]["attitude"]["satisfaction"] == 85
        newest = (await run(book, "History"))["client"]["history"]["nodes"][0]
        assert (newest["source"], newest["version"]) == ("visit", done["client"]["version"])
        assert newest["values"] == [
            {"path": "attitude.satisfaction", "old": found["attitude"]["satisfaction"], "new": 85}
        ]
