"""Who read and who changed a client, as auditors see it and others do not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.audited import Running, running

READ = "query Read($id: ID!) { client(id: $id) { number profile { name } } }"
CHANGE = (
    "mutation Change($id: ID!) { clientChange(input: {id: $id, changes: {stage: LOST, attitude: {satisfaction: 5}}})"
    " { client { version } } }"
)
WHO = (
    "query Who($id: ID!, $first: Int!, $after: String, $since: DateTime) { client(id: $id) {"
    " whoRead(first: $first, after: $after, since: $since)"
    " { nodes { at person roles purpose operation attributes outcome } pageInfo { hasNextPage endCursor } }"
    " whoChanged(first: 9) { nodes { person roles operation attributes outcome } } } }"
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as found:
        yield found


@pytest.fixture
async def one(server: Running) -> str:
    """The id of a client."""
    found = await server.ask('query Find { client(number: "K000001") { id } }', "risk_officer")
    return str(found["client"]["id"])


async def who(server: Running, one: str, **more: Any) -> Any:
    return (await server.ask(WHO, "auditor", id=one, **{"first": 9, **more}))["client"]


class TestWhoRead:
    async def test_newest_first_with_what_and_in_which_role(self, server: Running, one: str) -> None:
        await server.ask(READ, id=one)
        found = (await who(server, one))["whoRead"]["nodes"]
        assert [(each["person"], each["roles"], each["operation"], each["attributes"]) for each in found] == [
            ("the-administrator", ["administrator"], "Read", ["number", "profile.name"]),
            ("the-risk_officer", ["risk_officer"], "Find", ["number"]),
        ]
        assert {each["outcome"] for each in found} == {"ok"}

    async def test_the_auditor_is_read_of_too(self, server: Running, one: str) -> None:
        await who(server, one)
        newest = (await who(server, one))["whoRead"]["nodes"][0]
        assert (newest["person"], newest["operation"]) == ("the-auditor", "Who")

    async def test_lists_groups_and_other_clients_are_told_apart(self, server: Running, one: str) -> None:
        await server.ask('query Other { client(number: "K000002") { number } }')
        await server.ask("query Groups { clientGroups(by: [{field: STAGE}], first: 9) { nodes { count } } }")
        await server.ask("query List { clients(first: 20) { nodes { number } } }")
        names = [each["operation"] for each in (await who(server, one))["whoRead"]["nodes"]]
        assert names == ["List", "Find"]

    async def test_pages_and_since(self, server: Running, one: str) -> None:
        for place in range(5):
            await server.ask(READ.replace("Read", f"Read{place}"), id=one)
        first = (await who(server, one, first=3))["whoRead"]
        assert [each["operation"] for each in first["nodes"]] == ["Read4", "Read3", "Read2"]
        assert first["pageInfo"]["hasNextPage"]
        rest = (await who(server, one, after=first["pageInfo"]["endCursor"]))["whoRead"]
        assert [each["operation"] for each in rest["nodes"]] == ["Read1", "Read0", "Find"]
        recent = (await who(server, one, since=first["nodes"][1]["at"]))["whoRead"]["nodes"]
        assert [each["operation"] for each in recent] == ["Who", "Who", "Read4", "Read3"]


class TestWhoChanged:
    async def test_with_what_was_set(self, server: Running, one: str) -> None:
        await server.ask(CHANGE, id=one)
        [found] = (await who(server, one))["whoChanged"]["nodes"]
        assert found == {
            "person": "the-administrator",
            "roles": ["administrator"],
            "operation": "Change",
            "attributes": ["attitude.satisfaction", "stage"],
            "outcome": "ok",
        }

    async def test_a_contact_with_the_client_is_one(self, server: Running, one: str) -> None:
        record = (
            'mutation Call($id: ID!) { interactionRecord(input: {clientId: $id, at: "2026-11-26T09:00:00Z",'
            " channel: TELEPHONE}) { errors { message } } }"
        ).replace("TELEPHONE", '"TELEPHONE"')
        assert (await server.ask(record, id=one))["interactionRecord"]["errors"] == []
        [found] = (await who(server, one))["whoChanged"]["nodes"]
        assert (found["operation"], found["attributes"]) == ("Call", ["interactions.at", "interactions.channel"])

    async def test_a_refused_change_is_none(self, server: Running, one: str) -> None:
        await server.ask(CHANGE, "auditor", id=one)
        assert (await who(server, one))["whoChanged"]["nodes"] == []


class TestOthers:
    @pytest.mark.parametrize("field", ["whoRead", "whoChanged"])
    @pytest.mark.parametrize("role", ["administrator", "risk_officer", "data_steward"])
    async def test_are_refused_and_that_is_noted(self, server: Running, one: str, role: str, field: str) -> None:
        query = f"query Peek($id: ID!) {{ client(id: $id) {{ {field}(first: 1) {{ nodes {{ person }} }} }} }}"
        answer = (await server.post(query, role, id=one)).json()
        assert answer["data"] == {"client": None}
        [error] = answer["errors"]
        assert (error["extensions"]["code"], error["path"]) == ("NOT_ALLOWED", ["client", field])
        assert "the-risk_officer" not in str(answer)
        entry = (await server.entries())[-1]
        assert (entry["operation"], entry["outcome"], entry["errors"]) == (
            "Peek",
            "refused NOT_ALLOWED",
            ["NOT_ALLOWED"],
        )

    async def test_a_page_too_large_is_refused(self, server: Running, one: str) -> None:
        answer = (await server.post(WHO, "auditor", id=one, first=201)).json()
        assert answer["errors"][0]["extensions"]["code"] == "PAGE_SIZE"
