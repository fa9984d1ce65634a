"""What was selected, with fragments, directives, aliases and variables worked in."""

from typing import Any

import pytest
from graphql import GraphQLResolveInfo, build_schema, execute_sync, parse

from schema.planning.selection import PageSelection, Selected, page_selection, selection_of

TOY = build_schema("""
    interface Node { id: ID! }
    type Place { city: String country: String }
    type Client implements Node { id: ID! number: String place(of: String, at: [Int]): Place boss: Client }
    type Manager implements Node { id: ID! name: String }
    type ClientEdge { cursor: String node: Client }
    type PageInfo { hasNextPage: Boolean endCursor: String startCursor: String }
    type ClientConnection { nodes: [Client] edges: [ClientEdge] pageInfo: PageInfo totalCount: Int }
    type Query { client: Client node: Node clients: ClientConnection }
""")


def selected(query: str, **variables: Any) -> Selected:
    """The first field of the operation, as its resolver sees it."""
    seen: list[Selected] = []

    def resolve(_source: object, info: GraphQLResolveInfo[Any]) -> None:
        seen.append(selection_of(info))

    for field in ("client", "node", "clients"):
        TOY.query_type.fields[field].resolve = resolve  # type: ignore[union-attr]
    result = execute_sync(TOY, parse(query), variable_values=variables)
    assert result.errors is None
    return seen[0]


def names(query: str, *types: str, **variables: Any) -> list[str]:
    return [each.name for each in selected(query, **variables).fields(*types)]


class TestFields:
    def test_in_order_each_once_whatever_the_alias(self) -> None:
        assert names("{ client { b: number id number a: id } }", "Client") == ["number", "id"]

    def test_fragments_and_fragments_in_fragments(self) -> None:
        query = "{ client { ...A ... on Client { number } ... { boss { id } } } } fragment A on Client { ...B } "
        assert names(query + "fragment B on Client { place { city } }", "Client") == ["place", "number", "boss"]

    def test_only_fragments_on_the_type_or_its_interface(self) -> None:
        query = "{ node { ... on Client { number } ... on Manager { name } ... on Node { id } } }"
        assert names(query, "Client", "Node") == ["number", "id"]
        assert names(query, "Manager", "Node") == ["name", "id"]

    def test_the_operation_that_runs_alone_counts(self) -> None:
        assert names("query A { client { id } } fragment Unused on Client { number }", "Client") == ["id"]

    @pytest.mark.parametrize(("yes", "found"), [(True, ["id", "number"]), (False, ["id", "boss"])])
    def test_directives_on_fields_and_fragments(self, yes: bool, found: list[str]) -> None:
        query = """query Q($yes: Boolean!) { client { id ...A @include(if: $yes) ... @skip(if: $yes) { boss { id } } } }
                   fragment A on Client { number }"""
        assert names(query, "Client", yes=yes) == found

    @pytest.mark.parametrize(("skip", "include", "count"), [(0, 1, 1), (0, 0, 0), (1, 1, 0), (1, 0, 0)])
    def test_both_directives(self, skip: int, include: int, count: int) -> None:
        query = "query Q($s: Boolean!, $i: Boolean!) { client { id @skip(if: $s) @include(if: $i) } }"
        assert len(names(query, "Client", s=bool(skip), i=bool(include))) == count

    def test_a_directive_by_default_of_its_variable(self) -> None:
        assert names("query Q($a: Boolean = false) { client { id number @include(if: $a) } }", "Client") == ["id"]

    def test_selections_of_one_field_in_several_places_are_one(self) -> None:
        query = "{ client { place { city } ...A } } fragment A on Client { place { country } }"
        (place,) = selected(query).fields("Client")
        assert [each.name for each in place.fields("Place")] == ["city", "country"]


class TestArguments:
    def test_other_arguments_are_another_field(self) -> None:
        query = '{ client { a: place(of: "a") { city } b: place(of: "b") { country } c: place(of: "a") { country } } }'
        first, second = selected(query).fields("Client")
        assert (first.arguments, [each.name for each in first.fields("Place")]) == ({"of": "a"}, ["city", "country"])
        assert (second.arguments, [each.name for each in second.fields("Place")]) == ({"of": "b"}, ["country"])

    def test_from_variables_and_their_defaults(self) -> None:
        query = 'query Q($a: String = "d", $b: [Int]) { client { place(of: $a, at: $b) { city } } }'
        (place,) = selected(query, b=[1, 2]).fields("Client")
        assert place.arguments == {"of": "d", "at": [1, 2]}

    def test_a_variable_that_was_left_out_is_no_argument(self) -> None:
        (place,) = selected("query Q($a: String) { client { place(of: $a) { city } } }").fields("Client")
        assert place.arguments == {}
        (place,) = selected("query Q($a: String) { client { place(of: $a) { city } } }", a=None).fields("Client")
        assert place.arguments == {"of": None}


class TestHas:
    def test_whether_a_field_is_selected(self) -> None:
        field = selected("{ client { id } }")
        assert field.has("id", "Client")
        assert not field.has("number", "Client")


class TestPageSelection:
    def page(self, query: str) -> PageSelection:
        return page_selection(selected(query), "Client", "Client", "Node")

    def test_nodes_and_edges_together(self) -> None:
        page = self.page("{ clients { nodes { id } edges { node { number } } } }")
        assert [each.name for each in page.nodes] == ["id", "number"]

    @pytest.mark.parametrize(
        ("inside", "wants"),
        [
            ("nodes { id }", {"page"}),
            ("edges { node { id } }", {"page", "edges"}),
            ("edges { c: cursor }", {"page", "edges", "cursors"}),
            ("pageInfo { hasNextPage }", {"page"}),
            ("pageInfo { endCursor }", {"page", "end"}),
            ("p: pageInfo { hasNextPage } q: pageInfo { s: startCursor }", {"page", "start"}),
            ("total: totalCount", {"total"}),
            ("totalCount @skip(if: true) nodes { id }", {"page"}),
        ],
    )
    def test_cursors_and_total_only_when_selected(self, inside: str, wants: set[str]) -> None:
        page = self.page(f"{{ clients {{ {inside} }} }}")
        parts = ("page", "edges", "cursors", "start", "end", "total")
        assert {each for each in parts if getattr(page, f"wants_{each}")} == wants
