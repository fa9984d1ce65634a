"""An import as a job: every row is checked first, then the good ones are stored, batch by batch."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from anyio import sleep

from acts.importing.asking import ImportFile, ImportRequest, file_of, map_of, request_from
from acts.importing.clients import manager_finder, with_attributes
from acts.importing.errors import ImportRefused
from acts.importing.mapping import ImportMap
from acts.importing.outcome import clear_away, keep_refused
from acts.importing.reading import FileFacts
from acts.importing.refused_file import report_of, shown_cells, shown_places
from acts.importing.rows import RefusedRow
from acts.importing.run import ImportRun, Prepared, Row, Tally, prepared
from acts.importing.work_file import Checked, RefusedCells, RefusedTooMuch, WorkFile
from acts.jobs import JobRun, JobStopped
from acts.upsert_rows import BatchKey, ClientRow, Mode, UpsertReport
from acts.upserts import upsert_clients
from catalogue.errors import ErrorCode
from policy.rules import Right
from policy.viewer import Viewer
from repositories.ending import ended
from repositories.plan import Proof
from repositories.repositories import Repositories

TRIES_A_MINUTE = 300
"""Rows that tell of clients in other books; mutations may tell of as many in a minute."""
_TELLING = (ErrorCode.NOT_FOUND, ErrorCode.ALREADY_EXISTS)
_NAP_SECONDS = 5.0
_LOOK_SECONDS = 0.2

CHECK, LOAD, DONE = "check", "load", "done"
"""Where a checkpoint stands."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a job is, as its checkpoint keeps it."""

    phase: str = CHECK
    rows: int = 0
    """Of the second pass: the first one's are in the work file."""
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    stamp: str = ""
    """Of the file: another one in its place would be another import."""


@dataclass(slots=True)
class _Import:
    """One attempt."""

    viewer: Viewer
    repositories: Repositories
    run: JobRun
    file: ImportFile
    map: ImportMap
    work: WorkFile
    reached: Reached
    is_dry_run: bool
    facts: FileFacts | None = None
    numbers: Sequence[str] = ()
    """Of the first clients, as the map makes them."""


