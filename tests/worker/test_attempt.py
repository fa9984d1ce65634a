"""One attempt: done, failed, tried again, given up, stopped, lost; and by whose rights."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from acts.jobs import Job, JobRun, find_job
from acts.jobs_steering import cancel_job, pause_job, resume_job, retry_job
from catalogue.errors import ErrorCode, KehuError
from policy.jobs import JobState
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.errors import RepositoryFault, Unavailable
from repositories.jobs import MOST_TRIES
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import AT, change
from tests.worker.hands import ROBOT, Gate, Hands
from worker.attempt import LONGEST_WAIT_SECONDS, UNFORESEEN, wait_after


@pytest.fixture
def hands(book: Repositories) -> Hands:
    return Hands(book)


async def stands(hands: Hands, job: Job) -> Job:
    found = await find_job(ROBOT, hands.book, job.id)
    assert found is not None
    return found


async def good(*_: object) -> Mapping[str, Any]:
    return {"far": 3}


def failing(error: BaseException) -> Any:
    async def step(*_: object) -> None:
        raise error

    return step


class TestCarryOut:
    async def test_done(self, hands: Hands) -> None:
        await hands.ask()
        job = await hands.once(good)
        assert job is not None
        assert (job.state, job.result, job.attempts, job.finished_at) == (JobState.DONE, {"far": 3}, 1, hands.at)
        assert await hands.once(good) is None

    async def test_a_refusal_is_for_good(self, hands: Hands) -> None:
        await hands.ask()
        job = await hands.once(failing(KehuError("No such file.", code=ErrorCode.NOT_FOUND)))
        assert job is not None
        assert (job.state, job.error, job.attempts) == (JobState.FAILED, "No such file.", 1)

    @pytest.mark.parametrize(
        ("error", "says"),
        [
            (ValueError("secret"), UNFORESEEN),
            (asyncio.CancelledError(), UNFORESEEN),
            (RepositoryFault("secret"), UNFORESEEN),
            (Unavailable("Away."), "Away."),
        ],
        ids=["unforeseen", "cancelled by itself", "repository", "unavailable"],
    )
    async def test_anything_else_is_tried_again_later_each_time(
        self, hands: Hands, error: BaseException, says: str
    ) -> None:
        asked = await hands.ask()
        for tries in range(1, MOST_TRIES):
            job = await hands.once(failing(error))
            assert job is not None
            assert (job.state, job.error, job.tries) == (JobState.QUEUED, says, tries)
            hands.pass_by(minutes=tries, seconds=-1)
            assert await hands.once(good) is None
            hands.pass_by(seconds=2)
        job = await hands.once(failing(error))
        assert job is not None
        assert (job.state, job.error, job.attempts) == (JobState.FAILED, says, MOST_TRIES)
        await retry_job(ROBOT, hands.book, asked.id)
        job = await hands.once(good)
        assert job is not None
        assert (job.state, job.error, job.attempts) == (JobState.DONE, None, MOST_TRIES + 1)

    async def test_what_gets_on_may_fail_again_and_again(self, hands: Hands) -> None:
        await hands.ask()

        async def one_step(_viewer: Viewer, _book: Repositories, run: JobRun) -> Mapping[str, Any]:
            at = run.job.checkpoint.get("at", 0) + 1
            if at > 2 * MOST_TRIES:
                return {"at": at}
            await run.report(at, checkpoint={"at": at})
            raise ValueError

        job = None
        while job is None or job.state is JobState.QUEUED:
            job = await hands.once(one_step)
            hands.pass_by(minutes=10)
        assert (job.state, job.result) == (JobState.DONE, {"at": 2 * MOST_TRIES + 1})

    async def test_a_result_that_is_no_json_is_a_fault_of_ours(self, hands: Hands) -> None:
        asked = await hands.ask()

        async def bad(*_: object) -> Mapping[str, Any]:
            return {"at": AT}

        await hands.once(bad)
        assert ((await stands(hands, asked)).state, (await stands(hands, asked)).error) == (JobState.QUEUED, UNFORESEEN)


class TestSteered:
    async def test_paused_and_resumed_it_goes_on_from_its_checkpoint(self, hands: Hands) -> None:
        asked = await hands.ask()
        walked: list[int] = []

        async def walk(_viewer: Viewer, _book: Repositories, run: JobRun) -> None:
            for at in range(run.job.checkpoint.get("at", 0), 4):
                walked.append(at)
                if len(walked) == 2:
                    await pause_job(ROBOT, hands.book, asked.id)
                await run.report(at + 1, 4, checkpoint={"at": at + 1})

        job = await hands.once(walk)
        assert job is not None
        assert (job.state, job.attempts, walked) == (JobState.PAUSED, 0, [0, 1])
        assert await hands.once(walk) is None
        await resume_job(ROBOT, hands.book, asked.id)
        hands.pass_by(seconds=5)
        job = await hands.once(walk)
        assert job is not None
        assert (job.state, job.attempts, walked) == (JobState.DONE, 1, [0, 1, 2, 3])

    async def test_cancelled_it_stays_so_even_if_it_came_to_its_end(self, hands: Hands) -> None:
        asked = await hands.ask()

        async def walk(*_: object) -> Mapping[str, Any]:
            await cancel_job(ROBOT, hands.book, asked.id)
            return {"far": 3}

        job = await hands.once(walk)
        assert job is not None
        assert (job.state, job.result) == (JobState.CANCELLED, {})
        assert "lease" not in (await hands.book.jobs.collection.find_one({ID: asked.id}) or {})


class TestEnd:
    async def test_at_its_next_report_it_is_back_in_the_queue(self, hands: Hands) -> None:
        asked, gate = await hands.ask(), Gate()

        async def walk(_viewer: Viewer, _book: Repositories, run: JobRun) -> None:
            await gate()
            await run.report(1, checkpoint={"at": 1})

        attempt, task = await hands.taken(walk)
        await gate.reached.wait()
        attempt.end()
        gate.open.set()
        await task
        job = await stands(hands, asked)
        assert (job.state, job.attempts, job.tries, job.checkpoint) == (JobState.QUEUED, 0, 0, {"at": 1})

    async def test_broken_off_wherever_it_is(self, hands: Hands) -> None:
        asked, gate = await hands.ask(), Gate()
        attempt, task = await hands.taken(gate)
        await gate.reached.wait()
        attempt.break_off()
        await task
        job = await stands(hands, asked)
        assert (job.state, job.attempts) == (JobState.QUEUED, 0)
        again = await hands.once(good)
        assert again is not None
        assert again.state is JobState.DONE


class TestLease:
    async def test_a_silent_handler_keeps_it(self, hands: Hands) -> None:
        asked, gate = await hands.ask(), Gate()
        hands.lease_seconds = 0.03
        _, task = await hands.taken(gate)
        await gate.reached.wait()
        hands.pass_by(seconds=60)
        await renewed(hands, asked)
        assert await hands.once(good) is None
        gate.open.set()
        await task
        assert (await stands(hands, asked)).state is JobState.DONE

    async def test_once_it_is_lost_the_handler_is_stopped_and_nothing_of_it_counts(self, hands: Hands) -> None:
        asked, gate = await hands.ask(), Gate()
        hands.lease_seconds = 0.03
        await hands.book.jobs.collection.update_one({ID: asked.id}, {"$set": {"dueAt": AT}})
        attempt, task = await hands.taken(gate)
        await gate.reached.wait()
        await hands.book.jobs.collection.update_one({ID: asked.id}, {"$set": {"lease.owner": "another"}})
        await task
        assert attempt.run.is_lost
        found = await hands.book.jobs.collection.find_one({ID: asked.id}) or {}
        assert (found["state"], found["lease"]["owner"], found["attempts"]) == ("RUNNING", "another", 1)

    async def test_with_the_database_away_for_longer_than_it_lasts_it_is_lost(
        self, hands: Hands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await hands.ask()
        gate = Gate()
        hands.lease_seconds = 0.03
        attempt, task = await hands.taken(gate)
        await gate.reached.wait()

        async def away(*_: object) -> JobState:
            raise Unavailable

        monkeypatch.setattr(hands.book.jobs, "renew", away)
        async with asyncio.timeout(10):
            await task
        assert attempt.run.is_lost


async def renewed(hands: Hands, job: Job) -> None:
    """Returns when the lease of a job ends behind the present moment."""
    async with asyncio.timeout(10):
        while (await hands.book.jobs.collection.find_one({ID: job.id}) or {})["dueAt"] <= hands.at:  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.005)


class TestViewer:
    async def test_who_has_lost_a_role_has_it_no_more(self, hands: Hands) -> None:
        await enter(hands.book, "M001", ("team_lead", "data_steward"))
        ana = Viewer("M001", frozenset(("relationship_manager", "team_lead")), purpose="CREDIT_REVIEW")
        await hands.ask(viewer=ana)
        seen: list[Viewer] = []

        async def look(viewer: Viewer, *_: object) -> None:
            seen.append(viewer)

        await hands.once(look)
        (viewer,) = seen
        assert (viewer.person, viewer.roles, viewer.purpose) == ("M001", frozenset(("team_lead",)), "CREDIT_REVIEW")
        assert (viewer.team, viewer.manager_id) == ("north", "mg_M001")

    @pytest.mark.parametrize("is_known", [False, True])
    async def test_who_is_gone_has_nothing_done(self, hands: Hands, is_known: bool) -> None:
        if is_known:
            await enter(hands.book, "M001", ("team_lead",), isActive=False)
        await hands.ask(viewer=Viewer("M001", frozenset(("team_lead",))))
        job = await hands.once(failing(AssertionError("it ran")))
        assert job is not None
        assert (job.state, job.error) == (
            JobState.FAILED,
            "M001, who asked for this job, is not active in the directory any more.",
        )

    async def test_who_changes_while_it_runs_has_it_begun_anew(self, hands: Hands) -> None:
        await enter(hands.book, "M001", ("team_lead",))
        asked, gate = await hands.ask(viewer=Viewer("M001", frozenset(("team_lead",)))), Gate()
        hands.lease_seconds = 0.03

        async def walk(_viewer: Viewer, _book: Repositories, run: JobRun) -> None:
            gate.reached.set()
            while True:
                await asyncio.sleep(0.005)
                await run.report(1)

        _, task = await hands.taken(walk)
        await gate.reached.wait()
        await hands.book.managers.collection.update_one({ID: "mg_M001"}, {"$set": {"team": "south"}})
        async with asyncio.timeout(10):
            await task
        assert (await stands(hands, asked)).state is JobState.QUEUED


async def enter(book: Repositories, person: str, roles: tuple[str, ...], **more: object) -> None:
    record = {ID: f"mg_{person}"}
    values = {"person": person, "name": person, "roles": list(roles), "team": "north", **more}
    await book.managers.insert(record, change(values))


class TestAudit:
    async def test_what_was_touched_is_noted_however_it_ended(self, book: Repositories) -> None:
        heard: list[tuple[str, set[str]]] = []

        async def noted(viewer: Viewer, _name: str, touched: Touched) -> None:
            heard.append((viewer.person, set(touched.records["clients"])))

        hands = Hands(book, noted=noted)

        async def touch(_viewer: Viewer, _book: Repositories, run: JobRun) -> None:
            run.touched.note("clients", (f"cl_{run.job.kind}",))
            if run.job.attempts == 1:
                raise ValueError

        await hands.ask()
        await hands.once(touch)
        hands.pass_by(minutes=2)
        await hands.once(touch)
        assert heard == [("robot", {"cl_walk"})] * 2


class TestWaitAfter:
    def test_longer_each_time_within_bounds(self) -> None:
        for tries in range(1, 40):
            most = min(LONGEST_WAIT_SECONDS, 5 * 2 ** (tries - 1))
            assert most / 2 <= wait_after(tries).total_seconds() <= most
