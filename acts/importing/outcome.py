"""What an import as a job leaves behind: a file of the refused rows, and nothing of what it worked on."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from acts.files import new_file
from acts.importing.asking import ImportFile
from acts.importing.mapping import ImportMap
from acts.importing.reading import FileFacts
from acts.importing.refused_file import RefusedFile
from acts.importing.work_file import WorkFile
from policy.files import FileRole
from policy.viewer import Viewer
from repositories.plan import ID
from repositories.repositories import Repositories


async def keep_refused(
    viewer: Viewer,
    repositories: Repositories,
    job_id: str,
    file: ImportFile,
    given: ImportMap,
    work: WorkFile,
    facts: FileFacts,
) -> str | None:
    """The id of the file with the refused rows; None where there are none. The same for the same job."""
    count = work.count_refused()
    if not count:
        return None
    name = f"{PurePath(file.name).stem}-refused.csv"
    kept = new_file(viewer, repositories, FileRole.REFUSED_ROWS, name, ".csv", key=f"{job_id}:refused")
    target = repositories.files.path_of(kept)
    unfinished = repositories.files.work_path(f"{job_id}.refused")
    with RefusedFile(unfinished, facts, given.read) as refused:
        for each in work.refused():
            refused.write_texts(each.row, each.report, each.cells)
    unfinished.replace(target)
    record: Mapping[str, Any] = kept | {"jobId": job_id, "rows": count, "bytes": target.stat().st_size}
    await repositories.files.add(dict(record))
    return str(kept[ID])


async def clear_away(repositories: Repositories, job_id: str, upload: str | None) -> None:
    """Remove what a finished import worked on: its notes and, where it was stored, the file that was sent."""
    repositories.files.work_path(f"{job_id}.work").unlink(missing_ok=True)
    if upload is not None:
        await repositories.files.remove(upload)
