"""References to hidden clients, at every door: a client who has them answers as one who has none, and keeps them."""

from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from acts.checks import now
from api.settings import Settings
from tests.journeys.conftest import signed_in
from tests.servers import ask, attempt, do

DOORS = """
query($number: String!, $since: DateTime!, $until: DateTime!) {
  client(number: $number) { ...all }
}
fragment all on Client {
  profile { parent { number } affiliates { number } name }
  attribute(path: "profile.affiliates") { value source observedAt confidence }
  attributes(paths: ["profile.parent", "profile.affiliates"]) { path value source isStale }
  history(first: 50) { nodes { values { path old new } source } pageInfo { hasNextPage } }
  own: history(first: 50, paths: ["profile.affiliates", "profile.parent"]) { nodes { values { path old new } } }
  changesBetween(after: $since, until: $until) { path old new isDifferent changes { values { path old new } } }
  completeness { share expected filled missing(first: 200) { path } }
}
"""
WHERES = (
    "{profile: {parent: {eq: $hidden}}}",
    "{profile: {parent: {ne: $hidden}}}",
    "{profile: {parent: {in: [$hidden, $own]}}}",
    "{profile: {parent: {notIn: [$hidden]}}}",
    "{profile: {parent: {isNull: true}}}",
    "{profile: {parent: {isNull: false}}}",
    "{not: {profile: {parent: {isNull: true}}}}",
    "{profile: {affiliates: {containsAny: [$hidden]}}}",
    "{profile: {affiliates: {containsAll: [$own, $hidden]}}}",
    "{profile: {affiliates: {containsAny: [$own, $hidden]}}}",
    "{profile: {affiliates: {isNull: true}}}",
    "{or: [{profile: {parent: {eq: $hidden}}}, {profile: {affiliates: {containsAll: [$own]}}}]}",
)


@pytest.fixture(scope="module")
async def world(app: Starlette, api: httpx2.AsyncClient, journey_settings: Settings) -> Any:
    """A manager, with two clients that are alike but for what points at clients of nobody's."""
    async with signed_in(app, journey_settings, "RM1", "relationship_manager") as manager:
        book = (await ask(manager, "{ viewer { manager { id } } }"))["viewer"]["manager"]["id"]

        async def make(number: str, **profile: object) -> str:
            given = {"number": number, "kind": "ORGANISATION", "profile": {"name": "One", **profile}}
            owner = {} if number.startswith("HID") else {"managerId": book}
            return str((await do(api, "clientCreate", "client { id }", **given, **owner))["client"]["id"])

        hidden, more, own = await make("HID1"), await make("HID2"), await make("OWN")
        has = await make("HAS", parent=hidden, affiliates=[hidden, own])
        lacks = await make("LACKS", affiliates=[own])
        # Changes of what is hidden alone, between others.
        for values in ({"affiliates": [hidden, own, more]}, {"parent": more}):
            await do(api, "clientChange", "client { id }", id=has, changes={"profile": values})
        for client_id in (has, lacks):
            await do(api, "clientChange", "client { id }", id=client_id, changes={"profile": {"name": "Two"}})
        await do(api, "clientChange", "client { id }", id=has, changes={"profile": {"affiliates": [more, own]}})
        yield {"manager": manager, "hidden": hidden, "more": more, "own": own, "has": has, "lacks": lacks}


async def doors(manager: httpx2.AsyncClient, number: str) -> dict[str, Any]:
    # After the client was made: before that it was not there.
    made = await ask(manager, "query($number: String!) { client(number: $number) { createdAt } }", number=number)
    moments = {"since": made["client"]["createdAt"], "until": now().isoformat()}
    found: dict[str, Any] = (await ask(manager, DOORS, number=number, **moments))["client"]
    assert found["profile"]["affiliates"] == [{"number": "OWN"}]
    for each in (found["attribute"], *found["attributes"]):
        each.pop("observedAt", None)
    return found


async def test_every_door_answers_as_for_a_client_without_them(world: Any) -> None:
    has, lacks = await doors(world["manager"], "HAS"), await doors(world["manager"], "LACKS")
    assert has == lacks
    assert lacks["history"]["nodes"][0]["values"] == [{"path": "profile.name", "old": "One", "new": "Two"}]


async def test_who_sees_them_is_shown_them(api: httpx2.AsyncClient, world: Any) -> None:
    text = """{ client(number: "HAS") { attribute(path: "profile.affiliates") { value }
        profile { parent { number } } history(first: 50) { nodes { values { path new } } } } }"""
    found = (await ask(api, text))["client"]
    assert found["attribute"]["value"] == [world["more"], world["own"]]
    assert found["profile"]["parent"] == {"number": "HID2"}
    assert len(found["history"]["nodes"]) == 5


