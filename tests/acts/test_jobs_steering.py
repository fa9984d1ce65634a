"""Pausing, resuming, cancelling and sending again: what each takes, and what it says where it cannot be."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from acts.jobs import enqueue
from acts.jobs_steering import cancel_job, pause_job, resume_job, retry_job
from catalogue.errors import ErrorCode, KehuError
from policy.jobs import JobState
from policy.viewer import Viewer
from repositories.errors import NotFound
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import everything

ANA = Viewer("M001", frozenset(("relationship_manager",)))
BEN = Viewer("M002", frozenset(("relationship_manager",)))
STEWARD = Viewer("S001", frozenset(("data_steward",)))
Act = Callable[[Viewer, Repositories, str], Awaitable[dict[str, Any]]]
ACTS: tuple[Act, ...] = (pause_job, resume_job, cancel_job, retry_job)
BECOMES: dict[Act, tuple[str | None, ...]] = {
    #           QUEUED       RUNNING      PAUSED       DONE  FAILED    CANCELLED
    pause_job: ("PAUSED", "PAUSED", "PAUSED", None, None, None),
    resume_job: ("QUEUED", "RUNNING", "QUEUED", None, None, None),
    cancel_job: ("CANCELLED", "CANCELLED", "CANCELLED", None, None, "CANCELLED"),
    retry_job: ("QUEUED", "RUNNING", None, None, "QUEUED", None),
}


async def standing(book: Repositories, state: JobState) -> str:
    job = await enqueue(ANA, book, "walk", {})
    more = {"error": "no", "errorCode": "INTERNAL"} if state is JobState.FAILED else {}
    await book.jobs.collection.update_one({ID: job.id}, {"$set": {"state": str(state), "tries": 5, **more}})
    return job.id


class TestSteer:
    @pytest.mark.parametrize("act", ACTS)
    async def test_what_becomes_of_each_state(self, book: Repositories, act: Act) -> None:
        for state, wanted in zip(JobState, BECOMES[act], strict=True):
            job = await standing(book, state)
            if wanted is None:
                before = await everything(book)
                with pytest.raises(KehuError, match=f"The job {job} is {state}") as refused:
                    await act(ANA, book, job)
                assert refused.value.code is ErrorCode.JOB_STATE
                assert await everything(book) == before
            else:
                done = await act(ANA, book, job)
                assert (done[ID], done["state"]) == (job, wanted)

    async def test_sent_again_it_has_all_its_tries(self, book: Repositories) -> None:
        job = await standing(book, JobState.FAILED)
        assert "error" not in await retry_job(ANA, book, job)
        found = await book.jobs.collection.find_one({ID: job}) or {}
        assert (found["tries"], "error" in found, "errorCode" in found) == (0, False, False)

    async def test_the_input_is_not_shown(self, book: Repositories) -> None:
        done = await pause_job(ANA, book, await standing(book, JobState.QUEUED))
        assert not {"input", "checkpoint", "result", "purpose"} & set(done)

    @pytest.mark.parametrize("act", ACTS)
    async def test_of_others_only_by_those_who_may(self, book: Repositories, act: Act) -> None:
        state = next(each for each, wanted in zip(JobState, BECOMES[act], strict=True) if wanted and wanted != each)
        job = await standing(book, state)
        before = await everything(book)
        for viewer, name in ((BEN, job), (STEWARD, "jb_none")):
            with pytest.raises(NotFound, match=f'There is no job "{name}" that you may see'):
                await act(viewer, book, name)
        assert await everything(book) == before
        assert (await act(STEWARD, book, job))[ID] == job
