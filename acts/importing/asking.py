"""Ask for an import as a job: file and map are looked at first, so that what cannot work is refused at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acts.checks import Guard, guard_problems, proof_problems, refuse
from acts.files import find_upload, inside_import_directory
from acts.importing.errors import ImportRefused
from acts.importing.mapping import ImportMap
from acts.importing.reading import read_map
from acts.jobs import Job, enqueue, find_job, json_text
from catalogue.errors import ErrorCode, KehuError
from policy.jobs import JOBS
from policy.rules import Right
from policy.viewer import Viewer
from repositories.plan import ID, Proof
from repositories.repositories import Repositories, new_id

IMPORT = "clientsImport"
"""The kind of the job."""
OPEN_JOBS = 3
"""Unfinished jobs of a kind that one person may have."""
MAP_LIMIT_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What somebody wants imported: a file that was sent, or one under the directory for it; and its map."""

    file_id: str | None = None
    path: str | None = None
    map_toml: str | None = None
    mapping: Mapping[str, Any] | None = None
    is_dry_run: bool = False

    def as_json(self) -> dict[str, Any]:
        """The input of the job."""
        given = {"fileId": self.file_id, "path": self.path, "map": self.map_toml, "mapping": self.mapping}
        return {name: value for name, value in given.items() if value is not None} | {"dryRun": self.is_dry_run}


@dataclass(frozen=True, slots=True)
class ImportFile:
    """The file of a request, found."""

    path: Path
    name: str
    file_id: str | None


def request_from(given: Mapping[str, Any]) -> ImportRequest:
    """The request that the input of a job says."""
    return ImportRequest(
        given.get("fileId"), given.get("path"), given.get("map"), given.get("mapping"), given["dryRun"]
    )


async def ask_import(viewer: Viewer, repositories: Repositories, request: ImportRequest, guard: Guard) -> Job:
    """The job that imports a file for the viewer, by the rights that they have when it runs.

    Raises: NotAllowed, NotFound, Refused, ImportRefused, KeyReused; KehuError with TOO_EXPENSIVE.
    """
    repositories.access.require(viewer, Right.CHANGE_CLIENTS)
    refuse(guard_problems(guard))
    asked = checked_input(request.as_json())
    if await was_asked(viewer, repositories, IMPORT, guard):
        return await enqueue(viewer, repositories, IMPORT, asked, key=guard.idempotency_key)
    given = await map_of(request)
    refuse(proof_problems(Proof(**given.proof.model_dump())))
    if given.define:
        repositories.access.require(viewer, Right.DEFINE_ATTRIBUTES)
    await file_of(viewer, repositories, request)
    await refuse_too_many(viewer, repositories, IMPORT)
    return await enqueue(viewer, repositories, IMPORT, asked, key=guard.idempotency_key)


def checked_input(given: dict[str, Any]) -> dict[str, Any]:
    """The input of a job, of which JSON can hold everything.

    Raises: KehuError with INVALID_VALUE, for infinite numbers and halves of signs.
    """
    try:
        json_text(given).encode()
    except ValueError as error:
        message = f"The request holds what JSON cannot: {error}. Send finite numbers and whole characters."
        raise KehuError(message, code=ErrorCode.INVALID_VALUE) from None
    return given


async def was_asked(viewer: Viewer, repositories: Repositories, kind: str, guard: Guard) -> bool:
    """Whether a job was asked for with the same key before: what it needed may be used up by now."""
    if guard.idempotency_key is None:
        return False
    job_id = new_id(JOBS, f"{viewer.person}:{kind}:{guard.idempotency_key}")
    return await find_job(viewer, repositories, job_id) is not None


async def refuse_too_many(viewer: Viewer, repositories: Repositories, kind: str) -> None:
    """Raises: KehuError with TOO_EXPENSIVE, where somebody has as many unfinished jobs of a kind as one may have."""
    has = await repositories.jobs.count_open(kind, viewer.person)
    if has >= OPEN_JOBS:
        raise KehuError(
            f"You have {has} unfinished jobs of the kind {kind}, and one person may have {OPEN_JOBS}. "
            "Wait for one, or cancel it.",
            code=ErrorCode.TOO_EXPENSIVE,
            given=str(has),
            expected=f"fewer than {OPEN_JOBS}",
        )


async def file_of(viewer: Viewer, repositories: Repositories, request: ImportRequest) -> ImportFile:
    """The file of a request.

    Raises: NotFound; KehuError with INVALID_VALUE.
    """
    if (request.file_id is None) == (request.path is None):
        given = "neither" if request.file_id is None else "both"
        raise ImportRefused(f"An import takes either fileId or path; got {given}.", path=("fileId",), given=given)
    if request.path is not None:
        path = inside_import_directory(repositories, request.path)
        return ImportFile(path, path.name, None)
    file = await find_upload(viewer, repositories, str(request.file_id))
    path = repositories.files.path_of(file)
    if not path.is_file():
        raise ImportRefused(
            f"The file {file[ID]} is not where this worker looks: KEHU_FILES_DIR is to be the same directory for all "
            "servers and workers.",
            path=("fileId",),
        )
    return ImportFile(path, file["name"], str(file[ID]))


async def map_of(request: ImportRequest) -> ImportMap:
    """The map of a request, with nothing in it that could hold up a worker or lead out of the file.

    Raises: ImportRefused.
    """
    if (request.map_toml is None) == (request.mapping is None):
        given = "neither" if request.map_toml is None else "both"
        raise ImportRefused(f"An import takes either map or mapping; got {given}.", path=("map",), given=given)
    if request.map_toml is not None and len(request.map_toml) > MAP_LIMIT_CHARACTERS:
        length = f"{len(request.map_toml):,}"
        raise ImportRefused(f"A map takes up to {MAP_LIMIT_CHARACTERS:,} characters; got {length}.", path=("map",))
    return await read_map(request.map_toml, request.mapping)
