"""Verification: everything that is tampered with is found, and nothing else is."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from acts.checks import Guard
from acts.clients import change_client
from acts.grants import NewGrant, create_grant
from acts.interactions import NewInteraction, record_interaction
from acts.merge import MergeRequest, merge_clients
from acts.upsert_rows import ClientRow
from acts.upserts import upsert_clients
from api.audit_heads import AuditKey
from catalogue.attribute import ClientKind
from catalogue.builtin import builtin_catalogue
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.audit import AUDIT
from repositories.compile.audit import BEGINNING, Deed, Document, body_from, chained, entry_hash, entry_id
from repositories.grants import GrantKind
from repositories.mongo import Collection, Store
from repositories.repositories import Repositories
from tests.audits import Trail, now, read_of
from tests.books import NO_PROOF, VIEWER, make_client, open_book, stored
from tests.figures import Figure

ROUNDS = 50 if os.environ.get("KEHU_TEST_LONG") else 15
PARTITIONS, ENTRIES = 3, 12


@dataclass
class Victim:
    """A whole audit, and the hands of somebody who has the database but neither the key nor the file of heads."""

    trail: Trail
    collection: Collection
    entries: list[Document]
    random: Random

    def chain(self) -> list[Document]:
        """The entries of one partition, in order."""
        partition = self.random.choice(sorted({each["partition"] for each in self.entries}))
        return [each for each in self.entries if each["partition"] == partition]

    async def put(self, entry: Document) -> None:
        """Write over an entry, or beside the others."""
        await self.collection.delete_one({"_id": entry["_id"]})
        await self.collection.insert_one(dict(entry))

    async def restore(self) -> None:
        await self.collection.delete_many({})
        await self.collection.insert_many([dict(each) for each in self.entries])


async def changed(victim: Victim) -> None:
    """One field of one entry says something else."""
    entry = dict(victim.random.choice(victim.chain()))
    others: dict[str, Any] = {"person": "nobody", "clients": [], "outcome": "error", "at": now(), "purpose": "AUDIT"}
    name = victim.random.choice(sorted(others))
    await victim.put(entry | {name: others[name]})


async def deleted(victim: Victim) -> None:
    """An entry is gone, with others behind it."""
    chain = victim.chain()
    await victim.collection.delete_one({"_id": victim.random.choice(chain[:-1])["_id"]})


async def cut_off(victim: Victim) -> None:
    """The last entries are gone; or all of the partition."""
    chain = victim.chain()
    kept = victim.random.choice((0, victim.random.randrange(1, len(chain))))
    await victim.collection.delete_many({"_id": {"$in": [each["_id"] for each in chain[kept:]]}})


async def swapped(victim: Victim) -> None:
    """Two entries have changed places; sometimes with hashes that fit what each says now."""
    one, other = victim.random.sample(victim.chain(), 2)
    is_rehashed = victim.random.random() < 0.5
    for place, said in ((one, other), (other, one)):
        entry = {**said, "_id": place["_id"], "sequence": place["sequence"]}
        if is_rehashed:
            entry |= {"previous": place["previous"]}
            entry["hash"] = entry_hash(entry)
        await victim.put(entry)


async def forged(victim: Victim) -> None:
    """An entry that nobody wrote: behind the others, between them, or in a partition of its own."""
    chain = victim.chain()
    place = victim.random.choice((len(chain), victim.random.randrange(1, len(chain)), 0))
    if place == 0:
        await victim.put(chained(read_of("cl_1"), "20261126T090000000000-000000000000", 0, BEGINNING))
        return
    entry = chained(read_of("cl_1"), chain[0]["partition"], place, chain[place - 1]["hash"])
    await victim.put(entry | {"signature": chain[-1]["signature"]})
    for each in chain[place:]:
        moved = {**each, "_id": entry_id(each["partition"], each["sequence"] + 1), "sequence": each["sequence"] + 1}
        await victim.put(moved)


async def rewritten(victim: Victim) -> None:
    """An entry is changed and every hash from there on is worked out anew."""
    chain = victim.chain()
    place = victim.random.randrange(len(chain))
    previous = chain[place]["previous"]
    for each in chain[place:]:
        entry = {**each, "previous": previous}
        if each is chain[place]:
            entry["person"] = "nobody"
        entry["hash"] = previous = entry_hash(entry)
        await victim.put(entry)


KINDS: tuple[Callable[[Victim], Awaitable[None]], ...] = (changed, deleted, cut_off, swapped, forged, rewritten)


@pytest.fixture
async def victim(book: Repositories, tmp_path: Path) -> Victim:
    trail = Trail(book, tmp_path / "heads.jsonl")
    for partition in range(PARTITIONS):
        bodies = [read_of(f"cl_{partition}", f"cl_{each}") for each in range(ENTRIES - 1)]
        # The last one is a server that was killed: its end is only as far as its last head.
        log = await trail.written(*bodies, closes=False)
        await log.announce()
    return Victim(trail, book.store.collection(AUDIT), await trail.entries(), Random(20261126))


class TestTampering:
    async def test_every_one_is_found_and_nothing_else(self, victim: Victim, figure: Figure) -> None:
        found = false = 0
        kinds: Counter[str] = Counter()
        for tamper in KINDS:
            for round_ in range(ROUNDS):
                await tamper(victim)
                report = await victim.trail.verified()
                found += bool(report.counts)
                kinds.update(report.counts.keys())
                await victim.restore()
                if round_ % 10 == 0:
                    false += bool((await victim.trail.verified()).counts)
        shown = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        figure(f"audit: tampering found: {found} of {len(KINDS) * ROUNDS}; false alarms: {false} ({shown})")
        assert (found, false) == (len(KINDS) * ROUNDS, 0)

    @pytest.mark.parametrize(
        ("hand", "kinds"),
        [
            (changed, {"CHANGED"}),
            (deleted, {"MISSING"}),
            (cut_off, {"CUT_OFF"}),
        ],
    )
    async def test_is_named(self, victim: Victim, hand: Callable[[Victim], Awaitable[None]], kinds: set[str]) -> None:
        await hand(victim)
        report = await victim.trail.verified()
        assert set(report.counts) >= kinds
        assert {each.partition for each in report.findings} < {each["partition"] for each in victim.entries}
        assert all(each.message for each in report.findings)

    async def test_a_partition_without_a_head_is_nobodys(self, victim: Victim) -> None:
        head = (await victim.trail.written(read_of("cl_1"))).head
        assert head is not None
        lines = victim.trail.file.read_bytes().splitlines(keepends=True)
        victim.trail.file.write_bytes(b"".join(lines[:-3]))
        report = await victim.trail.verified()
        assert [(each.kind, each.partition) for each in report.findings] == [("UNANNOUNCED", head.partition)]

    async def test_another_key_vouches_for_nothing(self, victim: Victim) -> None:
        report = await victim.trail.verified(AuditKey(bytes(31) + b"1"))
        assert set(report.counts) == {"HEADS", "SIGNATURE", "UNANNOUNCED"}
        assert report.counts["SIGNATURE"] == PARTITIONS


class TestHeadsFile:
    @pytest.mark.parametrize("line", range(2))
    async def test_a_line_that_is_gone_or_changed_is_found(self, victim: Victim, line: int) -> None:
        lines = victim.trail.file.read_bytes().splitlines(keepends=True)
        victim.trail.file.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
        gone = await victim.trail.verified()
        victim.trail.file.write_bytes(b"".join(lines).replace(b'"sequence": 0', b'"sequence": 1', 1))
        altered = await victim.trail.verified()
        assert gone.counts["HEADS"] == 1
        # The line itself, and the next one, which was not written behind it.
        assert altered.counts["HEADS"] == 2


class TestWhole:
    async def test_nothing_yet(self, book: Repositories, tmp_path: Path) -> None:
        trail = Trail(book, tmp_path / "heads.jsonl")
        trail.file.touch()
        report = await trail.verified()
        assert (report.entries, report.partitions, report.changes, dict(report.counts)) == (0, 0, 0, {})

    async def test_counts(self, victim: Victim) -> None:
        report = await victim.trail.verified()
        assert (report.entries, report.partitions, report.heads) == (PARTITIONS * ENTRIES, PARTITIONS, 3 * PARTITIONS)


class TestChanges:
    """Every change of client data since auditing began has its entry, or is named."""

    @pytest.fixture
    async def trail(self, store: Store, tmp_path: Path) -> Trail:
        return Trail(await open_book(store, builtin_catalogue()), tmp_path / "heads.jsonl")

    async def test_those_with_an_entry_and_those_without(self, trail: Trail) -> None:
        book = trail.repositories
        before = await make_client(book, "K0")
        # The moments of the database are whole milliseconds.
        await asyncio.sleep(0.005)
        log = await trail.written(closes=False)
        touched = Touched()

        async def change(value: str, touched: Touched | None) -> None:
            changes = {"profile": {"name": value}}
            await change_client(VIEWER, book, before, changes, NO_PROOF, Guard(), touched=touched)

        for each in range(30):
            await change(f"name {each}", touched)
        await change("without", None)
        rows = [ClientRow(f"K{each}", ClientKind.ORGANISATION, values={"profile.name": "n"}) for each in range(3)]
        report = await upsert_clients(VIEWER, book, rows, NO_PROOF, touched=touched)
        assert not report.problems
        new = NewInteraction(before, values={"at": now(), "channel": "TELEPHONE"})
        contact = await record_interaction(VIEWER, book, new, Guard(), touched=touched)
        await log.commit([body_from(now(), VIEWER, Deed("mutation"), touched)])
        await log.close([])
        assert touched.changed >= {before, str(contact.document["_id"])}
        found = await trail.verified()
        assert (found.changes, found.without_entry_count, found.without_entry) == (35, 1, [f"{before}:32"])
        assert not found.counts

    async def test_a_request_that_was_stopped_before_its_entry_and_sent_again_has_one(self, trail: Trail) -> None:
        book = trail.repositories
        log = await trail.written(closes=False)
        client = await make_client(book, "K0", Guard(idempotency_key="made"))
        guard = Guard(idempotency_key="once")
        await change_client(VIEWER, book, client, {"stage": "ACTIVE"}, NO_PROOF, guard)
        assert (await trail.verified()).without_entry_count == 2
        touched = Touched()
        again = await change_client(VIEWER, book, client, {"stage": "ACTIVE"}, NO_PROOF, guard, touched=touched)
        assert again.is_replay
        assert touched.changes == {f"{client}:2"}
        await log.commit([body_from(now(), VIEWER, Deed("mutation"), touched)])
        assert (await trail.verified()).without_entry == [f"{client}:1"]

    async def test_what_follows_a_merge_has_the_entry_of_the_merge(self, trail: Trail) -> None:
        book = trail.repositories
        log = await trail.written(closes=False)
        keep, merge = await make_client(book, "K0"), await make_client(book, "K1")
        touched = Touched()
        new = NewInteraction(merge, values={"at": now(), "channel": "TELEPHONE"})
        contact = await record_interaction(VIEWER, book, new, Guard(), touched=touched)
        until = now() + timedelta(days=9)
        grant = NewGrant(GrantKind.GRANT, merge, "help", person="P9", ends_at=until)
        granted = await create_grant(VIEWER, book, grant, Guard())
        wanted = MergeRequest(keep, merge, 1, int((await stored(book, merge))["version"]))
        await merge_clients(VIEWER, book, wanted, key="merge", touched=touched)
        await log.commit([body_from(now(), VIEWER, Deed("mutation"), touched)])
        await log.close([])
        found = await trail.verified()
        assert str(contact.document["_id"]) in touched.changed
        # Those that were made here without an entry, the grant among them, and nothing that followed.
        assert set(found.without_entry) >= {f"{granted.document['_id']}:1", f"{keep}:1"}
        assert not {f"{granted.document['_id']}:2", f"{contact.document['_id']}:2"} & set(found.without_entry)

    async def test_a_refused_change_is_none(self, trail: Trail) -> None:
        book = trail.repositories
        await trail.written()
        client = await make_client(book, "K0", Guard(idempotency_key="made"))
        touched = Touched()
        other = Viewer("M9", frozenset(("relationship_manager",)), manager_id="mg_9")
        with pytest.raises(Exception, match="no client"):
            await change_client(other, book, client, {"stage": "LOST"}, NO_PROOF, Guard(), touched=touched)
        assert touched.changes == set()
