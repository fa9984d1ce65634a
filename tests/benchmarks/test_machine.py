"""CPU time and memory out of /proc."""

import os
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.machine import (
    PROGRAMS,
    TICKS_PER_SECOND,
    cpu_seconds_from,
    family,
    memory_mb_from,
    program,
)

STAT = f"7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 {3 * TICKS_PER_SECOND} {TICKS_PER_SECOND} 0 0 20 0 1 0 1 1 1\n"


class TestCpuSecondsFrom:
    def test_user_and_system_whatever_the_name(self) -> None:
        assert cpu_seconds_from(STAT) == 4.0

    def test_nothing_of_a_process_that_is_gone(self) -> None:
        assert cpu_seconds_from("") == 0.0


class TestMemoryMbFrom:
    def test_resident(self) -> None:
        assert memory_mb_from("Name:\tx\nVmPeak:\t  9 kB\nVmRSS:\t   2048 kB\n") == 2.0

    def test_none(self) -> None:
        assert memory_mb_from("Name:\tx\n") == 0.0


class TestFamily:
    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux has /proc")
    def test_begins_with_the_process_itself(self) -> None:
        assert family(os.getpid())[0] == os.getpid()


class TestProgram:
    def test_missing_one_is_named_with_what_installs_it(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(BenchmarkError, match=r"wrk is not on PATH .* apt-get install wrk"):
            program("wrk")

    def test_every_program_has_its_words(self) -> None:
        assert {"wrk", "taskset", "npm", "node"} <= set(PROGRAMS)
