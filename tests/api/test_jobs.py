"""Jobs over HTTP, websocket and event stream: whose they are, what is shown of them, and how one is followed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from acts.checks import now
from acts.jobs import Job, JobRun, Lease, enqueue, job_from
from policy.viewer import Viewer, program
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.audited import Running, running
from worker.attempt import Manner
from worker.loop import work_once

FIELDS = "id kind state askedBy attempts error errorCode progress { done total share note }"
FOLLOW = f"subscription($id: ID!) {{ jobProgress(id: $id) {{ {FIELDS} finishedAt }} }}"
LIST = f"query($kind: String) {{ jobs(first: 9, kind: $kind) {{ totalCount nodes {{ {FIELDS} }} }} }}"
LEAD = Viewer("the-team_lead", frozenset(("team_lead",)))
STREAM = "text/event-stream"


@pytest.fixture
async def kehu(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, clients=0) as found:
        book(found).jobs.progress.poll_seconds = 0.005
        yield found


def book(kehu: Running) -> Repositories:
    app: Any = kehu.app
    found: Repositories = app.server.repositories()
    return found


async def taken(kehu: Running, job: Job) -> JobRun:
    """The job in the hands of a worker."""
    found = await book(kehu).jobs.claim("w1", (job.kind,), now(), now().replace(year=2999))
    assert found is not None
    return JobRun(job_from(found), program("w1"), book(kehu).jobs, Lease("w1", 30.0))


async def failed(kehu: Running, viewer: Viewer) -> Job:
    job = await enqueue(viewer, book(kehu), "walk", {})
    values = {"state": "FAILED", "error": "12m is no number.", "errorCode": "INVALID_VALUE", "note": "row of C1"}
    await book(kehu).jobs.collection.update_one({ID: job.id}, {"$set": {**values, "done": 1, "total": 4}})
    return job


class TestJobs:
    async def test_ones_own_and_for_those_who_manage_jobs_all_of_them(self, kehu: Running) -> None:
        own, of_kehu = await failed(kehu, LEAD), await failed(kehu, program("kehu-worker"))
        shown = (await kehu.ask(LIST, "team_lead"))["jobs"]
        assert (shown["totalCount"], [each["id"] for each in shown["nodes"]]) == (1, [own.id])
        assert shown["nodes"][0] == {
            "id": own.id,
            "kind": "walk",
            "state": "FAILED",
            "askedBy": "the-team_lead",
            "attempts": 0,
            "error": "12m is no number.",
            "errorCode": "INVALID_VALUE",
            "progress": {"done": 1, "total": 4, "share": 0.25, "note": "row of C1"},
        }
        for role in ("data_steward", "administrator"):
            seen = {each["id"]: each for each in (await kehu.ask(LIST, role))["jobs"]["nodes"]}
            assert seen.keys() == {own.id, of_kehu.id}
            # What somebody else's job was given may stand in its words.
            assert (seen[own.id]["error"], seen[own.id]["progress"]["note"]) == (None, None)
            assert seen[own.id]["errorCode"] == "INVALID_VALUE"
            assert seen[of_kehu.id]["error"] == "12m is no number."
        for role in ("relationship_manager", "risk_officer", "auditor"):
            assert (await kehu.ask(LIST, role))["jobs"] == {"totalCount": 0, "nodes": []}

    async def test_what_it_was_asked_and_what_came_of_it_is_for_whoever_asked(self, kehu: Running) -> None:
        async def walk(_viewer: Viewer, _book: Repositories, _run: JobRun) -> dict[str, Any]:
            return {"steps": 3}

        await kehu.ask("{ viewer { person } }", "team_lead")
        await enqueue(LEAD, book(kehu), "walk", {"where": {"number": {"eq": "C1"}}})
        asked = '{ jobs(first: 9, kind: "walk") { nodes { input result } } }'
        given = {"where": {"number": {"eq": "C1"}}}
        assert (await kehu.ask(asked, "team_lead"))["jobs"]["nodes"] == [{"input": given, "result": None}]
        assert await work_once(book(kehu), {"walk": walk}, Manner()) is not None
        assert (await kehu.ask(asked, "team_lead"))["jobs"]["nodes"] == [{"input": given, "result": {"steps": 3}}]
        for role in ("data_steward", "administrator"):
            assert (await kehu.ask(asked, role))["jobs"]["nodes"] == [{"input": None, "result": None}]

    async def test_of_a_state_and_a_kind(self, kehu: Running) -> None:
        one = await failed(kehu, LEAD)
        await enqueue(LEAD, book(kehu), "run", {})
        asked = "query($states: [JobState!]) { jobs(first: 9, state: $states) { nodes { id } } }"
        assert (await kehu.ask(asked, states=["FAILED", "DONE"]))["jobs"]["nodes"] == [{"id": one.id}]
        assert (await kehu.ask(LIST, kind="run"))["jobs"]["totalCount"] == 1

    @pytest.mark.parametrize("field", ["job(id: $id) { id }", "node(id: $id) { id ... on Job { state } }"])
    async def test_foreign_is_as_missing(self, kehu: Running, field: str) -> None:
        job = await enqueue(LEAD, book(kehu), "walk", {})
        asked = f"query($id: ID!) {{ found: {field} }}"
        assert (await kehu.ask(asked, "team_lead", id=job.id))["found"]["id"] == job.id
        foreign = await kehu.post(asked, "relationship_manager", id=job.id)
        missing = await kehu.post(asked, "relationship_manager", id="jb_nobody")
        assert foreign.json() == missing.json() == {"data": {"found": None}}

    async def test_reading_them_needs_no_entry_in_the_audit(self, kehu: Running) -> None:
        await failed(kehu, LEAD)
        before = len(await kehu.entries())
        await kehu.ask(LIST, "team_lead")
        assert len(await kehu.entries()) == before


class TestSteering:
    async def test_each_verb(self, kehu: Running) -> None:
        job = await failed(kehu, LEAD)
        for verb, state in (("Retry", "QUEUED"), ("Pause", "PAUSED"), ("Resume", "QUEUED"), ("Cancel", "CANCELLED")):
            made = await steered(kehu, verb, job.id, "data_steward")
            assert made == {"job": {"state": state, "error": None}, "errors": []}

    async def test_what_cannot_be(self, kehu: Running) -> None:
        job = await failed(kehu, LEAD)
        made = await steered(kehu, "Pause", job.id, "team_lead")
        assert (made["job"], [each["code"] for each in made["errors"]]) == (None, ["JOB_STATE"])
        made = await steered(kehu, "Retry", job.id, "relationship_manager")
        assert (made["job"], [each["code"] for each in made["errors"]]) == (None, ["NOT_FOUND"])


async def steered(kehu: Running, verb: str, job_id: str, role: str) -> Any:
    asked = f"mutation($id: ID!) {{ job{verb}(input: {{id: $id}}) {{ job {{ state error }} errors {{ code }} }} }}"
    return (await kehu.ask(asked, role, id=job_id))[f"job{verb}"]


async def by_stream(kehu: Running, job_id: str, role: str) -> list[Any]:
    """Everything that is said of a job over an event stream, until that ends."""
    answer = await kehu.post(FOLLOW, role, STREAM, id=job_id)
    assert answer.text.endswith("event: complete\ndata:\n\n")
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]


async def by_socket(kehu: Running, job_id: str, role: str) -> list[Any]:
    """The same over a websocket."""
    app: Any = kehu.app
    sent: asyncio.Queue[Any] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    scope = {"type": "websocket", "path": "/graphql", "headers": [], "subprotocols": ["graphql-transport-ws"]}
    task = asyncio.create_task(app(scope | {"query_string": b""}, sent.get, heard.put))

    def say(**message: Any) -> None:
        sent.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    sent.put_nowait({"type": "websocket.connect"})
    say(type="connection_init", payload=kehu.headers(role))
    found = []
    asked = False
    while True:
        frame = await heard.get()
        message = json.loads(frame.get("text") or "{}")
        if message.get("type") == "connection_ack" and not asked:
            say(id="1", type="subscribe", payload={"query": FOLLOW, "variables": {"id": job_id}})
        elif message.get("type") in ("next", "error"):
            found.append(message["payload"] if message["type"] == "next" else {"errors": message["payload"]})
        if message.get("type") in ("complete", "error"):
            break
    sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await task
    return found


@pytest.mark.parametrize("follow", [by_stream, by_socket])
class TestJobProgress:
    async def test_from_the_queue_to_its_end(self, kehu: Running, follow: Any) -> None:
        job = await enqueue(LEAD, book(kehu), "walk", {})
        following = asyncio.create_task(follow(kehu, job.id, "team_lead"))
        await seen_by_somebody(kehu)
        run = await taken(kehu, job)
        await run.report(1, 4, note="walking")
        await seen_by_somebody(kehu)
        await book(kehu).jobs.finish(job.id, "w1", {"state": "DONE", "finishedAt": now(), "done": 4})
        async with asyncio.timeout(10):
            events = [each["data"]["jobProgress"] for each in await following]
        assert (events[0]["state"], events[0]["finishedAt"]) == ("QUEUED", None)
        assert (events[-1]["state"], events[-1]["progress"]["share"]) == ("DONE", 1.0)
        assert {"done": 1, "total": 4, "share": 0.25, "note": "walking"} in [each["progress"] for each in events]
        assert len({json.dumps(each) for each in events}) == len(events) <= 4

    async def test_of_one_that_has_ended_it_ends_at_once(self, kehu: Running, follow: Any) -> None:
        job = await failed(kehu, LEAD)
        async with asyncio.timeout(10):
            (event,) = await follow(kehu, job.id, "data_steward")
        assert event["data"]["jobProgress"]["state"] == "FAILED"
        # Of somebody else's job no words.
        assert (event["data"]["jobProgress"]["error"], event["data"]["jobProgress"]["progress"]["note"]) == (None, None)

    async def test_foreign_is_as_missing(self, kehu: Running, follow: Any) -> None:
        job = await enqueue(LEAD, book(kehu), "walk", {})
        said = []
        for name in (job.id, "jb_nobody"):
            async with asyncio.timeout(10):
                said.append(json.dumps(await follow(kehu, name, "relationship_manager")).replace(name, "ID"))
        assert said[0] == said[1]
        assert '"code": "NOT_FOUND"' in said[0]

    async def test_a_job_that_is_removed_ends_it(self, kehu: Running, follow: Any) -> None:
        job = await enqueue(LEAD, book(kehu), "walk", {})
        following = asyncio.create_task(follow(kehu, job.id, "team_lead"))
        await seen_by_somebody(kehu)
        await book(kehu).jobs.collection.delete_one({ID: job.id})
        async with asyncio.timeout(10):
            assert len(await following) == 1


async def seen_by_somebody(kehu: Running) -> None:
    """Returns when a change of now is one that those who follow a job have not heard of."""
    progress = book(kehu).jobs.progress
    async with asyncio.timeout(10):
        while not progress._known:  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)


class TestAudit:
    async def test_what_a_job_changes_is_in_the_audit_under_who_asked(self, kehu: Running) -> None:
        app: Any = kehu.app
        await kehu.ask("{ viewer { person } }", "team_lead")

        async def touch(_viewer: Viewer, _book: Repositories, run: JobRun) -> dict[str, Any]:
            run.touched.note("clients", ("cl_1",))
            return {}

        job = await enqueue(LEAD, book(kehu), "touch", {})
        done = await work_once(book(kehu), {"touch": touch}, Manner(noted=app.server.audit.carried_out))
        assert done is not None
        entry = (await kehu.entries())[-1]
        assert (entry["person"], entry["operation"]) == ("the-team_lead", f"job touch {job.id}")
        assert (entry["kind"], entry["clients"]) == ("command", ["cl_1"])
