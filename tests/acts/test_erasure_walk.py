"""A client is erased of whom everything in the database tells: a walk over all collections finds nothing of it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from acts.approvals import Decision, decide_approval
from acts.checks import UNGUARDED, Guard, now
from acts.clients import NewClient, change_client, create_client
from acts.erasure import prove_erasure
from acts.erasure_approved import propose_erasure
from acts.files import ask_upload
from acts.grants import NewGrant, create_grant, revoke_grant
from acts.jobs import enqueue
from acts.merge import MergeRequest, merge_clients
from acts.performers import PERFORMERS
from acts.segments import change_segment
from acts.subject_data import subject_data
from api.privacy_command import OFFICER, subject_json
from catalogue.attribute import ClientKind, Sensitivity
from catalogue.filters import Compare, Or
from catalogue.kinds import Kind, Operator
from policy.viewer import program
from repositories.grants import GrantKind
from repositories.mongo import Store
from repositories.owned import held, unclassified
from repositories.plan import Change
from repositories.reading import Document
from repositories.repositories import Repositories, new_id
from tests.books import NO_PROOF, OTHER, SMALL, VIEWER, attribute, open_book
from tests.segmented import define, snapshot

CATALOGUE = SMALL.with_attributes(
    (
        attribute("profile.taxId", sensitivity=Sensitivity.RESTRICTED, is_lookup=True),
        attribute("profile.affiliates", Kind.CLIENT, is_list=True),
        attribute("profile.keyPeople.employer", Kind.CLIENT),
        attribute("summary", area="interactions"),
        attribute("attendees", Kind.CLIENT, area="interactions", is_list=True),
    )
)
WRITER = program("writer")
UNTIL = now() + timedelta(days=9)
KEPT = {"erasures", "audit", "approvals"}
"""Collections in which the id of an erased client stays."""


class Subject:
    """A client, another one that became part of it, and all that tells of the two."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.numbers = (f"{letter}-10001", f"{letter}2")
        self.canary = f"CANARY-{letter}"
        self.ids: tuple[str, ...] = ()
        self.records: list[str] = []

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.ids, *self.numbers, self.canary, *self.records)

    async def live(self, book: Repositories) -> None:
        """Let everything happen by which somebody may point at, or name, a client."""
        self.ids = (await self._made(book, self.numbers[0]), await self._made(book, self.numbers[1]))
        kept, merged = self.ids
        for client_id in self.ids:
            await self._records(book, client_id)
        await self._references(book, kept, merged)
        wanted = MergeRequest(kept, merged, await version(book, kept), await version(book, merged))
        await merge_clients(WRITER, book, wanted, key=f"merge {self.letter}")
        await self._texts(book, kept)

    async def _made(self, book: Repositories, number: str) -> str:
        given = {"profile": {"name": self.canary, "taxId": self.canary}}
        new = NewClient(number, ClientKind.ORGANISATION, facets=given)
        client_id = str((await create_client(WRITER, book, new, NO_PROOF, UNGUARDED)).document["_id"])
        for place in range(25):
            profile = {"profile": {"name": f"{self.canary} {place}"}}
            await change_client(WRITER, book, client_id, profile, NO_PROOF, UNGUARDED)
        return client_id

    async def _records(self, book: Repositories, client_id: str) -> None:
        contact = {"_id": new_id("interactions"), "clientId": client_id}
        values = {"at": now(), "channel": "PHONE", "summary": self.canary}
        await book.interactions.insert_many([(contact, Change(values, "writer", now()))])
        for kind in GrantKind:
            new = NewGrant(kind, client_id, f"for {self.canary}", person="X", ends_at=UNTIL)
            made = await create_grant(VIEWER, book, new, UNGUARDED)
            await revoke_grant(VIEWER, book, str(made.document["_id"]), Guard(1))
            self.records.append(str(made.document["_id"]))
        self.records.append(str(contact["_id"]))

    async def _references(self, book: Repositories, kept: str, merged: str) -> None:
        """Others who point at the two, or did so once, in changes old and new."""
        people = [{"name": "Li", "employer": kept}, {"name": "Wu", "employer": merged}]
        profile = {"parent": merged, "affiliates": [kept, merged], "keyPeople": people}
        other = await made_plain(book, f"OTHER-{self.letter}", profile)
        once = await made_plain(book, f"ONCE-{self.letter}", profile)
        gone = {"profile": {"parent": None, "affiliates": None, "keyPeople": None}}
        await change_client(WRITER, book, once, gone, NO_PROOF, UNGUARDED)
        for place in range(25):
            await change_client(WRITER, book, once, {"profile": {"name": f"O{place}"}}, NO_PROOF, UNGUARDED)
        values = {"at": now(), "channel": "PHONE", "attendees": [kept, merged]}
        one = {"_id": new_id("interactions"), "clientId": other}
        await book.interactions.insert_many([(one, Change(values, "writer", now()))])

    async def _texts(self, book: Repositories, kept: str) -> None:
        numbered = Compare("number", Operator.IN, (self.numbers[0], self.numbers[1], "C9"))
        where = Or((numbered, Compare("profile.parent", Operator.EQ, kept)))
        found = await define(book, f"S_{self.letter}", where, playbook=f"Ask about {self.numbers[0]} ({kept}).")
        await snapshot(book, 0)
        guard = Guard(found["version"])
        words = {"playbook": f"Forget {self.numbers[0]}."}
        await change_segment(VIEWER, book, f"S_{self.letter}", words, guard=guard)
        order = {"where": {"number": {"eq": self.numbers[1]}}, "search": kept}
        await enqueue(VIEWER, book, "export", {"order": order}, key=f"export {self.letter}")
        await ask_upload(VIEWER, book, f"{self.numbers[0]}.csv")
        refused = await propose_erasure(VIEWER, book, kept, f"{self.canary} has died")
        await decided(book, refused, Decision(is_approved=False, reason=f"{self.canary} lives"))


