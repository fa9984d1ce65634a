"""`kehu export clients`: clients into a file, by the policy of Kehu's own program or of a person."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.console import Console

from acts.exporting.clients import FORMATS, STREAMED, Export, ExportOrder, convert, prepared_export, write_export
from acts.exporting.errors import ExportRefused
from acts.exporting.map_text import map_text
from acts.grants import single_clients
from acts.managers import find_person
from api.auditing import Auditing, audited_command
from api.database import open_repositories_of
from api.settings import Settings, SettingsError, load_settings
from catalogue.errors import KehuError
from policy.viewer import ROLES, Viewer, program
from repositories.access import Touched
from repositories.errors import RepositoryError
from repositories.files import open_new
from repositories.repositories import Repositories

EXPORTER = program("kehu-export")
"""Who the audit names where nobody else is: it reads every client, and no RESTRICTED value."""
EXPORTED, FAILED, INTERRUPTED = 0, 2, 130
PATIENCE_SECONDS = 30.0

_screen = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Target:
    """Where an export goes, and for whom."""

    output: Path | None
    map_path: Path | None
    person: str | None
    role: str | None


def export_clients(
    where: Annotated[str | None, typer.Option(help="Which clients, as JSON in the shape of the API's where.")] = None,
    search: Annotated[str | None, typer.Option(help="Only clients in whom this text stands.")] = None,
    attributes: Annotated[
        str | None, typer.Option(help="Paths, comma-separated; a group stands for all in it. All, if left out.")
    ] = None,
    file_format: Annotated[
        str | None, typer.Option("--format", help=f"{', '.join(FORMATS)}; by the ending of -o, else csv.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", help="Write to this file instead of standard output.")] = None,
    map_path: Annotated[
        Path | None, typer.Option("--map", help="Also write the map by which kehu import reads the file again.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="As this person of the directory sees them; else all but RESTRICTED values.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="In this one of the person's roles.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Data directory (KEHU_DATA_DIR).")] = None,
) -> None:
    """Export clients to CSV, JSON Lines, Parquet or Excel; the same policy as the API, audited."""
    try:
        order = ExportOrder(_format(file_format, output), _where(where), search, _attributes(attributes))
        target = Target(output, map_path, person, role)
        if output is None and order.format not in STREAMED:
            raise ExportRefused(f"{order.format} is not written to standard output; name a file with -o.")
        done, seconds = asyncio.run(_export(load_settings(data_dir=data), order, target))
    except (KehuError, RepositoryError, SettingsError, OSError) as error:
        _fail(error)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        _screen.print("Broken off; no file was written.", highlight=False)
        raise typer.Exit(INTERRUPTED) from None
    place = "standard output" if output is None else str(output)
    _screen.print(f"{done:,} clients to {place} in {seconds:.1f} s.", highlight=False, markup=False, soft_wrap=True)


def _fail(error: Exception) -> None:
    problems = error.problems() if isinstance(error, KehuError) else ()
    text = "\n".join(each.message for each in problems) or str(error)
    _screen.print(text, style="red", soft_wrap=True, markup=False, highlight=False)


def _format(given: str | None, output: Path | None) -> str:
    """Raises: ExportRefused."""
    ending = "" if output is None else output.suffix.lower().removeprefix(".")
    found = given or (ending if output is not None else "csv")
    if found not in FORMATS:
        asked = f'--format: got "{given}"' if given else f'-o: the ending "{ending}" says no format'
        raise ExportRefused(f"{asked}; expected one of {', '.join(FORMATS)}.")
    return found


def _where(given: str | None) -> dict[str, Any] | None:
    """Raises: ExportRefused."""
    if given is None:
        return None
    try:
        found = json.loads(given)
    except (ValueError, RecursionError) as error:
        expected = 'JSON such as {"stage": {"eq": "ACTIVE"}}'
        raise ExportRefused(f"--where: got {given!r}; expected {expected}: {error}.") from None
    if not isinstance(found, dict):
        raise ExportRefused(f"--where: got {given!r}; expected a JSON object.")
    return found


def _attributes(given: str | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(each.strip() for each in given.split(",") if each.strip())


async def _export(settings: Settings, order: ExportOrder, target: Target) -> tuple[int, float]:
    """How many clients were written, and how long it took."""
    patience = max(PATIENCE_SECONDS, settings.mongo_timeout_seconds)
    begun = time.monotonic()
    async with (
        open_repositories_of(
            settings.model_copy(update={"mongo_timeout_seconds": patience}), looks_only=True
        ) as repositories,
        audited_command(settings, repositories.audit, EXPORTER.person) as audit,
    ):
        viewer = await _viewer(repositories, target)
        export = await prepared_export(viewer, repositories, order)
        done = await _written(export, target.output, audit)
    if target.map_path is not None:
        with open_new(target.map_path) as out:
            out.write(map_text(export.columns, "Kehu export").encode())
    return done, time.monotonic() - begun


async def _viewer(repositories: Repositories, target: Target) -> Viewer:
    """Whose policy holds.

    Raises: ExportRefused.
    """
    if target.person is None:
        if target.role is not None:
            raise ExportRefused("--role says which role of a person holds; name the person with --person.")
        return EXPORTER
    found = await find_person(repositories, target.person)
    if found is None or not found.is_active:
        raise ExportRefused(f'--person: got "{target.person}"; expected an active person of the directory.')
    if target.role is not None and target.role not in found.roles.intersection(ROLES):
        has = ", ".join(sorted(found.roles)) or "none"
        raise ExportRefused(f'--role: got "{target.role}"; expected one of {target.person}\'s roles: {has}.')
    roles = found.roles.intersection(ROLES if target.role is None else (target.role,))
    singles = await single_clients(repositories, target.person, found.team)
    return Viewer(
        target.person, roles, found.team, found.manager_id, found.region, granted=singles.granted, walled=singles.walled
    )


async def _written(export: Export, output: Path | None, audit: Auditing) -> int:
    """How many clients were written; the file is there when it is whole, and only its owner can read it."""
    touched = Touched()

    async def told(done: int) -> None:
        # Before a page leaves, it is noted who has read it.
        await audit.carried_out(export.viewer, "export clients", touched)
        touched.records.clear()
        if _screen.is_terminal and output is not None:
            _screen.print(f"{done:,} of {export.total:,}", end="\r", highlight=False)

    if output is None:
        return await write_export(export, _standard_output(), touched, told)
    unfinished = output.with_name(f"{output.name}.part")
    lines = unfinished if export.format in STREAMED else output.with_name(f"{output.name}.lines")
    try:
        with open_new(lines) as out:
            done = await write_export(export, out, touched, told)
        if lines != unfinished:
            open_new(unfinished).close()
            await convert(export, lines, unfinished)
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)
        lines.unlink(missing_ok=True)
    return done


def _standard_output() -> BinaryIO:
    return sys.stdout.buffer
