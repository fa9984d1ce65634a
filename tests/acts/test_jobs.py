"""Asking for jobs, what a handler hears when it reports, and whose words are whose."""

from datetime import timedelta
from typing import Any

import pytest

from acts.checks import now
from acts.jobs import INPUT_LIMIT_BYTES, Job, JobRun, JobStopped, Lease, enqueue, find_job, job_from, shown_words
from acts.jobs_steering import pause_job
from catalogue.errors import ErrorCode, KehuError
from policy.jobs import JobState
from policy.viewer import Viewer, program
from repositories.access import Touched
from repositories.errors import KeyReused
from repositories.repositories import Repositories
from tests.books import everything

ANA = Viewer("M001", frozenset(("relationship_manager",)), purpose="CREDIT_REVIEW")
BEN = Viewer("M002", frozenset(("relationship_manager",)))
STEWARD = Viewer("S001", frozenset(("data_steward",)))


async def running(book: Repositories, job: Job, owner: str = "w1", **more: Any) -> JobRun:
    found = await book.jobs.claim(owner, (job.kind,), now(), now() + timedelta(seconds=30))
    assert found is not None
    return JobRun(job_from(found), ANA, book.jobs, Lease(owner, 30.0), **more)


class TestEnqueue:
    async def test_a_job_is_what_was_asked_for(self, book: Repositories) -> None:
        given = {"$where": [1, {"a.b": None}]}
        job = await enqueue(ANA, book, "walk", given)
        assert await find_job(ANA, book, job.id) == job
        assert (job.kind, job.input, job.state, job.by) == ("walk", given, JobState.QUEUED, "M001")
        assert (job.roles, job.purpose, job.checkpoint) == (ANA.roles, "CREDIT_REVIEW", {})

    async def test_the_same_key_is_the_same_job_of_the_same_person(self, book: Repositories) -> None:
        first = await enqueue(ANA, book, "walk", {"far": 1}, key="k")
        assert await enqueue(ANA, book, "walk", {"far": 1}, key="k") == first
        assert (await enqueue(BEN, book, "walk", {"far": 1}, key="k")).id != first.id
        before = await everything(book)
        with pytest.raises(KeyReused):
            await enqueue(ANA, book, "walk", {"far": 2}, key="k")
        assert await everything(book) == before

    async def test_not_before_its_time(self, book: Repositories) -> None:
        await enqueue(ANA, book, "walk", {}, start_after=now() + timedelta(hours=1))
        assert await book.jobs.claim("w", ("walk",), now(), now()) is None
        assert await book.jobs.claim("w", ("walk",), now() + timedelta(hours=2), now()) is not None

    async def test_what_no_job_takes(self, book: Repositories) -> None:
        with pytest.raises(KehuError, match="up to 1,000,000 bytes; got 1,000,0") as refused:
            await enqueue(ANA, book, "walk", {"words": "x" * INPUT_LIMIT_BYTES})
        assert refused.value.code is ErrorCode.INVALID_VALUE
        with pytest.raises(TypeError):
            await enqueue(ANA, book, "walk", {"at": now()})
        assert (await everything(book))["jobs"] == []


class TestFindJob:
    async def test_ones_own_or_everybodys(self, book: Repositories) -> None:
        job = await enqueue(ANA, book, "walk", {})
        assert await find_job(BEN, book, job.id) is None
        assert await find_job(STEWARD, book, job.id) == job


class TestReport:
    async def test_progress_and_checkpoint(self, book: Repositories) -> None:
        run = await running(book, await enqueue(ANA, book, "walk", {}))
        await run.report(1, 3, checkpoint={"at": "a"}, note="walking")
        await run.report(2)
        found = await find_job(ANA, book, run.job.id)
        assert found is not None
        assert (found.progress, found.checkpoint, found.tries) == (run.job.progress, {"at": "a"}, 0)
        assert (found.progress.done, found.progress.total, found.progress.note) == (2, 3, "walking")

    async def test_what_was_done_is_kept_when_it_is_to_stop(self, book: Repositories) -> None:
        run = await running(book, await enqueue(ANA, book, "walk", {}))
        await pause_job(ANA, book, run.job.id)
        with pytest.raises(JobStopped, match="it is PAUSED"):
            await run.report(1, checkpoint={"at": "a"})
        found = await find_job(ANA, book, run.job.id)
        assert found is not None
        assert (found.state, found.checkpoint, run.is_lost) == (JobState.PAUSED, {"at": "a"}, False)

    async def test_a_worker_that_ends(self, book: Repositories) -> None:
        run = await running(book, await enqueue(ANA, book, "walk", {}))
        run.stop = "its worker ends"
        with pytest.raises(JobStopped, match="its worker ends"):
            await run.report(1, checkpoint={"at": "a"})
        found = await find_job(ANA, book, run.job.id)
        assert found is not None
        assert found.checkpoint == {"at": "a"}

    async def test_a_lost_lease(self, book: Repositories) -> None:
        run = await running(book, await enqueue(ANA, book, "walk", {}))
        await book.jobs.claim("w2", ("walk",), now() + timedelta(minutes=1), now() + timedelta(minutes=2))
        before = await everything(book)
        with pytest.raises(JobStopped, match="its lease was lost"):
            await run.report(9, checkpoint={"at": "z"})
        assert run.is_lost
        assert await everything(book) == before

    async def test_the_audit_comes_first_and_once(self, book: Repositories) -> None:
        heard: list[tuple[str, str, set[str]]] = []

        async def noted(viewer: Viewer, name: str, touched: Touched) -> None:
            heard.append((viewer.person, name, set(touched.records["clients"])))

        run = await running(book, await enqueue(ANA, book, "walk", {}), noted=noted)
        run.touched.note("clients", ("cl_1",))
        await run.report(1)
        await run.report(2)
        run.touched.note("clients", ("cl_2",))
        await run.report(3)
        name = f"job walk {run.job.id}"
        assert heard == [("M001", name, {"cl_1"}), ("M001", name, {"cl_2"})]


class TestShownWords:
    @pytest.mark.parametrize(
        ("viewer", "by", "roles", "shown"),
        [
            (ANA, "M001", ["relationship_manager"], "why"),
            (STEWARD, "M001", ["relationship_manager"], None),
            (STEWARD, "kehu-worker", ["system"], "why"),
            (program("kehu-worker"), "M001", ["relationship_manager"], None),
        ],
    )
    def test_to_whom(self, viewer: Viewer, by: str, roles: list[str], shown: str | None) -> None:
        assert shown_words(viewer, {"by": by, "roles": roles, "error": "why"}, "error") == shown
