"""Files that people send and fetch: ask to send one, say where it lies, note those that jobs make."""

from collections.abc import Collection as Some
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path, PurePath
from typing import Any

from acts.checks import now, problem, refuse
from catalogue.errors import ErrorCode, KehuError
from policy.approvals import RESTRICTED_EXPORT, may_propose
from policy.files import FILES, NEEDED, FileRole
from policy.rules import Right
from policy.viewer import Viewer
from repositories.errors import NotFound
from repositories.files import PATHS, role_of
from repositories.plan import ID, ReadPlan
from repositories.reading import Document
from repositories.repositories import Repositories, new_id

NAME_LIMIT = 200
ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet", ".xlsx")
"""Of files that may be sent: formats that are read in flat memory, or checked before they are opened."""


async def ask_upload(
    viewer: Viewer, repositories: Repositories, name: str, size: int | None = None, key: str | None = None
) -> Document:
    """The record of a file that may now be sent to its address; the same key makes the same one.

    Raises: NotAllowed; Refused; KehuError with TOO_EXPENSIVE for somebody who has too many files already.
    """
    repositories.access.require(viewer, Right.CHANGE_CLIENTS)
    options = repositories.files.options
    ending = PurePath(name).suffix.lower()
    problems = []
    if not 1 <= len(name) <= NAME_LIMIT or not name.isprintable():
        problems.append(problem("name", name, f"1 to {NAME_LIMIT} printable characters"))
    if ending not in ENDINGS:
        problems.append(problem("name", name, f"a name that ends in one of {', '.join(ENDINGS)}"))
    if size is not None and not 1 <= size <= options.limit_bytes:
        problems.append(problem("size", size, f"1 to {options.limit_bytes} bytes (KEHU_FILE_LIMIT_BYTES)"))
    refuse(problems)
    await refuse_too_many_files(viewer, repositories)
    file = new_file(viewer, repositories, FileRole.UPLOAD, name, ending, None if key is None else f"upload:{key}")
    if size is not None:
        file["size"] = size
    await repositories.files.add(file)
    return file


async def refuse_too_many_files(viewer: Viewer, repositories: Repositories) -> None:
    """Raises: KehuError with TOO_EXPENSIVE, where somebody has as many files as one person may have."""
    options = repositories.files.options
    has = await repositories.files.count_of(viewer.person)
    if has >= options.files_per_person:
        raise KehuError(
            f"You have {has} files, and {options.files_per_person} are the most one person may have at a time. "
            f"Each goes {options.days} days after it was made; import what you have sent, or wait.",
            code=ErrorCode.TOO_EXPENSIVE,
            given=str(has),
            expected=f"fewer than {options.files_per_person} files",
        )


def new_file(
    viewer: Viewer, repositories: Repositories, role: FileRole, name: str, ending: str, key: str | None = None
) -> Document:
    """The record of a new file of somebody's, not stored yet; the same key makes the same id."""
    moment = now()
    return {
        ID: new_id(FILES, key),
        "by": viewer.person,
        "role": str(role),
        "name": name,
        "ending": ending,
        "createdAt": moment,
        "expiresAt": moment + timedelta(days=repositories.files.options.days),
        "version": 1,
    }


async def find_upload(viewer: Viewer, repositories: Repositories, file_id: str) -> Document:
    """A file that the viewer has sent.

    Raises: NotFound, for that of somebody else too; KehuError with INVALID_VALUE where it has not come yet.
    """
    plan = repositories.access.authorise(ReadPlan(FILES, PATHS), viewer)
    found = await repositories.files.load(plan, file_id)
    if found is None or found["role"] != FileRole.UPLOAD:
        raise NotFound("file", file_id)
    if found.get("bytes") is None:
        raise KehuError(
            f"The file {file_id} has not been sent yet; send it with PUT to its address first.",
            code=ErrorCode.INVALID_VALUE,
            path=("fileId",),
            given=file_id,
            expected="the id of a file that was sent",
        )
    return found


def inside_import_directory(repositories: Repositories, given: str) -> Path:
    """The path of a file under the directory that imports may read from.

    Raises: KehuError with INVALID_VALUE for every other path, in words that do not tell whether it is there.
    """
    directory = repositories.files.options.import_directory
    if directory is None:
        raise _no_path("this server has no directory to import from (KEHU_IMPORT_DIR); send the file instead", given)
    relative = PurePath(given)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts or "\x00" in given:
        raise _no_path("a path under the directory to import from, without ..", given)
    root = directory.resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise _no_path("the path of a file under the directory to import from", given)
    if path.suffix.lower() not in ENDINGS:
        raise _no_path(f"a file that ends in one of {', '.join(ENDINGS)}", given)
    return path


def _no_path(expected: str, given: str) -> KehuError:
    (found,) = [problem("path", given, expected)]
    return KehuError(found.message, code=found.code, path=found.path, given=found.given, expected=found.expected)


def address_of(viewer: Viewer, repositories: Repositories, file: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Where a file of the viewer's is sent to or fetched from, and until when; None where there is nothing to do so.

    Who has lost the right that the file came by gets none.
    """
    files, role, moment = repositories.files, role_of(dict(file)), now()
    if not may_use(viewer, repositories, file) or file["expiresAt"] <= moment:
        return None
    is_awaited = file.get("bytes") is None
    if is_awaited != (role is FileRole.UPLOAD):
        return None
    return files.address(dict(file), "PUT" if is_awaited else "GET", moment)


def may_use(viewer: Viewer, repositories: Repositories, file: Mapping[str, Any]) -> bool:
    """Whether a file is the viewer's, who still has the right that it came by."""
    role = role_of(dict(file))
    rights, needed = repositories.access.rights(viewer), NEEDED.get(role)
    if file["by"] != viewer.person or (needed is not None and needed not in rights):
        return False
    return role not in (FileRole.EXPORT, FileRole.IMPORT_MAP) or _may_fetch(viewer, rights, file)


def _may_fetch(viewer: Viewer, rights: Some[Right], file: Mapping[str, Any]) -> bool:
    if file.get("restricted"):
        return may_propose(viewer, RESTRICTED_EXPORT) is None
    return Right.EXPORT_CLIENTS in rights


async def remove_expired(repositories: Repositories) -> int:
    """How many files were removed: their time was over, or nobody goes on with the job that worked on them.

    What a job works on holds values in clear, so it goes with the job; that of a failed one stays for another try.
    """
    moment = now()
    done = await repositories.files.remove_expired(moment)
    left = repositories.files.left_by_jobs()
    for job_id in await repositories.jobs.over(left) if left else ():
        for each in left[job_id]:
            each.unlink(missing_ok=True)
            done += 1
    return done + repositories.files.sweep(moment)