async def decided(book: Repositories, proposed: Document, decision: Decision) -> Document:
    return await decide_approval(OTHER, book, str(proposed["_id"]), decision, UNGUARDED, PERFORMERS)


async def made_plain(book: Repositories, number: str, profile: Mapping[str, Any]) -> str:
    new = NewClient(number, ClientKind.ORGANISATION, facets={"profile": {"name": number, **profile}})
    return str((await create_client(WRITER, book, new, NO_PROOF, UNGUARDED)).document["_id"])


async def version(book: Repositories, client_id: str) -> int:
    found = await book.clients.collection.find_one({"_id": client_id}, {"version": 1})
    assert found is not None
    return int(found["version"])


def names(value: object, words: tuple[str, ...]) -> bool:
    """Whether one of the words stands anywhere in a value."""
    if isinstance(value, Mapping):
        return any(names(each, words) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return any(names(each, words) for each in value)
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return any(each in text for each in words)


async def walked(store: Store, words: tuple[str, ...]) -> dict[str, int]:
    """How many documents of each collection say one of the words."""
    found = {}
    for name in await store.collection_names():
        count = sum([names(each, words) for each in await store.collection(name).find({})])
        found.update({name: count} if count else {})
    return found


@pytest.fixture
async def world(store: Store) -> tuple[Repositories, Subject, Subject]:
    """Two clients who have lived through the same."""
    book = await open_book(store, CATALOGUE)
    subjects = (Subject("A"), Subject("B"))
    for each in subjects:
        await each.live(book)
    return book, *subjects


async def erased(book: Repositories, client_id: str) -> None:
    """Erase a client as two people do."""
    proposed = await propose_erasure(VIEWER, book, client_id, "CANARY-A wants to be forgotten")
    done = await decided(book, proposed, Decision(is_approved=True, reason="CANARY-A may go"))
    assert (done["status"], done.get("outcomeErrors", [])) == ("APPROVED", [])


async def test_nothing_is_left_anywhere(world: tuple[Repositories, Subject, Subject], store: Store) -> None:
    book, subject, control = world
    before = await walked(store, subject.words)
    assert await walked(store, control.words) == before
    assert set(before) == {
        "clients", "changes", "interactions", "grants", "segments", "segment_members", "jobs", "files", "approvals",
        "__kehu_keys",
    }  # fmt: skip
    assert unclassified(CATALOGUE, await store.collection_names()) == []
    await erased(book, subject.ids[0])
    assert await walked(store, (*subject.numbers, subject.canary)) == {}
    assert set(await walked(store, subject.ids)) == {"erasures", "approvals"}
    assert await walked(store, control.words) == before
    proof = await prove_erasure(book, subject.ids[0])
    assert proof.left == ()
    assert proof.copies_until is not None


async def test_who_asks_is_told_everything(world: tuple[Repositories, Subject, Subject]) -> None:
    book, subject, _ = world
    found = subject_json(CATALOGUE, await subject_data(OFFICER, book, subject.ids[0]))
    assert {name: len(rows) for name, rows in found.items() if isinstance(rows, list) and name != "changes"} == {
        "grants": 4,
        "segment_members": 1,
        "interactions": 2,
        "approvals": 1,
    }
    assert {each["id"] for each in (*found["grants"], *found["interactions"])} == set(subject.records)


async def test_whatever_is_written_later_is_found(world: tuple[Repositories, Subject, Subject], store: Store) -> None:
    book, subject, _ = world
    backups = {name: await store.collection(name).find({}) for name in await store.collection_names()}
    await erased(book, subject.ids[0])
    for place in held(CATALOGUE):
        if place.collection in KEPT or place.collection == "changes":
            continue
        rows = [each for each in backups.get(place.collection, ()) if names(each, subject.ids)]
        collection = store.collection(place.collection)
        for row in rows:
            present = await collection.find_one({"_id": row["_id"]})
            await collection.delete_one({"_id": row["_id"]})
            await collection.insert_one(row)
            assert (await prove_erasure(book, subject.ids[0])).left, (place.collection, row["_id"])
            await collection.delete_one({"_id": row["_id"]})
            if present is not None:
                await collection.insert_one(present)
        assert (await prove_erasure(book, subject.ids[0])).left == ()
