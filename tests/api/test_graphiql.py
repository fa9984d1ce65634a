"""GraphiQL."""

import re
from pathlib import Path

import orjson
import pytest
from graphql import OperationDefinitionNode, parse

from api.examples import EXAMPLES, Example
from api.graphiql import ASSETS, page_response


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text('<script type="application/json" id="options">{{options}}</script>', "utf-8")
    return tmp_path


def text_of(folder: Path, *, keeps_token: bool = False) -> str:
    return bytes(page_response(folder, keeps_token=keeps_token).body).decode()


class TestPageResponse:
    def test_options(self, folder: Path) -> None:
        page = text_of(folder)
        found = re.fullmatch(r'<script type="application/json" id="options">(.*)</script>', page)
        assert found
        assert "<" not in found[1]
        options = orjson.loads(found[1])
        assert [tab["query"] for tab in options["defaultTabs"]] == [each.query for each in EXAMPLES]
        assert orjson.loads(options["headers"]) == {"Authorization": "Bearer PASTE-A-TOKEN-HERE"}
        assert options["shouldPersistHeaders"] is False

    def test_token_kept_where_that_is_wanted(self, folder: Path) -> None:
        assert '"shouldPersistHeaders":true' in text_of(folder, keeps_token=True)

    def test_no_outside_request(self, folder: Path) -> None:
        policy = page_response(folder).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert not re.search(r"https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline", policy)

    def test_not_installed(self, tmp_path: Path) -> None:
        response = page_response(tmp_path / "missing")
        assert response.status_code == 503
        assert b"scripts/install" in bytes(response.body)

    @pytest.mark.skipif(not ASSETS.exists(), reason="GraphiQL is not installed here; run scripts/install")
    def test_installed_page_takes_the_options(self) -> None:
        assert "{{options}}" not in text_of(ASSETS)
        assert "FirstClients" in text_of(ASSETS)


class TestExamples:
    @pytest.mark.parametrize("example", EXAMPLES)
    def test_one_named_operation_with_all_its_variables(self, example: Example) -> None:
        (operation,) = parse(example.query).definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name is not None
        declared = {each.variable.name.value for each in operation.variable_definitions or ()}
        assert declared == set(example.variables)
