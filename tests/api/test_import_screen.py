"""What an import shows on a terminal and elsewhere."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from acts.importing.clients import ImportOrder
from acts.importing.map_file import map_from
from acts.importing.mapping import ImportMap
from acts.importing.reading import FileFacts, Reading
from acts.importing.run import Prepared, Tally
from acts.rooms.keeping import Asking
from acts.rooms.limits import Limits
from api import import_screen
from api.import_screen import ImportScreen
from catalogue.builtin import builtin_catalogue
from tests.rooms import RoomHere

MAP = {
    "client": {"number": "id", "kind": "PERSON"},
    "proof": {"source": "test"},
    "values": {"profile.name": "name", "profile.cik": {"column": "cik", "optional": True}},
}


@pytest.fixture
def given() -> ImportMap:
    return map_from(MAP)


@pytest.fixture
def ready(given: ImportMap) -> Prepared:
    facts = FileFacts(("id", "name", "more"), 20, "bytes", "line", ("more",), ("profile.cik",))
    return Prepared(given, Reading(facts, "a.csv", Asking(RoomHere(), Limits())), (), builtin_catalogue())


def _screen(*, is_terminal: bool, is_dry_run: bool = False) -> tuple[ImportScreen, StringIO, StringIO]:
    out, errors = StringIO(), StringIO()
    console = Console(file=errors, force_terminal=is_terminal, width=100)
    return ImportScreen(Console(file=out, width=100), console, 20, is_dry_run=is_dry_run), out, errors


class TestImportScreen:
    def test_a_terminal_gets_a_bar(self, ready: Prepared) -> None:
        screen, _, errors = _screen(is_terminal=True)
        screen.open(ready, Tally(), lambda: False)
        screen.progress(Tally(rows=1000, refused=3), ready.reading.facts.total // 2)
        screen.close()
        assert "1,000 rows, 3 refused" in errors.getvalue()
        assert "%" in errors.getvalue()

    def test_other_places_get_a_line_now_and_then(self, ready: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
        screen, _, errors = _screen(is_terminal=False)
        screen.open(ready, Tally(), lambda: False)
        screen.progress(Tally(rows=1000), 5)
        assert "1,000 rows" not in errors.getvalue()
        monkeypatch.setattr(import_screen, "_LINE_SECONDS", 0.0)
        screen.progress(Tally(rows=2000), ready.reading.facts.total)
        assert "2,000 rows, 0 refused" in errors.getvalue()
        assert errors.getvalue().rstrip().endswith("100%")

    def test_columns_that_are_not_used_or_not_there_are_named_first(self, ready: Prepared) -> None:
        screen, _, errors = _screen(is_terminal=False)
        screen.open(ready, Tally(), lambda: False)
        assert "Columns that the map does not use: more." in errors.getvalue()
        assert "the file lacks their columns: profile.cik." in errors.getvalue()

    def test_an_early_end_says_what_is_stored(self, ready: Prepared) -> None:
        screen, _, errors = _screen(is_terminal=False)
        screen.open(ready, Tally(rows=3000, created=1500, changed=300, unchanged=200, refused=1000), lambda: False)
        screen.fail("The database is gone.")
        assert "The database is gone.\n2,000 rows are stored. Run the same command again" in errors.getvalue()

    def test_a_dry_run_that_is_broken_off_stored_nothing(self, ready: Prepared, given: ImportMap) -> None:
        screen, out, errors = _screen(is_terminal=False, is_dry_run=True)
        tally = Tally(rows=1000, created=1000, is_interrupted=True)
        screen.open(ready, tally, lambda: True)
        screen.break_off()
        assert "Broken off. Nothing was written." in errors.getvalue()
        screen.report(tally, ImportOrder(Path("a.csv"), given, is_dry_run=True))
        assert "Stopped. Nothing was written." in out.getvalue()
