"""RESTRICTED values over HTTP: with a purpose they are read and looked up, without one they are not even there."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pymongo import MongoClient
from starlette.applications import Starlette

from acts.checks import UNGUARDED
from acts.clients import change_client
from acts.upsert_rows import ClientRow
from acts.upserts import upsert_clients
from api.settings import Settings
from catalogue.attribute import ClientKind
from policy.viewer import program
from repositories.plan import Proof
from tests.journeys.conftest import signed_in
from tests.servers import ask

WRITER = program("writer")
PURPOSE = {"Kehu-Purpose": "CREDIT_REVIEW"}
SEEN = """query($where: ClientWhere) { clients(first: 9, where: $where, orderBy: [{field: NUMBER}]) { totalCount nodes {
    number profile { taxId registrationNumber } attribute(path: "profile.taxId") { value source }
    attributes(paths: ["behaviour.withUs.account"]) { value }
    history(first: 9, paths: ["profile.taxId"]) { nodes { values { path old new } } } } } }"""
NUMBERS = """query($where: ClientWhere) {
    clients(first: 9, where: $where, orderBy: [{field: NUMBER}]) { totalCount nodes { number } } }"""
"""Selects no secret: only so many of them are read in a minute."""
BY_TAX_ID = {"profile": {"taxId": {"eq": "TAX-1-new"}}}


@pytest.fixture(scope="module")
async def book(app: Starlette) -> Any:
    """Three clients with secrets, the first of whom has got another tax number since."""
    repositories = app.server.current.repositories  # type: ignore[attr-defined]
    rows = [
        ClientRow(
            f"R{place}",
            ClientKind.ORGANISATION,
            values={
                "profile.name": f"Client {place}",
                "profile.taxId": f"TAX-{place}",
                "profile.registrationNumber": f"REG-{place}",
                "behaviour.withUs.account": f"ACC-{place}",
            },
        )
        for place in range(1, 4)
    ]
    assert (await upsert_clients(WRITER, repositories, rows, Proof(source="register"))).problems == ()
    assert (await upsert_clients(WRITER, repositories, rows, Proof(source="register"))).unchanged == 3
    first = (await repositories.clients.find_by_numbers({"R1"}))["R1"]["_id"]
    changes = {"profile": {"taxId": "TAX-1-new"}}
    await change_client(WRITER, repositories, first, changes, Proof(source="letter"), UNGUARDED)
    return repositories


@pytest.fixture(scope="module")
async def officer(app: Starlette, journey_settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with signed_in(app, journey_settings, "R900", "risk_officer") as client:
        yield client


async def answer_of(client: httpx2.AsyncClient, query: str, headers: dict[str, str], **variables: object) -> Any:
    body = {"query": query, "variables": variables}
    return (await client.post("/graphql", json=body, headers=headers)).json()


async def test_with_a_purpose_everything_is_readable(book: Any, officer: httpx2.AsyncClient) -> None:
    found = (await answer_of(officer, SEEN, PURPOSE))["data"]["clients"]
    first, second, _ = found["nodes"]
    assert first["profile"] == {"taxId": "TAX-1-new", "registrationNumber": "REG-1"}
    assert first["attribute"] == {"value": "TAX-1-new", "source": "letter"}
    assert first["attributes"] == [{"value": "ACC-1"}]
    assert [change["values"] for change in first["history"]["nodes"]] == [
        [{"path": "profile.taxId", "old": "TAX-1", "new": "TAX-1-new"}],
        [{"path": "profile.taxId", "old": None, "new": "TAX-1"}],
    ]
    assert second["profile"] == {"taxId": "TAX-2", "registrationNumber": "REG-2"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"taxId": {"eq": "TAX-1-new"}}, ["R1"]),
        ({"taxId": {"eq": "TAX-1"}}, []),
        ({"taxId": {"in": ["TAX-2", "TAX-3"]}}, ["R2", "R3"]),
        ({"registrationNumber": {"isNull": False}}, ["R1", "R2", "R3"]),
    ],
)
async def test_a_client_is_found_by_a_secret(
    where: dict[str, Any], expected: list[str], book: Any, officer: httpx2.AsyncClient
) -> None:
    found = (await answer_of(officer, NUMBERS, PURPOSE, where={"profile": where}))["data"]["clients"]
    assert ([each["number"] for each in found["nodes"]], found["totalCount"]) == (expected, len(expected))


async def test_without_a_purpose_nothing_is_shown_or_decided_by(
    book: Any, officer: httpx2.AsyncClient, api: httpx2.AsyncClient
) -> None:
    for client in (officer, api):
        answer = await answer_of(client, SEEN, {})
        assert "TAX-" not in str(answer)
        assert "REG-" not in str(answer)
        refused = await answer_of(client, SEEN, {}, where=BY_TAX_ID)
        # As if there were no such field; and its value is not among the words about it.
        assert [each["extensions"]["code"] for each in refused["errors"]] == ["BAD_USER_INPUT"]
        assert "data" not in refused


async def test_the_database_holds_none_of_it(book: Any, journey_settings: Settings) -> None:
    with MongoClient[dict[str, Any]](journey_settings.mongodb_uri) as database:
        found = database[journey_settings.database]
        assert found["__kehu_keys"].count_documents({}) == 4
        rows = [each for name in ("clients", "changes") for each in found[name].find({})]
    assert rows
    assert not [secret for secret in ("TAX-", "REG-", "ACC-") if secret in str(rows)]


async def test_the_schema_offers_no_more_than_a_hash_can_answer(book: Any, api: httpx2.AsyncClient) -> None:
    fields = "inputFields { name type { name } }"
    query = f'{{ __type(name: "ClientProfileWhere") {{ {fields} }} }}'
    found = {each["name"]: each["type"]["name"] for each in (await ask(api, query))["__type"]["inputFields"]}
    assert found.get("taxId", "LookupOperators") == "LookupOperators"
    assert found.get("registrationNumber", "PresenceOperators") == "PresenceOperators"
