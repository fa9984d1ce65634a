"""An export as a job: page by page into a file that its owner alone can read and fetch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from acts.exporting.asking import order_from
from acts.exporting.clients import STREAMED, Export, convert, exported_pages, prepared_export
from acts.exporting.errors import ExportRefused
from acts.exporting.map_text import map_text
from acts.files import new_file
from acts.jobs import JobRun
from catalogue.attribute import CLIENTS
from policy.approvals import APPROVALS, RESTRICTED_EXPORT, ApprovalStatus
from policy.files import FileRole
from policy.viewer import Viewer, program
from repositories.files import open_again, open_new
from repositories.plan import ID, ReadPlan
from repositories.repositories import Repositories

_KEHU = program("kehu")


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a job is, as its checkpoint keeps it."""

    rows: int = 0
    length: int = 0
    """Bytes of the rows written so far: what is behind them is of a page that was not reported."""
    after: str | None = None
    columns: str = ""
    """Of the file, with whose rows may be in it, hashed: with others it would be another file."""
    is_read: bool = False


async def export_job(viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    """How many rows the file has, and its id.

    Raises: as `prepared_export`; ExportRefused, JobStopped, and what the database answers.
    Cost: flat memory; one command for each 500 clients. Parquet and Excel are made of the rows when all are there.
    """
    is_approved = await _is_approved(repositories, run)
    export = await prepared_export(viewer, repositories, order_from(run.job.input["order"]), is_approved=is_approved)
    lines = repositories.files.work_path(f"{run.job.id}.lines")
    reached = await _read(export, run, lines, _begun(export, run, lines))
    is_restricted = not repositories.access.restricted(CLIENTS).isdisjoint(
        path for each in export.columns for path in each.reads
    )
    file_id = await _keep(export, run, lines, reached.rows, is_restricted=is_restricted)
    lines.unlink(missing_ok=True)
    return {"rows": reached.rows, "file": file_id}


async def _is_approved(repositories: Repositories, run: JobRun) -> bool:
    """Whether a second person has agreed that RESTRICTED values leave.

    Raises: ExportRefused where the job says so and the approval does not.
    """
    approval_id = run.job.input.get("approval")
    if approval_id is None:
        return False
    plan = ReadPlan(APPROVALS, frozenset(("act", "status", "proposedBy", "request")))
    found = await repositories.approvals.load(repositories.access.authorise(plan, _KEHU), approval_id)
    holds = (
        found is not None
        and found["act"] == RESTRICTED_EXPORT
        and found["status"] == ApprovalStatus.APPROVED
        and found["proposedBy"] == run.job.by
        and found["request"]["order"] == run.job.input["order"]
    )
    if not holds:
        raise ExportRefused(f"The approval {approval_id} does not stand behind this export. Ask for it anew.")
    return True


def _begun(export: Export, run: JobRun, lines: Path) -> Reached:
    """Where an earlier attempt got to; the beginning where its rows are not here, or were read by another policy."""
    words = ",".join(f"{each.header} {each.kind} {each.is_masked} {each.reads}" for each in export.columns)
    # Whoever has been walled off since, or lost a grant or a right, must not find the rows of before in the file.
    columns = sha256(f"{words} {export.scope()!r}".encode()).hexdigest()[:16]
    reached = Reached(**run.job.checkpoint)
    is_here = lines.exists() and lines.stat().st_size >= reached.length
    return reached if is_here and reached.columns == columns else Reached(columns=columns)


async def _read(export: Export, run: JobRun, lines: Path, reached: Reached) -> Reached:
    """The rows, all of them written."""
    if reached.is_read:
        return reached
    with open_again(lines, reached.length) as out:
        if reached.length == 0:
            out.write(export.head)
        async for page in exported_pages(export, reached.after, run.touched):
            out.write(page.data)
            out.flush()
            rows = reached.rows + page.rows
            reached = Reached(rows, out.tell(), page.after, reached.columns, is_read=page.after is None)
            total = max(export.total, rows)
            await run.report(rows, total, checkpoint=asdict(reached), note=f"{rows:,} of {total:,} clients")
    return reached


async def _keep(export: Export, run: JobRun, lines: Path, rows: int, *, is_restricted: bool) -> str:
    """The id of the file; made again, it is the same one."""
    files, job_id = export.repositories.files, run.job.id
    name = f"clients-{run.job.queued_at:%Y%m%d}-{job_id[-8:]}"
    ending = f".{export.format}"
    kept = new_file(export.viewer, export.repositories, FileRole.EXPORT, f"{name}{ending}", ending, f"{job_id}:x")
    unfinished = files.work_path(f"{job_id}{ending}")
    if export.format in STREAMED:
        unfinished = lines
    else:
        open_new(unfinished).close()
        await convert(export, lines, unfinished)
    if unfinished.exists():
        unfinished.replace(files.path_of(kept))
    more: dict[str, Any] = {"jobId": job_id, "restricted": is_restricted}
    await files.add(kept | more | {"rows": rows, "bytes": files.path_of(kept).stat().st_size})
    by = new_file(export.viewer, export.repositories, FileRole.IMPORT_MAP, f"{name}.toml", ".toml", f"{job_id}:map")
    text = map_text(export.columns, f"Kehu export {job_id}").encode()
    with open_new(files.path_of(by)) as out:
        out.write(text)
    await files.add(by | more | {"bytes": len(text)})
    return str(kept[ID])
