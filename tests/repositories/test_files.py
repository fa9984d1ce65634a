"""Files: their records on every store, their bytes under names of Kehu's own, and addresses that cannot be forged."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from repositories.errors import Unavailable
from repositories.files import FileOptions, FileRepository, open_again, open_new
from repositories.repositories import Repositories

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.fixture
async def files(book: Repositories, tmp_path: Path) -> FileRepository:
    book.files.options = FileOptions(tmp_path / "files", days=2)
    await book.files.prepare()
    return book.files


def record(file_id: str = "fl_" + "a" * 24, **more: Any) -> dict[str, Any]:
    known = {"_id": file_id, "by": "ana", "role": "EXPORT", "ending": ".csv", "expiresAt": NOW + timedelta(days=2)}
    return {**known, **more}


class TestRecords:
    async def test_a_file_made_again_is_one(self, files: FileRepository) -> None:
        await files.add(record(jobId="jb_1", rows=1))
        await files.add(record(jobId="jb_1", rows=2))
        (found,) = await files.of_job("jb_1", "ana")
        assert (found["rows"], await files.count_of("ana"), await files.of_job("jb_1", "bob")) == (2, 1, [])

    async def test_an_upload_comes_once(self, files: FileRepository) -> None:
        await files.add(record())
        assert [await files.received(record()["_id"], 5) for _ in range(2)] == [True, False]

    async def test_expired_ones_go_with_their_bytes_and_no_others(self, files: FileRepository) -> None:
        old, new = record(expiresAt=NOW), record("fl_" + "b" * 24)
        for each in (old, new):
            await files.add(each)
            files.path_of(each).write_bytes(b"x")
        assert await files.remove_expired(NOW) == 1
        assert (files.path_of(old).exists(), files.path_of(new).exists()) == (False, True)


class TestBytes:
    async def test_a_sweep_takes_what_killed_processes_left_and_nothing_of_others(self, files: FileRepository) -> None:
        left, young = files.work_path(f"jb_{'c' * 24}.work"), files.work_path(f"jb_{'d' * 24}.lines")
        foreign = files.work_path("somebody.txt")
        for each in (left, young, foreign):
            each.write_bytes(b"x")
        for each in (left, foreign):
            os.utime(each, (0, (NOW - timedelta(days=4)).timestamp()))
        os.utime(young, (0, NOW.timestamp()))
        assert files.sweep(NOW) == 1
        assert (left.exists(), young.exists(), foreign.exists()) == (False, True, True)

    def test_who_had_it_before_writes_into_another_one(self, tmp_path: Path) -> None:
        path = tmp_path / "a.lines"
        asleep = open_new(path)
        asleep.write(b"one;two")
        asleep.flush()
        with open_again(path, 4) as out:
            assert out.tell() == 4
            out.write(b"three")
        asleep.write(b"and on")
        asleep.close()
        assert path.read_bytes() == b"one;three"

    def test_what_is_behind_a_length_is_cut_off(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        with open_new(path) as out:
            out.write(b"one two")
        with open_again(path, 4) as out:
            out.write(b"three")
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one three", 0o600)

    async def test_without_a_directory_there_are_no_files(self, files: FileRepository) -> None:
        files.options = FileOptions()
        with pytest.raises(Unavailable, match="KEHU_FILES_DIR"):
            files.path_of(record())


class TestAddresses:
    async def test_one_holds_for_its_method_file_and_time_alone(self, files: FileRepository) -> None:
        address, until = files.address(record(), "GET", NOW)
        assert until == NOW + timedelta(minutes=15)
        query = address.partition("?")[2]
        expires, signature = (each.partition("=")[2] for each in query.split("&"))
        file_id = record()["_id"]
        assert files.opens("GET", file_id, expires, signature, NOW)
        assert not files.opens("PUT", file_id, expires, signature, NOW)
        assert not files.opens("GET", "fl_" + "b" * 24, expires, signature, NOW)
        assert not files.opens("GET", file_id, str(int(expires) + 1), signature, NOW)
        assert not files.opens("GET", file_id, expires, signature, until)
        assert not files.opens("GET", file_id, "\u0661", signature, NOW)

    async def test_none_holds_longer_than_its_file(self, files: FileRepository) -> None:
        assert files.address(record(expiresAt=NOW + timedelta(minutes=3)), "GET", NOW)[1] == NOW + timedelta(minutes=3)
