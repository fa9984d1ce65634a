"""Whoever guesses names learns none from errors: words of the trade, as a tool that rebuilds schemas sends them."""

import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
)
from graphql import build_schema as graphql_schema

from api.wording import PUBLIC_NAMES, names_in
from catalogue.builtin import builtin_catalogue
from schema.build import build_schema
from tests.figures import Figure
from tests.served import Served, served

WORDS = 2_000 if os.environ.get("KEHU_TEST_LONG") else 400
BATCH = 40
STEMS = """
client customer account contact person company organisation bank branch manager team region segment rating
score risk limit credit loan deposit card payment transfer balance revenue profit asset liability equity ratio
industry sector market product service channel visit meeting call note task case need offer deal opportunity
pipeline campaign consent document contract invoice address city country street email phone name title gender
birthday age family income wealth portfolio fund holding share owner parent group member role status stage
type kind code label value amount currency date time history change version source proof audit user token
session login password secret key id number list page edge node cursor search filter order sort offset first
last count total sum average satisfaction attitude behaviour profile derived preference interest complaint
feedback survey churn loyalty lifetime
""".split()
SUFFIXES = (
    "",
    "s",
    "Id",
    "Name",
    "List",
    "Type",
    "Input",
    "By",
    "At",
    "Count",
    "Value",
    "Status",
    "Info",
    "Details",
    "Code",
    "Number",
)


def words() -> list[str]:
    found = [f"{stem}{suffix}" for suffix in SUFFIXES for stem in STEMS]
    return list(dict.fromkeys(found))[:WORDS]


def probes(batch: list[str]) -> Iterator[str]:
    """The questions that rebuild a schema where a server suggests names."""
    yield f"{{ {' '.join(batch[:10])} }}"
    yield f"{{ clients(first: 1) {{ nodes {{ {' '.join(batch)} }} }} }}"
    yield f"{{ clients(first: 1) {{ nodes {{ profile {{ {' '.join(batch)} }} }} }} }}"
    yield f"{{ clients({' '.join(f'{each}: 1' for each in batch)}) }}"
    yield f"{{ clients(first: 1, where: {{ {' '.join(f'{each}: 1' for each in batch)} }}) {{ totalCount }} }}"
    yield f"{{ clients(first: 1, orderBy: [{{ field: {batch[0].upper()} }}]) {{ totalCount }} }}"
    yield f"mutation {{ {' '.join(batch[:10])} }}"
    yield f"mutation {{ clientCreate(input: {{ {' '.join(f'{each}: 1' for each in batch)} }}) {{ client }} }}"
    yield f"query($v: {batch[0].capitalize()}) {{ client(id: $v) }}"
    yield f"{{ node(id: 1) {{ ... on {batch[0].capitalize()} {{ id }} }} }}"


def names_of(schema: GraphQLSchema) -> set[str]:
    """Every name of a type, field, argument and enum value, but for those that every schema has."""
    found: set[str] = set()
    for name, type_ in schema.type_map.items():
        if name.startswith("__"):
            continue
        found.add(name)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            found |= set(type_.fields) | {argument for each in type_.fields.values() for argument in each.args}
        elif isinstance(type_, GraphQLInputObjectType):
            found |= set(type_.fields)
        elif isinstance(type_, GraphQLEnumType):
            found |= set(type_.values)
    return found - PUBLIC_NAMES


def told(answer: dict[str, Any], names: set[str], sent: str) -> set[str]:
    """The names of the schema that an answer quotes, or spells in capitals or camel case, and the question did not."""
    found: set[str] = set()
    for error in answer.get("errors", ()):
        message = error["message"]
        quoted = set(re.findall(r"\w+", " ".join(re.findall(r"'[^']*'|\"[^\"]*\"", message))))
        spelt = set(re.findall(r"\b[a-z]+[A-Z]\w*|\b[A-Z][a-z]+[A-Z]\w*|\b[A-Z]+_[A-Z_]+", message))
        found |= (quoted | spelt) & names
    return found - set(re.findall(r"\w+", sent))


MANAGER = "M001"
ROLE = "relationship_manager"


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, clients=2, missed_lookups_per_minute=0) as running:
        yield running


async def names_outside_the_role(book: Served) -> set[str]:
    """What the whole schema has and a relationship manager's does not."""
    outside = names_of(build_schema(builtin_catalogue())._schema) - names_in(
        graphql_schema(await book.sdl(MANAGER, ROLE))
    )
    assert {"policyChange", "whoRead", "ServiceAccountCreateInput"} <= outside
    return outside


