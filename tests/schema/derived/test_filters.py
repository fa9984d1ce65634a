"""`where`: the inputs that the catalogue asks for, and the predicates that come out."""

from typing import Any

import pytest
from graphql import GraphQLSchema

from catalogue.errors import ErrorCode
from catalogue.filter_json import MANY
from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Kind, Operator
from schema.build import build_schema
from schema.derived.filters import CONTAINS_LIMIT, DEPTH_LIMIT, LIST_LIMIT, BadFilter, Filters
from schema.derived.kinds import VALUE_TYPES
from tests.definitions import beside, book, defined, one_of_every_kind

FILTERS = Filters(book(), "clients", {"number": "number", "manager": "managerId"})
SCORE = Compare("attitude.score", Operator.GT, 1)


def nested(depth: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"attitude": {"score": {"gt": 1}}}
    for _ in range(depth):
        tree = {"not": tree}
    return tree


class TestFilterFrom:
    @pytest.mark.parametrize(
        ("where", "predicate"),
        [
            (None, None),
            ({"attitude": {"score": {"gt": 1}}}, SCORE),
            (
                {"attitude": {"score": {"gt": 1, "lt": 3}}},
                And((SCORE, Compare("attitude.score", Operator.LT, 3))),
            ),
            ({"manager": {"eq": "mg_1"}}, Compare("managerId", Operator.EQ, "mg_1")),
            ({"not": {"attitude": {"score": {"gt": 1}}}}, Not(SCORE)),
            (
                {"or": [{"attitude": {"score": {"gt": 1}}}, {"number": {"isNull": True}}]},
                Or((SCORE, Compare("number", Operator.IS_NULL, True))),
            ),
            (
                {"and": [{"attitude": {"score": {"gt": 1}}}], "number": {"in": ["1", "2"]}},
                And((And((SCORE,)), Compare("number", Operator.IN, ("1", "2")))),
            ),
            ({"profile": {"place": {"city": {"ne": "Basel"}}}}, Compare("profile.place.city", Operator.NE, "Basel")),
            (
                {"profile": {"string2": {"containsAll": ["a"]}}},
                Compare("profile.string2", Operator.CONTAINS_ALL, ("a",)),
            ),
            ({"profile": {"people": {"isNull": True}}}, Compare("profile.people", Operator.IS_NULL, True)),
            (
                {"profile": {"people": {"any": {"name": {"eq": "Li"}, "home": {"city": {"eq": "Basel"}}}}}},
                AnyItem(
                    "profile.people",
                    And((Compare("name", Operator.EQ, "Li"), Compare("home.city", Operator.EQ, "Basel"))),
                ),
            ),
            ({"number": {"notIn": []}}, Compare("number", Operator.NOT_IN, ())),
        ],
    )
    def test_what_was_given_holds_together(self, where: dict[str, Any] | None, predicate: Filter | None) -> None:
        assert FILTERS.filter_from(where) == predicate

    @pytest.mark.parametrize(
        "where",
        [
            {},
            {"profile": {}},
            {"profile": {"string1": {}}},
            {"profile": {"place": {}}},
            {"profile": {"people": {}}},
            {"profile": {"people": {"any": {}}}},
            {"profile": {"people": {"any": {"name": {}}}}},
            {"and": []},
            {"or": []},
            {"or": [{}]},
            {"not": {}},
            {"number": {"in": []}},
            {"profile": {"string2": {"containsAny": []}}},
            {"number": None},
            {"number": {"eq": None}},
            {"not": None},
            {"and": None},
            {"profile": {"place": None}},
            {"profile": {"people": {"any": None}}},
            {"profile": {"people": {"any": {"name": None}}}},
            {"number": {"isNull": None}},
        ],
        ids=str,
    )
    def test_what_says_nothing_is_an_error_and_never_all(self, where: dict[str, Any]) -> None:
        with pytest.raises(BadFilter) as refused:
            FILTERS.filter_from(where)
        assert refused.value.code is ErrorCode.EMPTY_FILTER
        assert refused.value.path[0] == "where"
        assert ".".join(refused.value.path) in refused.value.message

    def test_there_is_a_most_of_everything(self) -> None:
        assert FILTERS.filter_from(nested(DEPTH_LIMIT - 1))
        with pytest.raises(BadFilter, match="levels"):
            FILTERS.filter_from(nested(DEPTH_LIMIT))
        assert FILTERS.filter_from({"number": {"in": ["1"] * LIST_LIMIT}})
        with pytest.raises(BadFilter, match=f"got {LIST_LIMIT + 1}"):
            FILTERS.filter_from({"number": {"in": ["1"] * (LIST_LIMIT + 1)}})
        city = {"contains": "a" * CONTAINS_LIMIT}
        assert FILTERS.filter_from({"profile": {"place": {"city": city}}})
        with pytest.raises(BadFilter, match="characters"):
            FILTERS.filter_from({"profile": {"place": {"city": {"contains": "a" * (CONTAINS_LIMIT + 1)}}}})


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(beside(*one_of_every_kind(), *book().attributes))._schema


def operators(schema: GraphQLSchema, path: str) -> dict[str, str]:
    """The operators offered at a path of ClientWhere, with their types."""
    made: Any = schema.type_map["ClientWhere"]
    for key in path.split("."):
        made = made.fields[key].type
    return {name: str(field.type) for name, field in made.fields.items()}


class TestOperatorInputs:
    @pytest.mark.parametrize("kind", sorted(VALUE_TYPES))
    def test_each_kind_offers_what_the_table_says(self, schema: GraphQLSchema, kind: Kind) -> None:
        single = operators(schema, f"profile.{kind.lower()}1")
        attribute = book().get_live(f"profile.{kind.lower()}1")
        assert set(single) == {str(each) for each in attribute.operators}
        for name, annotation in single.items():
            assert annotation.startswith("[") is (name in MANY)
            assert (annotation == "Boolean") is (name == "isNull" or kind is Kind.BOOLEAN)
        listed = operators(schema, f"profile.{kind.lower()}2")
        assert set(listed) == {"containsAny", "containsAll", "isNull"}

    def test_contains_is_offered_on_searchable_attributes_only(self, schema: GraphQLSchema) -> None:
        assert "contains" in operators(schema, "profile.place.city")
        assert "contains" not in operators(schema, "profile.string1")

    def test_an_encrypted_value_is_looked_up_or_asked_for_its_presence(self) -> None:
        rows = (
            defined("profile.taxId", sensitivity="RESTRICTED", is_lookup=True),
            defined("profile.passport", sensitivity="RESTRICTED"),
            defined("profile.amount", Kind.DECIMAL, sensitivity="RESTRICTED"),
        )
        schema = build_schema(beside(*rows))._schema
        assert operators(schema, "profile.taxId") == {"eq": "String", "in": "[String!]", "isNull": "Boolean"}
        assert operators(schema, "profile.passport") == operators(schema, "profile.amount") == {"isNull": "Boolean"}
        fields: Any = schema.type_map["ClientGroupField"]
        assert not [name for name in fields.values if name.startswith(("PROFILE_TAX", "PROFILE_PASS", "PROFILE_AM"))]
        assert "ClientMeasureField" not in schema.type_map

    def test_a_list_of_groups_is_asked_for_any_item(self, schema: GraphQLSchema) -> None:
        assert set(operators(schema, "profile.people")) == {"any", "isNull"}
        assert {"name", "age", "tags", "home", "boss"} == set(operators(schema, "profile.people.any"))

    def test_what_is_not_live_is_not_offered(self, schema: GraphQLSchema) -> None:
        assert set(operators(schema, "attitude")) == {"going", "least", "score"}
