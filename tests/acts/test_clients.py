"""Creating and changing clients: all problems at once, nothing written on a refusal, nothing done twice."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from acts.checks import UNGUARDED, Guard
from acts.clients import NewClient, change_client, create_client
from catalogue.attribute import ClientKind, ClientStage
from catalogue.errors import ErrorCode, KehuError, Refused
from repositories.base import Written
from repositories.errors import AlreadyExists, KeyReused, NotFound, StaleVersion
from repositories.plan import ID, Proof
from repositories.repositories import Repositories
from tests.books import NO_PROOF, OTHER, VIEWER, everything, make_client, stored
from tests.figures import Figure


async def change(
    book: Repositories, client: str, changes: Mapping[str, object], guard: Guard = UNGUARDED, **more: Any
) -> Written:
    return await change_client(VIEWER, book, client, changes, more.pop("proof", NO_PROOF), guard, **more)


def paths(refused: KehuError) -> list[str]:
    return sorted(".".join(each.path) for each in refused.problems())


class TestCreateClient:
    async def test_with_values_of_every_depth(self, book: Repositories) -> None:
        facets = {
            "profile": {
                "name": "Basel Steel",
                "location": {"city": "Basel"},
                "keyPeople": [{"name": "Li", "position": None}, {"position": "CFO"}],
                "foundedOn": "1886-05-08",
                "employees": None,
            }
        }
        manager = await book.managers.collection.insert_one({"_id": "mg_1", "person": "M9", "team": "north"})
        new = NewClient("C1", ClientKind.ORGANISATION, ClientStage.ACTIVE, manager, facets)
        written = await create_client(VIEWER, book, new, Proof("register"), UNGUARDED)
        document = await stored(book, str(written.document[ID]))
        assert document["profile"]["keyPeople"] == [{"name": "Li"}, {"position": "CFO"}]
        assert document["profile"]["location"] == {"city": "Basel"}
        assert "employees" not in document["profile"]
        assert (document["managerId"], document["team"], document["stage"]) == ("mg_1", "north", "ACTIVE")
        assert (document["version"], document["tail"][0]["source"]) == (1, "register")

    async def test_says_every_problem_at_once_and_writes_nothing(self, book: Repositories) -> None:
        before = await everything(book)
        facets = {
            "profile": {
                "employees": -1,
                "birthday": "1970-01-01",
                "industry": "COAL",
                "nothing": 1,
                "keyPeople": [{"name": 5}],
            },
            "attitude": {"satisfaction": 11},
        }
        new = NewClient("", ClientKind.ORGANISATION, manager_id="mg_missing", facets=facets)
        with pytest.raises(Refused) as refused:
            await create_client(VIEWER, book, new, Proof("", confidence=2), Guard(0, ""))
        assert paths(refused.value) == [
            "attitude.satisfaction",
            "expectedVersion",
            "idempotencyKey",
            "managerId",
            "number",
            "profile.birthday",
            "profile.employees",
            "profile.industry",
            "profile.keyPeople.0.name",
            "profile.name",
            "profile.nothing",
            "proof.confidence",
            "proof.source",
        ]
        assert await everything(book) == before

    async def test_a_taken_number(self, book: Repositories) -> None:
        await make_client(book, "C1")
        before = await everything(book)
        with pytest.raises(AlreadyExists):
            await make_client(book, "C1", profile={"name": "Another"})
        assert await everything(book) == before

    async def test_the_same_request_again_answers_the_client_it_made(self, book: Repositories) -> None:
        one = await make_client(book, "C1", Guard(idempotency_key="k"))
        before = await everything(book)
        assert await make_client(book, "C1", Guard(idempotency_key="k")) == one
        with pytest.raises(KeyReused):
            await make_client(book, "C1", Guard(idempotency_key="k"), profile={"name": "Another"})
        with pytest.raises(AlreadyExists):
            await make_client(book, "C1", Guard(idempotency_key="other"))
        assert await everything(book) == before

    async def test_three_at_once_make_one_client(self, book: Repositories) -> None:
        made: set[str] = set()

        async def send(number: int) -> None:
            made.add(await make_client(book, f"C{number}", Guard(idempotency_key=f"k{number}")))

        async with anyio.create_task_group() as group:
            for number in range(4):
                for _ in range(3):
                    group.start_soon(send, number)
        assert len(made) == await book.clients.collection.count({}) == 4

    async def test_a_reference_to_nobody(self, book: Repositories) -> None:
        one = await make_client(book, "C1")
        await make_client(book, "C2", profile={"name": "Child", "parent": one})
        before = await everything(book)
        with pytest.raises(Refused, match="there is no client cl_missing"):
            await make_client(book, "C3", profile={"name": "Child", "parent": "cl_missing"})
        assert await everything(book) == before


class TestChangeClient:
    async def test_left_out_stays_null_clears_and_a_value_sets(self, book: Repositories) -> None:
        one = await make_client(book, profile={"name": "A", "employees": 5, "location": {"city": "Basel"}})
        changes = {"profile": {"name": "B", "employees": None}, "stage": ClientStage.ACTIVE}
        written = await change(book, one, changes, paths={"profile"})
        assert written.document["profile"] == {"name": "B", "location": {"city": "Basel"}}
        document = await stored(book, one)
        assert (document["stage"], document["version"]) == ("ACTIVE", 2)
        assert document["tail"][1]["values"] == [
            {"path": "profile.name", "old": "A", "new": "B"},
            {"path": "profile.employees", "old": 5},
            {"path": "stage", "old": "PROSPECT", "new": "ACTIVE"},
        ]

    async def test_null_for_a_group_clears_what_is_in_it(self, book: Repositories) -> None:
        one = await make_client(book, profile={"name": "A", "location": {"city": "Basel"}, "keyPeople": []})
        await change(book, one, {"profile": {"location": None, "keyPeople": [{"name": "Li"}]}})
        profile = (await stored(book, one))["profile"]
        assert profile["keyPeople"] == [{"name": "Li"}]
        assert "city" not in profile.get("location", {})

    async def test_text_is_kept_as_the_text_it_is(self, book: Repositories) -> None:
        for place, words in enumerate(("$attitude.satisfaction", "$$ROOT", '{"$ne": 1}', "鋼鐵 <b>", "a\u2028b")):
            one = await make_client(book, f"C{place}", profile={"name": words}, attitude={"satisfaction": 9.5})
            await change(book, one, {"attitude": {"remarks": words}})
            document = await stored(book, one)
            assert (document["profile"]["name"], document["attitude"]["remarks"]) == (words, words)

    async def test_an_object_in_the_place_of_a_text_is_refused(self, book: Repositories) -> None:
        one = await make_client(book)
        before = await everything(book)
        with pytest.raises(Refused) as refused:
            await change(book, one, {"profile": {"name": {"$ne": 1}, "employees": {"$gt": 0}, "tags": "$name"}})
        assert paths(refused.value) == ["profile.employees", "profile.name", "profile.tags"]
        assert await everything(book) == before

    async def test_says_every_problem_at_once_and_writes_nothing(self, book: Repositories) -> None:
        one = await make_client(book)
        before = await everything(book)
        changes = {
            "stage": None,
            "profile": {"name": None, "birthday": "1970-01-01", "foundedOn": date(1, 1, 1), "parent": "cl_missing"},
            "attitude": {"satisfaction": "high"},
        }
        with pytest.raises(Refused) as refused:
            await change(book, one, changes, Guard(0, "k" * 300), proof=Proof(confidence=-1))
        assert paths(refused.value) == [
            "attitude.satisfaction",
            "expectedVersion",
            "idempotencyKey",
            "profile.birthday",
            "profile.name",
            "profile.parent",
            "proof.confidence",
            "stage",
        ]
        assert all(each.message and each.expected for each in refused.value.problems())
        assert await everything(book) == before

    async def test_of_nothing_is_refused(self, book: Repositories) -> None:
        one = await make_client(book)
        before = await everything(book)
        nothings: tuple[dict[str, object], ...] = ({}, {"profile": {}}, {"profile": {"location": {}}})
        for changes in nothings:
            with pytest.raises(Refused, match="at least one value"):
                await change(book, one, changes)
        assert await everything(book) == before

    async def test_of_a_client_who_is_not_there(self, book: Repositories) -> None:
        before = await everything(book)
        for changes in ({"profile": {"employees": 1}}, {"profile": {"birthday": "1970-01-01"}}):
            with pytest.raises(NotFound):
                await change(book, "cl_missing", changes)
        assert await everything(book) == before

    async def test_with_an_old_version(self, book: Repositories) -> None:
        one = await make_client(book)
        await change(book, one, {"profile": {"employees": 1}}, Guard(1))
        before = await everything(book)
        with pytest.raises(StaleVersion) as refused:
            await change(book, one, {"profile": {"employees": 2}}, Guard(1))
        assert refused.value.code is ErrorCode.STALE_VERSION
        assert await everything(book) == before

    async def test_the_same_request_again_changes_nothing(self, book: Repositories) -> None:
        one = await make_client(book)
        guard = Guard(1, "k")
        first = await change(book, one, {"profile": {"employees": 1}}, guard)
        await change(book, one, {"profile": {"employees": 2}})
        before = await everything(book)
        again = await change(book, one, {"profile": {"employees": 1}}, guard, paths={"profile.employees"})
        assert (first.is_replay, again.is_replay) == (False, True)
        assert again.document["profile"] == {"employees": 2}
        for other in ({"employees": 3}, {"employees": 1, "name": "x"}):
            with pytest.raises(KeyReused):
                await change(book, one, {"profile": other}, guard)
        with pytest.raises(KeyReused):
            await change(book, one, {"profile": {"employees": 1}}, Guard(2, "k"))
        assert await everything(book) == before

    async def test_a_key_is_the_persons_own(self, book: Repositories) -> None:
        one = await make_client(book)
        guard = Guard(idempotency_key="k")
        await change_client(VIEWER, book, one, {"profile": {"employees": 1}}, NO_PROOF, guard)
        written = await change_client(OTHER, book, one, {"profile": {"employees": 2}}, NO_PROOF, guard)
        assert not written.is_replay
        assert (await stored(book, one))["version"] == 3


class TestAtOnce:
    @pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
    async def test_fifty_writers_with_versions_lose_no_update(
        self, book: Repositories, rounds: int, figure: Figure
    ) -> None:
        one = await make_client(book, profile={"name": "A", "employees": 0})
        lost: list[str] = []

        async def add(writer: int) -> None:
            for place in range(rounds):
                while True:
                    document = await stored(book, one)
                    wanted = {"profile": {"employees": document["profile"]["employees"] + 1}}
                    try:
                        await change(book, one, wanted, Guard(document["version"], f"{writer}-{place}"))
                        break
                    except StaleVersion:
                        await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as group:
            for writer in range(50):
                group.start_soon(add, writer)
        document = await stored(book, one)
        history = await book.clients.history.read(one, document["tail"], 5_000, before=None, paths=(), since=None)
        keys = [each["key"] for each in history if "key" in each]
        lost = [f"{writer}-{place}" for writer in range(50) for place in range(rounds)]
        lost = [each for each in lost if f"M001:{each}" not in keys]
        figure(f"{50 * rounds} updates of 50 writers, {len(lost)} lost")
        assert lost == []
        assert document["profile"]["employees"] == 50 * rounds == len(set(keys))
        assert document["version"] == 50 * rounds + 1 == len(history)

    @pytest.mark.parametrize("count", [30, pytest.param(300, marks=pytest.mark.long)])
    async def test_each_sent_three_times_with_one_key_is_applied_once(self, book: Repositories, count: int) -> None:
        one = await make_client(book)
        replays: list[bool] = []

        async def send(number: int) -> None:
            guard = Guard(idempotency_key=f"k{number}")
            replays.append((await change(book, one, {"profile": {"employees": number}}, guard)).is_replay)

        for start in range(0, count, 10):
            async with anyio.create_task_group() as group:
                for number in range(start, start + 10):
                    for _ in range(3):
                        group.start_soon(send, number)
        assert (replays.count(False), replays.count(True)) == (count, 2 * count)
        document = await stored(book, one)
        assert document["version"] == count + 1
        history = await book.clients.history.read(one, document["tail"], 5_000, before=None, paths=(), since=None)
        assert len({each["key"] for each in history if "key" in each}) == count


class TestKeepsNewer:
    OLD = Proof("report of October", observed_at=datetime(2026, 10, 1, tzinfo=UTC), keeps_newer=True)
    NEW = Proof("visit", observed_at=datetime(2026, 11, 1, tzinfo=UTC))

    async def test_an_older_observation_is_refused_and_nothing_is_changed(self, book: Repositories) -> None:
        client = await make_client(book, "C1")
        await change(book, client, {"attitude": {"satisfaction": 6}}, proof=self.NEW)
        before = await everything(book)
        given = {"profile": {"tags": ["a"]}, "attitude": {"satisfaction": 3}}
        with pytest.raises(Refused, match=r"attitude\.satisfaction has .* observed later, at 2026-11-01T00:00:00Z"):
            await change(book, client, given, proof=self.OLD)
        with pytest.raises(Refused, match="observedAt takes a moment"):
            await change(book, client, given, proof=Proof(keeps_newer=True))
        assert await everything(book) == before

    async def test_what_is_unset_as_old_or_not_asked_to_stay_is_set(self, book: Repositories) -> None:
        client = await make_client(book, "C1")
        key = Guard(idempotency_key="k")
        await change(book, client, {"attitude": {"satisfaction": 6}}, key, proof=self.OLD)
        again = await change(book, client, {"attitude": {"satisfaction": 6}}, key, proof=self.OLD)
        assert again.is_replay
        await change(book, client, {"attitude": {"satisfaction": 5}}, proof=self.OLD)
        await change(book, client, {"attitude": {"satisfaction": 4}}, proof=self.NEW)
        older = Proof(observed_at=self.OLD.observed_at)
        await change(book, client, {"attitude": {"satisfaction": 3}}, proof=older)
        document = await stored(book, client)
        assert document["attitude"] == {"satisfaction": 3}
        assert [each["observedAt"] for each in document["tail"][1:]] == [
            self.OLD.observed_at, self.OLD.observed_at, self.NEW.observed_at, self.OLD.observed_at,
        ]  # fmt: skip
