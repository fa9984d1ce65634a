"""The living client document over HTTP: made, changed, read again, with its history and its proof."""

from typing import Any

import httpx2

from tests.servers import ask, attempt, do

ORGANISATION = {"kind": "ORGANISATION"}


async def make(api: httpx2.AsyncClient, number: str, **given: object) -> str:
    profile = {"name": f"Client {number}"} | dict(given.pop("profile", {}))  # type: ignore[call-overload]
    made = await do(api, "clientCreate", "client { id }", number=number, profile=profile, **ORGANISATION, **given)
    return str(made["client"]["id"])


async def whole(api: httpx2.AsyncClient, client: str) -> Any:
    query = """query($id: ID!) { client(id: $id) {
        version updatedAt stage attributes { path value source observedAt enteredAt confidence isStale }
        history(first: 100) { nodes { version by source values { path old new } } } } }"""
    return await ask(api, query, id=client)


class TestChange:
    async def test_left_out_null_and_value_differ(self, api: httpx2.AsyncClient) -> None:
        one = await make(api, "A1", profile={"employees": 5, "location": {"city": "Basel", "country": "CH"}})
        selection = "client { version profile { name employees location { city country } } }"
        changes = {"profile": {"employees": None, "location": {"city": "Bern"}}}
        done = await do(api, "clientChange", selection, id=one, changes=changes)
        location = {"city": "Bern", "country": "CH"}
        profile = {"name": "Client A1", "employees": None, "location": location}
        assert done["client"] == {"version": 2, "profile": profile}
        assert await ask(api, f"query($id: ID!) {{ {selection.replace('client', 'client(id: $id)')} }}", id=one) == done

    async def test_the_proof_is_that_of_the_change_that_set_the_value(self, api: httpx2.AsyncClient) -> None:
        one = await make(api, "A2", profile={"employees": 5}, proof={"source": "register", "confidence": 1.0})
        seen = "2026-01-02T03:04:05Z"
        proof = {"source": "annual report", "observer": "M001", "observedAt": seen, "confidence": 0.9}
        await do(api, "clientChange", "client { id }", id=one, changes={"profile": {"employees": 6}}, proof=proof)
        query = """query($id: ID!) { client(id: $id) {
            now: attribute(path: "profile.employees") { value source observer observedAt confidence }
            name: attribute(path: "profile.name") { value source confidence } } }"""
        found = (await ask(api, query, id=one))["client"]
        assert {key: found["now"][key] for key in ("source", "observer", "observedAt", "confidence")} == proof
        assert found["now"]["value"] == 6
        assert found["name"] == {"value": "Client A2", "source": "register", "confidence": 1.0}

    async def test_every_problem_at_once_and_nothing_changed(self, api: httpx2.AsyncClient) -> None:
        one = await make(api, "A3")
        before = await whole(api, one)
        changes = {"stage": None, "profile": {"name": None, "employees": -5}, "attitude": {"satisfaction": 1000}}
        refused = await attempt(
            api, "clientChange", "client { id }", id=one, changes=changes, proof={"confidence": 3}, expectedVersion=0
        )
        assert refused["client"] is None
        assert {".".join(each["path"]) for each in refused["errors"]} == {
            "stage",
            "profile.name",
            "profile.employees",
            "attitude.satisfaction",
            "proof.confidence",
            "expectedVersion",
        }
        assert all(each["code"] == "INVALID_VALUE" and each["expected"] for each in refused["errors"])
        assert await whole(api, one) == before

    async def test_stale_version_key_reuse_and_nobody_change_nothing(self, api: httpx2.AsyncClient) -> None:
        one = await make(api, "A4")
        first = {"id": one, "changes": {"profile": {"employees": 1}}, "expectedVersion": 1, "idempotencyKey": "k"}
        done = await do(api, "clientChange", "client { version }", **first)
        before = await whole(api, one)
        assert await do(api, "clientChange", "client { version }", **first) == done
        for given, code in (
            (first | {"changes": {"profile": {"employees": 2}}}, "KEY_REUSED"),
            (first | {"idempotencyKey": "other"}, "STALE_VERSION"),
            (first | {"id": "cl_000000000000000000000000", "expectedVersion": None}, "NOT_FOUND"),
        ):
            refused = await attempt(api, "clientChange", "client { id }", **given)
            assert (refused["client"], [each["code"] for each in refused["errors"]]) == (None, [code])
        assert await whole(api, one) == before

    async def test_text_is_stored_as_the_text_it_is_and_an_object_is_refused(self, api: httpx2.AsyncClient) -> None:
        one = await make(api, "A5", attitude={"satisfaction": 9})
        for words in ("$attitude.satisfaction", "$$ROOT", '{"$ne": 1}'):
            changes = {"profile": {"name": words}}
            done = await do(api, "clientChange", "client { profile { name } }", id=one, changes=changes)
            assert done == {"client": {"profile": {"name": words}}}
            assert (await do(api, "clientsUpsert", "report { unchanged }", clients=[{"number": "A5", **changes}])) == {
                "report": {"unchanged": 1}
            }
        before = await whole(api, one)
        mutation = "mutation($input: ClientChangeInput!) { clientChange(input: $input) { client { id } } }"
        given = {"input": {"id": one, "changes": {"profile": {"name": {"$ne": 1}}}}}
        answer = await api.post("/graphql", json={"query": mutation, "variables": given})
        assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert await whole(api, one) == before

    async def test_history_is_paged_over_the_tail_and_what_has_moved(self, api: httpx2.AsyncClient) -> None:
        one = await make(api, "A6")
        for number in range(1, 46):
            proof = {"source": f"source {number}"}
            await do(
                api, "clientChange", "client { id }", id=one, changes={"profile": {"employees": number}}, proof=proof
            )
        query = """query($id: ID!, $after: String) { client(id: $id) { history(first: 7, after: $after) {
            nodes { version source values { path old new } } pageInfo { hasNextPage endCursor } } } }"""
        found: list[Any] = []
        after: str | None = None
        while True:
            page = (await ask(api, query, id=one, after=after))["client"]["history"]
            found += page["nodes"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert [each["version"] for each in found] == list(range(46, 0, -1))
        rows = [each["values"][0] for each in found[:-1]]
        assert [row["new"] for row in rows] == list(range(45, 0, -1))
        assert [row["old"] for row in rows] == [*range(44, 0, -1), None]
        assert [each["source"] for each in found] == [*(f"source {number}" for number in range(45, 0, -1)), None]
        moved = 'query($id: ID!) { client(id: $id) { attribute(path: "profile.name") { source enteredAt } } }'
        value = (await ask(api, moved, id=one))["client"]["attribute"]
        assert value["enteredAt"] is not None


class TestNodes:
    async def test_each_record_by_its_id(self, api: httpx2.AsyncClient) -> None:
        one = await make(api, "N1")
        manager = (await do(api, "managerCreate", "manager { id }", person="N-9", name="Li"))["manager"]["id"]
        query = """query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
            ... on Client { number } ... on Manager { name } ... on Attribute { label } } }"""
        ids = [one, "cl_missing", manager, "at_profile.name", one]
        found = (await ask(api, query, ids=ids))["nodes"]
        assert [each and each["__typename"] for each in found] == ["Client", None, "Manager", "Attribute", "Client"]
        assert (found[0]["number"], found[2]["name"]) == ("N1", "Li")


class TestUpsert:
    async def test_good_rows_land_and_bad_ones_say_which(self, api: httpx2.AsyncClient) -> None:
        rows = [
            {"number": "U1", "profile": {"name": "U1"}, **ORGANISATION},
            {"number": "U2", "profile": {"name": "U2", "employees": -1}, **ORGANISATION},
            {"number": "U3", "profile": {"name": "U3"}},
            {"number": "U4", "profile": {"name": "$attitude.satisfaction"}, **ORGANISATION},
        ]
        selection = "report { created changed unchanged refused }"
        dry = await attempt(api, "clientsUpsert", selection, clients=rows, dryRun=True)
        assert (await ask(api, '{ client(number: "U1") { id } }'))["client"] is None
        done = await attempt(api, "clientsUpsert", selection, clients=rows)
        assert dry == done
        assert done["report"] == {"created": 2, "changed": 0, "unchanged": 0, "refused": 2}
        assert [(each["row"], each["path"][-1]) for each in done["errors"]] == [(1, "employees"), (2, "kind")]
        again = await attempt(api, "clientsUpsert", selection, clients=rows)
        assert again["report"] == {"created": 0, "changed": 0, "unchanged": 2, "refused": 2}
        name = (await ask(api, '{ client(number: "U4") { version profile { name } } }'))["client"]
        assert name == {"version": 1, "profile": {"name": "$attitude.satisfaction"}}

    async def test_a_thousand_rows(self, api: httpx2.AsyncClient) -> None:
        rows: list[dict[str, object]] = [
            {"number": f"K{number}", "profile": {"name": f"K{number}", "employees": number}, **ORGANISATION}
            for number in range(1_000)
        ]
        selection = "report { created changed unchanged refused }"
        for counts in ((1_000, 0), (0, 1_000)):
            done = await do(api, "clientsUpsert", selection, clients=rows)
            assert (done["report"]["created"], done["report"]["unchanged"]) == counts
        refused = await attempt(api, "clientsUpsert", selection, clients=[*rows, {"number": "K1000"}])
        assert refused["report"] is None
        assert (await ask(api, '{ client(number: "K1000") { id } }'))["client"] is None
