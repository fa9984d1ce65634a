"""Propose that two clients are one, and what would come of it."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from acts.merge import MergeOutcome, MergeRequest, Side
from acts.merge_approved import propose_merge
from catalogue.attribute import CLIENTS
from catalogue.errors import ErrorCode, Problem, Refused
from policy.rules import Right
from repositories.past import moment_of
from repositories.plan import ReadPlan
from schema.clients.types import MergedClient, selected_paths
from schema.context import Context
from schema.derived.values import value_json
from schema.enums import MergeSideEnum
from schema.fields import input_type, plain, resolved
from schema.inputs import KEY_ROW, ProofInput, guard_from, proof_from
from schema.mutation import Result, mutation
from schema.planning.reads import LIST_ITEMS, Reading
from schema.scalars import Json

CHOICES_LIMIT = 500


@strawberry.type(description="One value of two clients who would become one.")
class ClientMergeValue:
    """Where the merged client has a value, and another one than the kept client."""

    path: str = strawberry.field(description="The path of the attribute, or stage.")
    kept: Json | None = strawberry.field(description="The value of the client who is kept.")
    merged: Json | None = strawberry.field(description="The value of the client who becomes part of that one.")
    side: MergeSideEnum = strawberry.field(description="Whose value it would be.")


@strawberry.type(description="How many records of one area would follow.")
class ClientMergeFollows:
    """Records that belong to the merged client."""

    area: str = strawberry.field(description="The area, such as interactions; references: values that point at him.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="What would come of a merge, as far as you may see it.")
class ClientMergeOutcome:
    """Values that only one side has are kept whichever side it is; the history has the others."""

    values: list[ClientMergeValue] = strawberry.field(description="The values in which the two differ.")
    follows: list[ClientMergeFollows] = strawberry.field(description="The records that would follow, by area.")


def merged_clients() -> StrawberryField:
    """`Client.mergedClients`: who has become part of the client."""

    async def merged(self: Any, info: strawberry.Info) -> Any:
        moment = moment_of(self)
        return [each for each in self.get("merged") or () if moment is None or each["at"] <= moment]

    text = "Those who have become part of this client, the latest last; up to 50."
    return resolved(merged, "mergedClients", list[MergedClient], text, reads=lambda _given, _names: Reading(LIST_ITEMS))


def merge_mutation(client: Any, approval: Any) -> tuple[str, Any, Any]:
    """The field of Mutation that proposes a merge; `approval` is the type of what it waits for."""

    outcome = "What would come of it; null where the same was proposed before."
    more = (
        ("outcome", ClientMergeOutcome | None, plain("outcome", outcome)),
        ("approval", approval | None, plain("approval", "What the merge waits for; null in a dry run.")),
    )
    result = Result("client", client, "The client who is kept, as it is now; null if refused.", more)
    text = (
        "Propose that two clients are one, which is carried out when a second person approves it: the kept one's "
        "values stand, gaps are filled; history, records, references, grants and the number of the other one follow."
    )
    return mutation("clientMerge", text, _input(), result, _merge, (Right.CHANGE_CLIENTS,))


def _input() -> Any:
    versions: Any = input_type(
        "ClientMergeVersions",
        "The versions that were read: the merge is refused if one of them is no longer that.",
        (
            ("keep", int, "The version of the client who is kept."),
            ("merge", int, "The version of the client who becomes part of that one."),
        ),
    )
    choice: Any = input_type(
        "ClientMergeChoice",
        "Whose value it is to be at one path.",
        (("path", str, "The path of the attribute, or stage."), ("from", MergeSideEnum, "Whose value.")),
    )
    return input_type(
        "ClientMergeInput",
        "Two clients who are one.",
        (
            ("keepId", strawberry.ID, "The client who is kept."),
            ("mergeId", strawberry.ID, "The client who becomes part of that one."),
            ("expectedVersions", versions, "The versions that were read."),
            ("choices", list[choice] | None, "Where the kept client's value is not to stand, or a gap not be filled."),
            ("proof", ProofInput | None, "Why the two are one, for the history."),
            ("reason", str | None, "Why, for whoever decides."),
            ("dryRun", bool | None, "Say what would come of it, and propose nothing."),
            KEY_ROW,
        ),
    )


async def _merge(info: strawberry.Info, given: Mapping[str, Any]) -> dict[str, Any]:
    context: Context = info.context
    outcome, approval = await propose_merge(
        context.viewer,
        context.repositories,
        _request(given),
        guard_from(given),
        reason=given.get("reason"),
        dry_run=bool(given.get("dryRun")),
        touched=context.touched,
    )
    plan = context.authorise(ReadPlan(CLIENTS, selected_paths(info, "ClientMergePayload")))
    return {
        "client": await context.repositories.clients.load(plan, given["keepId"]),
        "outcome": None if outcome is None else _outcome(context, outcome),
        "approval": approval,
    }


def _request(given: Mapping[str, Any]) -> MergeRequest:
    """Raises: Refused for choices that are too many, or two of one path."""
    choices = given.get("choices") or ()
    paths = [each["path"] for each in choices]
    if len(paths) > CHOICES_LIMIT or len(set(paths)) < len(paths):
        expected = f"each path once, up to {CHOICES_LIMIT} of them"
        raise Refused([Problem(ErrorCode.INVALID_VALUE, f"choices takes {expected}.", ("choices",), None, expected)])
    versions = given["expectedVersions"]
    return MergeRequest(
        given["keepId"],
        given["mergeId"],
        versions["keep"],
        versions["merge"],
        {each["path"]: Side(each["from"]) for each in choices},
        proof_from(given),
    )


def _outcome(context: Context, outcome: MergeOutcome) -> dict[str, Any]:
    catalogue = context.repositories.catalogue
    kinds = {each.path: found.kind for each in outcome.values if (found := catalogue.find(each.path)) is not None}
    values = [
        {
            "path": each.path,
            "kept": value_json(kinds.get(each.path), each.kept),
            "merged": value_json(kinds.get(each.path), each.merged),
            "side": each.side,
        }
        for each in outcome.values
    ]
    return {"values": values, "follows": [{"area": area, "count": count} for area, count in outcome.follows.items()]}
