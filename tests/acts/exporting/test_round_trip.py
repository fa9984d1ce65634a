"""What was exported, imported into an empty book by the map that comes with it, is the same."""

from pathlib import Path
from typing import Any

import pytest

from acts.exporting.clients import FORMATS, STREAMED, ExportOrder, convert, prepared_export, write_export
from acts.exporting.map_text import map_text
from acts.importing.clients import ImportOrder, import_clients
from acts.importing.map_file import load_map
from acts.importing.rows import RefusedRow
from acts.importing.run import Tally
from catalogue.attribute import CLIENTS, Facet
from catalogue.builtin import builtin_catalogue
from catalogue.kinds import Kind
from policy.viewer import program
from repositories.access import Touched
from repositories.mongo import MongoSettings, Store, connect
from repositories.repositories import Repositories
from tests.acts.exporting.conftest import opened

TESTER = program("tester")
CATALOGUE = builtin_catalogue()
REFERENCES = {each.path for each in CATALOGUE.area(CLIENTS).values() if each.kind is Kind.CLIENT}
HELD = {(CATALOGUE.list_group_of(CATALOGUE.get_live(each)) or CATALOGUE.get_live(each)).path for each in REFERENCES}
PATHS = tuple(leaf.path for facet in Facet for leaf in CATALOGUE.leaves(facet) if leaf.path not in HELD)
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'=1",
    "''+1",
    "＝1",
    '=HYPERLINK("http://x")',
    "'plain'",
    "a,b\n=c",
)


class Nobody:
    """Listens to nothing but refusals, of which there are none."""

    def refuse(self, row: RefusedRow) -> None:
        raise AssertionError(row)

    def progress(self, tally: Tally, position: int) -> None:
        """Nobody watches."""

    def is_stopped(self) -> bool:
        return False


async def exported(repositories: Repositories, file_format: str, directory: Path) -> tuple[Path, Path]:
    """The file of all clients, and its map."""
    secret = repositories.access.restricted(CLIENTS)
    order = ExportOrder(file_format, attributes=tuple(each for each in PATHS if each not in secret))
    export = await prepared_export(TESTER, repositories, order)
    target, lines = directory / f"clients.{file_format}", directory / "lines"
    with (target if file_format in STREAMED else lines).open("wb") as out:

        async def told(_done: int) -> None:
            """Nobody watches."""

        assert await write_export(export, out, Touched(), told) == export.total
    if file_format not in STREAMED:
        await convert(export, lines, target)
    by = directory / "map.toml"
    by.write_text(map_text(export.columns, "round trip"), "utf-8")
    return target, by


async def stored(repositories: Repositories) -> dict[str, dict[str, Any]]:
    """What an export is about, by number; decimals by what they come to."""
    rows = await repositories.clients.collection.find({}, sort=[("number", 1)])
    keys = ("kind", "stage", "managerId", *(str(each) for each in Facet))
    secret = repositories.access.restricted(CLIENTS)
    return {each["number"]: _comparable({key: each.get(key) for key in keys}, "", secret) for each in rows}


def _comparable(value: Any, path: str, secret: frozenset[str]) -> Any:
    if isinstance(value, dict):
        inner = {key: (f"{path}.{key}" if path else key) for key in value}
        kept = {key: _comparable(value[key], at, secret) for key, at in inner.items() if at not in HELD | secret}
        return {key: each for key, each in kept.items() if each not in ({}, None)}
    if isinstance(value, list):
        return [_comparable(each, path, secret) for each in value]
    return float(str(value)) if type(value).__name__ == "Decimal128" else value


@pytest.mark.parametrize("file_format", FORMATS)
async def test_the_same_book_comes_out(demo: Repositories, file_format: str, tmp_path: Path) -> None:
    first = await demo.clients.collection.find_one({}, {"number": 1})
    assert first is not None
    remarks = [{"number": f"F{at}", "text": each} for at, each in enumerate(FORMULAS)]
    for each in remarks:
        await demo.clients.collection.insert_one(
            {
                **first,
                "_id": f"cl_{each['number']}",
                "number": each["number"],
                "kind": "ORGANISATION",
                "stage": "ACTIVE",
                "profile": {"name": each["text"]},
                "version": 1,
            }
        )
    target, by = await exported(demo, file_format, tmp_path)
    store: Store = connect(MongoSettings(driver="memory"))
    empty = await opened(store, tmp_path / "other")
    await empty.managers.collection.insert_many(await demo.managers.collection.find({}))
    order = ImportOrder(target, load_map(by))
    tally = await import_clients(TESTER, empty, order, lambda _ready, _tally: Nobody())
    before, after = await stored(demo), await stored(empty)
    for each in remarks:
        # An import takes blanks off the ends of texts.
        before[each["number"]]["profile"]["name"] = each["text"].strip()
    assert (tally.created, tally.refused) == (len(before), 0)
    assert after == before
    await store.close()
