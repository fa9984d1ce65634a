"""Workbooks written part by part, as no spreadsheet would write them."""

import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET = "xl/worksheets/sheet1.xml"
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
        "</workbook>"
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="r3" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    ),
}


def sheet(rows: Sequence[Sequence[str]], merges: Sequence[str] = ()) -> str:
    """A sheet of cells, each the XML of one (see `cell`); an empty text is no cell."""
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(text.replace("@", f"{chr(64 + place)}{number}") for place, text in enumerate(row, 1) if text)
        lines.append(f'<row r="{number}">{cells}</row>')
    merged = "".join(f'<mergeCell ref="{each}"/>' for each in merges)
    behind = f"<mergeCells>{merged}</mergeCells>" if merges else ""
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData>{behind}</worksheet>'


def cell(value: object, style: int = 0, kind: str = "") -> str:
    """The XML of one cell: a text, a number under a style, or a value of a kind such as e (error)."""
    if isinstance(value, str) and not kind:
        return f'<c r="@" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="@" s="{style}"{f" t={kind!r}" if kind else ""}><v>{value}</v></c>'


def styles(*codes: str) -> str:
    """Styles 1, 2, ... with these formats of numbers; 0 has none."""
    formats = "".join(f'<numFmt numFmtId="{164 + at}" formatCode="{code}"/>' for at, code in enumerate(codes))
    cells = "".join(f'<xf numFmtId="{164 + at}"/>' for at in range(len(codes)))
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>'
        f'<cellXfs><xf numFmtId="0"/>{cells}</cellXfs></styleSheet>'
    )


def write_book(path: Path, text: str, more: Mapping[str, str] | None = None) -> Path:
    """A workbook of one sheet."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, part in (PARTS | {SHEET: text} | dict(more or {})).items():
            book.writestr(name, part)
    return path


def two_archives(path: Path, harmless: Path, hidden: Path) -> Path:
    """One file of two archives: a reader that believes the last end record opens the one, another the other."""
    good, evil = bytearray(harmless.read_bytes()), hidden.read_bytes()
    at = good.rfind(b"PK\x05\x06")
    good[at + 20 : at + 22] = struct.pack("<H", 9)
    end = evil.rfind(b"PK\x05\x06")
    path.write_bytes(evil[: end + 20] + struct.pack("<H", len(good)) + bytes(good))
    return path