async def import_job(viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    """Counts of rows; every row that is counted as created or changed is stored.

    Raises: ImportRefused, NotAllowed, JobStopped, and what the database answers.
    Order: all rows are checked, and their problems noted, before the first one is stored.
    Cost: flat memory; two passes over the file, five commands a pass for a thousand rows.
    """
    request = request_from(run.job.input)
    reached = Reached(**run.job.checkpoint)
    if reached.phase != DONE:
        repositories.access.require(viewer, Right.CHANGE_CLIENTS)
        given, file = await map_of(request), await file_of(viewer, repositories, request)
        if given.define:
            repositories.access.require(viewer, Right.DEFINE_ATTRIBUTES)
        reached = _same_file(reached, file)
        sent = file.path.stat().st_size
        with WorkFile(repositories.files.work_path(f"{run.job.id}.work"), sent) as work:
            job = _Import(viewer, repositories, run, file, given, work, reached, request.is_dry_run)
            try:
                await _check(job)
                if not job.is_dry_run:
                    await _load(job)
            except RefusedTooMuch:
                await _keep(job)
                raise
            await _keep(job)
            reached = _ended(job)
        done = run.job.progress.done
        await run.report(done, done, checkpoint=asdict(reached), note=_summary(reached, request, job.numbers))
    await clear_away(repositories, run.job.id, None if request.is_dry_run else request.file_id)
    return {name: value for name, value in asdict(reached).items() if name not in ("phase", "stamp")}


def _same_file(reached: Reached, file: ImportFile) -> Reached:
    """Raises: ImportRefused where another file lies there than when the job began."""
    found = file.path.stat()
    stamp = f"{found.st_size}:{found.st_mtime_ns}"
    if reached.stamp not in ("", stamp):
        raise ImportRefused(f"{file.name} is another file than when this import began. Start a new import.")
    return replace(reached, stamp=stamp)


def _ended(job: _Import) -> Reached:
    checked = job.work.checked
    refused = job.work.count_refused()
    if job.is_dry_run:
        unchanged = checked.rows - refused - checked.created - checked.changed
        return replace(
            job.reached,
            rows=checked.rows,
            created=checked.created,
            changed=checked.changed,
            unchanged=unchanged,
            phase=DONE,
            refused=refused,
        )
    return replace(job.reached, phase=DONE, refused=refused)


def _summary(reached: Reached, request: ImportRequest, numbers: Sequence[str]) -> str:
    counts = f"{reached.created:,} created, {reached.changed:,} changed, {reached.unchanged:,} unchanged"
    text = f"{reached.rows:,} rows: {counts}, {reached.refused:,} refused."
    if not request.is_dry_run:
        return text
    sample = f" The first numbers are {', '.join(numbers)}." if numbers else ""
    return f"Dry run, nothing was written. {text}{sample}"


async def _keep(job: _Import) -> None:
    if job.facts is not None:
        await keep_refused(job.viewer, job.repositories, job.run.job.id, job.file, job.map, job.work, job.facts)


async def _check(job: _Import) -> None:
    """The first pass: nothing is stored, every problem is noted."""
    async with prepared(job.file.path, job.map, job.repositories.catalogue) as ready:
        job.facts = ready.reading.facts
        before = job.work.checked
        tally = Tally(before.rows, before.created, before.changed)
        store = _Store(job, job.repositories.on(ready.catalogue), is_dry_run=True)
        passing = _Passing(job, ready, ImportRun(ready, store, _finder(job), store.noted, tally))
        async for first, batch in passing.batches(before.rows):
            store.begin(first, batch, ready)
            await passing.taking.take(batch, job.work)
            job.numbers = tally.numbers
            job.work.note_checked(Checked(tally.rows, tally.created, tally.changed))
            job.work.commit()
            total = _estimate(ready, tally.rows) * (1 if job.is_dry_run else 2)
            note = f"Checking: {tally.rows:,} rows, {job.work.count_refused():,} refused"
            await job.run.report(tally.rows, total, checkpoint=asdict(job.reached), note=note)


async def _load(job: _Import) -> None:
    """The second pass: the rows in which nothing was wrong are stored."""
    count = job.work.checked.rows
    reached = job.reached = job.reached if job.reached.phase == LOAD else replace(job.reached, phase=LOAD)
    async with prepared(job.file.path, job.map, job.repositories.catalogue) as ready:
        store = _Store(job, await with_attributes(job.viewer, job.repositories, ready), is_dry_run=False)
        tally = Tally(0, reached.created, reached.changed, reached.unchanged)
        passing = _Passing(job, ready, ImportRun(ready, store, _finder(job), store.noted, tally))
        async for first, batch in passing.batches(reached.rows):
            store.begin(first, batch, ready)
            last = first + len(batch) - 1
            refused = job.work.refused_between(first, last)
            good = [row for place, row in enumerate(batch, first) if place not in refused]
            await passing.taking.take(good, job.work)
            job.work.commit()
            job.reached = replace(
                reached, rows=last, created=tally.created, changed=tally.changed, unchanged=tally.unchanged
            )
            note = f"Loading: {last:,} of {count:,} rows, {job.work.count_refused():,} refused"
            await job.run.report(count + last, 2 * count, checkpoint=asdict(job.reached), note=note)
            await _breathe(job, store.telling)
            store.telling = 0


async def _breathe(job: _Import, telling: int) -> None:
    """Wait for as long as a person with mutations would have to, where rows have told of clients in other books."""
    seconds = 60.0 * telling / TRIES_A_MINUTE
    while seconds > 0:
        await sleep(min(seconds, _NAP_SECONDS))
        seconds -= _NAP_SECONDS
        await job.run.report(job.run.job.progress.done)


def _finder(job: _Import) -> Any:
    return manager_finder(job.viewer, job.repositories, job.map)


@dataclass(slots=True)
class _Passing:
    """One pass over the file."""

    job: _Import
    ready: Prepared
    taking: ImportRun

    async def batches(self, done: int) -> AsyncIterator[tuple[int, list[Row]]]:
        """The place of the first row, counted from 1, and the rows of each batch behind those that are done."""
        rows = self.ready.batches(done)
        while (batch := await self._next(rows)) is not None:
            yield done + 1, batch
            done += len(batch)

    async def _next(self, rows: AsyncIterator[list[Row]]) -> list[Row] | None:
        """The next batch; None behind the last one. A file may take its time, and who stops the job does not wait.

        Raises: JobStopped.
        """
        reading = asyncio.ensure_future(anext(rows, None))
        try:
            while not reading.done():
                await asyncio.wait((reading,), timeout=_LOOK_SECONDS)
                if (reason := self.job.run.stop) is not None and not reading.done():
                    raise JobStopped(f"The job {self.job.run.job.id} does not go on here: {reason}.")
            return await reading
        finally:
            await ended(reading)


@dataclass(slots=True)
class _Store:
    """Where the rows of a pass go: into the book, or against it if nothing is to be stored."""

    job: _Import
    repositories: Repositories
    is_dry_run: bool
    telling: int = 0
    noted: "_Noted" = field(init=False)
    _first: int = 0
    _may_be_done: bool = True
    """True of the first batch: whoever had the job before may have been stopped in the middle of it."""

    def __post_init__(self) -> None:
        self.noted = _Noted(self.job.work)

    def begin(self, first: int, batch: Sequence[Row], ready: Prepared) -> None:
        """Take note of the batch that comes."""
        self._may_be_done = self._first == 0
        self._first = first
        self.noted.begin(first, batch, ready)

    async def __call__(self, rows: Sequence[ClientRow]) -> UpsertReport:
        job = self.job
        report = await upsert_clients(
            job.viewer,
            self.repositories,
            rows,
            Proof(**job.map.proof.model_dump()),
            dry_run=self.is_dry_run,
            mode=Mode(job.map.mode),
            confirms=job.map.confirms,
            touched=job.run.touched,
            batch_key=BatchKey(f"import-{job.run.job.id}-{self._first}", self._may_be_done and not self.is_dry_run),
        )
        job.run.touched.refusals.extend(str(each.code) for each in report.problems if each.message)
        if self.repositories.access.rows(job.viewer) is not None:
            self.telling += sum(each.code in _TELLING for each in report.problems)
        return report


@dataclass(slots=True)
class _Noted:
    """Notes refused rows in the work file."""

    work: WorkFile
    _places: dict[int, int] = field(default_factory=dict)
    _shown: list[int] = field(default_factory=list)
    _line_word: str = "line"

    def begin(self, first: int, batch: Sequence[Row], ready: Prepared) -> None:
        """Take note of where the rows of a batch stand."""
        self._places = {row.record.line: place for place, row in enumerate(batch, first)}
        facts = ready.reading.facts
        self._shown, self._line_word = shown_places(facts.headers), facts.line_word

    def refuse(self, row: RefusedRow) -> None:
        report, cells = report_of(row, self._line_word), tuple(shown_cells(row, self._shown))
        self.work.refuse(RefusedCells(self._places[row.record.line], row.row, report, cells))

    def progress(self, tally: Tally, position: int) -> None:
        """Told elsewhere."""

    def is_stopped(self) -> bool:
        return False


def _estimate(ready: Prepared, rows: int) -> int:
    """How many rows there are, as far as the file says."""
    facts = ready.reading.facts
    if facts.unit == "rows":
        return facts.total
    return max(rows, round(rows * facts.total / max(1, ready.reading.position)))
