"""Decide about approvals and withdraw them."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import strawberry

from acts.approvals import Decision, decide_approval, withdraw_approval
from acts.proposing import Performers
from schema.approvals.types import ApprovalType
from schema.context import Context, Document
from schema.fields import Fields, input_type
from schema.inputs import ID_ROW, KEY_ROW, VERSION_ROW, guard_from
from schema.mutation import Result, mutation

Act = Callable[[Context, Mapping[str, Any]], Awaitable[Document]]

_DECIDE: Any = input_type(
    "ApprovalDecideInput",
    "A decision about what another person has proposed.",
    (
        ID_ROW,
        ("isApproved", bool, "True to approve, which carries the act out; false to refuse."),
        ("reason", str | None, "Why; required for a refusal."),
        VERSION_ROW,
        KEY_ROW,
    ),
)
_WITHDRAW: Any = input_type(
    "ApprovalWithdrawInput",
    "Which proposal is taken back.",
    (ID_ROW, ("reason", str | None, "Why."), VERSION_ROW, KEY_ROW),
)


def approval_mutations(performers: Performers) -> Fields:
    """The fields of Mutation about approvals; the performers carry out what is approved."""
    text = (
        "Approve or refuse what another person has proposed. What is approved is carried out at once: carriedOutAt or "
        "outcomeErrors of the approval say what became of it. Sent again with its key, it goes on where it stopped."
    )
    yield _mutation("approvalDecide", text, _DECIDE, partial(_decide, performers))
    yield _mutation("approvalWithdraw", "Take back what you have proposed.", _WITHDRAW, _withdraw)


def _mutation(name: str, text: str, given: Any, act: Act) -> tuple[str, None, Any]:
    async def done(info: strawberry.Info, input: Mapping[str, Any]) -> dict[str, Any]:
        return {"approval": await act(info.context, input)}

    result = Result("approval", ApprovalType, "The approval as it is now; null if refused.")
    return mutation(name, text, given, result, done)


async def _decide(performers: Performers, context: Context, given: Mapping[str, Any]) -> Document:
    decision = Decision(given["isApproved"], given.get("reason"))
    done = await decide_approval(
        context.viewer,
        context.repositories,
        given["id"],
        decision,
        guard_from(given),
        performers,
        touched=context.touched,
    )
    if done.get("carriedOutAt") is not None:
        # The act may have changed the schema.
        await context.settle(None)
    return done


async def _withdraw(context: Context, given: Mapping[str, Any]) -> Document:
    return await withdraw_approval(
        context.viewer,
        context.repositories,
        given["id"],
        given.get("reason"),
        guard_from(given),
        touched=context.touched,
    )
