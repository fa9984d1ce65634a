"""An error stands where it belongs, and what stands beside it is answered all the same."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import DirectiveLocation, get_introspection_query, print_type, specified_directives
from graphql import build_schema as graphql_schema

from tests.served import Served, served

STEWARD: dict[str, Any] = {"person": "demo-data-steward", "role": "data_steward"}
UNPUBLISHED = {"DIRECTIVE_DEFINITION", "FRAGMENT_VARIABLE_DEFINITION"}


@pytest.fixture(scope="module")
async def book(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(Path(tmp_path_factory.mktemp("book")), clients=3) as running:
        yield running


class TestUnknownPaths:
    async def test_a_nullable_field_is_null_and_its_neighbours_are_there(self, book: Served) -> None:
        query = (
            '{ client(number: "K000001") { number good: attribute(path: "profile.name") { path }'
            ' bad: attribute(path: "profile.nope") { value } } }'
        )
        answer = await book.ask(query)
        assert answer["data"] == {
            "client": {"number": "K000001", "good": {"path": "profile.name"}, "bad": None},
        }
        (error,) = answer["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["client", "bad"], "UNKNOWN_ATTRIBUTE")

    async def test_in_a_page_each_item_says_so_and_stays(self, book: Served) -> None:
        query = '{ clients(first: 3) { nodes { number attribute(path: "profile.nope") { value } } } }'
        answer = await book.ask(query)
        nodes = answer["data"]["clients"]["nodes"]
        assert [node["attribute"] for node in nodes] == [None] * 3
        assert [node["number"] for node in nodes] == ["K000001", "K000002", "K000003"]
        assert [error["path"] for error in answer["errors"]] == [
            ["clients", "nodes", place, "attribute"] for place in range(3)
        ]

    @pytest.mark.parametrize("path", ["profile.keyPeople.name", "nope", "", "profile", "profile.location.nope"])
    async def test_of_every_kind(self, book: Served, path: str) -> None:
        answer = await book.ask(
            'query($p: String!) { client(number: "K000001") { number attribute(path: $p) { value } } }', {"p": path}
        )
        assert answer["data"]["client"]["number"] == "K000001"
        assert [error["path"] for error in answer.get("errors", [])] in ([["client", "attribute"]], [])

    async def test_a_list_that_is_never_null_takes_its_client_along(self, book: Served) -> None:
        query = '{ client(number: "K000001") { attributes(paths: ["profile.nope"]) { value } } viewer { person } }'
        answer = await book.ask(query)
        assert answer["data"]["client"] is None
        assert answer["data"]["viewer"] is not None
        assert [error["path"] for error in answer["errors"]] == [["client", "attributes"]]


class TestRootFields:
    async def test_what_is_refused_leaves_the_others(self, book: Served) -> None:
        """A dashboard of a data steward, one field of which takes another role."""
        query = "{ clients(first: 1) { totalCount } grants(first: 1) { nodes { id } } policy { revision } }"
        answer = await book.ask(query, **STEWARD)
        assert answer["data"]["clients"] == {"totalCount": 3}
        assert answer["data"]["grants"] is None
        assert ["grants"] in [error["path"] for error in answer["errors"]]

    async def test_a_bad_page_leaves_the_others(self, book: Served) -> None:
        answer = await book.ask("{ a: clients(first: 0) { totalCount } b: clients(first: 1) { totalCount } }")
        assert answer["data"] == {"a": None, "b": {"totalCount": 3}}
        assert [error["path"] for error in answer["errors"]] == [["a"]]

    async def test_only_what_is_never_refused_is_never_null(self, book: Served) -> None:
        schema = graphql_schema(await book.sdl("demo-administrator", "administrator"))
        query = schema.query_type
        assert query is not None
        assert {name for name, field in query.fields.items() if str(field.type).endswith("!")} == {"viewer", "nodes"}

    async def test_connections_below_stay_as_they_were(self, book: Served) -> None:
        schema = graphql_schema(await book.sdl("demo-administrator", "administrator"))
        assert "interactions" in print_type(schema.type_map["Client"])
        client = schema.type_map["Client"]
        assert str(client.fields["interactions"].type) == "InteractionConnection!"  # type: ignore[attr-defined]


class TestCursors:
    async def test_one_of_another_filter_is_called_that(self, book: Served) -> None:
        first = await book.ask("{ clients(first: 1) { pageInfo { endCursor } } }")
        cursor = first["data"]["clients"]["pageInfo"]["endCursor"]
        page = "clients(first: 1, after: $a, where: { kind: { eq: PERSON } }) { nodes { id } }"
        query = f"query($a: String) {{ {page} }}"
        (error,) = (await book.ask(query, {"a": cursor}))["errors"]
        assert error["extensions"]["code"] == "BAD_CURSOR"
        assert "made for another question" in error["message"]
        (error,) = (await book.ask(query, {"a": "nonsense"}))["errors"]
        assert "not made by this server" in error["message"]


class TestIntrospection:
    @pytest.mark.parametrize("who", [{}, STEWARD])
    async def test_directives_stand_where_the_published_specification_lets_them(
        self, book: Served, who: dict[str, Any]
    ) -> None:
        answer = await book.ask(get_introspection_query(), **who)
        directives = answer["data"]["__schema"]["directives"]
        places = {place for directive in directives for place in directive["locations"]}
        assert {directive["name"] for directive in directives} >= {"include", "skip", "deprecated", "specifiedBy"}
        assert places & UNPUBLISHED == set()
        assert places <= {place.name for place in DirectiveLocation}
        # Should graphql-core leave them out by itself, published() can go.
        assert any(place.name in UNPUBLISHED for directive in specified_directives for place in directive.locations)
