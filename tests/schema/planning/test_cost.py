"""What a question costs: exact figures, the same however it is written, worked out in one pass over the document."""

import gc
import time
from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, parse, validate
from hypothesis import given
from hypothesis import strategies as st
from strawberry import Schema

from catalogue.builtin import builtin_catalogue
from schema.build import build_schema
from schema.planning.answer import Surprise
from schema.planning.cost import LARGEST, PLAN_ROWS, Cost, Step, Weight
from schema.planning.costing import build_costing
from schema.planning.operation import OperationCompiler


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema(builtin_catalogue())


def cost_of(schema: Schema, query: str, **variables: Any) -> Cost:
    """The cost of a valid document with one operation."""
    document = parse(query)
    assert validate(schema._schema, document) == []
    operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    compiler = OperationCompiler(schema, document, operation)
    coerced = compiler.coerce(variables)
    return build_costing(schema._schema, operation, compiler.selection(coerced)).cost(coerced)


def figures(cost: Cost) -> tuple[int, int, int]:
    return cost.documents, cost.leaves, cost.commands


class TestCost:
    @pytest.mark.parametrize(
        ("query", "documents", "leaves", "commands"),
        [
            ('{ client(number: "K1") { number } }', 1, 1, 2),
            ("{ clients(first: 50) { nodes { number kind stage profile { name industry } } } }", 50, 250, 1),
            ("{ clients(last: 50) { edges { cursor node { number } } pageInfo { hasNextPage } } }", 50, 101, 1),
            ("{ clients(first: 50) { totalCount } }", 0, 1, 1),
            ("{ clients(first: 20) { totalCount nodes { manager { name } } } }", 40, 21, 3),
            ("{ clients(first: 20) { nodes { interactions(first: 3) { nodes { at } } } } }", 80, 60, 3),
            ('{ client(id: "cl_1") { interactions(first: 3) { totalCount nodes { manager { name } } } } }', 7, 4, 5),
            ("{ clients(first: 2) { nodes { profile { parent { profile { parent { number } } } } } } }", 6, 2, 3),
            ("{ clients(first: 2) { nodes { profile { affiliates { number } } } } }", 22, 20, 2),
            ("{ clients(first: 2) { nodes { profile { keyPeople { name } tags } } } }", 2, 4, 1),
            ("{ clients(first: 2) { nodes { profile { holdings { share client { number } } } } } }", 22, 22, 2),
            ('{ nodes(ids: ["cl_1", "cl_2", "mg_1", "what"]) { id } }', 4, 4, 2),
            ('{ node(id: "cl_1") { id ... on Client { manager { name } } } }', 2, 2, 2),
            ("{ clientGroups(by: [{ field: KIND }], first: 10) { totalCount nodes { count } } }", 10, 11, 1),
            ('{ managers(first: 3) { totalCount nodes { name } } manager(id: "mg_1") { name } }', 4, 5, 3),
            ('{ attribute(path: "profile.name") { label } attributes(first: 5) { nodes { path } } }', 0, 6, 0),
            ('{ client(number: "K1") { attribute(path: "profile.name") { value isStale } } }', 1, 2, 2),
            ('{ client(number: "K1") { attributes(paths: ["profile.name", "profile.age"]) { source } } }', 3, 2, 3),
            ('{ clients(first: 4) { nodes { attribute(path: "profile.name") { source } } } }', 8, 4, 2),
            ("{ clients(first: 4) { nodes { history(first: 5) { nodes { by } } } } }", 24, 20, 5),
            ("{ __typename __schema { types { name } } }", 0, 2, 0),
        ],
    )
    def test_documents_leaves_and_commands(
        self, schema: Schema, query: str, documents: int, leaves: int, commands: int
    ) -> None:
        found = cost_of(schema, query)
        assert figures(found) == (documents, leaves, commands)
        assert found.cost == round(documents + leaves / 100 + 100 * found.scans, 2)

    def test_of_an_interface_the_dearest_type_counts(self, schema: Schema) -> None:
        query = (
            '{ nodes(ids: ["cl_1", "in_1"]) { id __typename ... on Client { number manager { name } }'
            " ... on Interaction { client { number } manager { name } } ... on Attribute { path } } }"
        )
        # Two ids; a contact may need a client and a manager, and has two leaves there; every type may be met.
        assert figures(cost_of(schema, query)) == (6, 8, 5)

    def test_of_a_mutation_what_its_answer_reads_besides(self, schema: Schema) -> None:
        query = (
            "mutation($i: ClientChangeInput!) { clientChange(input: $i)"
            " { client { number manager { name } } errors { code } } }"
        )
        found = cost_of(schema, query, i={"id": "cl_1", "changes": {}})
        assert figures(found) == (1, 3, 1)

    def test_variables(self, schema: Schema) -> None:
        query = """query($n: Int = 10, $m: Int!, $all: Boolean!) {
          clients(first: $n) { nodes { number interactions(first: $m) { nodes { at } } stage @include(if: $all) } } }"""
        assert figures(cost_of(schema, query, m=2, all=False)) == (30, 30, 3)
        assert figures(cost_of(schema, query, n=100, m=5, all=True)) == (600, 700, 3)
        assert figures(cost_of(schema, query, n=1, m=5, all=True)) == (6, 7, 2)

    def test_variables_that_ordinary_execution_refuses(self, schema: Schema) -> None:
        with pytest.raises(Surprise):
            cost_of(schema, "query($m: Int!) { managers(first: $m) { nodes { name } } }")

    @pytest.mark.parametrize(
        "query",
        [
            "{ clients { nodes { number } } }",
            "{ clients(first: -1) { nodes { number manager { name } } } }",
        ],
    )
    def test_a_page_that_will_be_refused_has_no_items(self, schema: Schema, query: str) -> None:
        found = cost_of(schema, query)
        assert (found.documents, found.leaves) == (0, 0)

    def test_arguments_that_will_be_refused_read_nothing(self, schema: Schema) -> None:
        query = '{ client(number: "K1") { number attribute(path: "profile.nothing") { source } } }'
        assert cost_of(schema, query).documents == 1

    def test_what_no_machine_could_answer_is_still_a_number(self, schema: Schema) -> None:
        level = "interactions(first: 2000000000) { nodes { client { %s } } }"
        query = "number"
        for _ in range(9):
            query = level % query
        found = cost_of(schema, f'{{ client(number: "K1") {{ {query} }} }}')
        assert (found.documents, found.leaves) == (LARGEST, LARGEST)
        assert max(each.documents for each in found.plan()) == LARGEST


