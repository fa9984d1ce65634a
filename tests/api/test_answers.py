"""The cost that is asked on every request: the same as that which is worked out, and cheap."""

import time
from typing import Any

import pytest
from strawberry import Schema

from api.answers import _FIGURES_KEPT, Answers, Asked
from api.execution import Documents, Prepared
from catalogue.builtin import builtin_catalogue
from schema.build import build_schema
from schema.planning.operation import LONGEST_MARK
from tests.api.toys import ToyEdition
from tests.figures import Figure

QUERY = """query($n: Int, $search: String, $where: ClientWhere, $ids: [ID!]!, $number: String) {
  clients(first: $n, search: $search, where: $where) { totalCount nodes { number manager { name } } }
  nodes(ids: $ids) { id }
  client(number: $number) { number }
}"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema(builtin_catalogue())


@pytest.fixture
def prepared(schema: Schema) -> Prepared:
    return Documents(10, 1_000).prepare(ToyEdition("a", schema, ""), QUERY)


def asked(schema: Schema, prepared: Prepared, **variables: Any) -> Asked:
    given = {"n": 10, "ids": [], "number": "K1"} | variables
    found = prepared.answers.asked(schema, prepared.operation(None), given)
    assert found is not None
    return found


class TestFigure:
    @pytest.mark.parametrize(
        "variables",
        [
            {},
            {"n": 200},
            {"n": None},
            {"search": "steel"},
            {"search": None},
            {"ids": ["cl_1", "mg_1", "what"]},
            {"ids": ["cl_1"] * 150},
            {"where": {"number": {"eq": "K1"}}},
            {"where": {"behaviour": {"financials": {"auditor": {"eq": "x"}}}}},
            {"where": {"number": {"in": [str(at) for at in range(900)]}}},
        ],
    )
    def test_is_the_cost(self, schema: Schema, prepared: Prepared, variables: dict[str, Any]) -> None:
        answers: Answers = prepared.answers
        for other in ({}, {"n": 1}, {"ids": ["a"]}, variables, {"search": "x"}, variables):
            found = asked(schema, prepared, **other)
            cost = answers.cost(found)
            assert cost is not None
            assert answers.figure(found) == cost.cost

    def test_texts_of_any_words_are_one_size(self, schema: Schema, prepared: Prepared) -> None:
        for at in range(100):
            prepared.answers.figure(asked(schema, prepared, number=f"K{at}", search=f"word{at}", ids=[f"cl_{at}"]))
        assert len(prepared.answers._figures) == 1

    def test_is_kept_for_so_many_sizes(self, schema: Schema, prepared: Prepared) -> None:
        for at in range(_FIGURES_KEPT + 50):
            prepared.answers.figure(asked(schema, prepared, n=at))
        assert len(prepared.answers._figures) <= _FIGURES_KEPT

    def test_large_values_are_not_kept(self, schema: Schema, prepared: Prepared) -> None:
        where = {"number": {"in": ["x" * 50] * 900}}
        prepared.answers.figure(asked(schema, prepared, where=where))
        (key,) = prepared.answers._figures
        assert len(repr(key)) < 4 * LONGEST_MARK

    def test_takes_microseconds(self, schema: Schema, prepared: Prepared, figure: Figure) -> None:
        found = asked(schema, prepared)
        prepared.answers.figure(found)
        began = time.process_time()
        for _ in range(5_000):
            prepared.answers.figure(found)
        took = (time.process_time() - began) / 5_000
        figure(f"cost of a request: {took * 1e6:.1f} microseconds")
        assert took < 50e-6
