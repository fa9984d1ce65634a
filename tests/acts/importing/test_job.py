"""Imports as jobs: all rows are checked, the good ones stored once however often a worker is stopped."""

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from acts.checks import UNGUARDED, Guard
from acts.clients import change_client
from acts.importing import run, work_file
from acts.importing.asking import ImportRequest, ask_import
from acts.jobs import Job, JobRun
from acts.jobs_steering import cancel_job, pause_job, resume_job
from acts.managers import enter_person
from catalogue.errors import KehuError, Refused
from policy.files import FileRole
from policy.jobs import JobState
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.errors import NotFound
from repositories.files import FileOptions
from repositories.mongo import Store
from repositories.plan import Proof
from repositories.repositories import Repositories
from tests.books import open_book
from worker.attempt import Manner
from worker.handlers import HANDLERS
from worker.loop import work_once

ANA = Viewer("ana", frozenset(("administrator",)))
AT_ONCE = Manner(wait=lambda _tries: timedelta())
MAP = """
[client]
number = "{id}"
kind = "ORGANISATION"
[proof]
source = "test"
[values]
"profile.name" = "name"
"profile.employees" = "size"
"""


@pytest.fixture
async def book(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repositories:
    """A book without clients, in which ana imports files in batches of four rows."""
    monkeypatch.setattr(run, "ROW_LIMIT", 4)
    made = await open_book(store)
    (tmp_path / "in").mkdir()
    made.files.options = FileOptions(tmp_path / "files", tmp_path / "in")
    await enter_person(made, ANA)
    return made


def lay(book: Repositories, rows: int, bad: tuple[int, ...] = (), name: str = "a.csv") -> str:
    """The path, under the directory for imports, of a file with some rows; bad ones have words for a number."""
    text = "".join(f"C{at},Name {at},{'many' if at in bad else at}\n" for at in range(1, rows + 1))
    directory = book.files.options.import_directory
    assert directory is not None
    (directory / name).write_text(f"id,name,size\n{text}", "utf-8")
    return name


async def ask(book: Repositories, path: str, viewer: Viewer = ANA, **more: Any) -> Job:
    return await ask_import(viewer, book, ImportRequest(path=path, map_toml=MAP, **more), UNGUARDED)


async def work(book: Repositories) -> Job:
    """The job after all attempts that it takes."""
    while True:
        done = await work_once(book, HANDLERS, AT_ONCE)
        assert done is not None
        if done.state not in (JobState.QUEUED, JobState.RUNNING):
            return done


async def stored(book: Repositories) -> dict[str, tuple[int, int | None]]:
    """Version and size of each client, by number."""
    rows = await book.clients.collection.find({})
    return {each["number"]: (each["version"], each["profile"].get("employees")) for each in rows}


async def refused_file(book: Repositories, job: Job) -> list[list[str]]:
    (file,) = await book.files.of_job(job.id, "ana")
    assert (file["role"], file["jobId"]) == (FileRole.REFUSED_ROWS, job.id)
    path = book.files.path_of(file)
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.reader(text))


