"""The erasure of a client, as the two people see it who it takes."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pymongo import MongoClient
from starlette.applications import Starlette

from api.settings import Settings
from tests.journeys.conftest import signed_in
from tests.servers import ask, attempt, do

APPROVAL = "approval { id act subject summary status carriedOutAt outcomeErrors { message } }"


@pytest.fixture(scope="module")
async def other(app: Starlette, journey_settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Another administrator."""
    async with signed_in(app, journey_settings, "A002", "administrator") as client:
        yield client


async def make(api: httpx2.AsyncClient, number: str) -> str:
    given: dict[str, Any] = {"number": number, "kind": "ORGANISATION", "profile": {"name": f"Name of {number}"}}
    return str((await do(api, "clientCreate", "client { id }", **given))["client"]["id"])


async def test_one_proposes_another_one_decides_and_the_client_is_gone(
    api: httpx2.AsyncClient, other: httpx2.AsyncClient, journey_settings: Settings
) -> None:
    client = await make(api, "E1")
    asked = {"id": client, "reason": "request 17", "idempotencyKey": "e1"}
    made = await do(api, "clientErase", f"client {{ number }} {APPROVAL}", **asked)
    assert made["client"] == {"number": "E1"}
    assert (made["approval"]["act"], made["approval"]["subject"]) == ("CLIENT_ERASE", client)
    assert "E1" not in made["approval"]["summary"].replace(client, "")
    refused = await attempt(api, "approvalDecide", "approval { id }", id=made["approval"]["id"], isApproved=True)
    assert refused["errors"][0]["code"] == "NOT_ALLOWED"
    done = await do(other, "approvalDecide", APPROVAL, id=made["approval"]["id"], isApproved=True)
    assert (done["approval"]["status"], done["approval"]["outcomeErrors"]) == ("APPROVED", [])
    assert done["approval"]["carriedOutAt"] is not None
    found = await ask(api, 'query($id: ID!) { node(id: $id) { id } client(number: "E1") { id } }', id=client)
    assert found == {"node": None, "client": None}
    with MongoClient[dict[str, Any]](journey_settings.mongodb_uri) as database:
        (tombstone,) = database[journey_settings.database]["erasures"].find({"_id": client})
    assert (tombstone["by"], tombstone["approval"]) == ("A002", made["approval"]["id"])
    again = await do(api, "clientErase", f"client {{ number }} {APPROVAL}", **asked)
    assert (again["client"], again["approval"]["id"]) == (None, made["approval"]["id"])


async def test_nobody_else_may_and_nothing_unseen_is_proposed(
    app: Starlette, api: httpx2.AsyncClient, journey_settings: Settings
) -> None:
    client = await make(api, "E2")
    for person, role, code in (("S009", "data_steward", "NOT_ALLOWED"), ("M009", "relationship_manager", "NOT_FOUND")):
        async with signed_in(app, journey_settings, person, role) as caller:
            refused = await attempt(caller, "clientErase", f"client {{ number }} {APPROVAL}", id=client)
        assert [each["code"] for each in refused["errors"]] == [code]
        assert (refused["client"], refused["approval"]) == (None, None)
    missing = await attempt(api, "clientErase", "client { number }", id="cl_nobody")
    assert [each["code"] for each in missing["errors"]] == ["NOT_FOUND"]
    assert (await ask(api, '{ client(number: "E2") { number } }'))["client"] == {"number": "E2"}
