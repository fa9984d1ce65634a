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

from api.wording import _PUBLIC
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
    return found - _PUBLIC


def told(answer: dict[str, Any], names: set[str], sent: str) -> set[str]:
    """The names of the schema that an answer quotes, or spells in capitals or camel case, and the question did not."""
    found: set[str] = set()
    for error in answer.get("errors", ()):
        message = error["message"]
        quoted = set(re.findall(r"\w+", " ".join(re.findall(r"'[^']*'|\"[^\"]*\"", message))))
        spelt = set(re.findall(r"\b[a-z]+[A-Z]\w*|\b[A-Z][a-z]+[A-Z]\w*|\b[A-Z]+_[A-Z_]+", message))
        found |= (quoted | spelt) & names
    return found - set(re.findall(r"\w+", sent))


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, clients=2, missed_lookups_per_minute=0) as running:
        yield running


class TestRecon:
    async def test_no_name_is_told(self, book: Served, figure: Figure) -> None:
        names = names_of(build_schema(builtin_catalogue())._schema)
        tried, asked, found = words(), 0, set()
        for start in range(0, len(tried), BATCH):
            for query in probes(tried[start : start + BATCH]):
                answer = await book.ask(query)
                asked += 1
                found |= told(answer, names, query)
        figure(f"recon: {len(tried)} words in {asked} documents, {len(found)} of {len(names)} names recovered")
        assert (len(tried), found) == (WORDS, set())

    @pytest.mark.parametrize(
        ("query", "variables"),
        [
            ("query($w: ClientWhere) { clients(first: 1, where: $w) { totalCount } }", {"w": {"nam": 1}}),
            ("query($i: ClientCreateInput!) { client(id: $i) { id } }", {"i": {}}),
            (
                "mutation($i: ClientCreateInput!) { clientCreate(input: $i) { errors { code } } }",
                {"i": {"number": "x"}},
            ),
            ("mutation($i: ClientCreateInput!) { clientCreate(input: $i) { errors { code } } }", {"i": {"kind": "x"}}),
            (
                "query($o: [ClientOrder!]) { clients(first: 1, orderBy: $o) { totalCount } }",
                {"o": [{"field": "NUMBE"}]},
            ),
            ("query($o: [ClientOrder!]) { clients(first: 1, orderBy: $o) { totalCount } }", {"o": [{}]}),
        ],
    )
    async def test_nor_by_variables(self, book: Served, query: str, variables: dict[str, Any]) -> None:
        names = names_of(build_schema(builtin_catalogue())._schema)
        answer = await book.ask(query, variables)
        assert answer["errors"]
        assert told(answer, names, query + json.dumps(variables)) == set()

    async def test_what_was_sent_is_named(self, book: Served) -> None:
        (error,) = (await book.ask("{ clients(first: 1) { nodes { nam } } }"))["errors"]
        assert error["message"] == "Cannot query field 'nam' on type '…'."
