"""The policy: what is asked of it, and how it is changed."""

from collections.abc import Mapping
from typing import Any

import strawberry

from acts.policies_approved import propose_policy
from policy.rules import Right
from schema.context import Context
from schema.enums import UnreadableEnum
from schema.errors import UserError, payload
from schema.fields import Fields, described, input_type, output_type, plain, resolved
from schema.inputs import KEY_ROW, guard_from
from schema.policies.types import (
    BY_TWO,
    EffectType,
    PolicyType,
    PurposeInput,
    RuleInput,
    changes_from,
    effect_value,
    policy_value,
)

_SEEN_BY = (Right.CHANGE_POLICY, Right.READ_AUDIT)


def policy_queries() -> Fields:
    """The field of Query about the policy."""

    async def policy(info: strawberry.Info) -> Any:
        context: Context = info.context
        access = context.repositories.access
        access.require(context.viewer, *_SEEN_BY)
        return policy_value(access.policy)

    text = "The rule table in force: what each role may read and do."
    yield "policy", None, resolved(policy, "policy", PolicyType, text, rights=_SEEN_BY)


def policy_mutations(approval: Any) -> Fields:
    """The field of Mutation about the policy; `approval` is the type of what a change waits for."""
    given: Any = input_type(
        "PolicyChangeInput",
        "A change of the policy; what is left out stays.",
        (
            ("expectedRevision", int, "The revision that was read: the change is refused if it is no longer that."),
            ("rules", list[RuleInput] | None, "Whole rules, each instead of the one of its role."),
            ("purposes", list[PurposeInput] | None, "All purposes that there are to be."),
            ("unreadable", UnreadableEnum | None, "What becomes of selected attributes that may not be read."),
            ("groupFloor", int | None, "Smaller groups are left out where clients may only be counted."),
            ("secretInputsByTwo", bool | None, BY_TWO),
            ("reason", str | None, "Why; for whoever decides about it."),
            ("dryRun", bool | None, "Say what would change for whom, and propose nothing."),
            KEY_ROW,
        ),
    )
    answer: Any = output_type(
        "PolicyChangePayload",
        "What became of the request.",
        (
            ("policy", PolicyType | None, plain("policy", "The table as it would be; null if refused.")),
            ("effects", list[EffectType], plain("effects", "What would change for whom, role by role.")),
            ("approval", approval | None, plain("approval", "What the change waits for; null in a dry run.")),
            ("errors", list[UserError], plain("errors", "Every problem at once; empty if there is none.")),
        ),
    )

    async def change(info: strawberry.Info, input: Mapping[str, Any]) -> Any:
        return {"effects": [], **await payload(info.context, "policy", lambda: _change(info.context, input))}

    text = "Propose another rule table: what it would change for whom is answered, another person decides."
    arguments = {"input": described(given, "What is wanted.")}
    yield (
        "policyChange",
        None,
        resolved(change, "policyChange", answer | None, text, arguments, rights=(Right.CHANGE_POLICY,)),
    )


async def _change(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    outcome, approval = await propose_policy(
        context.viewer,
        context.repositories,
        changes_from(given),
        guard_from(given, "expectedRevision"),
        reason=given.get("reason"),
        dry_run=bool(given.get("dryRun")),
    )
    effects = [effect_value(each) for each in outcome.effects]
    return {"policy": policy_value(outcome.policy), "effects": effects, "approval": approval}
