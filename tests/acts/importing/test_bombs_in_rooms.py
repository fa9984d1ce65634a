"""Files that come to far more than they look, opened as a job opens them: in a room, with the server looking on."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars
import pytest

from acts.importing.errors import ImportRefused
from acts.importing.mapping import ImportMap
from acts.importing.rows import MappedRow
from acts.importing.run import prepared
from catalogue.builtin import builtin_catalogue
from tests.acts.importing.conftest import BuildMap
from tests.acts.importing.workbooks import MAIN, cell, sheet, styles, two_archives, write_book
from tests.figures import Figure

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.rooms,
    pytest.mark.skipif(sys.platform != "linux", reason="Linux holds all limits"),
]
GIANT = "x" * 1_000_000
Write = Callable[[Path], Path]


def _text(name: str, text: str) -> Write:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_text(text, "utf-8")
        return path

    return write


def _parquet(**columns: object) -> Write:
    def write(folder: Path) -> Path:
        path = folder / "a.parquet"
        polars.DataFrame(columns).write_parquet(path)
        return path

    return write


def _book(text: str, **parts: str) -> Write:
    return lambda folder: write_book(folder / "a.xlsx", text, {f"xl/{name}.xml": part for name, part in parts.items()})


def _deep(levels: int) -> polars.Series:
    inner: object = ["x"]
    for _ in range(levels):
        inner = [inner]
    return polars.Series([inner])


def _both(folder: Path) -> Path:
    rows = [[cell("id"), cell("name")], [cell("1"), cell("x")]]
    good = write_book(folder / "good.xlsx", sheet(rows))
    far = sheet(rows).replace("</sheetData>", '<row r="30000"><c r="ALL30000"><v>1</v></c></row></sheetData>')
    return two_archives(folder / "a.xlsx", good, write_book(folder / "evil.xlsx", far))


def _zeros(folder: Path) -> Path:
    """Half a gigabyte of zeros in some kilobytes."""
    path = folder / "a.parquet"
    polars.DataFrame({"id": ["1"], "name": [b"\0" * 500_000_000]}).write_parquet(path, compression="zstd")
    return path


_CELLS = "".join(f'<row r="{at}"><c r="A{at}" t="s"><v>0</v></c></row>' for at in range(2, 2_000))
_NAMES = cell("id").replace("@", "A1") + cell("name").replace("@", "B1")
_HEAD = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1">{_NAMES}</row>'
CHEAP: dict[str, Write] = {
    "texts of a dictionary": _parquet(id=[str(at) for at in range(300)], name=[GIANT] * 300),
    "two archives": _both,
    "quotes that never end": _text("a.csv", 'id,name\n1,"' + "x\n" * 300_000),
    "a cell of many lines": _text("a.csv", "id,name\n1," + "".join(f'"{"x" * 1_000}\n' for _ in range(900)) + '"\n'),
    "JSON of many levels": _text("a.jsonl", '{"id": "1", "name": ' + "[" * 90_000 + "]" * 90_000 + "}\n"),
    "shared texts": _book(
        f"{_HEAD}{_CELLS}</sheetData></worksheet>", sharedStrings=f"<sst><si><t>{GIANT}</t></si></sst>"
    ),
}
MORE: dict[str, Write] = {
    "a long cell": _text("a.csv", f"id,name\n1,{'x' * 200_000}\n"),
    "a long header": _text("a.csv", f"id,name,{'x' * 200_000}\n1,a,b\n"),
    "wide rows": _text("a.csv", "id,name\n" + ",".join("1" * 400_000) + "\n"),
    "objects in objects": _text("a.jsonl", '{"id":"1",' + '"' + "k" * 900 + '":{' * 1_000 + "}" * 1_001 + "\n"),
    "long names": _text("a.jsonl", '{"id":"1","' + "k" * 400_000 + '":1,"name":"x"}\n'),
    "many names": _text("a.jsonl", '{"id":"1",' + ",".join(f'"n{at}":1' for at in range(6_000)) + "}\n"),
    "an integer without end": _text("a.jsonl", '{"id":"1","name":' + "9" * 500_000 + "}\n"),
    "a wide table": _parquet(**{f"c{at}": [1] for at in range(6_000)}),
    "lists in lists": _parquet(id=["1"], name=_deep(40)),
    "a long list": _parquet(id=["1"], name=[["x" * 1_000] * 5_000]),
    "zeros": _zeros,
    "far corner": _book(f'{_HEAD}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'),
    "many merges": _book(sheet([[cell("id"), cell("name")]], [f"A{at}:B{at}" for at in range(2, 100_010)])),
    "wide merges": _book(sheet([[cell("id"), cell("name")], [cell(1), cell(2)]], ["A2:XFD1048576"] * 3)),
    "many styles": _book(sheet([[cell("id"), cell("name")]]), styles=styles(*["0" * 200] * 70_000)),
    "entities": _book(
        f'<!DOCTYPE s [<!ENTITY a "{"x" * 1_000}"><!ENTITY b "{"&a;" * 1_000}">]>{sheet([[cell("id")]])}'
    ),
    "no end of a file": _text("a.parquet", "PAR1" + "\xff" * 1_000 + "PAR1"),
    "XML of many levels": _book("<a>" * 200_000),
}


async def _opened(path: Path, given: ImportMap) -> tuple[str, float]:
    """What became of a file, and the longest time for which the event loop did not come round meanwhile."""
    worst = 0.0

    async def look() -> None:
        nonlocal worst
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            worst = max(worst, time.monotonic() - begun - 0.01)

    looking = asyncio.create_task(look())
    good = 0
    try:
        async with prepared(path, given, builtin_catalogue()) as ready:
            async for rows in ready.batches():
                good += sum(isinstance(row, MappedRow) and not row.refusals for row in rows)
    except ImportRefused as refused:
        return refused.message, worst
    finally:
        looking.cancel()
    return f"{good} rows taken", worst


def _memory() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _parade(bombs: dict[str, Write], tmp_path: Path, build_map: BuildMap, figure: Figure) -> None:
    given = build_map({"profile.name": "name"})
    taken, most, slowest = {}, 0, 0.0
    for at, (name, write) in enumerate(bombs.items()):
        (tmp_path / str(at)).mkdir()
        path = write(tmp_path / str(at))
        before = _memory()
        words, worst = await _opened(path, given)
        most, slowest = max(most, _memory() - before), max(slowest, worst)
        if words != "0 rows taken" and "rows taken" in words:
            taken[name] = words
        figure(f"{name}: {words[:150]}")
    figure(
        f"{len(bombs)} bombs, {most / 1e6:.0f} MB more in the parent, the loop waited {slowest * 1000:.0f} ms at most"
    )
    assert taken == {}
    assert most < 150_000_000


async def test_bombs_are_refused_by_a_room(tmp_path: Path, build_map: BuildMap, figure: Figure) -> None:
    await _parade(CHEAP, tmp_path, build_map, figure)


@pytest.mark.long
async def test_further_bombs_are_refused_by_a_room(tmp_path: Path, build_map: BuildMap, figure: Figure) -> None:
    await _parade(MORE, tmp_path, build_map, figure)
