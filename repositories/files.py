"""Files that people send and fetch: a record of each in the database, and the bytes in a directory."""

import hmac
import os
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from policy.files import BY, FILES, FileRole
from repositories.base import RecordRepository
from repositories.cursors import Cursors
from repositories.errors import Unavailable
from repositories.mongo import IndexSpec, Store
from repositories.plan import ID
from repositories.reading import Document

ID_PREFIX = "fl_"
JOB_PREFIX = "jb_"
PATHS = frozenset(
    (
        "name",
        "role",
        "ending",
        "jobId",
        "by",
        "bytes",
        "size",
        "rows",
        "restricted",
        "createdAt",
        "expiresAt",
        "version",
    )
)
INDEXES = {
    BY: IndexSpec(((BY, 1), ("_id", 1))),
    "job": IndexSpec((("jobId", 1), ("_id", 1)), partial={"jobId": {"$exists": True}}),
    "expires": IndexSpec((("expiresAt", 1),)),
}
OWNER_ALONE = 0o600
COPIED_BYTES = 1_000_000
"""At a time."""
_OWN_NAME = re.compile(r"(fl|jb)_[0-9a-f]{24}[.a-z0-9-]*")
"""Names that Kehu makes; nothing else in the directory is touched."""


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What the settings say of files."""

    directory: Path | None = None
    """Where the bytes are; the same for all servers and workers."""
    import_directory: Path | None = None
    """Where files may lie that are imported without being sent."""
    limit_bytes: int = 100_000_000
    days: int = 7
    address_minutes: int = 15
    files_per_person: int = 50
    export_limit_rows: int = 200_000


class FileRepository(RecordRepository):
    """All files that have not expired."""

    def __init__(self, store: Store, cursors: Cursors) -> None:
        super().__init__(store, FILES, "file", cursors)
        self.options = FileOptions()

    async def prepare(self) -> None:
        """The indexes by person, by job and by the end of a file's life."""
        await self.collection.create_indexes(INDEXES)

    async def add(self, file: Document) -> None:
        """Keep the record of a file; one that is there already stays as it is now said to be."""
        values = {name: value for name, value in file.items() if name != ID}
        await self.collection.update_one({ID: {"$eq": file[ID]}}, {"$set": values}, upsert=True)

    async def count_of(self, person: str) -> int:
        """How many files somebody has."""
        return await self.collection.count({BY: {"$eq": person}})

    async def find(self, file_id: str) -> Document | None:
        """A file by its id, whoever asks: its signed address is what lets somebody in."""
        return await self.collection.find_one({ID: {"$eq": file_id}})

    async def of_job(self, job_id: str, person: str) -> list[Document]:
        """The files that a job has made, for the person whose files they are."""
        query = {"jobId": {"$eq": job_id}, BY: {"$eq": person}}
        return await self.collection.find(query, sort=[(ID, 1)])

    async def received(self, file_id: str, count: int) -> bool:
        """Whether an upload was still awaited; it has come now, with so many bytes."""
        awaited = {ID: {"$eq": file_id}, "bytes": {"$exists": False}}
        return (await self.collection.update_one(awaited, {"$set": {"bytes": count}}))[0] == 1

    async def remove_expired(self, moment: datetime) -> int:
        """How many files were removed, bytes first: a record without bytes is removed the next time."""
        done = 0
        for each in await self.collection.find({"expiresAt": {"$lte": moment}}):
            self.path_of(each).unlink(missing_ok=True)
            done += await self.collection.delete_one({ID: {"$eq": each[ID]}})
        return done

    async def remove(self, file_id: str) -> None:
        """Remove one file, if it is there."""
        found = await self.find(file_id)
        if found is not None:
            self.path_of(found).unlink(missing_ok=True)
            await self.collection.delete_one({ID: {"$eq": file_id}})

    def sweep(self, moment: datetime) -> int:
        """How many files of Kehu's making were removed that are older than any record: what killed processes left."""
        oldest = (moment - timedelta(days=self.options.days + 1)).timestamp()
        left = [each for each in self._directory().iterdir() if _OWN_NAME.fullmatch(each.name)]
        old = [each for each in left if each.stat().st_mtime < oldest]
        for each in old:
            each.unlink(missing_ok=True)
        return len(old)

    def left_by_jobs(self) -> dict[str, list[Path]]:
        """What jobs work on, or have left behind, by the id of the job."""
        found: dict[str, list[Path]] = {}
        for each in self._directory().iterdir():
            if each.name.startswith(JOB_PREFIX) and _OWN_NAME.fullmatch(each.name):
                found.setdefault(each.name.partition(".")[0], []).append(each)
        return found

    def path_of(self, file: Document) -> Path:
        """Where the bytes of a file are: the name is Kehu's own, never one from outside."""
        return self._directory() / f"{file[ID]}{file['ending']}"

    def work_path(self, name: str) -> Path:
        """Where what a job works on may lie; the name begins with the id of the job."""
        return self._directory() / name

    def _directory(self) -> Path:
        directory = self.options.directory
        if directory is None:
            raise Unavailable("This server keeps no files: it has no directory for them (KEHU_FILES_DIR).")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return directory

    def address(self, file: Document, method: str, moment: datetime) -> tuple[str, datetime]:
        """Where a file is sent to or fetched from, and until when; whoever has the address needs nothing else."""
        until = min(moment + timedelta(minutes=self.options.address_minutes), file["expiresAt"])
        expires = int(until.timestamp())
        signature = self._signature(method, str(file[ID]), expires)
        return f"/files/{file[ID]}?expires={expires}&signature={signature}", until.replace(microsecond=0)

    def opens(self, method: str, file_id: str, expires: str, signature: str, moment: datetime) -> bool:
        """Whether an address was made here for this, and still holds."""
        if not (expires.isdecimal() and expires.isascii() and len(expires) <= 12):
            return False
        wanted = self._signature(method, file_id, int(expires))
        is_ours = hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "surrogatepass"))
        return is_ours and moment.timestamp() < int(expires)

    def _signature(self, method: str, file_id: str, expires: int) -> str:
        mac = self.cursors.bound_to(("address of a file", method, file_id, expires))
        return urlsafe_b64encode(mac).decode().rstrip("=")


def open_new(path: Path) -> BinaryIO:
    """A new file that its owner alone can read; what was there is gone."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE)
    return os.fdopen(descriptor, "wb")


def open_again(path: Path, length: int) -> BinaryIO:
    """A file cut back to a length, to be written on from there: a copy, which nobody else has open.

    A worker that was away too long may still have the old one in hand, and write into it when it wakes up.
    """
    if length == 0:
        return open_new(path)
    with path.open("rb") as before:
        again = open_new(path)
        left = length
        while left and (part := before.read(min(left, COPIED_BYTES))):
            again.write(part)
            left -= len(part)
    again.flush()
    return again


def role_of(file: Document) -> FileRole:
    """What a file is for."""
    return FileRole(file["role"])
