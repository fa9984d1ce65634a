"""The command line: `kehu serve`, `kehu token`, `kehu enter`, `kehu import`, `kehu schema`, `kehu explain`, ..."""

import asyncio
import os
from collections.abc import Callable, Iterator
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
from rich.console import Console

from acts.search import index_words
from api import serving
from api.attributes_command import attributes
from api.audit_command import auditing
from api.database import open_repositories_of
from api.directory_command import accounts, enter
from api.documents_command import documents
from api.editions import build_edition
from api.explain_command import explain
from api.export_command import export_clients
from api.import_command import import_clients
from api.privacy_command import privacy
from api.settings import Settings, SettingsError, load_settings
from api.settings_help import settings_help, unknown_settings
from api.tokens import KEY_FILE, LocalIssuer
from api.worker_command import worker
from catalogue.builtin import builtin_catalogue
from policy.viewer import ROLES, Viewer
from repositories.embedded import EmbeddedError
from repositories.errors import RepositoryError
from schema.build import build_schema

FAILED = 1
_SETTINGS = settings_help().replace("\n    ", "\n\n    ").replace("\nKEHU_", "\n\nKEHU_")

app = typer.Typer(
    name="kehu",
    help="Kehu: the client-document backend of a bank's relationship managers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
importing = typer.Typer(help="Bring files into the book.", no_args_is_help=True)
app.add_typer(importing, name="import")
exporting = typer.Typer(help="Take clients out in files.", no_args_is_help=True)
app.add_typer(exporting, name="export")
app.add_typer(privacy, name="privacy")
errors = Console(stderr=True)

Data = Annotated[Path | None, typer.Option("--data", help="Data directory (KEHU_DATA_DIR).")]


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"kehu {version_of('kehu')}")
        raise typer.Exit


@app.callback()
def _kehu(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Kehu: the client-document backend of a bank's relationship managers."""


@app.command(epilog=f"Settings, as environment variables:\n\n{_SETTINGS}")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (KEHU_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 for any free one (KEHU_PORT).")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes (KEHU_WORKERS).")] = None,
    demo: Annotated[int | None, typer.Option(help="Clients of the demonstration book, into an empty database.")] = None,
    data: Data = None,
) -> None:
    """Serve GraphQL; without KEHU_MONGODB_URI on a mongod of Kehu's own."""
    serving.serve(settings_from(host=host, port=port, workers=workers, demo=demo, data_dir=data))


@app.command()
def token(
    person: Annotated[str, typer.Option(help="The person's name in the directory, such as M001.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")],
    team: Annotated[str | None, typer.Option(help="The person's team.")] = None,
    minutes: Annotated[int | None, typer.Option(help="How long it is good for.")] = None,
    data: Data = None,
) -> None:
    """Print a bearer token of the local development issuer."""
    settings = settings_from(data_dir=data)
    has_key = (settings.data_dir / KEY_FILE).exists()
    issuer = LocalIssuer(settings)
    if not has_key:
        place = settings.data_dir.resolve()
        errors.print(
            f"A new key is made in {place}; servers of other data directories refuse its tokens.", soft_wrap=True
        )
    try:
        typer.echo(issuer.issue(person, role, team, minutes or settings.token_minutes))
    except ValueError as problem:
        fail(str(problem))


@app.command()
def schema(
    builtin: Annotated[
        bool, typer.Option("--builtin", help="Of the built-in attributes only; needs no database.")
    ] = False,
    role: Annotated[str | None, typer.Option(help="As this role has it; the whole schema, if left out.")] = None,
    data: Data = None,
) -> None:
    """Print the live SDL."""
    if role is not None and role not in ROLES:
        fail(f'--role: got "{role}"; expected one of {", ".join(ROLES)}.')
    if builtin and role is not None:
        fail("--builtin prints the whole schema, without a database and its policy; leave out --role.")
    if builtin:
        typer.echo(build_schema(builtin_catalogue()).as_str())
        return
    typer.echo(asyncio.run(_live_sdl(settings_from(data_dir=data), role)))


async def _live_sdl(settings: Settings, role: str | None) -> str:
    async with open_repositories_of(settings, looks_only=True) as repositories:
        edition = build_edition(repositories)
        return edition.sdl if role is None else edition.seen_by(Viewer("", frozenset((role,)))).sdl


@app.command()
def reindex(data: Data = None) -> None:
    """Give clients the words that search finds them by, where they have none: after writing past Kehu."""
    asyncio.run(_reindex(settings_from(data_dir=data)))


async def _reindex(settings: Settings) -> None:
    done = 0
    async with open_repositories_of(settings) as repositories:
        async for done in index_words(repositories):
            errors.print(f"{done:,} values ...")
    typer.echo(f"{done} values are searchable that were not.")


app.add_typer(attributes, name="attributes")
app.add_typer(auditing, name="audit")
importing.command("clients")(import_clients)
exporting.command("clients")(export_clients)
app.add_typer(documents, name="documents")
app.command()(explain)
app.command()(enter)
app.command()(worker)
app.add_typer(accounts, name="service-account")


def settings_from(**given: object) -> Settings:
    """The settings, what the command line says first.

    Raises: SettingsError.
    """
    for name in unknown_settings(os.environ):
        errors.print(f"{name} is no setting of Kehu and has no effect; `kehu serve --help` lists them.", style="yellow")
    settings = load_settings(**given)
    serving.log_to_standard_error(settings)
    return settings


def fail(message: str) -> None:
    """Say what is wrong and end.

    Raises: typer.Exit.
    """
    errors.print(message, style="red", soft_wrap=True, markup=False, highlight=False)
    raise typer.Exit(FAILED)


def command_line() -> Callable[[], object]:
    """The whole command, whose help shows flags without a value: Typer 0.29 writes `--yes <bool>`."""
    whole = typer.main.get_command(app)
    for command in _commands(whole):
        for each in command.get_params(typer.Context(command)):
            if isinstance(each, typer.core.TyperOption) and each.is_flag:
                each.metavar = ""
    return whole


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for each in getattr(command, "commands", {}).values():
        yield from _commands(each)


def main() -> None:
    """The entry point of the command `kehu`."""
    try:
        command_line()()
    except (SettingsError, EmbeddedError, RepositoryError) as problem:
        errors.print(str(problem), style="red", soft_wrap=True, markup=False, highlight=False)
        raise SystemExit(FAILED) from None


if __name__ == "__main__":
    main()
