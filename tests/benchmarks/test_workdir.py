"""The copy of the peers."""

from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.workdir import WorkDir


class TestCopyPeers:
    def test_without_packages_and_results(self, tmp_path: Path) -> None:
        for name in ("py/floor.py", "node/package.json", "node/node_modules/x.js", "results/main.jsonl"):
            file = tmp_path / "peers" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("x")
        work = WorkDir(tmp_path / "work")
        work.copy_peers(tmp_path / "peers")
        copied = {str(each.relative_to(work.peers)) for each in work.peers.rglob("*") if each.is_file()}
        assert copied == {"py/floor.py", "node/package.json"}

    def test_missing_peers_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(BenchmarkError, match=r"py/floor\.py.*--peers-dir"):
            WorkDir(tmp_path / "work").copy_peers(tmp_path / "nowhere")
        assert not (tmp_path / "work").exists()
