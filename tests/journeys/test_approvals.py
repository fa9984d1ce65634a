"""What takes two people, as the two see it over HTTP, and what those see whom it does not concern."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pymongo import MongoClient
from starlette.applications import Starlette

from api.settings import Settings
from tests.journeys.conftest import signed_in
from tests.servers import ask, attempt, do

WORDS = {"kind": "STRING", "label": "Words", "description": "What it means."}
WHOLE = """id act subject summary request reason proposedBy proposedAt status mayDecide why decidedBy decidedAt
    decisionReason expiresAt carriedOutAt outcomeErrors { code message path given expected } version
    viewerCanDecide viewerCanWithdraw"""
RIGHTS = "query($id: ID!) { approval(id: $id) { status viewerCanDecide viewerCanWithdraw } }"


@pytest.fixture(scope="module")
async def proposer(app: Starlette, journey_settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Another steward."""
    async with signed_in(app, journey_settings, "S002", "data_steward") as client:
        yield client


@pytest.fixture(scope="module")
async def manager(app: Starlette, journey_settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody whom attributes do not concern."""
    async with signed_in(app, journey_settings, "M007", "relationship_manager") as client:
        yield client


async def define(client: httpx2.AsyncClient, key: str, **more: object) -> str:
    given = {"facet": "ATTITUDE", "key": key, **WORDS, **more}
    return str((await do(client, "attributeDefine", "attribute { path }", **given))["attribute"]["path"])


async def propose(client: httpx2.AsyncClient, path: str, **more: object) -> Any:
    payload = await do(client, "attributeRetire", f"attribute {{ status }} approval {{ {WHOLE} }}", path=path, **more)
    assert payload["attribute"] == {"status": "PUBLISHED"}
    return payload["approval"]


async def answers(client: httpx2.AsyncClient, field: str) -> bool:
    """Whether a question for an attribute is valid."""
    answer = await client.post(
        "/graphql", json={"query": f"{{ clients(first: 1) {{ nodes {{ attitude {{ {field} }} }} }} }}"}
    )
    return "errors" not in answer.json()


class TestRetire:
    async def test_one_steward_proposes_another_one_decides(
        self, proposer: httpx2.AsyncClient, steward: httpx2.AsyncClient
    ) -> None:
        path = await define(proposer, "mood")
        made = await propose(proposer, path, reason="Nobody asks for it.")
        assert (made["act"], made["subject"], made["reason"]) == ("ATTRIBUTE_RETIRE", path, "Nobody asks for it.")
        assert (made["status"], made["proposedBy"], made["version"]) == ("REQUESTED", "S002", 1)
        assert made["request"] == {"path": path, "expectedRevision": 1}
        assert (made["mayDecide"], made["outcomeErrors"]) == (["data_steward", "administrator"], [])
        assert await answers(proposer, "mood")
        for client, rights in ((proposer, (False, True)), (steward, (True, False))):
            found = (await ask(client, RIGHTS, id=made["id"]))["approval"]
            assert (found["viewerCanDecide"], found["viewerCanWithdraw"]) == rights
        refused = await attempt(proposer, "approvalDecide", "approval { id }", id=made["id"], isApproved=True)
        assert (refused["approval"], refused["errors"][0]["code"]) == (None, "NOT_ALLOWED")
        given = {"id": made["id"], "isApproved": True, "expectedVersion": 1, "idempotencyKey": "yes"}
        done = [await do(steward, "approvalDecide", f"approval {{ {WHOLE} }}", **given) for _ in range(2)]
        assert done[0] == done[1]
        assert (done[0]["approval"]["status"], done[0]["approval"]["decidedBy"]) == ("APPROVED", "S001")
        assert done[0]["approval"]["carriedOutAt"] is not None
        assert not await answers(steward, "mood")
        found = (await ask(steward, RIGHTS, id=made["id"]))["approval"]
        assert found == {"status": "APPROVED", "viewerCanDecide": False, "viewerCanWithdraw": False}
        late = await attempt(steward, "approvalDecide", "approval { id }", id=made["id"], isApproved=True)
        assert [each["code"] for each in late["errors"]] == ["APPROVAL_CLOSED"]

    async def test_twice_is_refused_and_withdrawn_makes_room(
        self, proposer: httpx2.AsyncClient, steward: httpx2.AsyncClient
    ) -> None:
        path = await define(proposer, "twice")
        first = await propose(proposer, path, idempotencyKey="first")
        assert (await propose(proposer, path, idempotencyKey="first")) == first
        again = await attempt(steward, "attributeRetire", "attribute { path } approval { id }", path=path)
        assert (again["attribute"], again["approval"]) == (None, None)
        assert [each["code"] for each in again["errors"]] == ["ALREADY_EXISTS"]
        assert first["id"] in again["errors"][0]["message"]
        done = await do(proposer, "approvalWithdraw", "approval { status }", id=first["id"], reason="Not yet.")
        assert done["approval"] == {"status": "WITHDRAWN"}
        assert (await propose(steward, path))["proposedBy"] == "S001"

    async def test_what_could_not_be_done_is_said(
        self, proposer: httpx2.AsyncClient, steward: httpx2.AsyncClient
    ) -> None:
        path = await define(proposer, "movedOn")
        made = await propose(proposer, path)
        await do(proposer, "attributeChange", "attribute { revision }", path=path, label="Other words")
        done = await do(steward, "approvalDecide", f"approval {{ {WHOLE} }}", id=made["id"], isApproved=True)
        (problem,) = done["approval"]["outcomeErrors"]
        assert (problem["code"], problem["given"], problem["expected"]) == ("STALE_VERSION", "1", "2")
        assert done["approval"]["carriedOutAt"] is None
        assert await answers(steward, "movedOn")


class TestLowerSensitivity:
    async def test_it_waits(self, proposer: httpx2.AsyncClient, steward: httpx2.AsyncClient) -> None:
        path = await define(proposer, "secret")
        changed = {"path": path, "sensitivity": "INTERNAL", "isSortable": True}
        selection = "attribute { sensitivity isSortable } approval { id summary request }"
        made = await do(proposer, "attributeChange", selection, **changed)
        assert made["attribute"] == {"sensitivity": "CONFIDENTIAL", "isSortable": False}
        assert made["approval"]["request"]["changes"] == {"sensitivity": "INTERNAL", "isSortable": True}
        trial = await do(proposer, "attributeChange", f"{selection} difference {{ level }}", **changed, dryRun=True)
        assert (trial["approval"], trial["attribute"]["sensitivity"]) == (None, "INTERNAL")
        given = {"id": made["approval"]["id"], "isApproved": True}
        await do(steward, "approvalDecide", "approval { id }", **given)
        found = await ask(steward, f'{{ attribute(path: "{path}") {{ sensitivity isSortable }} }}')
        assert found["attribute"] == {"sensitivity": "INTERNAL", "isSortable": True}


class TestWhoSees:
    LIST = """query($status: [ApprovalStatus!], $act: String, $after: String) {
        approvals(first: 2, status: $status, act: $act, after: $after) {
            totalCount nodes { id subject status } pageInfo { hasNextPage endCursor } } }"""

    async def test_hidden_is_answered_as_missing(
        self, proposer: httpx2.AsyncClient, manager: httpx2.AsyncClient
    ) -> None:
        hidden = (await propose(proposer, await define(proposer, "hidden")))["id"]
        payload = "approval { id } errors { code message path }"
        questions = (
            "query($id: ID!) { approval(id: $id) { id summary } }",
            "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }",
            f"mutation($id: ID!) {{ approvalDecide(input: {{id: $id, isApproved: true}}) {{ {payload} }} }}",
            f"mutation($id: ID!) {{ approvalWithdraw(input: {{id: $id}}) {{ {payload} }} }}",
        )
        for query in questions:
            texts = []
            for one in (hidden, "ap_000000000000000000000000"):
                answer = await manager.post("/graphql", json={"query": query, "variables": {"id": one}})
                texts.append(answer.text.replace(one, "ap_"))
            assert texts[0] == texts[1]
            assert "summary" not in texts[0] or json.loads(texts[0])["data"]["approval"] is None
        found = (await ask(manager, self.LIST))["approvals"]
        assert (found["totalCount"], found["nodes"]) == (0, [])

    async def test_the_list_newest_first_and_by_where_they_stand(
        self,
        proposer: httpx2.AsyncClient,
        steward: httpx2.AsyncClient,
        journey_settings: Settings,
    ) -> None:
        ids = [(await propose(proposer, await define(proposer, f"listed{number}")))["id"] for number in range(3)]
        page = (await ask(steward, self.LIST))["approvals"]
        assert [each["id"] for each in page["nodes"]] == [ids[2], ids[1]]
        rest = (await ask(steward, self.LIST, after=page["pageInfo"]["endCursor"]))["approvals"]
        assert rest["nodes"][0]["id"] == ids[0]
        with MongoClient[dict[str, Any]](journey_settings.mongodb_uri) as database:
            approvals = database[journey_settings.database]["approvals"]
            for one in approvals.find({"_id": ids[0]}):
                approvals.update_one({"_id": ids[0]}, {"$set": {"expiresAt": one["proposedAt"]}})
        over = (await ask(steward, self.LIST, status=["EXPIRED"]))["approvals"]
        assert over["nodes"] == [{"id": ids[0], "subject": "attitude.listed0", "status": "EXPIRED"}]
        waiting = (await ask(steward, self.LIST, status=["REQUESTED"]))["approvals"]
        assert ids[0] not in {each["id"] for each in waiting["nodes"]}
        assert (await ask(steward, self.LIST, status=[]))["approvals"]["totalCount"] == 0
        assert (await ask(steward, self.LIST, act="CLIENT_ERASE"))["approvals"]["totalCount"] == 0
        refused = await attempt(
            steward, "approvalDecide", "approval { id }", id=ids[0], isApproved=False, reason="Late."
        )
        assert [each["code"] for each in refused["errors"]] == ["APPROVAL_CLOSED"]

    async def test_as_a_node(self, proposer: httpx2.AsyncClient, steward: httpx2.AsyncClient) -> None:
        made = await propose(proposer, await define(proposer, "node"))
        query = "query($id: ID!) { node(id: $id) { __typename id ... on Approval { status viewerCanDecide } } }"
        found = (await ask(steward, query, id=made["id"]))["node"]
        assert found == {"__typename": "Approval", "id": made["id"], "status": "REQUESTED", "viewerCanDecide": True}

    async def test_each_field_alone_is_answered_as_with_all_others(
        self, proposer: httpx2.AsyncClient, steward: httpx2.AsyncClient
    ) -> None:
        made = await propose(proposer, await define(proposer, "alone"), reason="Nobody asks for it.")
        whole = (await ask(steward, f"query($id: ID!) {{ approval(id: $id) {{ {WHOLE} }} }}", id=made["id"]))[
            "approval"
        ]
        assert whole == made | {"viewerCanDecide": True, "viewerCanWithdraw": False}
        for field in whole:
            selection = f"{field} {{ code }}" if field == "outcomeErrors" else field
            places = f"approval(id: $id) {{ {selection} }} node(id: $id) {{ ... on Approval {{ {selection} }} }}"
            one = f"query($id: ID!) {{ {places} }}"
            found = await ask(steward, one, id=made["id"])
            assert found == {"approval": {field: whole[field]}, "node": {field: whole[field]}}
