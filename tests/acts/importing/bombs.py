"""Files that come to far more than they look; run as a program it opens each and says what memory that took."""

import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from acts.importing import archive
from acts.importing.errors import ImportRefused
from acts.importing.mapping import ReadSettings
from acts.importing.readers import open_source

_SHEET = "xl/worksheets/sheet1.xml"
_HEAD = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_TAIL = "</sheetData></worksheet>"
_PLAIN = f'{_HEAD}<row r="1"><c r="A1"><v>1</v></c></row>{_TAIL}'
_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


def _book(path: Path, sheet: str | None = _PLAIN, **more: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, text in (_PARTS | ({} if sheet is None else {_SHEET: sheet}) | more).items():
            book.writestr(name, text)
    return path


def _huge(path: Path, size: int) -> None:
    """A sheet of spaces."""
    with (
        zipfile.ZipFile(_book(path, None), "a", zipfile.ZIP_DEFLATED, compresslevel=1) as book,
        book.open(_SHEET, "w", force_zip64=True) as part,
    ):
        part.write(_HEAD.encode())
        for _ in range(size // 1_000_000):
            part.write(b" " * 1_000_000)
        part.write(_TAIL.encode())


def _lying(path: Path, size: int) -> None:
    """The same, and the archive says that it is short."""
    _huge(path, size)
    raw = bytearray(path.read_bytes())
    at = raw.rindex(_SHEET.encode()) - 46
    assert raw[at : at + 4] == b"PK\x01\x02"
    raw[at + 24 : at + 28] = struct.pack("<I", 200)
    path.write_bytes(raw)


def _overlapping(path: Path, size: int) -> None:
    """One part of ten megabytes under many names."""
    with zipfile.ZipFile(_book(path, f"{_HEAD}{' ' * 10_000_000}{_TAIL}"), "a") as book:
        held = book.getinfo(_SHEET)
        for at in range(size // 10_000_000 + 1):
            twin = zipfile.ZipInfo(f"xl/worksheets/copy{at}.xml")
            twin.header_offset, twin.CRC, twin.compress_type = held.header_offset, held.CRC, held.compress_type
            twin.compress_size, twin.file_size = held.compress_size, held.file_size
            book.filelist.append(twin)
        book._didModify = True  # type: ignore[attr-defined]


def bombs(directory: Path, size: int) -> Iterator[Path]:
    """Twelve files; `size` is what the packed ones come to."""
    for name, make in (("huge", _huge), ("lying", _lying), ("overlapping", _overlapping)):
        path = directory / f"{name}.xlsx"
        make(path, size)
        yield path
    corners = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    yield _book(directory / "sparse.xlsx", f"{_HEAD}{corners}{_TAIL}")
    shared = "".join(f'<row r="{at}"><c r="A{at}" t="s"><v>0</v></c></row>' for at in range(1, 2_001))
    text = f"<sst><si><t>{'x' * 1_000_000}</t></si></sst>"
    yield _book(directory / "shared.xlsx", f"{_HEAD}{shared}{_TAIL}", **{"xl/sharedStrings.xml": text})
    laughs = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 10))
    declared = f'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY l0 "ha">{laughs}]>'
    yield _book(directory / "laughs.xlsx", f'{declared}{_HEAD}<row r="1"><c r="A1"><v>&l9;</v></c></row>{_TAIL}')
    yield _book(directory / "parts.xlsx", **{f"xl/media/{at}.xml": "<a/>" for at in range(1_500)})
    yield _book(directory / "picture.xlsx", **{"xl/media/image1.png": f"{_HEAD}{corners}{_TAIL}"})
    for name, data in (
        ("line.csv", "id,name\n" + "x" * 30_000_000),
        ("columns.csv", ",".join(["c"] * 400_000) + "\n"),
        ("line.jsonl", '{"id": "' + "x" * 30_000_000 + '"}'),
        ("names.jsonl", "".join("{" + ",".join(f'"{row}-{at}":1' for at in range(4_000)) + "}\n" for row in range(30))),
    ):
        (directory / name).write_text(data, "utf-8")
        yield directory / name


def _memory(name: str) -> int:
    """Units: bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))


def main(directory: Path, limit: int) -> None:
    """Opens every file of a directory, and prints which were refused and how much memory all of that took."""
    archive.BYTES_LIMIT = limit
    begun = _memory("VmRSS")
    for path in sorted(directory.iterdir()):
        try:
            with open_source(path, ReadSettings()) as source:
                rows = sum(not each.fault for each in source.records)
            sys.stdout.write(f"{path.name} {f'taken {rows}' if rows else 'refused row by row'}\n")
        except ImportRefused as refused:
            sys.stdout.write(f"{path.name} refused {refused.message}\n")
    sys.stdout.write(f"memory {_memory('VmHWM') - begun}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
