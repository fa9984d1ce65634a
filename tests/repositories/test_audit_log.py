"""The chain of one process: groups, refusals, the queue, clocks and restarts."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import repositories.audit_log as audit_log
from repositories.audit import AuditRepository
from repositories.audit_log import Head, NotAudited
from repositories.compile.audit import BEGINNING, Document
from repositories.errors import Unavailable
from repositories.repositories import Repositories
from tests.audits import KEY, Trail, read_of
from tests.conftest import CommandLog
from tests.figures import Figure


@pytest.fixture
def trail(book: Repositories, tmp_path: Path) -> Trail:
    return Trail(book, tmp_path / "heads.jsonl")


@pytest.fixture
def refuse(book: Repositories, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Makes the store of the audit refuse, or take again what it is given."""
    whole = type(book.audit).append
    refusing = [False]

    async def append(self: object, entries: Sequence[Document]) -> None:
        if refusing[0]:
            raise Unavailable
        await whole(book.audit, entries)

    monkeypatch.setattr(type(book.audit), "append", append)

    def change(is_refusing: bool) -> None:
        refusing[0] = is_refusing

    return change


class TestCommit:
    async def test_a_chain_from_its_opening_on(self, trail: Trail) -> None:
        log = await trail.written(read_of("cl_1"), read_of("cl_2"))
        entries = await trail.entries()
        assert [each["kind"] for each in entries] == ["opened", "query", "query"]
        assert [each["sequence"] for each in entries] == [0, 1, 2]
        assert [each["previous"] for each in entries] == [BEGINNING, entries[0]["hash"], entries[1]["hash"]]
        assert [each["signature"] for each in entries] == [KEY.sign(each["hash"].encode()) for each in entries]
        assert log.head == Head(entries[0]["partition"], 2, entries[2]["hash"], entries[2]["at"])

    @pytest.mark.real_drivers
    async def test_a_hundred_at_once_are_a_few_inserts(
        self, trail: Trail, command_log: CommandLog, figure: Figure
    ) -> None:
        log = await trail.written(closes=False)
        command_log.clear()
        await asyncio.gather(*(log.commit([read_of(f"cl_{each}")]) for each in range(100)))
        inserts = command_log.names.count("insert")
        figure(f"audit: {inserts} inserts for 100 requests at once")
        assert inserts <= 3
        assert len(await trail.entries()) == 101

    async def test_is_in_the_database_when_it_returns(self, trail: Trail) -> None:
        log = await trail.written(closes=False)

        async def one(name: str) -> None:
            await log.commit([read_of(name)])
            assert [each for each in await trail.entries() if each.get("clients") == [name]]

        await asyncio.gather(*(one(f"cl_{each}") for each in range(20)))

    async def test_whoever_stops_waiting_does_no_harm_to_the_others(self, trail: Trail) -> None:
        log = await trail.written(closes=False)
        tasks = [asyncio.create_task(log.commit([read_of(f"cl_{each}")])) for each in range(5)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in done] == [type(None)] * 2 + [asyncio.CancelledError] + [type(None)] * 2
        assert len(await trail.entries()) == 6

    async def test_a_long_list_is_several_entries(self, trail: Trail) -> None:
        await trail.written(read_of(*(f"cl_{each:05}" for each in range(5_001))))
        assert [len(each.get("clients", ())) for each in await trail.entries()] == [0, 5_000, 1]
        assert not (await trail.verified()).counts


