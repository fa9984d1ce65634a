"""What a document uses: selected, filtered, ordered, grouped, measured, written, or named as a path."""

import pytest
from graphql import GraphQLSchema, parse, validate

from catalogue.builtin import builtin_catalogue
from schema.document_uses import attributes_used


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("{ viewer { person } }", []),
        ('{ client(number: "1") { profile { name location { city } } } }', ["profile.name", "profile.location.city"]),
        ('{ clients(first: 1, where: {profile: {name: {eq: "x"}}}) { totalCount } }', ["profile.name"]),
        (
            '{ clients(first: 1, where: {not: {profile: {keyPeople: {any: {name: {eq: "x"}}}}}}) { totalCount } }',
            ["profile.keyPeople", "profile.keyPeople.name"],
        ),
        ("{ clients(first: 1, orderBy: [{field: PROFILE_EMPLOYEES}]) { totalCount } }", ["profile.employees"]),
        (
            "{ clientGroups(first: 1, by: [{field: PROFILE_INDUSTRY}]) "
            "{ nodes { sum(of: BEHAVIOUR_WITH_US_DEPOSIT_BALANCE) } } }",
            ["profile.industry", "behaviour.withUs.depositBalance"],
        ),
        ('{ client(number: "1") { attribute(path: "attitude.satisfaction") { value } } }', ["attitude.satisfaction"]),
        (
            "query($w: ClientWhere = {profile: {name: {isNull: true}}}) "
            "{ clients(first: 1, where: $w) { totalCount } }",
            ["profile.name"],
        ),
        (
            'fragment F on Client { profile { name } } query { client(number: "1") { ...F ... on Client { ...F } } }',
            ["profile.name"],
        ),
        (
            'mutation { clientChange(input: {id: "cl_1", changes: {profile: {name: "x"}}}) { client { id } } }',
            ["profile.name"],
        ),
        (
            '{ client(number: "1") { interactions(first: 1) { nodes { channel } } } }',
            ["interactions:channel"],
        ),
    ],
)
def test_every_way_to_use_an_attribute(builtin_schema: GraphQLSchema, text: str, used: list[str]) -> None:
    document = parse(text)
    assert validate(builtin_schema, document) == []
    groups = {"profile.location", "behaviour.withUs"}
    assert set(attributes_used(builtin_schema, builtin_catalogue(), document)) - groups == set(used)