class TestRecon:
    async def test_no_name_outside_the_role_is_told(self, book: Served, figure: Figure) -> None:
        outside = await names_outside_the_role(book)
        tried, asked, recovered = words(), 0, set()
        for start in range(0, len(tried), BATCH):
            for query in probes(tried[start : start + BATCH]):
                answer = await book.ask(query, person=MANAGER, role=ROLE)
                asked += 1
                recovered |= told(answer, outside, query)
        figure(f"recon: {len(tried)} words in {asked} documents, {len(recovered)} of {len(outside)} names recovered")
        assert (len(tried), recovered) == (WORDS, set())

    @pytest.mark.parametrize(
        ("query", "variables", "message"),
        [
            (
                "query($w: ClientWhere) { clients(first: 1, where: $w) { totalCount } }",
                {"w": {"numbe": 1}},
                "Variable '$w' has invalid value: Expected value of type 'ClientWhere' not to include unknown field"
                " 'numbe'. Did you mean 'number'? Found: {'numbe': 1}.",
            ),
            (
                "query($o: [ClientOrder!]) { clients(first: 1, orderBy: $o) { totalCount } }",
                {"o": [{"field": "NAME"}]},
                "Variable '$o' has invalid value at [0].field: Value 'NAME' does not exist in 'ClientOrderField' enum."
                " Did you mean PROFILE_NAME?",
            ),
            (
                "query($o: [ClientOrder!]) { clients(first: 1, orderBy: $o) { totalCount } }",
                {"o": [{}]},
                "Variable '$o' has invalid value at [0]: Expected value of type 'ClientOrder' to include required field"
                " 'field', found: {}.",
            ),
            (
                "query($k: ClientKind!) { clients(first: 1, where: { kind: { eq: $k } }) { totalCount } }",
                {"k": "BANK"},
                "Variable '$k' has invalid value: Value 'BANK' does not exist in 'ClientKind' enum."
                " It has: ORGANISATION, PERSON.",
            ),
        ],
    )
    async def test_variables_are_worded_by_the_role(
        self, book: Served, query: str, variables: dict[str, Any], message: str
    ) -> None:
        outside = await names_outside_the_role(book)
        answer = await book.ask(query, variables, person=MANAGER, role=ROLE)
        assert answer["errors"][0]["message"] == message
        assert told(answer, outside, query + json.dumps(variables)) == set()

    async def test_a_mutation_of_another_role_is_not_there(self, book: Served) -> None:
        query = "mutation { policyChang(input: {}) { errors { code } } }"
        ours = await book.ask(query, person=MANAGER, role=ROLE)
        theirs = await book.ask(query)
        assert ours["errors"][0]["message"] == "Cannot query field 'policyChang' on type 'Mutation'."
        assert theirs["errors"][0]["message"].endswith("Did you mean 'policyChange'?")

    async def test_arguments_of_what_another_role_does_are_not_named(self, book: Served) -> None:
        """The field is there, to be refused in words of its own; what is wrong with its input is not told."""
        query = "mutation { policyChange(input: {}) { errors { code } } }"
        outside = await names_outside_the_role(book)
        ours = await book.ask(query, person=MANAGER, role=ROLE)
        theirs = await book.ask(query)
        assert told(ours, outside, query) == set()
        assert "required field" in theirs["errors"][0]["message"]


class TestDevelopersSlips:
    """What an administrator hears of the slips that developers make."""

    @pytest.mark.parametrize(
        ("query", "message", "path"),
        [
            (
                '{ client(number: "K000001") { history { nodes { version } } } }',
                "Argument 'Client.history(first:)' of type 'Int!' is required, but it was not provided.",
                ["client", "history"],
            ),
            (
                'mutation { approvalDecide(input: { id: "ap_0", approve: true }) { errors { code } } }',
                "Expected value of type 'ApprovalDecideInput' to include required field 'isApproved',"
                ' found: { id: "ap_0", approve: true }.',
                ["approvalDecide", "input"],
            ),
            (
                '{ client(number: "K000001") { profile { nam } } }',
                "Cannot query field 'nam' on type 'ClientProfile'. Did you mean 'name'?",
                ["client", "profile", "nam"],
            ),
            (
                "{ clients(first: 1, orderBy: [{ field: NAME }]) { totalCount } }",
                "Value 'NAME' does not exist in 'ClientOrderField' enum. Did you mean PROFILE_NAME?",
                ["clients", "orderBy", "field"],
            ),
            (
                '{ clients(first: 1, asOf: "yesterday") { totalCount } }',
                'Expected a moment with its time zone such as "2026-11-23T18:00:00Z"; got the text "yesterday".',
                ["clients", "asOf"],
            ),
            (
                "{ clients(first: 1, where: { profile: { employees: { gt: 1.5 } } }) { totalCount } }",
                "Expected a whole number between -2^63 and 2^63-1; got 1.5.",
                ["clients", "where", "profile", "employees", "gt"],
            ),
        ],
    )
    async def test_the_word_that_helps_is_said(self, book: Served, query: str, message: str, path: list[str]) -> None:
        error = (await book.ask(query))["errors"][0]
        assert error["message"] == message
        assert error["extensions"]["path"] == path
        assert error["locations"]
