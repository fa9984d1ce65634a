"""`kehu enter` and `kehu service-account create`: who may sign in, from the command line."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from acts.checks import UNGUARDED
from acts.managers import PERSON, PERSON_EXPECTED, enter_person
from acts.service_accounts import LONGEST_LIFE_DAYS, NewAccount, create_account
from api.auditing import audited_command
from api.database import open_repositories_of
from api.settings import Settings, load_settings
from catalogue.errors import KehuError
from policy.scopes import EXPECTED
from policy.viewer import ROLES, Viewer, program
from repositories.access import Touched

FAILED = 1
ISSUER = program("kehu-service-account")
ENTERER = program("kehu-enter")
"""Whom history and audit name for `kehu enter`: whoever has the server's machine."""

errors = Console(stderr=True)
accounts = typer.Typer(help="Programs that sign in with a token of their own.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option("--data", help="Data directory (KEHU_DATA_DIR).")]


def enter(
    person: Annotated[str, typer.Option(help="The name by which the identity provider's tokens call the person.")],
    role: Annotated[list[str], typer.Option(help=f"One of {', '.join(ROLES)}; give it again for another one.")],
    team: Annotated[str | None, typer.Option(help="The person's team.")] = None,
    data: Data = None,
) -> None:
    """Enter a person into the directory: the first administrator, who can enter everybody else by managerCreate."""
    unknown = [each for each in role if each not in ROLES]
    if unknown:
        _fail(f'--role: got "{unknown[0]}"; expected one of {", ".join(ROLES)}.')
    if not PERSON.fullmatch(person):
        _fail(f'--person: got "{person}"; expected {PERSON_EXPECTED}.')
    if not asyncio.run(_entered(load_settings(data_dir=data), Viewer(person, frozenset(role), team))):
        _fail(f'The directory has "{person}" already; nothing was changed. An administrator changes it: managerChange.')
    typer.echo(f"{person} is entered: {', '.join(sorted(set(role)))}.")


async def _entered(settings: Settings, person: Viewer) -> bool:
    """Whether the person is new and was entered; the audit has it."""
    touched = Touched()
    async with (
        open_repositories_of(settings) as repositories,
        audited_command(settings, repositories.audit, ENTERER.person) as audit,
    ):
        is_new = await enter_person(repositories, person, ENTERER, touched)
        if is_new:
            await audit.carried_out(ENTERER, f"enter {person.person} as {', '.join(sorted(person.roles))}", touched)
        return is_new


@accounts.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    scope: Annotated[list[str], typer.Option(help=f"What it may do; give it again for another one: {EXPECTED}.")],
    days: Annotated[int, typer.Option(help=f"For how long, 1 to {LONGEST_LIFE_DAYS}.")],
    purpose: Annotated[str | None, typer.Option(help="What it reads data for, such as CREDIT_REVIEW.")] = None,
    data: Data = None,
) -> None:
    """Print the token of a new service account, alone on standard output; it is shown this once."""
    if not 1 <= days <= LONGEST_LIFE_DAYS:
        _fail(f"--days: got {days}; expected 1 to {LONGEST_LIFE_DAYS}.")
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    try:
        token = asyncio.run(_created(load_settings(data_dir=data), NewAccount(name, tuple(scope), ends, purpose)))
    except KehuError as refused:
        _fail("\n".join(each.message for each in refused.problems()))
    typer.echo(token)


async def _created(settings: Settings, new: NewAccount) -> str | None:
    touched = Touched()
    async with (
        open_repositories_of(settings) as repositories,
        audited_command(settings, repositories.audit, ISSUER.person) as audit,
    ):
        made = await create_account(ISSUER, repositories, new, UNGUARDED, touched=touched)
        await audit.carried_out(ISSUER, f"service-account create {', '.join(new.scopes)}", touched)
        return made.token


def _fail(message: str) -> NoReturn:
    """Say what is wrong and end.

    Raises: typer.Exit.
    """
    errors.print(message, style="red", soft_wrap=True, markup=False, highlight=False)
    raise typer.Exit(FAILED)
