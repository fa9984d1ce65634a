"""Groups over the whole path, by the compiled answer and by ordinary execution."""

from typing import Any

import pytest
from graphql import execute, parse

from api.editions import Edition, build_edition
from api.execution import Documents, answer_from, core_schema, run
from api.graphql_request import GraphQLRequest
from catalogue.attribute import Attribute, AttributeOption
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from repositories.mongo import MongoSettings, connect
from schema.context import Context
from tests.books import SMALL, VIEWER, attribute, insert, make_client, open_book

RUN_TIME: tuple[Attribute, ...] = (
    attribute("derived.margin", Kind.NUMBER),
    attribute("derived.band", Kind.CODE, options=(AttributeOption(code="HIGH", label="High margin"),)),
)


@pytest.fixture
async def edition() -> Edition:
    """Five clients, with attributes besides the usual ones."""
    catalogue = Catalogue((*SMALL.attributes, *RUN_TIME), SMALL.relations)
    book = await open_book(connect(MongoSettings(driver="memory")), catalogue)
    rows: tuple[dict[str, object], ...] = (
        {"profile.industry": "TEA", "derived.margin": 2.0, "derived.band": "HIGH", "profile.employees": 5},
        {"profile.industry": "TEA", "derived.margin": 4.0, "profile.employees": 10},
        {"profile.industry": "TEA"},
        {"profile.industry": "STEEL", "derived.margin": 10.0, "derived.band": "HIGH", "profile.employees": 50},
        {},
    )
    for place, row in enumerate(rows):
        await insert(book, f"C{place}", {**row, "managerId": "mg_1"})
    return build_edition(book)


async def ask(edition: Edition, query: str, **variables: object) -> dict[str, Any]:
    """The answer both ways, which must be one."""
    prepared = Documents(10, 1_000).prepare(edition, query)
    request = GraphQLRequest(query, variables)
    asked = prepared.answers.asked(edition.schema, prepared.operation(None), variables)
    assert asked is not None
    assert prepared.answers.find(asked) is not None
    answer = answer_from(await run(edition, prepared, request, Context(VIEWER, edition.repositories)))
    ordinary: Any = execute(
        core_schema(edition),
        parse(query),
        context_value=Context(VIEWER, edition.repositories),
        variable_values=variables,
        executor_class=edition.schema.execution_context_class,
    )
    assert answer == answer_from(await ordinary)
    return answer


