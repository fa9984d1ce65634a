"""Small files and maps for the tests of importing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acts.importing.map_file import map_from
from acts.importing.mapping import ImportMap

WriteFile = Callable[[str, str], Path]
BuildMap = Callable[..., ImportMap]


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Writes a text file and gives its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, "utf-8", newline="")
        return path

    return write


@pytest.fixture
def build_map() -> BuildMap:
    """A map with a number, a kind and a proof; sections are given by name."""

    def build(values: dict[str, Any], **sections: Any) -> ImportMap:
        given = {
            "client": {"number": "{id}", "kind": "ORGANISATION"},
            "proof": {"source": "test"},
            "values": values,
        }
        return map_from(given | sections)

    return build
