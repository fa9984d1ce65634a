"""`clientHandOver` and `client.handovers` as a client of the API meets them."""

from pathlib import Path

from tests.served import served

GIVE = """
mutation($i: ClientHandOverInput!) {
  clientHandOver(input: $i) {
    client { number manager { id } handovers(first: 5) { nodes { reason fromManager { id } toManager { id } } } }
    report { handedOver unchanged refused remaining }
    errors { code message path ... on RowRefusal { row } }
  }
}
"""


async def test_over_http(tmp_path: Path) -> None:
    async with served(tmp_path, clients=12) as book:
        found = (await book.ask("{ clients(first: 12) { nodes { id manager { id } } } }"))["data"]["clients"]["nodes"]
        one = next(each for each in found if each["manager"])
        old = one["manager"]["id"]
        new = next(each["manager"]["id"] for each in found if each["manager"] and each["manager"]["id"] != old)
        given = {"ids": [one["id"], "cl_0"], "toManagerId": new, "reason": "Moved to another branch."}
        done = (await book.ask(GIVE, {"i": given}))["data"]["clientHandOver"]
        assert done["report"] == {"handedOver": 1, "unchanged": 0, "refused": 1, "remaining": 0}
        assert [(each["code"], each["row"]) for each in done["errors"]] == [("NOT_FOUND", 1)]
        assert done["client"] is None
        again = (await book.ask(GIVE, {"i": {**given, "ids": [one["id"]], "toManagerId": old}}))["data"]
        client = again["clientHandOver"]["client"]
        assert client["manager"] == {"id": old}
        assert client["handovers"]["nodes"][:2] == [
            {"reason": "Moved to another branch.", "fromManager": {"id": new}, "toManager": {"id": old}},
            {"reason": "Moved to another branch.", "fromManager": {"id": old}, "toManager": {"id": new}},
        ]
        first = '{ client(id: "%s") { handovers(first: 1) { nodes { version } pageInfo { endCursor hasNextPage } } } }'
        page = (await book.ask(first % one["id"]))["data"]["client"]["handovers"]
        assert page["pageInfo"]["hasNextPage"]
        after = f'{{ client(id: "{one["id"]}") {{ handovers(first: 9, after: "{page["pageInfo"]["endCursor"]}") '
        rest = (await book.ask(after + "{ nodes { version fromManager { id } } } } }"))["data"]["client"]["handovers"]
        # Who was accountable from the beginning took over from nobody.
        assert rest["nodes"] == [{"version": 2, "fromManager": {"id": old}}]
        refused = (await book.ask(GIVE, {"i": {**given, "reason": ""}}))["data"]["clientHandOver"]
        assert (refused["report"], [each["path"] for each in refused["errors"]]) == (None, [["reason"]])
        lead = await book.ask(GIVE, {"i": given}, person="rm", role="relationship_manager")
        assert (
            "GRAPHQL_VALIDATION_FAILED" in str(lead)
            or lead["data"]["clientHandOver"]["errors"][0]["code"] == "NOT_ALLOWED"
        )
