"""Hand clients over, and who had a client before."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import strawberry

from acts.handover import MOST, HandOver, HandOverReport, hand_over
from catalogue.attribute import CLIENTS
from catalogue.errors import KehuError
from policy.rules import Right
from repositories.changes import CHANGES, CREATED, VERSION_INDEX
from repositories.compile.changes import shown_version
from repositories.histories import behind, cursor_of, positions_from
from repositories.plan import ID, ReadPlan
from schema.clients.types import selected_paths
from schema.connection import FORWARD_ARGUMENTS, connection_types, connection_value, page_from
from schema.context import MISSED_LOOKUPS, Context, Document
from schema.errors import UserError, error_value, payload, tried
from schema.fields import described, input_type, output_type, plain, resolved
from schema.inputs import KEY_ROW, VERSION_ROW, guard_from
from schema.planning.reads import Arguments, Read, Reading, page_reading

_MANAGER = "managerId"
ManagerField = Callable[[str, str, str], tuple[str, Any, Any]]
"""From a name, what it means and the key of the id to the field that reads a manager."""


@strawberry.type(description="What became of the clients.")
class ClientHandOverReport:
    """Counts of clients."""

    handedOver: int = strawberry.field(name="handedOver", description="Clients that have the other manager now.")
    unchanged: int = strawberry.field(description="Clients that had that manager already.")
    refused: int = strawberry.field(description="Clients left as they are, each with an error.")
    remaining: int = strawberry.field(
        description="Clients that the earlier manager has besides: send the request again, with another key."
    )


def handover_mutation(client: Any) -> tuple[str, Any, Any]:
    """The field of Mutation that gives clients another manager."""

    async def resolve(info: strawberry.Info, input: Mapping[str, Any]) -> Any:
        return await payload(info.context, "client", lambda: _hand_over(info, input))

    given = input_type(
        "ClientHandOverInput",
        "Which clients get which manager.",
        (
            ("ids", list[strawberry.ID] | None, f"The clients, up to {MOST:,}; or fromManagerId instead."),
            ("fromManagerId", strawberry.ID | None, f"All clients of this manager, {MOST:,} at a time."),
            ("toManagerId", strawberry.ID, "The manager who is accountable from now on."),
            ("reason", str, "Why; the history keeps it as the source of the change."),
            VERSION_ROW,
            KEY_ROW,
        ),
    )
    report = "How many clients; null if the request was refused."
    one = "The client, where a single id was given; null where you do not see it any more."
    errors = "Every problem of every client; a RowRefusal names its place among the ids."
    answer: Any = output_type(
        "ClientHandOverPayload",
        "What became of the request.",
        (
            ("client", client | None, plain("client", one)),
            ("report", ClientHandOverReport | None, plain("report", report)),
            ("errors", list[UserError], plain("errors", errors)),
        ),
    )
    text = (
        "Give clients another accountable manager; team and region follow, and the earlier manager loses sight of them."
    )
    arguments = {"input": described(given, "What is wanted.")}
    rights = (Right.HAND_OVER_CLIENTS,)
    return "clientHandOver", None, resolved(resolve, "clientHandOver", answer | None, text, arguments, rights=rights)


async def _hand_over(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    ids = tuple(given.get("ids") or ())
    wanted = HandOver(given["toManagerId"], given["reason"], ids, given.get("fromManagerId"))
    report = await hand_over(context.viewer, context.repositories, wanted, guard_from(given), context.touched)
    context.touched.refusals.extend(str(each.code) for each in report.problems)
    # What could be done is done, so this report is answered whatever was spent; the next request is held back.
    with suppress(KehuError):
        await context.spending.spend(MISSED_LOOKUPS, tried(report.problems))
    answer: dict[str, Any] = {"report": _counts(report), "errors": [error_value(each) for each in report.problems]}
    if len(ids) != 1:
        return answer
    plan = context.authorise(ReadPlan(CLIENTS, selected_paths(info, "ClientHandOverPayload")))
    return answer | {"client": await context.repositories.clients.load(plan, ids[0])}


def _counts(report: HandOverReport) -> dict[str, int]:
    return {
        "handedOver": report.handed_over,
        "unchanged": report.unchanged,
        "refused": len(report.problems),
        "remaining": report.remaining,
    }


def handover_field(manager_field: ManagerField) -> tuple[str, Any, Any]:
    """`Client.handovers`: who was accountable, and why that changed."""
    handover: Any = output_type(
        "ClientHandover",
        "One change of the accountable manager.",
        (
            ("version", int, plain("version", "The version of the client that it made.")),
            ("at", datetime, plain("at", "When it was entered.")),
            ("by", str, plain("by", "The person or program that did it.")),
            ("reason", str | None, plain("reason", "Why, where somebody said.")),
            manager_field("fromManager", "Who was accountable before; null where nobody was.", "fromManagerId"),
            manager_field("toManager", "Who has been accountable since; null where nobody was.", "toManagerId"),
        ),
    )
    connection = connection_types("ClientHandover", handover, "handovers", has_total=False).connection

    async def handovers(self: Any, info: strawberry.Info, first: int, after: str | None = None) -> Any:
        return await _page(info.context, self, first, after)

    text = "Who was accountable for the client, newest first, and why that changed."
    return "handovers", None, resolved(handovers, "handovers", connection, text, FORWARD_ARGUMENTS, _reads)


def _reads(given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(CHANGES, index=VERSION_INDEX, commands=0, commands_each=1))


async def _page(context: Context, client: Document, first: int, after: str | None) -> Any:
    page, before = page_from(context.page_limit, first, after), next(iter(positions_from(after)), None)
    history, tail = context.repositories.clients.history, client.get("tail", ())
    found = await history.read(str(client[ID]), tail, page.limit + 1, before=before, paths={_MANAGER}, since=None)
    # Who was accountable from the beginning took over from nobody; that entry is the oldest.
    found = [each for each in found if each["version"] != CREATED]
    shown = [_handover(each) for each in found[: page.limit]]
    cursors = []
    for each in shown:
        before = behind(each, before)
        cursors.append(cursor_of((before,)))
    return connection_value(shown, cursors, has_next=len(found) > page.limit, has_previous=after is not None)


def _handover(entry: Document) -> Document:
    row = next(each for each in entry["values"] if each["path"] == _MANAGER)
    named = {"fromManagerId": row.get("old"), "toManagerId": row.get("new")}
    return {
        "version": shown_version(entry),
        **{name: entry.get(name) for name in ("at", "by")},
        "reason": entry.get("source"),
        **{name: each for name, each in named.items() if each is not None},
    }