class TestFragments:
    SPREAD = """{ clients(first: 5) { ...A ...B } }
      fragment A on ClientConnection { nodes { number manager { name } } }
      fragment B on ClientConnection { nodes { number manager { team ... on Node { id } } } }"""

    def test_what_fragments_select_together_counts_once(self, schema: Schema) -> None:
        plain = cost_of(schema, "{ clients(first: 5) { nodes { number manager { name team id } } } }")
        found = cost_of(schema, self.SPREAD)
        assert figures(found) == figures(plain) == (10, 20, 2)
        assert found.plan() == plain.plan()

    @given(st.lists(st.sampled_from("number kind stage version ...A ...B".split()), min_size=1, max_size=6))
    def test_spreading_again_adds_nothing(self, schema: Schema, chosen: list[str]) -> None:
        fragments = "fragment A on Client { number manager { name } ...B } fragment B on Client { kind stage }"
        unused = "{ clients(first: 1) { nodes { ...A ...B } } }"
        query = f"query Q {{ clients(first: 4) {{ nodes {{ {' '.join(chosen)} }} }} }} query U {unused} {fragments}"
        again = query.replace(" ".join(chosen), " ".join(chosen * 2), 1)
        assert figures(cost_of(schema, query)) == figures(cost_of(schema, again))

    @pytest.mark.parametrize(
        "body",
        [
            "...F{next} ...F{next} number",
            "profile {{ parent {{ ...F{next} }} }} number",
            "a: profile {{ parent {{ ...F{next} }} }} b: profile {{ parent {{ ...F{next} }} }} number",
            "...F{next} ... on Client {{ ...F{next} manager {{ name }} }}",
        ],
    )
    def test_sixty_in_a_chain_are_one_pass(self, schema: Schema, body: str) -> None:
        seconds = {length: _seconds(schema, body, length) for length in (15, 60)}
        # Four times the document; a way that grows faster than the document would need years for the third one.
        assert seconds[60] < max(0.2, 12 * seconds[15])

    def test_ways_to_meet_that_outgrow_the_document_are_cut(self, schema: Schema) -> None:
        """Below x and y other fragments meet, and at level n that makes 2**n sets; cut, they are weighed apart."""
        levels = 18
        fragments = [f"fragment F{levels}_{at} on Client {{ number }}" for at in range(levels + 1)]
        for level in range(levels):
            more = f"...F{level + 1}_1 ...F{level + 1}_0"
            fragments.append(f"fragment F{level}_0 on Client {{ {_pair(more, f'...F{level + 1}_0')} }}")
            for at in range(1, level + 1):
                both = f"...F{level + 1}_{at + 1}"
                fragments.append(f"fragment F{level}_{at} on Client {{ {_pair(both, both)} }}")
        document = parse(f"{{ clients(first: 1) {{ nodes {{ ...F0_0 }} }} }} {' '.join(fragments)}")
        assert _once(schema, document) < 5
        found = _cost_of_document(schema, document)
        # Merged, each of the levels has two parents for each one of the level above.
        assert found.documents >= 2 ** (levels + 1) - 1


