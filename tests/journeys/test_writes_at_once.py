"""Many writers at once: no update is lost, and what is sent several times is done once."""

import asyncio
import os
from typing import Any

import httpx2

from tests.figures import Figure
from tests.servers import ask, attempt

IS_LONG = bool(os.environ.get("KEHU_TEST_LONG"))
WRITERS, ROUNDS = (50, 20) if IS_LONG else (25, 4)
MUTATIONS = 100 if IS_LONG else 20
COPIES = 3


async def sure(api: httpx2.AsyncClient, name: str, selection: str, **given: object) -> Any:
    """The payload of a mutation, sent again while the server has no room for it."""
    while True:
        try:
            return await attempt(api, name, selection, **given)
        except AssertionError as refused:
            if "UNAVAILABLE" not in str(refused):
                raise
            await asyncio.sleep(0.05)


async def new_client(api: httpx2.AsyncClient, number: str) -> str:
    made = await sure(api, "clientCreate", "client { id } errors { message }", number=number, kind="PERSON",
                    profile={"name": number})  # fmt: skip
    assert made["errors"] == []
    return str(made["client"]["id"])


async def version_of(api: httpx2.AsyncClient, one: str) -> int:
    return int((await ask(api, "query($id: ID!) { client(id: $id) { version } }", id=one))["client"]["version"])


class TestLostUpdates:
    async def test_every_success_is_a_version(self, api: httpx2.AsyncClient, figure: Figure) -> None:
        one = await new_client(api, "LOST-1")
        successes = stale = 0

        async def write(version: int, value: int) -> Any:
            # Another value each time: one that the client has is no change, and no version.
            changes = {"profile": {"name": f"Name {value}"}}
            text = "client { version } errors { code }"
            return await sure(api, "clientChange", text, id=one, expectedVersion=version, changes=changes)

        for turn in range(ROUNDS):
            version = await version_of(api, one)
            for done in await asyncio.gather(*(write(version, turn * WRITERS + place) for place in range(WRITERS))):
                successes += not done["errors"]
                stale += [each["code"] for each in done["errors"]] == ["STALE_VERSION"]
        assert successes + stale == WRITERS * ROUNDS
        lost = 1 + successes - await version_of(api, one)
        figure(f"lost updates: {lost} of {WRITERS * ROUNDS} attempts, {successes} of which succeeded")
        assert lost == 0
        assert successes == ROUNDS


class TestDoubleSubmit:
    async def test_three_copies_of_a_mutation_are_one(self, api: httpx2.AsyncClient, figure: Figure) -> None:
        one = await new_client(api, "DOUBLE-1")
        before = await version_of(api, one)

        async def change(number: int) -> Any:
            given = {"id": one, "idempotencyKey": f"double {number}", "changes": {"profile": {"email": _mail(number)}}}
            return await sure(api, "clientChange", "client { id } errors { code message }", **given)

        async def create(number: int) -> Any:
            given = {"number": f"DOUBLE-{number + 10}", "kind": "PERSON", "idempotencyKey": f"new {number}"}
            profile = {"name": "Li Na"}
            return await sure(api, "clientCreate", "client { id } errors { code message }", **given, profile=profile)

        half = MUTATIONS // 2
        sent = [change(number) for number in range(half) for _ in range(COPIES)]
        sent += [create(number) for number in range(half) for _ in range(COPIES)]
        done = await asyncio.gather(*sent)
        assert [each["errors"] for each in done if each["errors"]] == []
        assert await version_of(api, one) == before + half
        made = [each["client"]["id"] for each in done[half * COPIES :]]
        assert [len(set(made[at : at + COPIES])) for at in range(0, len(made), COPIES)] == [1] * half
        assert len(set(made)) == half
        other = {"id": one, "idempotencyKey": "double 1", "changes": {"profile": {"email": _mail(-1)}}}
        refused = await sure(api, "clientChange", "client { id } errors { code }", **other)
        assert [each["code"] for each in refused["errors"]] == ["KEY_REUSED"]
        figure(f"double submit: {MUTATIONS * COPIES} of {MUTATIONS * COPIES} exactly once")


def _mail(number: int) -> str:
    return f"li{number}@example.com"
