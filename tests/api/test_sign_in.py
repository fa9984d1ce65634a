"""Who is signed in: people and programs as the directory has them, their purpose, and the end of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.api.worlds import CANARY, PROTOCOL, World, bearer, by_post, closing, living_world, new_account, talking
from tests.figures import Figure
from tests.servers import code_of, do


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with living_world(tmp_path_factory.mktemp("sign-in")) as made:
        yield made


VIEWER = "viewer { person roles team region purpose isServiceAccount scopes manager { person } }"


async def viewer_of(world: World, token: str, **headers: str) -> dict[str, Any]:
    async with talking(world.address, token) as http:
        answer = await http.post("/graphql", json={"query": f"{{ {VIEWER} }}"}, headers=headers)
        found: dict[str, Any] = answer.json()["data"]["viewer"]
        return found


class TestDirectory:
    async def test_a_person_is_what_the_directory_says(self, world: World) -> None:
        token = world.provided(roles=["administrator"], role="administrator", team="south")
        assert await viewer_of(world, token) == {
            "person": "ana",
            "roles": ["relationship_manager"],
            "team": "north",
            "region": "华东",
            "purpose": None,
            "isServiceAccount": False,
            "scopes": None,
            "manager": {"person": "ana"},
        }

    async def test_a_token_gives_no_role_that_the_directory_does_not(self, world: World) -> None:
        token = world.local.issue("ana", "administrator", "south", 5)
        found = await viewer_of(world, token)
        assert (found["roles"], found["team"]) == ([], "north")
        async with talking(world.address, token) as http:
            query = "{ serviceAccounts(first: 1) { totalCount } }"
            refused = await http.post("/graphql", json={"query": query})
        assert code_of(refused) == "NOT_ALLOWED"

    async def test_a_change_of_the_directory_is_seen_within_two_seconds(self, world: World) -> None:
        token = world.local.issue("moving", "team_lead", "north", 5)
        before = await viewer_of(world, token)
        async with talking(world.address, world.administrator) as http:
            query = "{ managers(first: 50) { nodes { id person } } }"
            rows = (await http.post("/graphql", json={"query": query})).json()["data"]["managers"]["nodes"]
            own = next(row["id"] for row in rows if row["person"] == "moving")
            changes = {"team": "south", "roles": ["auditor"]}
            await do(http, "managerChange", "manager { version }", id=own, changes=changes)
        await anyio.sleep(2.1)
        after = await viewer_of(world, token)
        assert [(each["team"], each["roles"]) for each in (before, after)] == [("north", ["team_lead"]), ("south", [])]


class TestPurpose:
    async def test_by_header(self, world: World) -> None:
        found = await viewer_of(world, world.good, **{"Kehu-Purpose": "CREDIT_REVIEW"})
        assert found["purpose"] == "CREDIT_REVIEW"

    @pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
    async def test_of_another_shape(self, world: World, accept: str) -> None:
        status, body = await by_post(world, (*bearer(world.good), ("Kehu-Purpose", "credit review")), accept)
        error = json.loads(body)["errors"][0]
        assert (status, error["extensions"]["code"]) == (400, "BAD_USER_INPUT")
        assert error["message"].startswith("Kehu-Purpose takes a word in capitals such as CREDIT_REVIEW")

    @pytest.mark.parametrize(("purpose", "heard"), [("AUDIT", "AUDIT"), (None, None)])
    async def test_by_the_first_message(self, world: World, purpose: str | None, heard: str | None) -> None:
        async with connect(f"ws://{world.address}/graphql", subprotocols=[PROTOCOL]) as socket:
            payload = {"authorization": f"Bearer {world.good}", "purpose": purpose}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            await socket.recv()
            question = {"query": "{ viewer { purpose } }"}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": question}))
            assert json.loads(await socket.recv())["payload"]["data"]["viewer"] == {"purpose": heard}

    @pytest.mark.parametrize("purpose", ["audit", 7, ["AUDIT"], "", {}])
    async def test_of_another_shape_in_the_first_message(self, world: World, purpose: object) -> None:
        async with connect(f"ws://{world.address}/graphql", subprotocols=[PROTOCOL]) as socket:
            payload = {"authorization": f"Bearer {world.good}", "purpose": purpose}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4400


class TestServiceAccounts:
    async def test_signs_in_with_its_scopes(self, world: World) -> None:
        async with talking(world.address, world.administrator) as http:
            own, token = await new_account(http, "crm", 3_600, purpose="MARKETING")
        assert await viewer_of(world, token) == {
            "person": own,
            "roles": ["integration"],
            "team": None,
            "region": None,
            "purpose": "MARKETING",
            "isServiceAccount": True,
            "scopes": ["clients:all", "read:PUBLIC"],
            "manager": None,
        }
        assert (await viewer_of(world, token, **{"Kehu-Purpose": "AUDIT"}))["purpose"] == "AUDIT"

    async def test_its_last_use_is_noted_and_its_token_nowhere(self, world: World) -> None:
        async with talking(world.address, world.administrator) as http:
            own, token = await new_account(http, "noted", 3_600)
            query = "query($id: ID!) { node(id: $id) { ... on ServiceAccount { name lastUsedAt version } } }"
            asked = {"query": query, "variables": {"id": own}}
            before = (await http.post("/graphql", json=asked)).json()["data"]["node"]
            await viewer_of(world, token)
            after = (await http.post("/graphql", json=asked)).json()["data"]["node"]
        assert before == {"name": "noted", "lastUsedAt": None, "version": 1}
        assert datetime.now(UTC) - datetime.fromisoformat(after["lastUsedAt"]) < timedelta(seconds=10)
        assert after["version"] == 1


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with talking(world.address, world.administrator) as made:
        yield made


class TestOpenSockets:
    async def test_end_as_the_token_expires(self, world: World, figure: Figure) -> None:
        expires_at = int(time.time()) + 2
        code, moment = await closing(world, world.provided(exp=expires_at), anyio.Event())
        figure(f"the socket closed {moment - expires_at:.2f} s after its token expired")
        assert code == 4403
        assert 0 <= moment - expires_at < 1

    async def test_end_with_the_person_the_role_and_the_account(
        self, world: World, http: httpx2.AsyncClient, figure: Figure
    ) -> None:
        people = []
        for each in ("leaver", "demoted", "stays"):
            made = await do(http, "managerCreate", "manager { id }", person=each, name=each, roles=["auditor"])
            people.append(made["manager"]["id"])
        own, token = await new_account(http, "leaving", 3_600)
        events = [anyio.Event() for _ in range(4)]
        tokens = (world.provided(sub="leaver"), world.provided(sub="demoted"), token, world.provided(sub="stays"))
        sockets = [asyncio.create_task(closing(world, each, event)) for each, event in zip(tokens, events, strict=True)]
        for event in events:
            await event.wait()
        await do(http, "managerChange", "manager { version }", id=people[0], changes={"isActive": False})
        await do(http, "managerChange", "manager { version }", id=people[1], changes={"roles": []})
        await do(http, "serviceAccountRevoke", "serviceAccount { revokedAt }", id=own)
        started = time.time()
        ends = await asyncio.gather(*sockets[:3])
        figure("sockets closed after " + ", ".join(f"{moment - started:.2f} s" for _, moment in ends))
        assert [code for code, _ in ends] == [4403] * 3
        assert max(moment for _, moment in ends) - started < 5.5
        assert not sockets[3].done()
        sockets[3].cancel()
        await asyncio.gather(*sockets, return_exceptions=True)

    async def test_end_where_the_policy_or_a_definition_keeps_more_back(
        self, world: World, http: httpx2.AsyncClient
    ) -> None:
        officer, auditor, steward = (
            world.local.issue(f"sees-{role}", role, None, 60) for role in ("risk_officer", "auditor", "data_steward")
        )
        async with (
            standing(world, officer) as first,
            standing(world, auditor) as second,
            standing(world, steward) as third,
        ):
            question = {"query": "{ clients(first: 1) { nodes { profile { name education } } } }"}
            shown = {"data": {"clients": {"nodes": [{"profile": {"name": CANARY, "education": None}}]}}}
            await put_in_force(world, http, {"role": "risk_officer", "rows": "NONE", "rights": []})
            await until_closed(first, question)
            assert await told(second, question) == shown
            secret = {"path": "profile.education", "sensitivity": "RESTRICTED"}
            await do(http, "attributeChange", "attribute { path }", **secret)
            await until_closed(second, question)
            motto = {"facet": "PROFILE", "key": "motto", "kind": "STRING", "label": "Motto"}
            await do(http, "attributeDefine", "attribute { path }", **motto)
            # What he could not see before is no loss of his.
            assert await told(third, question) == shown | {"extensions": {"hidden": ["profile.education"]}}


async def put_in_force(world: World, http: httpx2.AsyncClient, rule: dict[str, object]) -> None:
    """A rule of the policy, proposed by one administrator and agreed to by another."""
    revision = (await http.post("/graphql", json={"query": "{ policy { revision } }"})).json()["data"]["policy"]
    given = {"expectedRevision": revision["revision"], "rules": [rule]}
    proposed = await do(http, "policyChange", "approval { id }", **given)
    async with talking(world.address, world.local.issue("second", "administrator", None, 60)) as other:
        await do(other, "approvalDecide", "approval { id }", id=proposed["approval"]["id"], isApproved=True)


@asynccontextmanager
async def standing(world: World, token: str) -> AsyncIterator[ClientConnection]:
    """A socket that is signed in."""
    async with connect(f"ws://{world.address}/graphql", subprotocols=[PROTOCOL]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
        await socket.recv()
        yield socket


async def told(socket: ClientConnection, question: dict[str, str]) -> dict[str, Any]:
    """What a socket answers.

    Raises: ConnectionClosed.
    """
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": question}))
    answer = json.loads(await socket.recv())
    assert json.loads(await socket.recv())["type"] == "complete"
    found: dict[str, Any] = answer["payload"]
    return found


async def until_closed(socket: ClientConnection, question: dict[str, str]) -> None:
    """A rule is in force within two seconds, and then nothing more is answered by the one before."""
    with anyio.fail_after(3), suppress(ConnectionClosed):
        while True:
            await told(socket, question)
            await anyio.sleep(0.1)
    assert socket.close_code == 4403