@pytest.mark.parametrize("where", WHERES)
async def test_no_filter_tells_of_them(world: Any, where: str) -> None:
    text = f"""query($hidden: ID!, $own: ID!) {{
        clients(where: {{and: [{{number: {{in: ["HAS", "LACKS"]}}}}, {where}]}}, first: 9) {{ totalCount }}
        then: clients(where: {where}, asOf: "{now().isoformat()}", first: 9) {{ nodes {{ number }} }}
        clientGroups(by: [{{field: STAGE}}], where: {where}, first: 9) {{ nodes {{ count }} }} }}"""
    if "$own" not in where:
        text = text.replace(", $own: ID!", "")
    if "$hidden" not in where:
        text = text.replace("$hidden: ID!, ", "").replace("($hidden: ID!)", "")
    named = {name: world[name] for name in ("hidden", "own") if f"${name}" in where}
    found = (await ask(world["manager"], text, **named))["clients"]
    # The two are alike, so both are found, or neither is.
    assert found["totalCount"] in (0, 2)
    nowhere = {name: "cl_00000000000000000000ffff" if name == "hidden" else each for name, each in named.items()}
    assert await ask(world["manager"], text, **nowhere) == await ask(world["manager"], text, **named)


async def stored(api: httpx2.AsyncClient, number: str) -> Any:
    text = """query($number: String!) { client(number: $number) {
        attributes(paths: ["profile.affiliates", "profile.parent"]) { path value } } }"""
    found = (await ask(api, text, number=number))["client"]["attributes"]
    return {each["path"]: each["value"] for each in found}


async def test_a_save_of_what_is_seen_keeps_them(api: httpx2.AsyncClient, world: Any) -> None:
    manager, more, own = world["manager"], world["more"], world["own"]
    proof = (
        '{ client(number: "HAS") { attribute(path: "profile.parent") { source } history(first: 1) { nodes { at } } } }'
    )
    proven = await ask(api, proof)
    for profile in ({"parent": None}, {"parent": None, "affiliates": [own]}):
        given = {"changes": {"profile": profile}, "proof": {"source": "a screen"}}
        await do(manager, "clientChange", "client { id }", id=world["has"], **given)
        assert (await ask(api, proof))["client"]["attribute"] == proven["client"]["attribute"]
        if "affiliates" not in profile:
            assert await ask(api, proof) == proven
    before = await stored(api, "HAS")
    assert before == {"profile.affiliates": [more, own], "profile.parent": more}
    saves: list[dict[str, Any]] = [{"affiliates": [own], "parent": None}, {"affiliates": None}, {"affiliates": []}]
    for profile in saves:
        await do(manager, "clientChange", "client { id }", id=world["has"], changes={"profile": profile})
        kept = (await stored(api, "HAS"))["profile.affiliates"]
        assert kept == ([more, own] if profile["affiliates"] else [more])
        assert (await stored(api, "HAS"))["profile.parent"] == more
    row = {"number": "HAS", "profile": {"affiliates": [own, world["lacks"]]}}
    done = await do(manager, "clientsUpsert", "report { changed unchanged }", clients=[row])
    assert done["report"] == {"changed": 1, "unchanged": 0}
    assert (await stored(api, "HAS"))["profile.affiliates"] == [more, own, world["lacks"]]
    done = await do(manager, "clientsUpsert", "report { changed unchanged }", clients=[row])
    assert done["report"] == {"changed": 0, "unchanged": 1}


async def test_another_one_takes_the_place_of_a_single_one_and_the_history_keeps_it(
    api: httpx2.AsyncClient, world: Any
) -> None:
    changes = {"profile": {"parent": world["own"]}}
    await do(world["manager"], "clientChange", "client { id }", id=world["has"], changes=changes)
    assert (await stored(api, "HAS"))["profile.parent"] == world["own"]
    text = '{ client(number: "HAS") { history(first: 1) { nodes { values { path old new } } } } }'
    (change,) = (await ask(api, text))["client"]["history"]["nodes"]
    assert change["values"] == [{"path": "profile.parent", "old": world["more"], "new": world["own"]}]
    (change,) = (await ask(world["manager"], text))["client"]["history"]["nodes"]
    assert change["values"] == [{"path": "profile.parent", "old": None, "new": world["own"]}]


async def test_a_hidden_one_is_set_by_nobody_who_does_not_see_it(world: Any) -> None:
    changes = {"profile": {"affiliates": [world["hidden"]]}}
    refused = await attempt(world["manager"], "clientChange", "client { id }", id=world["lacks"], changes=changes)
    assert [each["code"] for each in refused["errors"]] == ["INVALID_VALUE"]
