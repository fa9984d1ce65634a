"""`kehu audit verify` and `kehu audit key`: whether the audit is as it was written, and the key to see that by."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from acts.audit import BrokenHead, Report, verify_audit
from api.audit_heads import KEY_FILE, Verifier, audit_key_in, read_heads
from api.auditing import heads_file
from api.database import open_repositories_of
from api.settings import Settings, SettingsError, load_settings
from repositories.audit_log import Head

WHOLE, TAMPERED, INCOMPLETE = 0, 1, 3
"""Exit codes; 2 is what the command line says of a wrong option."""
PATIENCE_SECONDS = 60.0
SHOWN = 20

auditing = typer.Typer(help="See whether the audit is as it was written.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option("--data", help="Data directory (KEHU_DATA_DIR).")]


@auditing.command()
def verify(
    heads: Annotated[
        list[Path] | None, typer.Option(help="File of heads (KEHU_AUDIT_HEADS); once for each that the servers keep.")
    ] = None,
    public_key: Annotated[
        list[str] | None, typer.Option(help="As `kehu audit key` prints it; that of the data directory, if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data: Data = None,
) -> None:
    """Go through every entry and head. Exit code 0: all is whole; 1: tampered with; 3: changes lack their entries."""
    settings = load_settings(data_dir=data)
    verifier = Verifier(public_key or [_own_key(settings)])
    report = asyncio.run(_verified(settings, heads or [heads_file(settings)], verifier))
    if as_json:
        typer.echo(orjson.dumps(report_json(report), option=orjson.OPT_INDENT_2).decode())
    else:
        _show(Console(soft_wrap=True, highlight=False), report)
    if report.counts:
        raise typer.Exit(TAMPERED)
    raise typer.Exit(INCOMPLETE if report.without_entry_count else WHOLE)


@auditing.command()
def key(data: Data = None) -> None:
    """Print the public key by which an auditor verifies, without the secret one."""
    typer.echo(_own_key(load_settings(data_dir=data)))


def _own_key(settings: Settings) -> str:
    """The public key of the data directory.

    Raises: SettingsError if it has none: a new one would verify nothing.
    """
    path = settings.data_dir / KEY_FILE
    if not path.is_file():
        raise SettingsError(
            f"KEHU_DATA_DIR: got {settings.data_dir.resolve()}, where no server has kept a key of the audit; expected "
            "the data directory of a server (--data), or its public key (--public-key)."
        )
    return audit_key_in(settings.data_dir).public


async def _verified(settings: Settings, files: list[Path], verifier: Verifier) -> Report:
    patience = max(PATIENCE_SECONDS, settings.mongo_timeout_seconds)
    patient = settings.model_copy(update={"mongo_timeout_seconds": patience})

    def heads() -> Iterator[Head | BrokenHead]:
        return chain.from_iterable(_heads_of(each, verifier) for each in files)

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    async with open_repositories_of(patient, looks_only=True) as repositories:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Looking")

            def progress(what: str, done: int) -> None:
                bar.update(task, description=f"{done:,} {what}")

            return await verify_audit(repositories, heads, verifier, progress)


def _heads_of(path: Path, verifier: Verifier) -> Iterator[Head | BrokenHead]:
    try:
        yield from read_heads(path, verifier)
    except OSError as error:
        yield BrokenHead(str(path), 0, f"it cannot be read ({error.strerror})")


def report_json(report: Report) -> dict[str, Any]:
    """The report for programs."""
    whole = replace(report, counts=Counter())
    return asdict(whole) | {"counts": dict(report.counts)}


def _show(console: Console, report: Report) -> None:
    console.print(f"{report.entries:,} entries in {report.partitions:,} partitions, {report.heads:,} heads.")
    for each in report.findings[:SHOWN]:
        place = "" if each.partition is None else f" {each.partition}"
        number = "" if each.sequence is None else f" entry {each.sequence}"
        console.print(f"{each.kind}{place}{number}: {each.message}.", style="red", markup=False)
    total = report.counts.total()
    if total > SHOWN:
        console.print(f"... and {total - SHOWN:,} more; --json lists the first thousand.", style="red")
    console.print(f"{report.changes:,} changes of client data since auditing began.")
    if report.without_entry_count:
        listed = ", ".join(report.without_entry[:SHOWN])
        more = ", ..." if report.without_entry_count > SHOWN else ""
        console.print(f"{report.without_entry_count:,} of them have no entry: {listed}{more}", style="yellow")
    if total:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.counts.items()))
        console.print(f"TAMPERED WITH: {kinds}", style="red")
    else:
        console.print("Nothing was tampered with.", style="green")
