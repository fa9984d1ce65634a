"""`kehu attributes export|diff|apply`: the catalogue as a file, between stages."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from acts.attributes_as_code import Applied, apply, compare, exported
from acts.managers import find_person
from api.auditing import Auditing, audited_command
from api.database import open_repositories_of, require_book
from api.settings import Settings, SettingsError, load_settings
from catalogue.attribute import Attribute
from catalogue.differences import Difference, Level, Verb
from catalogue.errors import KehuError, number_words
from catalogue.written import attributes_from, text_from
from policy.viewer import ROLES, Viewer, program
from repositories.access import Touched
from repositories.errors import RepositoryFault
from repositories.repositories import Repositories

CODER = program("kehu-attributes")
"""Who the history names where nobody is named by --as."""
SAME, DIFFERENT, FAILED = 0, 1, 2
"""Exit codes; of `apply`, 1 is a file that was not applied whole."""
_SIGNS = {Verb.ADDED: "+", Verb.CHANGED: "~", Verb.MISSING: "-"}

attributes = typer.Typer(help="The catalogue as code: carry definitions between stages.", no_args_is_help=True)
errors = Console(stderr=True)

Data = Annotated[Path | None, typer.Option("--data", help="Data directory (KEHU_DATA_DIR).")]
Source = Annotated[Path, typer.Argument(help="A file that `kehu attributes export` has written.")]
Work = Callable[[Repositories], Awaitable[int]]


@attributes.command()
def export(
    file: Annotated[Path, typer.Argument(help="Written anew; - for standard output.")], data: Data = None
) -> None:
    """Write every definition that was made or changed at run time, one block each, in an order that stays."""

    async def work(repositories: Repositories) -> int:
        found = exported(CODER, repositories)
        text = text_from(found)
        if str(file) == "-":
            typer.echo(text, nl=False)
        else:
            file.write_text(text, encoding="utf-8")
            errors.print(f"{len(found)} definitions are in {file}.", soft_wrap=True)
        return SAME

    _run(data, work, looks_only=True)


@attributes.command()
def diff(file: Source, data: Data = None) -> None:
    """Say what applying the file would do, attribute by attribute; ends with 0 only if there is nothing."""

    async def work(repositories: Repositories) -> int:
        found = await compare(CODER, repositories, _read(file))
        _say(difference_lines(found))
        return DIFFERENT if found else SAME

    _run(data, work, looks_only=True)


@attributes.command("apply")
def apply_file(
    file: Source,
    person: Annotated[
        str | None, typer.Option("--as", help="In whose name, a person of the directory: needed for what is proposed.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for whoever decides about what is proposed.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask after showing the differences.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    data: Data = None,
) -> None:
    """Make the definitions of the file hold here; what would lose data is refused, and nothing is changed then."""

    async def work(repositories: Repositories) -> int:
        wanted = _read(file)
        viewer = await _viewer(repositories, person)
        found = await compare(viewer, repositories, wanted)
        _say(difference_lines(found))
        if not any(each.verb is not Verb.MISSING for each in found):
            return SAME
        await apply(viewer, repositories, wanted, Touched(), reason=reason, dry_run=True)
        if dry_run:
            return SAME
        if not yes and not await asyncio.to_thread(typer.confirm, "Apply this?"):
            return DIFFERENT
        async with audited_command(_settings(data), repositories.audit, viewer.person) as audit:
            return await _applied(viewer, repositories, audit, wanted, reason)

    _run(data, work)


async def _applied(
    viewer: Viewer, repositories: Repositories, audit: Auditing, wanted: Sequence[Attribute], reason: str | None
) -> int:
    touched = Touched()
    try:
        applied = await apply(viewer, repositories, wanted, touched, reason=reason)
    finally:
        await audit.carried_out(viewer, "attributes apply", touched)
    _say(applied_lines(applied))
    if applied.stopped is not None:
        _complain(applied.stopped)
        return DIFFERENT
    return SAME


def difference_lines(found: Sequence[Difference]) -> list[str]:
    """The differences in words, a line an attribute and one a field."""
    lines: list[str] = []
    for each in found:
        attribute = each.attribute
        name = attribute.path if attribute.area == "clients" else f"{attribute.area}:{attribute.path}"
        level = "" if each.verb is Verb.MISSING else f", {each.level}"
        besides = "; it stays as it is" if each.verb is Verb.MISSING else ""
        lines.append(f"{_SIGNS[each.verb]} {name} ({each.verb}{level}{besides})")
        for field in each.fields:
            why = f" — {field.why}" if field.why else ""
            level = "" if field.level is Level.SAFE else f" [{field.level}{why}]"
            lines.append(f"    {field.name}: {_shown(field.old)} -> {_shown(field.new)}{level}")
    return lines or ["No difference."]


def applied_lines(applied: Applied) -> list[str]:
    """What became of a file, in words."""
    waiting = [f"waits for a second person: {each}" for each in applied.waiting]
    return [*(f"done: {each}" for each in applied.done), *waiting] or ["Nothing was to be done."]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(_option(each) for each in value)
    text = "nothing" if value in (None, "") else number_words(value) if isinstance(value, float) else str(value)
    return text if len(text) <= 120 else f"{text[:120]}…"


def _option(value: Any) -> str:
    if not isinstance(value, dict) or "code" not in value:
        return str(value)
    return f"{value['code']} ({value['label']}{', retired' if value.get('is_retired') else ''})"


async def _viewer(repositories: Repositories, person: str | None) -> Viewer:
    """Raises: SettingsError for a person whom the directory does not know."""
    if person is None:
        return CODER
    found = await find_person(repositories, person)
    if found is None or not found.is_active:
        raise SettingsError(f'--as: got "{person}"; expected an active person of the directory, see `managers`.')
    return Viewer(person, found.roles.intersection(ROLES), found.team, found.manager_id, found.region)


def _read(file: Path) -> tuple[Attribute, ...]:
    """Raises: SettingsError for a file that cannot be read; Refused for one that holds something else."""
    try:
        return attributes_from(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{file} cannot be read: {why}.") from None


def _settings(data: Path | None) -> Settings:
    return load_settings(data_dir=data)


def _run(data: Path | None, work: Work, *, looks_only: bool = False) -> None:
    async def run() -> int:
        settings = _settings(data)
        require_book(settings)
        async with open_repositories_of(settings, looks_only=looks_only) as repositories:
            return await work(repositories)

    try:
        code = asyncio.run(run())
    except (SettingsError, RepositoryFault) as error:
        errors.print(str(error), style="red", soft_wrap=True, markup=False, highlight=False)
        code = FAILED
    except KehuError as error:
        _complain(error)
        code = FAILED
    raise typer.Exit(code)


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        typer.echo(line)


def _complain(error: KehuError) -> None:
    for each in error.problems():
        errors.print(each.message, style="red", soft_wrap=True, markup=False, highlight=False)
