"""`kehu explain`: what a question costs, the commands it sends, and how the database carries them out."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from graphql import OperationType
from rich.console import Console

from acts.managers import find_person
from api.answers import shown_cost
from api.auditing import audited_command
from api.database import open_repositories_of
from api.editions import build_edition
from api.errors import InvalidDocument, formatted_errors
from api.execution import Documents, Prepared, run
from api.explain_screen import WIDTH, explanation_json, show_commands, show_cost
from api.graphql_request import GraphQLRequest
from api.settings import Settings, load_settings
from catalogue.catalogue import Catalogue
from policy.viewer import ROLES, Viewer
from repositories.explaining import Account, account_of
from repositories.mongo import CommandTrace
from repositories.repositories import Repositories
from schema.context import Context

FAILED = 1
EXPLAINER = "kehu-explain"
"""Who the audit names for what is read, whoever the question is explained for."""
PATIENCE_SECONDS = 30.0
"""Who explains a slow question wants to wait for it."""


class CannotExplain(Exception):
    """What was given cannot be explained, with the words for who gave it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of a question."""

    cost: dict[str, Any] | None
    accounts: list[Account]
    errors: list[str]
    catalogue: Catalogue


def explain(
    query: Annotated[str, typer.Argument(help="GraphQL text, the path of a .graphql file, or - for standard input.")],
    variables: Annotated[str, typer.Option(help="The variables, as a JSON object.")] = "{}",
    operation: Annotated[str | None, typer.Option(help="Which operation, where the document has several.")] = None,
    person: Annotated[str, typer.Option(help="Who asks: the name in the directory.")] = EXPLAINER,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "administrator",
    team: Annotated[str | None, typer.Option(help="The person's team.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data: Annotated[Path | None, typer.Option("--data", help="Data directory (KEHU_DATA_DIR).")] = None,
) -> None:
    """Say what a query costs, run it once, and show the commands it sends and how the database carries them out."""
    console, errors = _console(), Console(stderr=True)
    settings = load_settings(data_dir=data)
    try:
        request = GraphQLRequest(_text_of(query), _variables_of(variables), operation)
        if role not in ROLES:
            raise CannotExplain(f'--role: got "{role}"; expected one of {", ".join(ROLES)}.')
        viewer = Viewer(person, frozenset((role,)), team)
        found = asyncio.run(_explained(settings, request, viewer))
    except CannotExplain as problem:
        errors.print(str(problem), style="red", soft_wrap=True, markup=False, highlight=False)
        raise typer.Exit(FAILED) from None
    if as_json:
        typer.echo(explanation_json(found.cost, found.accounts, found.catalogue))
    else:
        if found.cost is not None:
            show_cost(console, found.cost)
        show_commands(console, found.accounts, found.catalogue)
    for message in found.errors:
        errors.print(message, style="red", soft_wrap=True, markup=False, highlight=False)
    if found.errors:
        raise typer.Exit(FAILED)


def _console() -> Console:
    """Standard output, a hundred columns wide where no terminal says how wide it is."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=WIDTH)


def _text_of(query: str) -> str:
    """The GraphQL text that was meant.

    Raises: CannotExplain.
    """
    if query == "-":
        return sys.stdin.read()
    if "{" in query:
        return query
    try:
        return Path(query).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        expected = "GraphQL text (with a { in it), the path of a file that has some, or - for standard input"
        raise CannotExplain(f'QUERY: got "{query}"; expected {expected}. As a file: {reason}.') from None


def _variables_of(text: str) -> dict[str, Any]:
    """The variables.

    Raises: CannotExplain.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CannotExplain(f"--variables: got {text}; expected a JSON object, such as '{{\"first\": 20}}'.")
    return found


async def _explained(settings: Settings, request: GraphQLRequest, viewer: Viewer) -> Explanation:
    """The cost, and the account of each command of one run.

    Raises: CannotExplain.
    """
    trace = CommandTrace()
    patience = max(PATIENCE_SECONDS, settings.mongo_timeout_seconds)
    patient = settings.model_copy(update={"mongo_timeout_seconds": patience})
    async with (
        open_repositories_of(patient, (trace,), looks_only=True) as repositories,
        audited_command(settings, repositories.audit, EXPLAINER) as audit,
    ):
        edition = build_edition(repositories).seen_by(viewer)
        prepared = _prepared(Documents(0, settings.document_limit_tokens), edition, request)
        operation = prepared.operation(request.operation_name)
        asked = prepared.answers.asked(edition.schema, operation, request.variables or {})
        cost = None if asked is None else prepared.answers.cost(asked)
        context = Context(await _known(repositories, viewer), repositories, page_limit=settings.page_limit_rows)
        trace.is_on = True
        try:
            result = await run(edition, prepared, request, context, audit=audit)
        finally:
            trace.is_on = False
            await repositories.client_groups.close()
        accounts = [await account_of(repositories.store, each) for each in trace.commands]
    errors = [_sentence(each) for each in formatted_errors(result.errors or ())]
    return Explanation(None if cost is None else shown_cost(cost), accounts, errors, repositories.catalogue)


async def _known(repositories: Repositories, viewer: Viewer) -> Viewer:
    """The viewer with what the directory says: whose clients they are hangs on it. The role is the command's."""
    found = await find_person(repositories, viewer.person)
    if found is None:
        return viewer
    return replace(viewer, team=viewer.team or found.team, region=found.region, manager_id=found.manager_id)


def _prepared(documents: Documents, edition: Any, request: GraphQLRequest) -> Prepared:
    """The checked document.

    Raises: CannotExplain for a document that cannot run, and for anything but a query.
    """
    try:
        prepared = documents.prepare(edition, request.query)
        operation = prepared.operation(request.operation_name)
    except InvalidDocument as problem:
        raise CannotExplain("\n".join(_sentence(each) for each in problem.answer()["errors"])) from None
    if operation.operation is not OperationType.QUERY:
        kind = operation.operation.value
        raise CannotExplain(
            f"QUERY: got a {kind}; expected a query, because it is run once. Ask for the same selection by a query."
        )
    return prepared


def _sentence(error: dict[str, Any]) -> str:
    place = "".join(f" (line {each['line']}, column {each['column']})" for each in error.get("locations", ())[:1])
    return f"{error['extensions']['code']}: {error['message']}{place}"
