"""Erasure: nothing of the client is left, whatever happens in between, and a proof says so."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import bson
import pytest

from acts.checks import UNGUARDED, now
from acts.clients import NewClient, change_client, create_client
from acts.erasure import erase_again, erase_client, get_erasure, prove_erasure
from catalogue.attribute import ClientKind, Sensitivity
from catalogue.filters import Compare
from catalogue.kinds import Kind, Operator
from policy.viewer import Viewer, program
from repositories.access import NotAllowed
from repositories.errors import NotFound, Unavailable
from repositories.mongo import Store
from repositories.plan import Change
from repositories.repositories import Repositories, new_id
from tests.books import NO_PROOF, SMALL, VIEWER, attribute, everything, make_client, open_book, stored
from tests.segmented import define, snapshot, stays

CATALOGUE = SMALL.with_attributes(
    (
        attribute("profile.taxId", sensitivity=Sensitivity.RESTRICTED, is_lookup=True),
        attribute("profile.affiliates", Kind.CLIENT, is_list=True),
        attribute("profile.keyPeople.employer", Kind.CLIENT),
        attribute("summary", area="interactions"),
    )
)
WRITER = program("writer")
CANARY = "CANARY-TAX"


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, CATALOGUE)


async def canary(book: Repositories, number: str = "C1", **profile: object) -> str:
    """A client with a secret that was changed once."""
    given = {"profile": {"name": f"{CANARY} {number}", "taxId": f"{CANARY}-1", **profile}}
    written = await create_client(
        WRITER, book, NewClient(number, ClientKind.ORGANISATION, facets=given), NO_PROOF, UNGUARDED
    )
    client_id = str(written.document["_id"])
    await change_client(WRITER, book, client_id, {"profile": {"taxId": f"{CANARY}-2"}}, NO_PROOF, UNGUARDED)
    return client_id


async def contact(book: Repositories, client_id: str) -> None:
    """A contact with the client, with its history moved out as that of bulk records is."""
    values = {"at": now(), "channel": "PHONE", "summary": CANARY}
    one = {"_id": new_id("interactions"), "clientId": client_id}
    await book.interactions.insert_many([(one, Change(values, "writer", now()))])


async def whole(store: Store, *without: str) -> bytes:
    """Everything that the database holds."""
    parts = []
    for name in await store.collection_names():
        if name not in without:
            parts += [bson.encode(each) for each in await store.collection(name).find({})]
    return b"".join(parts)


class TestEraseClient:
    async def test_nothing_is_left_but_the_tombstone(self, book: Repositories, store: Store) -> None:
        one = await canary(book)
        for _ in range(25):
            await change_client(WRITER, book, one, {"profile": {"name": CANARY}}, NO_PROOF, UNGUARDED)
        await contact(book, one)
        other = await make_client(book, "C2")
        await define(book, "ALL", Compare("kind", Operator.EQ, "ORGANISATION"))
        assert (await snapshot(book, 0)).joined == 2
        done = await erase_client(VIEWER, book, one, approval="ap_1")
        everywhere = await whole(store, "erasures")
        assert CANARY.encode() not in everywhere
        assert one.encode() not in everywhere
        assert (done.client_id, done.by, done.approval) == (one, VIEWER.person, "ap_1")
        (tombstone,) = await store.collection("erasures").find({})
        assert {"_id", "begunAt", "erasedAt", "by", "approval", "numberHash", "records"} == set(tombstone)
        assert b"C1" not in bson.encode(tombstone)
        assert (await stored(book, other))["version"] == 1
        assert await stays(book) == [("ALL", other, 0, None)]

    async def test_those_who_pointed_at_it_do_so_no_more(self, book: Repositories) -> None:
        one = await canary(book)
        people = [{"name": "Li", "employer": one}, {"name": "Wu"}]
        two = await make_client(book, "C2", profile={"name": "C2", "parent": one, "keyPeople": people})
        three = await make_client(book, "C3", profile={"name": "C3", "affiliates": [one, two]})
        four = await make_client(book, "C4", profile={"name": "C4", "affiliates": [one]})
        await erase_client(VIEWER, book, one)
        assert (await stored(book, two))["profile"] == {"name": "C2", "keyPeople": [{"name": "Li"}, {"name": "Wu"}]}
        assert (await stored(book, three))["profile"]["affiliates"] == [two]
        assert (await stored(book, four))["profile"] == {"name": "C4"}
        last = (await stored(book, three))["tail"][-1]
        assert (last["by"], last["source"]) == (VIEWER.person, "the client it points at was erased")
        tombstone = await book.erasures.find(one) or {}
        assert {(each["client"], each["path"]) for each in tombstone["references"]} == {
            (two, "profile.parent"),
            (two, "profile.keyPeople.employer"),
            (three, "profile.affiliates"),
            (four, "profile.affiliates"),
        }

    async def test_secrets_of_others_outlive_a_reference_beside_them(self, store: Store) -> None:
        secret = attribute("profile.keyPeople.passport", sensitivity=Sensitivity.RESTRICTED)
        book = await open_book(store, CATALOGUE.with_attributes((secret,)))
        one = await canary(book)
        people = [{"name": "Li", "employer": one, "passport": "P1"}]
        two = await canary(book, "C2", keyPeople=people)
        await erase_client(VIEWER, book, one)
        found = await book.clients.find_by_numbers({"C2"}, opened=["profile.keyPeople"])
        assert found["C2"]["profile"]["keyPeople"] == [{"name": "Li", "passport": "P1"}]
        assert found["C2"]["_id"] == two

    async def test_a_second_time_changes_nothing(self, book: Repositories) -> None:
        one = await canary(book)
        first = await erase_client(VIEWER, book, one)
        before = await everything(book)
        assert await erase_client(VIEWER, book, one) == first == await get_erasure(book, one)
        assert await everything(book) == before

    @pytest.mark.parametrize("step", ["delete_key", "references_to", "forget_names", "delete_records", "left", "end"])
    async def test_stopped_anywhere_it_goes_on(
        self, step: str, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = await canary(book)
        await contact(book, one)
        await make_client(book, "C2", profile={"name": "C2", "parent": one})

        async def stopped(*_given: Any, **_more: Any) -> None:
            raise Unavailable

        with monkeypatch.context() as broken:
            broken.setattr(type(book.erasures), step, stopped)
            with pytest.raises(Unavailable):
                await erase_client(VIEWER, book, one)
        with pytest.raises(NotFound):
            await get_erasure(book, one)
        await erase_client(VIEWER, book, one)
        assert (await prove_erasure(book, one)).left == ()

    async def test_the_number_is_free_again_and_known_as_erased(self, book: Repositories) -> None:
        one = await canary(book)
        await erase_client(VIEWER, book, one)
        assert await book.erasures.was_erased("C1")
        assert not await book.erasures.was_erased("C2")
        assert await canary(book) != one

    async def test_only_who_may_and_only_clients_that_are_seen(self, book: Repositories) -> None:
        one = await canary(book)
        before = await everything(book)
        with pytest.raises(NotAllowed, match="ERASE_CLIENTS"):
            await erase_client(Viewer("M001", frozenset(("team_lead",)), team="A"), book, one)
        with pytest.raises(NotFound):
            await erase_client(replace(VIEWER, walled=frozenset((one,))), book, one)
        with pytest.raises(NotFound):
            await erase_client(VIEWER, book, "cl_nobody")
        assert await everything(book) == before


class TestProveErasure:
    async def test_a_client_who_is_there(self, book: Repositories) -> None:
        one = await canary(book)
        await contact(book, one)
        await make_client(book, "C2", profile={"name": "C2", "parent": one})
        proof = await prove_erasure(book, one)
        assert {each.place: each.count for each in proof.left} == {
            "data keys": 1,
            "clients": 1,
            "interactions": 1,
            "references at profile.parent": 1,
            "history of others": 1,
        }
        assert proof.readable_until is None
        assert not proof.is_proven(now() + timedelta(days=1))

    async def test_it_is_proven_when_no_process_can_have_the_key_any_more(self, book: Repositories) -> None:
        one = await canary(book)
        done = await erase_client(VIEWER, book, one)
        proof = await prove_erasure(book, one)
        assert (proof.left, proof.erased_at) == ((), done.erased_at)
        assert proof.readable_until == done.erased_at + timedelta(seconds=60)
        assert not proof.is_proven(done.erased_at + timedelta(seconds=59))
        assert proof.is_proven(done.erased_at + timedelta(seconds=60))

    @pytest.mark.parametrize("place", ["clients", "changes", "interactions", "segment_members", "__kehu_keys"])
    async def test_whatever_comes_back_is_found_and_erased_again(
        self, place: str, book: Repositories, store: Store
    ) -> None:
        one = await canary(book)
        await contact(book, one)
        for _ in range(25):
            await change_client(WRITER, book, one, {"profile": {"name": CANARY}}, NO_PROOF, UNGUARDED)
        await define(book, "ALL", Compare("kind", Operator.EQ, "ORGANISATION"))
        await snapshot(book, 0)
        backup = await store.collection(place).find({})
        await erase_client(VIEWER, book, one)
        # The secret of the look-ups has a key of its own, which is still there.
        there = {each["_id"] for each in await store.collection(place).find({}, {"_id": 1})}
        await store.collection(place).insert_many([each for each in backup if each["_id"] not in there])
        assert [each.place for each in (await prove_erasure(book, one)).left] == [
            {"__kehu_keys": "data keys", "segment_members": "segment members"}.get(place, place)
        ]
        assert await erase_again(VIEWER, book) == [one]
        assert (await prove_erasure(book, one)).left == ()
        assert await erase_again(VIEWER, book) == []