def _pair(below_x: str, below_y: str) -> str:
    return f"x: profile {{ parent {{ {below_x} }} }} y: profile {{ parent {{ {below_y} }} }}"


def _seconds(schema: Schema, body: str, length: int) -> float:
    """The best of three: the rest of the suite leaves much for the collector to look through."""
    chain = "".join(f"fragment F{at} on Client {{ {body.format(next=at + 1)} }} " for at in range(length))
    query = f"{{ clients(first: 2) {{ nodes {{ ...F0 }} }} }} {chain} fragment F{length} on Client {{ number }}"
    document = parse(query)
    return min(_once(schema, document) for _ in range(3))


def _once(schema: Schema, document: Any) -> float:
    gc.collect()
    # Of this thread alone: another process on the machine must not make a test fail.
    began = time.thread_time()
    _cost_of_document(schema, document).plan()
    return time.thread_time() - began


def _cost_of_document(schema: Schema, document: Any) -> Cost:
    operation = document.definitions[0]
    selection = OperationCompiler(schema, document, operation).selection({})
    return build_costing(schema._schema, operation, selection).cost({})


class TestPlan:
    def test_reads_in_the_order_of_the_question(self, schema: Schema) -> None:
        query = """{
          clients(first: 20, orderBy: [{ field: DERIVED_CLIENT_VALUE, direction: DESC }]) {
            totalCount
            nodes { boss: manager { name } interactions(first: 2) { totalCount nodes { client { number } } } }
          }
        }"""
        assert cost_of(schema, query).plan() == [
            Step("clients", "clients", 20, 1, "order_derived.clientValue", scans=False),
            Step("clients.totalCount", "clients", 0, 1, None, scans=True),
            Step("clients.nodes.boss", "managers", 20, 1, "_id_", scans=False),
            Step("clients.nodes.interactions", "interactions", 40, 2, "clientId", scans=False),
            Step("clients.nodes.interactions.totalCount", "interactions", 0, 1, "clientId", scans=False),
            Step("clients.nodes.interactions.nodes.client", "clients", 40, 1, "_id_", scans=False),
        ]

    @pytest.mark.parametrize(
        ("arguments", "commands", "index", "scans"),
        [
            ("", 1, "_id_", False),
            ("orderBy: []", 1, "_id_", False),
            ("orderBy: [{ field: PROFILE_NAME }]", 1, "order_profile.name", False),
            ("orderBy: [{ field: NUMBER }]", 1, "number", False),
            ("orderBy: [{ field: PROFILE_NAME }, { field: NUMBER }]", 2, None, True),
            ('search: "logis"', 1, "words", False),
            ('search: "logis", orderBy: [{ field: PROFILE_NAME }]', 1, "words", False),
        ],
    )
    def test_index_of_clients(
        self, schema: Schema, arguments: str, commands: int, index: str | None, scans: bool
    ) -> None:
        (step,) = cost_of(schema, f"{{ clients(first: 5, {arguments}) {{ nodes {{ number }} }} }}").plan()
        assert step == Step("clients", "clients", 5, commands, index, scans)

    @pytest.mark.parametrize(
        ("query", "step"),
        [
            ('{ client(number: "K1") { id } }', Step("client", "clients", 1, 2, "number", scans=False)),
            ('{ client(id: "cl_1") { id } }', Step("client", "clients", 1, 2, "_id_", scans=False)),
            ("{ managers(first: 3) { nodes { name } } }", Step("managers", "managers", 3, 1, "_id_", scans=False)),
            ('{ node(id: "mg_1") { id } }', Step("node", "managers", 1, 1, "_id_", scans=False)),
            ('{ node(id: "x") { id } }', Step("node", None, 1, 0, None, scans=False)),
            (
                "{ clientGroups(by: [{ field: KIND }], first: 10) { nodes { count } } }",
                Step("clientGroups", "clients", 10, 1, None, scans=True),
            ),
        ],
    )
    def test_of_one_read(self, schema: Schema, query: str, step: Step) -> None:
        assert cost_of(schema, query).plan() == [step]

    def test_has_an_end(self, schema: Schema) -> None:
        chain = "".join(
            f"fragment F{at} on Client {{ a: profile {{ parent {{ ...F{at + 1} }} }}"
            f" b: profile {{ parent {{ ...F{at + 1} }} }} }} "
            for at in range(40)
        )
        document = parse(f"{{ clients(first: 2) {{ nodes {{ ...F0 }} }} }} {chain} fragment F40 on Client {{ number }}")
        assert len(_cost_of_document(schema, document).plan()) == PLAN_ROWS


class TestWeight:
    WEIGHT = Weight(documents=2, leaves=3, commands=1, commands_if_many=1, commands_each=1)

    @pytest.mark.parametrize(("count", "expected"), [(0, Weight()), (1, WEIGHT), (5, Weight(10, 15, 2, 0, 5))])
    def test_times(self, count: int, expected: Weight) -> None:
        assert self.WEIGHT.times(count) == expected

    def test_plus(self) -> None:
        assert self.WEIGHT.plus(Weight(1, 1, 1, 1, 1)) == Weight(3, 4, 2, 2, 2)

    def test_or_else(self) -> None:
        assert self.WEIGHT.or_else(Weight(5, 1, 1)) == Weight(5, 3, 2, 1, 1)


class TestBuildCosting:
    def test_a_kind_of_operation_that_the_schema_does_not_have(self, builtin_schema: GraphQLSchema) -> None:
        document = parse("subscription { anything }")
        operation = document.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        schema = build_schema(builtin_catalogue())
        selection = OperationCompiler(schema, document, operation).selection({})
        poorer = GraphQLSchema(builtin_schema.query_type)
        assert figures(build_costing(poorer, operation, selection).cost({})) == (0, 0, 0)
