"""`kehu privacy`: proofs of erasures, data of one client, new wrappings of keys, values that become RESTRICTED."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from acts.checks import now
from acts.erasure import ErasureProof, erase_again, prove_erasure
from acts.resealing import reseal_values
from acts.retention import retain as retain_values
from acts.subject_data import PURPOSE, SubjectData, subject_data
from api.auditing import Auditing, audited_command
from api.database import open_repositories_of
from api.settings import Settings, SettingsError, load_settings
from catalogue.attribute import CLIENTS
from catalogue.catalogue import Catalogue
from catalogue.errors import KehuError
from catalogue.kinds import Kind
from policy.viewer import program
from repositories.access import Touched
from repositories.errors import RepositoryError
from repositories.repositories import Repositories
from repositories.vault.places import slots_at
from schema.scalars import json_from

OFFICER = replace(program("kehu-privacy"), purpose=PURPOSE)
"""Who the history and the audit name for these commands."""
PROVEN, FAILED, NOT_PROVEN = 0, 1, 2
"""Exit codes."""
PATIENCE_SECONDS = 30.0

privacy = typer.Typer(help="RESTRICTED values, erasure, and what is kept about a client.", no_args_is_help=True)
errors = Console(stderr=True)

Data = Annotated[Path | None, typer.Option("--data", help="Data directory (KEHU_DATA_DIR).")]
Work = Callable[[Repositories, Auditing], Awaitable[int]]


@privacy.command()
def prove(
    client_id: Annotated[str, typer.Argument(help="The id of the client, such as cl_...")], data: Data = None
) -> None:
    """Say whether a client is erased and what is left; ends with 0 only if nothing is, and no key can be in use."""

    async def work(repositories: Repositories, _audit: Auditing) -> int:
        proof = await prove_erasure(repositories, client_id)
        for line in proof_lines(proof):
            typer.echo(line)
        return PROVEN if proof.is_proven(now()) else NOT_PROVEN

    _run(data, work)


def proof_lines(proof: ErasureProof) -> list[str]:
    """A proof in words."""
    lines = [f"{each.place}: {each.count} left" for each in proof.left] or ["Nothing of the client is left."]
    if proof.erased_at is None or proof.readable_until is None:
        return [*lines, f"No erasure of {proof.client_id} has ended."]
    lines.append(f"Erased at {proof.erased_at.isoformat()}.")
    lines.append(f"A server may have kept the key until {proof.readable_until.isoformat()}.")
    if proof.copies_until is not None:
        lines.append(f"Files made before may hold the client until {proof.copies_until.isoformat()}.")
    return lines


@privacy.command()
def export(
    client: Annotated[str, typer.Argument(help="The id or the number of the client.")],
    output: Annotated[Path | None, typer.Option("-o", help="Write to this file instead of standard output.")] = None,
    data: Data = None,
) -> None:
    """Write everything that is kept about a client, decrypted, as one JSON object."""

    async def work(repositories: Repositories, audit: Auditing) -> int:
        touched = Touched()
        found = subject_json(repositories.catalogue, await subject_data(OFFICER, repositories, client, touched))
        # Before anything leaves, it is noted who has read it.
        await audit.carried_out(OFFICER, "privacy export", touched)
        text = json.dumps(found, ensure_ascii=False, indent=2)
        if output is None:
            typer.echo(text)
        else:
            output.touch(mode=0o600)
            output.write_text(f"{text}\n", encoding="utf-8")
        return PROVEN

    _run(data, work)


def subject_json(catalogue: Catalogue, found: SubjectData) -> dict[str, Any]:
    """What is kept about a client as JSON values; dates by the kinds of their attributes."""
    dates = {each.path for each in catalogue.area(CLIENTS).values() if each.kind is Kind.DATE}
    client = json_from(found.client)
    for path in dates:
        for holder, key in [*slots_at(client, path.split("."))]:
            holder[key] = _date_json(holder[key])
    changes = [json_from(each) for each in found.changes]
    for row in (row for change in changes for row in change["values"] if row["path"] in dates):
        row |= {name: _date_json(row[name]) for name in ("old", "new") if name in row}
    identity = {"id": client.pop("_id")}
    records = {name: [_record_json(each) for each in rows] for name, rows in found.records.items()}
    approvals = [_record_json(each) for each in found.approvals]
    return {"client": identity | client, "changes": changes, **records, "approvals": approvals}


def _record_json(row: dict[str, Any]) -> dict[str, Any]:
    rest: dict[str, Any] = json_from({key: value for key, value in row.items() if key != "_id"})
    return ({"id": row["_id"]} if "_id" in row else {}) | rest


def _date_json(value: Any) -> Any:
    """A date that was stored as its midnight."""
    if isinstance(value, list):
        return [_date_json(each) for each in value]
    return value[:10] if isinstance(value, str) else value


@privacy.command()
def rotate(data: Data = None) -> None:
    """Wrap every data key anew under the present master key (KEHU_KMS_MASTER_KEY); values stay as they are."""

    async def work(repositories: Repositories, _audit: Auditing) -> int:
        typer.echo(f"{await repositories.vault.rewrap()} data keys are wrapped anew.")
        return PROVEN

    _run(data, work)


@privacy.command()
def migrate(
    path: Annotated[str, typer.Argument(help="The path of the attribute, such as profile.taxId.")],
    restrict: Annotated[bool, typer.Option("--restrict", help="Make the attribute RESTRICTED first.")] = False,
    data: Data = None,
) -> None:
    """Encrypt the values of a RESTRICTED attribute that are stored in clear, with all the history of them."""

    async def work(repositories: Repositories, _audit: Auditing) -> int:
        done = 0
        async for done in reseal_values(OFFICER, repositories, path, restrict=restrict):
            errors.print(f"{done:,} documents ...")
        typer.echo(f"{done} documents are rewritten; no RESTRICTED value of {path} is in clear.")
        return PROVEN

    _run(data, work)


@privacy.command()
def retain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be cleared, change nothing.")] = False,
    data: Data = None,
) -> None:
    """Clear values that have been kept for as long as their attribute allows (retainDays); run it once a day."""

    async def work(repositories: Repositories, _audit: Auditing) -> int:
        for each in await retain_values(OFFICER, repositories, dry_run=dry_run):
            verb = "would be cleared" if dry_run else "cleared"
            figures = f"{each.cleared} values {verb}, {each.forgotten} changes forget one"
            typer.echo(f"{each.path} ({each.days} days): {figures}")
        return PROVEN

    _run(data, work)


@privacy.command("erase-again")
def erase_those_who_came_back(data: Data = None) -> None:
    """Erase anew who was erased before and came back with a restored backup."""

    async def work(repositories: Repositories, _audit: Auditing) -> int:
        back = await erase_again(OFFICER, repositories)
        for each in back:
            typer.echo(each)
        errors.print(f"{len(back)} clients were erased again.")
        return PROVEN

    _run(data, work)


def _run(data: Path | None, work: Work) -> None:
    """Carry a command out on the book.

    Raises: typer.Exit.
    """
    try:
        settings = load_settings(data_dir=data)
        code = asyncio.run(_carried_out(settings, work))
    except (KehuError, RepositoryError) as problem:
        errors.print(problem.message, style="red", soft_wrap=True, markup=False, highlight=False)
        code = FAILED
    except SettingsError as problem:
        errors.print(str(problem), style="red", soft_wrap=True, markup=False, highlight=False)
        code = FAILED
    if code:
        raise typer.Exit(code)


async def _carried_out(settings: Settings, work: Work) -> int:
    patience = max(PATIENCE_SECONDS, settings.mongo_timeout_seconds)
    patient = settings.model_copy(update={"mongo_timeout_seconds": patience})
    async with (
        open_repositories_of(patient, looks_only=True) as repositories,
        audited_command(settings, repositories.audit, OFFICER.person) as audit,
    ):
        # The one index without which two writers could make two keys; a server of this version has made it too.
        await repositories.vault.keys.prepare()
        return await work(repositories, audit)
