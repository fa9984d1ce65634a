"""Exports as jobs: the file is whole however often a worker is stopped, its owner's alone, and gone in time."""

import json
from datetime import timedelta
from pathlib import Path

import polars
import pytest

from acts.approvals import Decision, decide_approval
from acts.checks import UNGUARDED, Guard, now
from acts.exporting import clients as exporting
from acts.exporting.asking import AskedExport, ask_export
from acts.exporting.clients import ExportOrder
from acts.files import address_of, remove_expired
from acts.grants import NewGrant, create_grant
from acts.jobs import Job, JobRun
from acts.managers import enter_person
from acts.performers import PERFORMERS
from catalogue.attribute import Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.errors import KehuError
from policy.files import FileRole
from policy.jobs import JobState
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.files import FileOptions
from repositories.grants import GrantKind
from repositories.mongo import Store
from repositories.reading import Document
from repositories.repositories import Repositories
from tests.books import OTHER, SMALL, VIEWER, attribute, make_client, open_book
from worker.attempt import Manner
from worker.handlers import HANDLERS
from worker.loop import work_once

AT_ONCE = Manner(wait=lambda _tries: timedelta())
SECRET = Catalogue((*SMALL.attributes, attribute("profile.taxId", sensitivity=Sensitivity.RESTRICTED)), SMALL.relations)
OFFICER = Viewer("olga", frozenset(("risk_officer",)), purpose="CREDIT_REVIEW")
OTHER_OFFICER = Viewer("otto", frozenset(("risk_officer",)))


