"""`clientMerge` over HTTP: proposed by one person, approved by another, readable under the client who is kept."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.served import SECOND_PERSON, Served, served

MERGE = """
mutation($i: ClientMergeInput!) {
  clientMerge(input: $i) {
    client { number }
    outcome { values { path kept merged side } follows { area count } }
    approval { id status }
    errors { code message path }
  }
}
"""
CREATE = "mutation($i: ClientCreateInput!) { clientCreate(input: $i) { client { id } errors { message } } }"
DECIDE = """
mutation($id: ID!) {
  approvalDecide(input: { id: $id, isApproved: true }) { approval { carriedOutAt } errors { message } }
}
"""
READ = """
query($number: String!, $after: String, $at: DateTime) {
  client(number: $number, asOf: $at) {
    number
    mergedClients { id number version by at }
    profile { name employees }
    history(first: 2, after: $after) {
      nodes { version mergedFrom { number } values { path old new } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


async def create(book: Served, number: str, **profile: Any) -> str:
    given = {"number": number, "kind": "ORGANISATION", "profile": {"name": f"Client {number}", **profile}}
    return str((await book.ask(CREATE, {"i": given}))["data"]["clientCreate"]["client"]["id"])


async def test_over_http(tmp_path: Path) -> None:
    async with served(tmp_path, clients=3) as book:
        keep, merge = await create(book, "KEEP"), await create(book, "GONE", employees=7)
        given: dict[str, Any] = {
            "keepId": keep,
            "mergeId": merge,
            "expectedVersions": {"keep": 1, "merge": 1},
            "choices": [{"path": "profile.name", "from": "MERGED"}],
        }
        before = datetime.now(UTC).isoformat()
        dry = (await book.ask(MERGE, {"i": {**given, "dryRun": True}}))["data"]["clientMerge"]
        assert (dry["approval"], dry["errors"], dry["client"]) == (None, [], {"number": "KEEP"})
        assert dry["outcome"]["values"] == [
            {"path": "profile.employees", "kept": None, "merged": 7, "side": "MERGED"},
            {"path": "profile.name", "kept": "Client KEEP", "merged": "Client GONE", "side": "MERGED"},
        ]
        assert {"area": "interactions", "count": 0} in dry["outcome"]["follows"]
        twice = {**given, "choices": given["choices"] * 2}
        refused = (await book.ask(MERGE, {"i": twice}))["data"]["clientMerge"]
        assert [each["path"] for each in refused["errors"]] == [["choices"]]
        approval = (await book.ask(MERGE, {"i": given}))["data"]["clientMerge"]["approval"]
        done = await book.ask(DECIDE, {"id": approval["id"]}, person=SECOND_PERSON)
        assert done["data"]["approvalDecide"]["approval"]["carriedOutAt"] is not None
        client = (await book.ask(READ, {"number": "GONE"}))["data"]["client"]
        assert (client["number"], client["profile"]) == ("KEEP", {"name": "Client GONE", "employees": 7})
        merged = client["mergedClients"][0]
        assert merged | {"at": ""} == {"id": merge, "number": "GONE", "version": 2, "by": SECOND_PERSON, "at": ""}
        by_id = "query($id: ID!, $at: DateTime) { client(id: $id, asOf: $at) { number } }"
        assert (await book.ask(by_id, {"id": merge}))["data"]["client"] == {"number": "KEEP"}
        assert (await book.ask(by_id, {"id": merge, "at": merged["at"]}))["data"]["client"] == {"number": "KEEP"}
        stranger = await book.ask(by_id, {"id": merge}, person="rm", role="relationship_manager")
        assert stranger["data"]["client"] is None
        nodes, page = client["history"]["nodes"], client["history"]["pageInfo"]
        assert [(each["version"], each["mergedFrom"]) for each in nodes] == [(2, None), (2, {"number": "GONE"})]
        assert page["hasNextPage"]
        rest = (await book.ask(READ, {"number": "KEEP", "after": page["endCursor"]}))["data"]["client"]["history"]
        assert [(each["version"], each["mergedFrom"]) for each in rest["nodes"]] == [(1, {"number": "GONE"}), (1, None)]
        assert not rest["pageInfo"]["hasNextPage"]
        kept = (await book.ask(READ, {"number": "KEEP", "at": before}))["data"]["client"]
        assert (kept["mergedClients"], kept["profile"]["name"]) == ([], "Client KEEP")
        assert (await book.ask(READ, {"number": "GONE", "at": before}))["data"]["client"] is None
        assert (await book.ask(by_id, {"id": merge, "at": before}))["data"]["client"] is None
        now: dict[str, object] = {"number": "GONE", "at": datetime.now(UTC).isoformat()}
        assert (await book.ask(READ, now))["data"]["client"]["number"] == "KEEP"
        bad = await book.ask(READ, {"number": "KEEP", "after": "v1-x"})
        assert bad["errors"][0]["extensions"]["code"] == "BAD_CURSOR"
        again = await book.ask(CREATE, {"i": {"number": "GONE", "kind": "ORGANISATION", "profile": {"name": "X"}}})
        assert "is taken already" in again["data"]["clientCreate"]["errors"][0]["message"]
