"""`kehu documents`: register, list and remove the GraphQL documents that a server trusts."""

import asyncio
import getpass
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from graphql import GraphQLError, OperationDefinitionNode, parse, validate
from rich.console import Console
from strawberry import Schema

from acts.checks import now
from api.database import open_repositories_of
from api.settings import Settings, load_settings
from api.trusted import LONGEST_ID_CHARACTERS, digest_of, normal_form
from catalogue.catalogue import Catalogue
from repositories.trusted_documents import TrustedDocument, TrustedDocumentRepository
from schema.build import build_schema
from schema.document_uses import attributes_used

documents = typer.Typer(help="GraphQL documents that a server trusts.", no_args_is_help=True)
errors = Console(stderr=True)

Data = Annotated[Path | None, typer.Option("--data", help="Data directory (KEHU_DATA_DIR).")]
FAILED = 1


class BadFile(Exception):
    """A file that holds no documents; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Found:
    """A document in a file."""

    place: str
    text: str
    id: str | None = None


@documents.command()
def register(
    files: Annotated[list[Path], typer.Argument(help="Files of GraphQL, one document each, or JSON {id: document}.")],
    person: Annotated[
        str | None, typer.Option(help="Who registers them; the user of this machine, if left out.")
    ] = None,
    data: Data = None,
) -> None:
    """Register documents; all of them or, if one does not fit the live schema, none."""
    try:
        found = [each for file in files for each in documents_in(file)]
        changed, refused = asyncio.run(_register(load_settings(data_dir=data), found, person or getpass.getuser()))
    except BadFile as problem:
        refused, changed = [str(problem)], []
    for line in refused:
        errors.print(line, style="red", soft_wrap=True, markup=False, highlight=False)
    if refused:
        errors.print("Nothing was registered.", style="red")
        raise typer.Exit(FAILED)
    for line in changed:
        typer.echo(line)


@documents.command(name="list")
def list_(data: Data = None) -> None:
    """Print every registered document: its documentId, its name, who registered it and when."""
    for each in asyncio.run(_all(load_settings(data_dir=data))):
        ids = f" ({', '.join(each.ids)})" if each.ids else ""
        typer.echo(f"sha256:{each.digest} {each.name or '-'}{ids} {each.registered_by} {each.at:%Y-%m-%dT%H:%M:%SZ}")


@documents.command()
def remove(
    document_id: Annotated[str, typer.Argument(help="The documentId, as `kehu documents list` prints it.")],
    data: Data = None,
) -> None:
    """Remove a document; servers refuse it within two seconds."""
    if not asyncio.run(_remove(load_settings(data_dir=data), document_id.removeprefix("sha256:"))):
        errors.print(f"No document is registered under {document_id}.", style="red", soft_wrap=True, highlight=False)
        raise typer.Exit(FAILED)
    typer.echo(f"removed {document_id}")


def documents_in(file: Path) -> Iterator[Found]:
    """The documents of a file: GraphQL is one, a JSON manifest has one an id.

    Raises: BadFile.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadFile(f"{file}: got a file that cannot be read as UTF-8 text; expected GraphQL or JSON.") from None
    if file.suffix != ".json":
        yield Found(str(file), text)
        return
    try:
        manifest = json.loads(text)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or not all(isinstance(each, str) for each in manifest.values()):
        raise BadFile(f"{file}: got JSON of another shape; expected an object of documents by id, {{id: document}}.")
    for name, document in manifest.items():
        if not 1 <= len(name) <= LONGEST_ID_CHARACTERS:
            raise BadFile(f"{file}: got an id of {len(name)} characters; expected 1 to {LONGEST_ID_CHARACTERS}.")
        yield Found(f"{file}, {name}", document, name)


async def _register(settings: Settings, found: list[Found], person: str) -> tuple[list[str], list[str]]:
    """A line for each document that was registered, and one for each that cannot be."""
    async with open_repositories_of(settings) as repositories:
        schema = build_schema(repositories.catalogue)
        kept = TrustedDocumentRepository(repositories.store)
        ready: list[TrustedDocument] = []
        refused: list[str] = []
        for each in found:
            try:
                ready.append(_checked(schema, repositories.catalogue, settings, each, person))
            except GraphQLError as error:
                refused.append(f"{each.place}: {error.message}")
        refused += _clashes(ready, await kept.taken({own for each in ready for own in each.ids}))
        if refused:
            return [], refused
        await kept.prepare()
        return [f"{await _verb(kept, each)} sha256:{each.digest} {each.name or '-'}" for each in ready], []


def _checked(schema: Schema, catalogue: Catalogue, settings: Settings, found: Found, person: str) -> TrustedDocument:
    """The document as it is registered.

    Raises: GraphQLError for one that does not fit the live schema.
    """
    normal = normal_form(found.text, settings)
    document = parse(normal)
    problems = validate(schema._schema, document, hide_suggestions=True)
    if problems:
        raise problems[0]
    names = [
        each.name.value for each in document.definitions if isinstance(each, OperationDefinitionNode) and each.name
    ]
    digest = digest_of(normal)
    own = (found.id or "").removeprefix("sha256:")
    ids = () if own in ("", digest) else (own,)
    uses = tuple(attributes_used(schema._schema, catalogue, document))
    return TrustedDocument(digest, normal, ", ".join(names) or None, ids, person, now(), uses)


def _clashes(ready: list[TrustedDocument], taken: dict[str, str]) -> list[str]:
    known = dict(taken)
    ids = [(own, each.digest) for each in ready for own in each.ids]
    return [
        f"{own}: got another document than the one that is registered under this id; remove that one first."
        for own, digest in ids
        if known.setdefault(own, digest) != digest
    ]


async def _verb(kept: TrustedDocumentRepository, document: TrustedDocument) -> str:
    return "registered" if await kept.register(document) else "unchanged"


async def _all(settings: Settings) -> list[TrustedDocument]:
    async with open_repositories_of(settings, looks_only=True) as repositories:
        return await TrustedDocumentRepository(repositories.store).all()


async def _remove(settings: Settings, key: str) -> bool:
    async with open_repositories_of(settings) as repositories:
        return await TrustedDocumentRepository(repositories.store).remove(key)
