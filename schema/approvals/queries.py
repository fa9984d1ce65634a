"""Questions about approvals."""

from collections.abc import Sequence
from typing import Any

import strawberry

from acts.checks import now
from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.approvals import APPROVALS, ApprovalStatus, with_status
from repositories.approvals import PROPOSED_INDEX
from repositories.plan import ID, Order, ReadPlan
from schema.approvals.types import ApprovalType
from schema.connection import FORWARD_ARGUMENTS, connection_types, page_from
from schema.context import Context, Document
from schema.enums import ApprovalStatusEnum
from schema.fields import Fields, described, resolved
from schema.pages import read_connection
from schema.planning.paths import NODE
from schema.planning.reads import Arguments, Read, Reading, by_id, page_reading, total_of
from schema.planning.selection import Selected, page_selection, record_fields, selection_of

_CONNECTION: Any = connection_types("Approval", ApprovalType, "approvals").connection
_STATUS = frozenset(("status", "expiresAt"))
_RIGHTS = _STATUS | {"proposedBy", "mayDecide", "act", "why"}
_PATHS = {
    "id": frozenset((ID,)),
    "status": _STATUS,
    "viewerCanDecide": _RIGHTS | {"decidedAt", "carriedOutAt", "outcomeErrors"},
    "viewerCanWithdraw": _RIGHTS,
    "__typename": frozenset[str](),
}
"""The paths of fields that are not read from the path of their own name."""
_NEWEST_FIRST = (Order("proposedAt", is_descending=True),)


def approval_paths(fields: Sequence[Selected]) -> frozenset[str]:
    """The paths of an approval that the fields need."""
    return frozenset().union(*(_PATHS.get(each.name, frozenset((each.name,))) for each in fields))


def approval_queries() -> Fields:
    """The fields of Query about approvals."""

    async def one(info: strawberry.Info, id: str) -> Any:
        context: Context = info.context
        plan = ReadPlan(APPROVALS, approval_paths(record_fields(info, "Approval", NODE)))
        authorised = context.authorise(plan)

        async def find() -> Document | None:
            return (await context.repositories.approvals.load_many(authorised, (id,))).get(id)

        return await context.look_up(find)

    async def many(
        info: strawberry.Info,
        first: int,
        status: Sequence[ApprovalStatus] | None = None,
        act: str | None = None,
        after: str | None = None,
    ) -> Any:
        context: Context = info.context
        selection = page_selection(selection_of(info._raw_info), "Approval", "Approval", NODE)
        plan = ReadPlan(
            APPROVALS,
            approval_paths(selection.nodes),
            None if act is None else Compare("act", Operator.EQ, act),
            _NEWEST_FIRST,
            page_from(context.page_limit, first, after),
            momentary=None if status is None else with_status(status, now()),
        )
        return await read_connection(context, plan, selection)

    text = "One approval; null if there is none with this id that you may see."
    given = {"id": described(strawberry.ID, "The id.")}
    yield "approval", None, resolved(one, "approval", ApprovalType | None, text, given, by_id(APPROVALS))
    text = "Approvals, the newest first: your own, and those that your roles decide."
    arguments = {
        "status": described(list[ApprovalStatusEnum] | None, "Only these; all of them, if left out."),
        "act": described(str | None, "Only of this act, such as ATTRIBUTE_RETIRE."),
        **FORWARD_ARGUMENTS,
    }
    yield "approvals", None, resolved(many, "approvals", _CONNECTION, text, arguments, _reads_many)


def _reads_many(given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(APPROVALS, index=PROPOSED_INDEX), total_of(APPROVALS))
