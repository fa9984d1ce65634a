"""Create and change clients."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import strawberry

from acts.checks import FACETS
from acts.clients import NewClient, change_client, create_client
from acts.erasure_approved import propose_erasure
from acts.once import Attempt, once
from acts.upsert_rows import BatchKey, ClientRow, UpsertReport
from acts.upserts import upsert_clients
from acts.upserts_again import outcome_of, report_again
from catalogue.attribute import CLIENTS, ClientKind, ClientStage
from catalogue.catalogue import Catalogue
from catalogue.errors import KehuError
from catalogue.values import flatten
from policy.rules import Right
from repositories.plan import ReadPlan
from schema.clients.handover import handover_mutation
from schema.clients.merge import merge_mutation
from schema.clients.types import selected_paths
from schema.context import MISSED_LOOKUPS, Context
from schema.derived.inputs import facet_inputs
from schema.enums import ClientKindEnum, ClientStageEnum
from schema.errors import UserError, error_value, payload, tried
from schema.fields import Fields, described, input_type, output_type, plain, resolved
from schema.inputs import ID_ROW, KEY_ROW, VERSION_ROW, ProofInput, guard_from, proof_from
from schema.mutation import Result, mutation

_PROOF = ("proof", ProofInput | None, "Where the values come from.")


def client_mutations(catalogue: Catalogue, client: Any, approval: Any) -> Fields:
    """The fields of Mutation about clients; `approval` is the type of what an erasure waits for."""
    facets = list(facet_inputs(catalogue, CLIENTS, "Client"))

    rights = (Right.CHANGE_CLIENTS,)
    result = Result("client", client, "The client as it is now; null if the request was refused.")
    yield mutation("clientCreate", "A new client.", _create_input(facets), result, _create, rights)
    text = "Set or clear values of one client, in one step: all of them or none."
    yield mutation("clientChange", text, _change_input(facets), result, _change, rights)
    yield _upsert_mutation(facets)
    yield handover_mutation(client)
    yield merge_mutation(client, approval)

    text = (
        "Propose to erase a client for good, which is done when a second person approves it: the key of the RESTRICTED "
        "values first, then the document, its history, its contacts and what others point at it by."
    )
    waiting = ("approval", approval | None, plain("approval", "What the erasure waits for; the client is as it was."))
    to_erase = result._replace(more=(waiting,))
    yield mutation("clientErase", text, _erase_input(), to_erase, _erase, (*rights, Right.ERASE_CLIENTS))


def _upsert_mutation(facets: list[tuple[str, Any, str]]) -> tuple[str, None, Any]:
    async def upsert(info: strawberry.Info, input: Mapping[str, Any]) -> Any:
        return await payload(info.context, "report", lambda: _upsert(info.context, input))

    text = "Create or change up to 1,000 clients by their numbers; good rows land, bad rows say why."
    arguments = {"input": described(_upsert_input(facets), "What is wanted.")}
    answer = _upsert_payload()
    rights = (Right.CHANGE_CLIENTS,)
    return "clientsUpsert", None, resolved(upsert, "clientsUpsert", answer | None, text, arguments, rights=rights)


def _create_input(facets: list[tuple[str, Any, str]]) -> Any:
    rows = (
        ("number", str, "The client number, unique in the bank."),
        ("kind", ClientKindEnum, "Organisation or person; it never changes."),
        ("stage", ClientStageEnum | None, "Where the relationship stands; PROSPECT if left out."),
        ("managerId", strawberry.ID | None, "The accountable manager."),
        *facets,
        _PROOF,
        KEY_ROW,
    )
    return input_type("ClientCreateInput", "A new client.", rows)


def _change_input(facets: list[tuple[str, Any, str]]) -> Any:
    rows = [("stage", ClientStageEnum | None, "Where the relationship stands."), *facets]
    changes: Any = input_type("ClientChanges", "What is to change: left out stays, null clears, a value sets.", rows)
    given = (ID_ROW, VERSION_ROW, ("changes", changes, "What is to change."), _PROOF, KEY_ROW)
    return input_type("ClientChangeInput", "A change of one client.", given)


def _erase_input() -> Any:
    reason = ("reason", str | None, "Why, for whoever decides. It is kept: name the request, not the person.")
    return input_type("ClientEraseInput", "Which client goes.", (ID_ROW, reason, KEY_ROW))


_CONFIRMS = (
    "Whether the proof also stands for values that a client has already: where it says more, another source or a later "
    "observedAt, it takes the place of the proof of before. If left out, the same value is no change."
)


def _upsert_input(facets: list[tuple[str, Any, str]]) -> Any:
    rows = (
        ("number", str, "The client number; a client who has it is changed, else one is made."),
        ("kind", ClientKindEnum | None, "Needed for a new client."),
        ("stage", ClientStageEnum | None, "Where the relationship stands."),
        ("managerId", strawberry.ID | None, "The accountable manager."),
        ("expectedVersion", int | None, "The version that was read: the row is refused if it is no longer that."),
        *facets,
    )
    row: Any = input_type("ClientUpsertRow", "What is said of one client.", rows)
    given = (
        ("clients", list[row], "Up to 1,000 rows."),
        _PROOF,
        ("confirms", bool | None, _CONFIRMS),
        ("dryRun", bool | None, "Check everything and say what would happen, but change nothing."),
        KEY_ROW,
    )
    return input_type("ClientsUpsertInput", "Many clients at once.", given)


@strawberry.type(description="What became of the rows.")
class ClientsUpsertReport:
    """Counts of rows."""

    created: int = strawberry.field(description="Clients made.")
    changed: int = strawberry.field(description="Clients changed.")
    unchanged: int = strawberry.field(description="Clients who had these values already.")
    refused: int = strawberry.field(description="Rows left out, each with at least one error.")


def _upsert_payload() -> Any:
    return output_type(
        "ClientsUpsertPayload",
        "What became of the rows.",
        (
            (
                "report",
                ClientsUpsertReport | None,
                plain("report", "How many rows did what; null if none was looked at."),
            ),
            ("errors", list[UserError], plain("errors", "Every problem of every row; a RowRefusal names its row.")),
        ),
    )


async def _erase(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    viewer, repositories = context.viewer, context.repositories
    approval = await propose_erasure(viewer, repositories, given["id"], given.get("reason"), guard_from(given))
    plan = context.authorise(ReadPlan(CLIENTS, selected_paths(info, "ClientErasePayload")))
    return {"client": await repositories.clients.load(plan, given["id"]), "approval": approval}


async def _create(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    new = NewClient(
        given["number"],
        ClientKind(given["kind"]),
        ClientStage(given.get("stage") or ClientStage.PROSPECT),
        given.get("managerId"),
        {key: value for key, value in given.items() if key in FACETS},
    )
    written = await create_client(
        context.viewer,
        context.repositories,
        new,
        proof_from(given),
        guard_from(given),
        paths=selected_paths(info, "ClientCreatePayload"),
        touched=context.touched,
    )
    return {"client": written.document}


async def _change(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    written = await change_client(
        context.viewer,
        context.repositories,
        given["id"],
        given["changes"],
        proof_from(given),
        guard_from(given),
        paths=selected_paths(info, "ClientChangePayload"),
        touched=context.touched,
    )
    return {"client": written.document}


async def _upsert(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    viewer, repositories, touched = context.viewer, context.repositories, context.touched
    rows, proof = [_row(context, each) for each in given["clients"]], proof_from(given)

    async def upserted(attempt: Attempt) -> tuple[dict[str, Any], str]:
        key = None if attempt.key is None else BatchKey(f"upsert-{attempt.key}", attempt.may_be_done)
        report = await upsert_clients(
            viewer,
            repositories,
            rows,
            proof,
            dry_run=bool(given.get("dryRun")),
            touched=touched,
            batch_key=key,
            confirms=bool(given.get("confirms")),
        )
        return await _reported(context, report), outcome_of(report)

    async def again(outcome: str) -> dict[str, Any]:
        return await _reported(context, await report_again(viewer, repositories, rows, proof, outcome, touched))

    return await once(viewer, repositories, "clientsUpsert", given, upserted, again)


async def _reported(context: Context, report: UpsertReport) -> dict[str, Any]:
    context.touched.refusals.extend(str(each.code) for each in report.problems)
    # The good rows have landed, so this report is answered whatever was spent; the next request is held back.
    with suppress(KehuError):
        await context.spending.spend(MISSED_LOOKUPS, tried(report.problems))
    return {"report": _counts(report), "errors": [error_value(each) for each in report.problems]}


def _row(context: Context, given: Mapping[str, Any]) -> ClientRow:
    facets = {key: value for key, value in given.items() if key in FACETS}
    values, problems = flatten(context.repositories.catalogue, facets, unread=context.seen(CLIENTS).closed)
    kind, stage = given.get("kind"), given.get("stage")
    return ClientRow(
        given["number"],
        ClientKind(kind) if kind else None,
        ClientStage(stage) if stage else None,
        given.get("managerId"),
        values,
        tuple(problems),
        given.get("expectedVersion"),
    )


def _counts(report: UpsertReport) -> dict[str, int]:
    refused = len({each.row for each in report.problems})
    return {"created": report.created, "changed": report.changed, "unchanged": report.unchanged, "refused": refused}