class TestImportJob:
    async def test_the_good_rows_land_and_the_others_come_back_to_be_mended(self, book: Repositories) -> None:
        await ask(book, lay(book, 20, bad=(3, 9)))
        done = await work(book)
        assert (done.state, done.progress.note) == (
            JobState.DONE,
            "20 rows: 18 created, 0 changed, 0 unchanged, 2 refused.",
        )
        assert sorted(await stored(book)) == sorted(f"C{at}" for at in range(1, 21) if at not in (3, 9))
        rows = await refused_file(book, done)
        assert rows[0] == ["kehu_row", "kehu_problem", "id", "name", "size"]
        assert [each[0] for each in rows[1:]] == ["3", "9"]
        assert 'column "size": profile.employees takes a whole number' in rows[1][1]
        directory = book.files.options.import_directory
        assert directory is not None
        with (directory / "mended.csv").open("w", encoding="utf-8", newline="") as text:
            csv.writer(text).writerows([rows[0], *([*each[:4], each[0]] for each in rows[1:])])
        await ask(book, "mended.csv")
        assert (await work(book)).progress.note == "2 rows: 2 created, 0 changed, 0 unchanged, 0 refused."
        assert await stored(book) == {f"C{at}": (1, at) for at in range(1, 21)}

    async def test_nothing_is_stored_before_all_is_checked(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notes: list[tuple[str, int]] = []
        report = JobRun.report

        async def noted(self: JobRun, done: int, total: int | None = None, **more: Any) -> None:
            notes.append((str(more.get("note")).split(":")[0], len(await stored(book))))
            await report(self, done, total, **more)

        monkeypatch.setattr(JobRun, "report", noted)
        await ask(book, lay(book, 10))
        await work(book)
        assert notes[:3] == [("Checking", 0)] * 3
        assert notes[3:6] == [("Loading", 4), ("Loading", 8), ("Loading", 10)]

    async def test_a_map_that_updates_makes_no_client_of_a_mistyped_number(self, book: Repositories) -> None:
        await ask(book, lay(book, 3))
        await work(book)
        await ask_import(ANA, book, ImportRequest(path=lay(book, 5), map_toml=f'mode = "update"{MAP}'), UNGUARDED)
        done = await work(book)
        assert done.progress.note == "5 rows: 0 created, 0 changed, 3 unchanged, 2 refused."
        assert "There is no client with the number C4" in (await refused_file(book, done))[1][1]
        assert sorted(await stored(book)) == ["C1", "C2", "C3"]

    async def test_a_map_that_has_observed_what_is_to_come_is_refused_at_once(self, book: Repositories) -> None:
        toml = MAP.replace('source = "test"', 'source = "test"\nobservedAt = 2099-01-01T00:00:00Z')
        with pytest.raises(Refused, match="observedAt takes a moment that has been"):
            await ask_import(ANA, book, ImportRequest(path=lay(book, 1), map_toml=toml), UNGUARDED)

    async def test_a_map_that_creates_changes_nobody(self, book: Repositories) -> None:
        await ask(book, lay(book, 3))
        await work(book)
        await ask_import(ANA, book, ImportRequest(path=lay(book, 5), map_toml=f'mode = "create"{MAP}'), UNGUARDED)
        done = await work(book)
        assert done.progress.note == "5 rows: 2 created, 0 changed, 0 unchanged, 3 refused."
        assert {number: version for number, (version, _) in (await stored(book)).items()} == dict.fromkeys(
            ("C1", "C2", "C3", "C4", "C5"), 1
        )

    async def test_all_problems_of_a_row_come_at_once(self, book: Repositories) -> None:
        directory = book.files.options.import_directory
        assert directory is not None
        (directory / "a.csv").write_text("id,name,size,sort\nC1,,many,x\n!!,A,-5,\n,B,1,\n,C,x,\n", "utf-8")
        more = '"profile.foundedOn" = "sort"\n'
        await ask_import(ANA, book, ImportRequest(path="a.csv", map_toml=MAP + more), UNGUARDED)
        problems = [each[1] for each in (await refused_file(book, await work(book)))[1:]]
        assert [each.count('column "') for each in problems] == [3, 2, 1, 2]
        assert 'column "name": profile.name is required for a client of kind ORGANISATION' in problems[0]
        assert 'column "size": profile.employees takes a whole number' in problems[0]
        assert 'column "sort": profile.foundedOn takes a date' in problems[0]
        assert 'column "id": number takes 1 to 64 letters' in problems[1]
        assert 'column "size": profile.employees takes a number from 0' in problems[1]
        assert 'column "id": client number is empty' in problems[2]

    async def test_rows_that_are_refused_without_end_end_the_job_and_are_kept(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work_file, "KEPT_LIMIT", 1_000)
        await ask(book, lay(book, 40, bad=tuple(range(1, 41))))
        done = await work(book)
        assert (done.state, done.attempts) == (JobState.FAILED, 1)
        assert "come to more than 1,000 characters" in str(done.error)
        assert 3 <= len(await refused_file(book, done)) < 12
        assert await stored(book) == {}

    async def test_a_dry_run_stores_nothing_and_says_what_would_be(self, book: Repositories) -> None:
        await ask(book, lay(book, 5, bad=(2,)), is_dry_run=True)
        done = await work(book)
        assert (
            done.progress.note == "Dry run, nothing was written. 5 rows: 4 created, 0 changed, 0 unchanged, 1 refused. "
            "The first numbers are C1, C3, C4."
        )
        assert await stored(book) == {}
        assert len(await refused_file(book, done)) == 2

    async def test_a_number_that_stands_twice_is_refused_across_batches(self, book: Repositories) -> None:
        lay(book, 9)
        directory = book.files.options.import_directory
        assert directory is not None
        with (directory / "a.csv").open("a", encoding="utf-8") as text:
            text.write("C1,Again,1\n")
        await ask(book, "a.csv")
        done = await work(book)
        assert done.result["refused"] == 1
        assert "stood in line 2 already" in (await refused_file(book, done))[1][1]


class Stopper:
    """Ends the handler at some reports, as a killed worker would: nothing of the report is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *at: int) -> None:
        self.count = 0
        report = JobRun.report
        stopper = self

        async def stopped(self: JobRun, done: int, total: int | None = None, **more: Any) -> None:
            stopper.count += 1
            if stopper.count in at:
                raise OSError("killed")
            await report(self, done, total, **more)

        monkeypatch.setattr(JobRun, "report", stopped)


class TestStops:
    @pytest.mark.parametrize("at", [(2,), (5,), (7, 8), (2, 5, 7, 9)])
    async def test_whatever_is_done_twice_is_there_once(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch, at: tuple[int, ...]
    ) -> None:
        await ask(book, lay(book, 10, bad=(6,)))
        Stopper(monkeypatch, *at)
        done = await work(book)
        assert done.progress.note == "10 rows: 9 created, 0 changed, 0 unchanged, 1 refused."
        assert await stored(book) == {f"C{number}": (1, number) for number in range(1, 11) if number != 6}
        assert len(await refused_file(book, done)) == 2
        assert len(await book.store.collection("changes").find({})) == 9

    async def test_a_batch_that_is_done_again_leaves_what_others_changed_meanwhile(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await ask(book, lay(book, 3))
        await work(book)
        directory = book.files.options.import_directory
        assert directory is not None
        (directory / "b.csv").write_text("id,name,size\nC1,New,70\n", "utf-8")
        await ask(book, "b.csv")
        # The first report is of the check, the second of the batch that is stored by then.
        Stopper(monkeypatch, 2)
        assert (await work_once(book, HANDLERS, AT_ONCE)) is not None
        client = await book.clients.collection.find_one({"number": "C1"})
        assert client is not None
        assert (client["version"], client["profile"]["employees"]) == (2, 70)
        change = {"profile": {"employees": 71}}
        await change_client(ANA, book, str(client["_id"]), change, Proof(), UNGUARDED, paths=frozenset())
        done = await work(book)
        assert done.progress.note == "1 rows: 0 created, 1 changed, 0 unchanged, 0 refused."
        assert (await stored(book))["C1"] == (3, 71)

    async def test_it_pauses_resumes_and_is_cancelled_between_batches(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = await ask(book, lay(book, 12))
        await _steered(book, monkeypatch, asked, 5, pause_job)
        half = len(await stored(book))
        assert half == 8
        assert await work_once(book, HANDLERS, AT_ONCE) is None
        await resume_job(ANA, book, asked.id)
        await _steered(book, monkeypatch, asked, 1, cancel_job)
        assert len(await stored(book)) == 12
        assert await work_once(book, HANDLERS, AT_ONCE) is None

    async def test_another_file_in_its_place_ends_it(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        await ask(book, lay(book, 10))
        Stopper(monkeypatch, 5)
        await work_once(book, HANDLERS, AT_ONCE)
        lay(book, 11)
        done = await work(book)
        assert (done.state, "another file" in str(done.error)) == (JobState.FAILED, True)


async def _steered(
    book: Repositories, monkeypatch: pytest.MonkeyPatch, job: Job, at: int, steer: Callable[..., Any]
) -> None:
    """One attempt, during which somebody steers the job before its report with this number."""
    count = 0
    report = JobRun.report

    async def steered(self: JobRun, done: int, total: int | None = None, **more: Any) -> None:
        nonlocal count
        count += 1
        if count == at:
            await steer(ANA, book, job.id)
        await report(self, done, total, **more)

    with monkeypatch.context() as patched:
        patched.setattr(JobRun, "report", steered)
        await work_once(book, HANDLERS, AT_ONCE)


class TestAskImport:
    async def test_what_cannot_work_is_refused_at_once(self, book: Repositories) -> None:
        path = lay(book, 1)
        join = MAP.replace("[values]", '[join]\nfile = "../b.csv"\non = "id"\n[values]')
        match = MAP.replace('"name"', '{ column = "name", match = "(a+)+$" }')
        for request, words in (
            (ImportRequest(path=path), "either map or mapping; got neither"),
            (ImportRequest(map_toml=MAP), "either fileId or path; got neither"),
            (ImportRequest(path=path, map_toml="["), "is not TOML"),
            (ImportRequest(path=path, map_toml=join), "second file"),
            (ImportRequest(path=path, map_toml=match), "hostile text"),
            (ImportRequest(path=path, map_toml=MAP.replace('"{id}"', '"{id:999999999}"')), "up to 1000"),
            (ImportRequest(path="../a.csv", map_toml=MAP), "without .."),
            (ImportRequest(path="/etc/passwd", map_toml=MAP), "without .."),
            (ImportRequest(path="none.csv", map_toml=MAP), "the path of a file under"),
            (ImportRequest(path=path, mapping={"x": float("nan")}), "what JSON cannot"),
        ):
            with pytest.raises(KehuError) as refused:
                await ask_import(ANA, book, request, UNGUARDED)
            assert words in refused.value.message
        assert await book.jobs.collection.find({}) == []

    async def test_a_link_that_leads_out_is_no_file(self, book: Repositories, tmp_path: Path) -> None:
        (tmp_path / "secret.csv").write_text("id,name,size\n")
        directory = book.files.options.import_directory
        assert directory is not None
        (directory / "link.csv").symlink_to(tmp_path / "secret.csv")
        with pytest.raises(KehuError, match="under the directory"):
            await ask(book, "link.csv")

    async def test_without_a_directory_no_path_is_taken(self, book: Repositories, tmp_path: Path) -> None:
        path = lay(book, 1)
        book.files.options = FileOptions(tmp_path / "files")
        with pytest.raises(KehuError, match="KEHU_IMPORT_DIR"):
            await ask(book, path)

    async def test_who_may_not_change_clients_imports_nothing(self, book: Repositories) -> None:
        with pytest.raises(NotAllowed):
            await ask(book, lay(book, 1), Viewer("eve", frozenset(("auditor",))))

    async def test_the_same_key_is_the_same_job_even_when_its_file_is_gone(self, book: Repositories) -> None:
        path = lay(book, 1)
        request, guard = ImportRequest(path=path, map_toml=MAP), Guard(idempotency_key="k")
        first = await ask_import(ANA, book, request, guard)
        directory = book.files.options.import_directory
        assert directory is not None
        (directory / path).unlink()
        assert (await ask_import(ANA, book, request, guard)).id == first.id

    async def test_a_fourth_unfinished_one_is_refused(self, book: Repositories) -> None:
        path = lay(book, 1)
        for _ in range(3):
            await ask(book, path)
        with pytest.raises(KehuError, match="You have 3 unfinished jobs"):
            await ask(book, path)

    async def test_somebody_elses_upload_is_as_good_as_missing(self, book: Repositories) -> None:
        await book.files.add(
            {"_id": "fl_1", "by": "bob", "role": "UPLOAD", "ending": ".csv", "name": "a.csv", "bytes": 3}
        )
        with pytest.raises(NotFound):
            await ask_import(ANA, book, ImportRequest(file_id="fl_1", map_toml=MAP), UNGUARDED)


class TestRights:
    async def test_an_import_is_done_by_the_rights_of_whoever_asked(self, book: Repositories) -> None:
        rita = Viewer("rita", frozenset(("relationship_manager",)), "north")
        await enter_person(book, rita)
        await ask(book, lay(book, 2))
        await work(book)
        await ask(book, lay(book, 4, name="b.csv"), rita)
        done = await work(book)
        # The first two are in nobody's book that rita has, and she may not be told more than that they are taken.
        assert (done.by, done.result["created"], done.result["refused"]) == ("rita", 2, 2)
        mine = await book.clients.collection.find({"number": {"$in": ["C3", "C4"]}})
        person = await book.managers.find_person("rita")
        assert person is not None
        assert {each["managerId"] for each in mine} == {person.manager_id}

    async def test_an_attribute_that_the_map_brings_takes_the_right_to_define(self, book: Repositories) -> None:
        rita = Viewer("rita", frozenset(("relationship_manager",)))
        brought = MAP + '[[define]]\nfacet = "profile"\nkey = "score"\nkind = "LONG"\nlabel = "Score"\n'
        with pytest.raises(NotAllowed):
            await ask_import(rita, book, ImportRequest(path=lay(book, 1), map_toml=brought), UNGUARDED)