@pytest.fixture
async def book(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repositories:
    """A book of seven clients, exported three at a time."""
    monkeypatch.setattr(exporting, "PAGE_ROWS", 3)
    made = await open_book(store, SECRET)
    made.files.options = FileOptions(tmp_path / "files")
    for each in (VIEWER, OFFICER, OTHER_OFFICER):
        await enter_person(made, each)
    for at in range(7):
        profile = {"name": f"Client {at}", "taxId": f"TAX-{at}", "tags": ["a", "b"]}
        await make_client(made, f"C{at}", profile=profile)
    return made


async def ask(book: Repositories, order: ExportOrder, viewer: Viewer = VIEWER) -> AskedExport:
    return await ask_export(viewer, book, order, UNGUARDED)


async def work(book: Repositories) -> Job:
    while True:
        done = await work_once(book, HANDLERS, AT_ONCE)
        assert done is not None
        if done.state not in (JobState.QUEUED, JobState.RUNNING):
            return done


async def file_of(book: Repositories, job: Job, role: FileRole = FileRole.EXPORT) -> tuple[Document, bytes]:
    (file,) = [each for each in await book.files.of_job(job.id, job.by) if each["role"] == role]
    path = book.files.path_of(file)
    assert path.stat().st_mode & 0o777 == 0o600
    assert file["bytes"] == path.stat().st_size
    return file, path.read_bytes()


class TestExportJob:
    @pytest.mark.parametrize("at", [(), (1,), (2, 3), (1, 2, 3)])
    async def test_the_file_is_whole_wherever_a_worker_is_stopped(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch, at: tuple[int, ...]
    ) -> None:
        asked = await ask(book, ExportOrder("csv", attributes=("profile.name", "profile.tags")))
        assert asked.job is not None
        count = 0
        report = JobRun.report

        async def stopped(self: JobRun, done: int, total: int | None = None, **more: object) -> None:
            nonlocal count
            count += 1
            if count in at:
                raise OSError("killed")
            await report(self, done, total, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(JobRun, "report", stopped)
        done = await work(book)
        assert (done.state, done.result["rows"]) == (JobState.DONE, 7)
        file, data = await file_of(book, done)
        lines = data.decode().splitlines()
        assert lines[0] == "number,id,kind,stage,manager,profile.name,profile.tags"
        assert [line.split(",")[0] for line in lines[1:]] == [f"C{each}" for each in range(7)]
        assert lines[1].endswith(',Client 0,"[""a"",""b""]"')
        assert (file["rows"], file["name"].endswith(".csv")) == (7, True)
        _, text = await file_of(book, done, FileRole.IMPORT_MAP)
        assert b'"profile.tags" = { column = "profile.tags", json = true }' in text
        directory = book.files.options.directory
        assert directory is not None
        assert len(list(directory.iterdir())) == 2

    async def test_a_wall_that_goes_up_half_way_takes_back_the_rows_of_before(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await ask(book, ExportOrder("csv", attributes=("profile.name",)))
        report = JobRun.report

        async def stopped(self: JobRun, done: int, total: int | None = None, **more: object) -> None:
            await report(self, done, total, **more)  # type: ignore[arg-type]
            raise OSError("killed behind the first page")

        monkeypatch.setattr(JobRun, "report", stopped)
        await work_once(book, HANDLERS, AT_ONCE)
        monkeypatch.setattr(JobRun, "report", report)
        client = await book.clients.collection.find_one({"number": "C1"})
        assert client is not None
        wall = NewGrant(GrantKind.WALL, str(client["_id"]), "Conflict of interest.", person=VIEWER.person)
        await create_grant(OTHER, book, wall, UNGUARDED)
        _, data = await file_of(book, await work(book))
        assert [line.split(",")[0] for line in data.decode().splitlines()[1:]] == ["C0", "C2", "C3", "C4", "C5", "C6"]

    async def test_the_formats_hold_the_same(self, book: Repositories) -> None:
        await ask(book, ExportOrder("jsonl", attributes=("profile.name", "profile.foundedOn")))
        first = [json.loads(line) for line in (await file_of(book, await work(book)))[1].splitlines()]
        await ask(book, ExportOrder("parquet", attributes=("profile.name", "profile.foundedOn")))
        file, _ = await file_of(book, await work(book))
        assert polars.read_parquet(book.files.path_of(file)).to_dicts() == first
        await ask(book, ExportOrder("xlsx", attributes=("profile.name",)))
        assert (await file_of(book, await work(book)))[1][:2] == b"PK"

    async def test_a_role_that_is_gone_when_it_runs_is_gone(self, book: Repositories) -> None:
        await ask(book, ExportOrder(), OFFICER)
        await book.managers.collection.update_one({"person": "olga"}, {"$set": {"roles": ["auditor"]}})
        done = await work(book)
        assert (done.state, "EXPORT_CLIENTS" in str(done.error)) == (JobState.FAILED, True)
        assert await book.files.of_job(done.id, "olga") == []

    async def test_who_may_not_export_asks_in_vain(self, book: Repositories) -> None:
        with pytest.raises(NotAllowed):
            await ask(book, ExportOrder(), Viewer("s", frozenset(("data_steward",))))
        assert await book.jobs.collection.find({}) == []

    async def test_the_same_key_is_the_same_job(self, book: Repositories) -> None:
        guard = Guard(idempotency_key="k")
        first, second = [await ask_export(VIEWER, book, ExportOrder(), guard) for _ in range(2)]
        assert first.job is not None
        assert second.job is not None
        assert first.job.id == second.job.id
        with pytest.raises(KehuError):
            await ask_export(VIEWER, book, ExportOrder("jsonl"), guard)


class TestRestricted:
    async def test_a_second_person_lets_them_out(self, book: Repositories) -> None:
        order = ExportOrder("csv", attributes=("profile.name", "profile.taxId"))
        asked = await ask(book, order, OFFICER)
        assert (asked.job, await book.jobs.collection.find({})) == (None, [])
        assert asked.approval is not None
        assert "profile.taxId of 7 clients" in asked.approval["summary"]
        approval = str(asked.approval["_id"])
        decided = await decide_approval(
            OTHER_OFFICER, book, approval, Decision(is_approved=True), UNGUARDED, PERFORMERS
        )
        assert decided.get("carriedOutAt") is not None
        done = await work(book)
        assert (done.state, done.by) == (JobState.DONE, "olga")
        file, data = await file_of(book, done)
        assert b"TAX-3" in data
        assert file["restricted"] is True
        assert address_of(OFFICER, book, file) is not None
        assert address_of(OTHER_OFFICER, book, file) is None
        assert address_of(Viewer("olga", frozenset(("team_lead",))), book, file) is None

    async def test_without_a_purpose_they_are_as_good_as_unknown(self, book: Repositories) -> None:
        bare = Viewer("olga", frozenset(("risk_officer",)))
        with pytest.raises(KehuError, match="There is no attribute"):
            await ask(book, ExportOrder(attributes=("profile.taxId",)), bare)

    async def test_a_job_that_names_an_approval_for_something_else_fails(self, book: Repositories) -> None:
        asked = await ask(book, ExportOrder(attributes=("profile.taxId",)), OFFICER)
        assert asked.approval is not None
        await ask(book, ExportOrder(), OFFICER)
        forged = {"order": {"format": "csv"}, "approval": str(asked.approval["_id"])}
        await book.jobs.collection.update_one({}, {"$set": {"input": json.dumps(forged)}})
        done = await work(book)
        assert (done.state, "does not stand behind" in str(done.error)) == (JobState.FAILED, True)


class TestRemoveExpired:
    async def test_files_go_with_their_bytes_when_their_time_is_over(self, book: Repositories) -> None:
        await ask(book, ExportOrder())
        done = await work(book)
        file, _ = await file_of(book, done)
        await book.files.add({"_id": file["_id"], "expiresAt": now() - timedelta(seconds=1)})
        assert address_of(VIEWER, book, file | {"expiresAt": now() - timedelta(seconds=1)}) is None
        assert await remove_expired(book) == 1
        assert not book.files.path_of(file).exists()
        assert [each["role"] for each in await book.files.of_job(done.id, done.by)] == ["IMPORT_MAP"]
        assert await remove_expired(book) == 0

    @pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.FAILED])
    async def test_what_a_job_worked_on_goes_with_it(self, book: Repositories, state: JobState) -> None:
        asked = await ask(book, ExportOrder())
        assert asked.job is not None
        lines = book.files.work_path(f"{asked.job.id}.lines")
        book.files.left_by_jobs()
        lines.write_text("C1,secret")
        await book.jobs.collection.update_one({}, {"$set": {"state": str(state), "lease": {"owner": "w"}}})
        assert (await remove_expired(book), lines.exists()) == (0, True)
        await book.jobs.collection.update_one({}, {"$unset": {"lease": ""}})
        await remove_expired(book)
        assert lines.exists() is (state is JobState.FAILED)