class TestClientGroups:
    async def test_figures_of_run_time_attributes(self, edition: Edition) -> None:
        query = """query ($of: ClientMeasureField!) {
          clientGroups(by: [{field: PROFILE_INDUSTRY}], first: 10) {
            nodes {
              keys { field value label }
              count
              sum(of: DERIVED_MARGIN)
              average(of: $of)
              least: minimum(of: DERIVED_MARGIN)
              most: maximum(of: DERIVED_MARGIN)
              staff: maximum(of: PROFILE_EMPLOYEES)
            }
          }
        }"""
        nodes = (await ask(edition, query, of="DERIVED_MARGIN"))["data"]["clientGroups"]["nodes"]
        figures = ("sum", "average", "least", "most", "staff")
        assert [(each["keys"][0]["label"], each["count"], *(each[name] for name in figures)) for each in nodes] == [
            (None, 1, 0.0, None, None, None, None),
            ("Steel", 1, 10.0, 10.0, 10.0, 10.0, 50.0),
            ("Tea", 3, 6.0, 3.0, 2.0, 4.0, 10.0),
        ]
        assert [each["keys"][0]["field"] for each in nodes] == ["PROFILE_INDUSTRY"] * 3

    async def test_core_fields_ranges_and_variables(self, edition: Edition) -> None:
        query = """query ($by: [ClientGroupBy!]!, $where: ClientWhere, $first: Int!) {
          clientGroups(by: $by, where: $where, first: $first) {
            totalCount
            pageInfo { hasNextPage hasPreviousPage }
            edges { node { count keys { field value label from to } } }
          }
        }"""
        by = [{"field": "STAGE"}, {"field": "MANAGER"}, {"field": "PROFILE_EMPLOYEES", "bounds": [10]}]
        where = {"profile": {"employees": {"isNull": False}}}
        found = (await ask(edition, query, by=by, where=where, first=1))["data"]["clientGroups"]
        assert found["totalCount"] == 2
        assert found["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
        stage, manager, employees = found["edges"][0]["node"]["keys"]
        assert (stage["field"], stage["value"]) == ("STAGE", "PROSPECT")
        assert (manager["field"], manager["value"]) == ("MANAGER", "mg_1")
        assert employees == {
            "field": "PROFILE_EMPLOYEES",
            "value": "below 10",
            "label": "below 10",
            "from": None,
            "to": 10.0,
        }

    async def test_page_after_page(self, edition: Edition) -> None:
        query = """query ($after: String) {
          clientGroups(by: [{field: PROFILE_INDUSTRY}, {field: DERIVED_BAND}], first: 2, after: $after) {
            pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
            edges { cursor node { keys { value } } }
          }
        }"""
        cursor, keys, is_more = None, [], True
        while is_more:
            page = (await ask(edition, query, after=cursor))["data"]["clientGroups"]
            assert page["pageInfo"]["hasPreviousPage"] is (cursor is not None)
            assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
            keys += [tuple(key["value"] for key in edge["node"]["keys"]) for edge in page["edges"]]
            cursor, is_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert keys == [(None, None), ("STEEL", "HIGH"), ("TEA", None), ("TEA", "HIGH")]

    async def test_of_what_a_search_finds(self, edition: Edition) -> None:
        await make_client(edition.repositories, "K1", profile={"name": "Tea House", "industry": "TEA"})
        query = '{ clientGroups(by: [{field: PROFILE_INDUSTRY}], search: "k1", first: 9) { nodes { count } } }'
        assert (await ask(edition, query))["data"]["clientGroups"]["nodes"] == [{"count": 1}]

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            ("by: [], first: 1", "INVALID_VALUE"),
            ("by: [{field: KIND}], first: 0", "PAGE_SIZE"),
            ("by: [{field: KIND}], first: 201", "PAGE_SIZE"),
            ("by: [{field: KIND}], first: 1, where: {}", "EMPTY_FILTER"),
            ('by: [{field: KIND}], first: 1, after: "x"', "BAD_CURSOR"),
        ],
    )
    async def test_refused(self, edition: Edition, arguments: str, code: str) -> None:
        answer = await ask(edition, f"{{ clientGroups({arguments}) {{ nodes {{ count }} }} }}")
        assert [each["extensions"]["code"] for each in answer["errors"]] == [code]

    @pytest.mark.parametrize("figure", ["sumExact", "averageExact", "minimumExact", "maximumExact"])
    async def test_an_exact_figure_of_floating_point_numbers_is_refused(self, edition: Edition, figure: str) -> None:
        of = "ATTITUDE_SATISFACTION"
        answer = await ask(
            edition, f"{{ clientGroups(by: [{{field: KIND}}], first: 1) {{ nodes {{ {figure}(of: {of}) }} }} }}"
        )
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "INVALID_VALUE"
        instead = figure.removesuffix("Exact")
        assert f"{figure} goes with LONG and DECIMAL" in error["message"]
        assert error["message"].endswith(f"is NUMBER. Use {instead}.")

    async def test_exact_figures_are_texts(self, edition: Edition) -> None:
        largest = 2**63 - 1
        for number in ("EX-1", "EX-2"):
            profile = {"name": number, "employees": largest}
            await make_client(edition.repositories, number, profile=profile)
        figures = "sumExact minimumExact maximumExact averageExact sum".split()
        fields = " ".join(f"{figure}(of: PROFILE_EMPLOYEES)" for figure in figures)
        where = 'where: {number: {startsWith: "EX-"}}'
        query = f"{{ clientGroups(by: [{{field: KIND}}], {where}, first: 1) {{ nodes {{ {fields} }} }} }}"
        answer = await ask(edition, query)
        assert answer["data"]["clientGroups"]["nodes"] == [
            {
                "sumExact": "18446744073709551614",
                "minimumExact": "9223372036854775807",
                "maximumExact": "9223372036854775807",
                "averageExact": "9223372036854775807",
                "sum": 1.8446744073709552e19,
            }
        ]

    async def test_only_what_is_selected_is_worked_out(self, edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[list[dict[str, Any]]] = []
        collection = type(edition.repositories.clients.collection)
        aggregate = collection.aggregate

        async def listening(self: Any, pipeline: Any, hint: Any = None) -> Any:
            sent.append(pipeline)
            return await aggregate(self, pipeline, hint)

        monkeypatch.setattr(collection, "aggregate", listening)
        query = """query ($isLong: Boolean!) {
          clientGroups(by: [{field: KIND}], first: 1) {
            nodes { ... on ClientGroup { a: sum(of: DERIVED_MARGIN) } b: sum(of: DERIVED_MARGIN) }
            edges { node { count @include(if: $isLong) average(of: PROFILE_EMPLOYEES) @skip(if: true) } }
          }
        }"""
        (short, *_), long = [(await ask(edition, query, isLong=each), sent.copy())[1] for each in (False, True)]
        assert short[0]["$group"].keys() == {"_id", "m0"}
        assert long[-1][0]["$group"].keys() == {"_id", "count", "m0"}
