"""`duplicateClients` over HTTP: pages of pairs, the likeliest first."""

from pathlib import Path
from typing import Any

from tests.served import served

CREATE = "mutation($i: ClientsUpsertInput!) { clientsUpsert(input: $i) { report { created } errors { message } } }"
READ = """
query($first: Int!, $after: String, $rule: DuplicateRule) {
  duplicateClients(first: $first, after: $after, rule: $rule) {
    totalCount
    nodes { score one { number } other { number } reasons { rule label score } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


async def test_over_http(tmp_path: Path) -> None:
    async with served(tmp_path, clients=0) as book:
        rows = [
            {"number": f"D{at}", "kind": "ORGANISATION", "profile": {"name": f"N{at}", "phone": f"+41 {at // 3}"}}
            for at in range(6)
        ]
        rows[0]["profile"]["email"] = rows[1]["profile"]["email"] = "a@b.example"  # type: ignore[index]
        assert (await book.ask(CREATE, {"i": {"clients": rows}}))["data"]["clientsUpsert"]["report"]["created"] == 6
        given: dict[str, Any] = {"first": 4}
        first = (await book.ask(READ, given))["data"]["duplicateClients"]
        assert (first["totalCount"], len(first["nodes"]), first["pageInfo"]["hasNextPage"]) == (6, 4, True)
        best = first["nodes"][0]
        assert {best["one"]["number"], best["other"]["number"]} == {"D0", "D1"}
        assert (best["score"], [each["rule"] for each in best["reasons"]]) == (0.94, ["EMAIL", "PHONE"])
        given["after"] = first["pageInfo"]["endCursor"]
        rest = (await book.ask(READ, given))["data"]["duplicateClients"]
        assert (len(rest["nodes"]), rest["pageInfo"]["hasNextPage"]) == (2, False)
        pairs = {frozenset((each["one"]["number"], each["other"]["number"])) for each in first["nodes"] + rest["nodes"]}
        assert len(pairs) == 6
        other = await book.ask(READ, {**given, "rule": "PHONE"})
        assert other["errors"][0]["extensions"]["code"] == "BAD_CURSOR"
        secret = await book.ask(READ, {"first": 5, "rule": "TAX_NUMBER"})
        assert secret["errors"][0]["extensions"]["code"] == "UNKNOWN_ATTRIBUTE"