class TestRefusal:
    async def test_all_of_the_group_hear_of_it_and_the_chain_goes_on_in_a_new_partition(
        self, trail: Trail, refuse: Callable[[bool], None]
    ) -> None:
        log = await trail.written(read_of("cl_1"), closes=False)
        refuse(True)
        both = await asyncio.gather(*(log.commit([read_of("cl_2")]) for _ in range(2)), return_exceptions=True)
        assert [type(each) for each in both] == [NotAudited, NotAudited]
        refuse(False)
        await log.commit([read_of("cl_3")])
        await log.close([])
        entries = await trail.entries()
        assert [each["sequence"] for each in entries] == [0, 1, 0, 1]
        assert [each["clients"] for each in entries if "clients" in each] == [["cl_1"], ["cl_3"]]
        assert not (await trail.verified()).counts

    async def test_what_an_insert_leaves_that_was_not_confirmed_is_no_false_alarm(
        self, trail: Trail, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A primary that is killed may keep what it never confirmed: in part, whole, or not at all."""
        log = await trail.written(read_of("cl_1"), closes=False)
        audit = type(trail.repositories.audit)
        whole, kept = audit.append, iter((0, 1, 3, 2, 0))

        async def append(self: AuditRepository, entries: Sequence[Document]) -> None:
            if count := next(kept):
                await whole(self, entries[:count])
            raise Unavailable

        monkeypatch.setattr(audit, "append", append)
        for _ in range(5):
            with pytest.raises(NotAudited):
                await log.commit([read_of("cl_2"), read_of("cl_3")])
        monkeypatch.setattr(audit, "append", whole)
        await log.commit([read_of("cl_4")])
        await log.close([])
        entries = await trail.entries()
        assert len({entry["partition"] for entry in entries}) >= 4
        assert (await trail.verified()).counts == {}

    async def test_a_partition_that_somebody_makes_up_is_found_beside_those(
        self, trail: Trail, refuse: Callable[[bool], None]
    ) -> None:
        log = await trail.written(read_of("cl_1"), closes=False)
        refuse(True)
        with pytest.raises(NotAudited):
            await log.commit([read_of("cl_2")])
        refuse(False)
        await log.close([read_of("cl_3")])
        made_up = [
            entry | {"_id": entry["_id"].replace(entry["partition"], "made-up"), "partition": "made-up"}
            for entry in await trail.entries()
            if entry["partition"] == trail.announced[0].partition
        ]
        await trail.repositories.audit.append(made_up)
        assert "UNANNOUNCED" in (await trail.verified()).counts

    async def test_an_entry_that_was_put_before_its_time_is_never_passed_over(self, trail: Trail) -> None:
        log = await trail.written(read_of("cl_1"), closes=False)
        [first, last] = await trail.entries()
        forged = last | {"_id": last["_id"][:-1] + "2", "sequence": 2}
        await trail.repositories.audit.append([forged])
        with pytest.raises(NotAudited):
            await log.commit([read_of("cl_2")])
        await log.commit([read_of("cl_2")])
        assert {each["partition"] for each in await trail.entries()} > {first["partition"]}

    async def test_a_head_that_cannot_be_kept_refuses_too(self, trail: Trail) -> None:
        async def fail(_head: Head) -> None:
            raise OSError("no space")

        with pytest.raises(NotAudited):
            await trail.log(announce=fail).open()

    async def test_the_words(self) -> None:
        error = NotAudited()
        assert (error.code, "same idempotencyKey" in error.message) == ("UNAVAILABLE", True)


class TestPut:
    async def test_is_written_soon(self, trail: Trail) -> None:
        log = await trail.written(closes=False)
        await log.put([read_of("cl_1")])
        await log.close([])
        assert [each.get("clients") for each in await trail.entries()] == [None, ["cl_1"]]

    async def test_waits_only_while_the_queue_is_full(
        self, trail: Trail, refuse: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(audit_log, "QUEUE_ENTRIES", 2)
        monkeypatch.setattr(audit_log, "RETRY_SECONDS", 0.05)
        log = await trail.written(closes=False)
        refuse(True)
        await log.put([read_of("cl_1")])
        await log.put([read_of("cl_2")])
        third = asyncio.create_task(log.put([read_of("cl_3")]))
        await asyncio.sleep(0.2)
        assert not third.done()
        assert log.is_full
        refuse(False)
        async with asyncio.timeout(5):
            await third
        await log.close([])
        kept = [each["clients"] for each in await trail.entries() if "clients" in each]
        assert kept == [["cl_1"], ["cl_2"], ["cl_3"]]


class TestAnnounce:
    async def test_at_the_start_when_it_has_moved_and_at_the_end(self, trail: Trail) -> None:
        log = await trail.written(closes=False)
        await log.announce()
        assert [each.sequence for each in trail.announced] == [-1, 0]
        await log.commit([read_of("cl_1")])
        await log.announce()
        await log.close([read_of("cl_2")])
        assert [each.sequence for each in trail.announced] == [-1, 0, 1, 2]


class TestClose:
    async def test_nothing_is_tried_again_after_it(
        self, trail: Trail, refuse: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(audit_log, "RETRY_SECONDS", 0.01)
        log = await trail.written(closes=False)
        refuse(True)
        await log.put([read_of("cl_1")])
        await asyncio.sleep(0.005)
        with pytest.raises(NotAudited):
            await log.close([])
        refuse(False)
        await asyncio.sleep(0.05)
        assert len(await trail.entries()) == 1


class TestClocksAndRestarts:
    async def test_a_clock_that_goes_back_does_not_matter(self, trail: Trail) -> None:
        moments = [datetime(2026, 11, 26, 9, tzinfo=UTC) - timedelta(minutes=5 * each) for each in range(20)]
        clock = iter(moments)
        log = trail.log(lambda: next(clock))
        await log.open()
        for at in moments[1:]:
            await log.commit([read_of("cl_1", at=at)])
        await log.close([])
        entries = await trail.entries()
        assert [each["sequence"] for each in entries] == list(range(20))
        assert [each["at"] for each in entries] == moments
        assert not (await trail.verified()).counts

    async def test_each_process_has_a_partition_of_its_own(self, trail: Trail) -> None:
        for _ in range(3):
            await trail.written(read_of("cl_1"))
        report = await trail.verified()
        assert (report.entries, report.partitions, report.heads, dict(report.counts)) == (6, 3, 9, {})

    async def test_a_killed_one_leaves_a_whole_chain(self, trail: Trail) -> None:
        await trail.written(read_of("cl_1"), closes=False)
        await trail.written(read_of("cl_2"))
        assert not (await trail.verified()).counts
