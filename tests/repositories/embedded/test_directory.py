"""The directory of an embedded mongod: lock, log, port."""

import os
import socket
from pathlib import Path

import pytest

from repositories.embedded import DirectoryInUse, EmbeddedError
from repositories.embedded.directory import MongodDirectory


@pytest.fixture
def directory(tmp_path: Path) -> MongodDirectory:
    made = MongodDirectory(tmp_path)
    made.database.mkdir(parents=True)
    return made


class TestClaim:
    def test_a_second_holder_is_told_the_first(self, directory: MongodDirectory) -> None:
        directory.claim()
        with pytest.raises(DirectoryInUse, match=f"in use by the process {os.getpid()}. Stop that server"):
            MongodDirectory(directory.data_dir).claim()
        directory.release()

    def test_it_is_free_after_release(self, directory: MongodDirectory) -> None:
        directory.claim()
        directory.release()
        other = MongodDirectory(directory.data_dir)
        other.claim()
        other.release()

    def test_a_lock_file_of_a_dead_server_is_no_lock(self, directory: MongodDirectory) -> None:
        directory.lock_file.write_text("4194304123")
        directory.claim()
        assert directory.lock_file.read_text() == str(os.getpid())
        directory.release()

    def test_a_place_that_cannot_hold_a_directory(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(EmbeddedError, match=r"file cannot be written to \(Not a directory\)\. Give a directory"):
            MongodDirectory(tmp_path / "file").claim()


class TestChoosePort:
    def test_it_stays_the_same(self, directory: MongodDirectory) -> None:
        assert directory.choose_port() == directory.choose_port()

    def test_a_taken_one_is_replaced(self, directory: MongodDirectory) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            directory.port_file.write_text(str(port))
            assert directory.choose_port() not in {port, 0}

    @pytest.mark.parametrize("content", ["", "many", "99999999"])
    def test_a_broken_note_of_it_is_replaced(self, directory: MongodDirectory, content: str) -> None:
        directory.port_file.write_text(content)
        assert 0 < directory.choose_port() < 65536


class TestBeginLog:
    def test_a_large_log_is_put_aside(self, directory: MongodDirectory) -> None:
        with directory.log.open("wb") as log:
            log.truncate(10_000_001)
        directory.begin_log()
        assert not directory.log.exists()
        assert directory.log.with_suffix(".log.1").stat().st_size == 10_000_001

    def test_a_small_one_goes_on(self, directory: MongodDirectory) -> None:
        directory.log.write_text("{}\n")
        directory.begin_log()
        assert directory.log.read_text() == "{}\n"


class TestLogTail:
    def test_errors_of_this_run_come_before_its_last_lines(self, directory: MongodDirectory) -> None:
        directory.log.write_text('{"s":"F", "msg":"of an earlier run"}\n')
        directory.begin_log()
        with directory.log.open("a") as log:
            log.write('{"s":"F", "msg":"wrong version"}\n' + '{"s":"I", "msg":"stack"}\n' * 50)
        assert directory.log_tail() == '{"s":"F", "msg":"wrong version"}'

    def test_the_last_lines_where_there_is_no_error(self, directory: MongodDirectory) -> None:
        directory.stderr.write_text("Error parsing command line\n")
        assert directory.log_tail() == "Error parsing command line"

    def test_nothing_was_written(self, directory: MongodDirectory) -> None:
        assert directory.log_tail() == "(mongod wrote nothing)"


class TestStopOrphan:
    def test_another_program_with_the_noted_pid_is_left_alone(self, directory: MongodDirectory) -> None:
        (directory.database / "mongod.lock").write_text(str(os.getpid()))
        assert directory.find_orphan() is None
        assert directory.stop_orphan(0.1) is None

    def test_an_empty_note(self, directory: MongodDirectory) -> None:
        (directory.database / "mongod.lock").write_text("")
        assert directory.find_orphan() is None
