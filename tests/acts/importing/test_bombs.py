"""Bombs are refused in flat memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acts.importing.bombs import bombs
from tests.figures import Figure

PROJECT = Path(__file__).parents[3]
SIZE = 1_000_000_000 if os.environ.get("KEHU_TEST_LONG") else 60_000_000
LIMIT = 300_000_000 if os.environ.get("KEHU_TEST_LONG") else 30_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_twelve_bombs_are_refused_in_flat_memory(tmp_path: Path, figure: Figure) -> None:
    names = {each.name for each in bombs(tmp_path, SIZE)}
    arguments = [sys.executable, "-m", "tests.acts.importing.bombs", str(tmp_path), str(LIMIT)]
    done = subprocess.run(arguments, cwd=PROJECT, text=True, capture_output=True, timeout=120, check=True)
    *lines, last = done.stdout.splitlines()
    memory = int(last.split()[1])
    figure(f"{len(lines)} bombs, {memory / 1e6:.0f} MB more than before")
    assert {line.split()[0] for line in lines} == names
    assert [line for line in lines if line.split()[1] != "refused"] == []
    assert memory < 50_000_000
