"""`kehu import clients`: a file of clients into the book, with a progress bar and a report."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from acts.importing.clients import ImportOrder
from acts.importing.clients import import_clients as import_into
from acts.importing.map_file import load_map
from acts.importing.run import Prepared, Tally
from api.auditing import audited_command
from api.database import open_repositories_of
from api.import_screen import ImportScreen
from api.interrupt import Interrupt
from api.settings import Settings, SettingsError, load_settings
from catalogue.errors import KehuError
from policy.viewer import program
from repositories.errors import RepositoryError

IMPORTER = program("kehu-import")
"""Who the history names for imported values; the proof of the map says where they come from."""

STORED, SOME_REFUSED, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes; 130 is what shells give to a program that Ctrl-C ended."""

PATIENCE_SECONDS = 30.0
"""A batch of a thousand rows may take longer than any answer to a screen."""


def import_clients(
    file: Annotated[Path, typer.Argument(help="CSV, JSON Lines, Parquet or Excel; the ending says which.")],
    map_path: Annotated[Path, typer.Option("--map", help="TOML file: which column becomes which attribute.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    refused: Annotated[
        Path | None, typer.Option(help="Write refused rows to this CSV file, to mend and import with the same map.")
    ] = None,
    shown: Annotated[int, typer.Option(min=0, help="Refused rows shown on the screen.")] = 20,
    data: Annotated[Path | None, typer.Option(help="Directory of the embedded mongod (KEHU_DATA_DIR).")] = None,
) -> None:
    """Import clients from a file; good rows land, each refused one says why, and a second run changes nothing."""
    screen = ImportScreen(Console(), Console(stderr=True), shown, is_dry_run=dry_run)
    try:
        settings = load_settings(data_dir=data)
        order = ImportOrder(file, load_map(map_path), refused, dry_run)
        code = asyncio.run(_import(settings, order, screen))
    except (KehuError, RepositoryError) as error:
        screen.fail(error.message)
        code = FAILED
    except SettingsError as error:
        screen.fail(str(error))
        code = FAILED
    except KeyboardInterrupt:
        screen.break_off()
        code = INTERRUPTED
    raise typer.Exit(code)


async def _import(settings: Settings, order: ImportOrder, screen: ImportScreen) -> int:
    patience = max(PATIENCE_SECONDS, settings.mongo_timeout_seconds)
    with Interrupt(screen.announce_stop) as interrupt:
        async with (
            open_repositories_of(settings.model_copy(update={"mongo_timeout_seconds": patience})) as repositories,
            audited_command(settings, repositories.audit, IMPORTER.person) as audit,
        ):

            def opened(ready: Prepared, tally: Tally) -> ImportScreen:
                screen.open(ready, tally, interrupt.is_set)
                return screen

            noted = partial(audit.carried_out, IMPORTER, "import clients")
            try:
                tally = await import_into(IMPORTER, repositories, order, opened, noted)
            finally:
                screen.close()
    screen.report(tally, order)
    if tally.is_interrupted:
        return INTERRUPTED
    return SOME_REFUSED if tally.refused else STORED
