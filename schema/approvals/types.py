"""Approvals as GraphQL shows them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import strawberry

from acts.checks import now
from catalogue.errors import ErrorCode
from policy.approvals import ApprovalStatus, is_left_unfinished, may_decide, may_withdraw, status_at
from policy.viewer import Viewer
from repositories.approvals import ID_PREFIX
from schema.context import Document
from schema.enums import ApprovalStatusEnum
from schema.errors import UserError
from schema.fields import Fields, output_type, plain, related
from schema.node import Node, has_prefix
from schema.scalars import Json

_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("act", str, "What is proposed, as a code: ATTRIBUTE_RETIRE."),
    ("subject", str, "What it is about: the path of an attribute, the id of a record."),
    ("summary", str, "What is proposed, in a sentence."),
    ("request", Json, "What will be carried out, with every detail."),
    ("reason", str | None, "Why it is proposed, as the proposer says."),
    ("proposedBy", str, "Who proposed it: never who decides."),
    ("proposedAt", datetime, "When it was proposed."),
    ("mayDecide", list[str], "The roles that decide about it."),
    ("why", str, "Why those, and why one person is not enough."),
    ("decidedBy", str | None, "Who approved, refused or withdrew it."),
    ("decidedAt", datetime | None, "When that was."),
    ("decisionReason", str | None, "Why, as that person says."),
    ("expiresAt", datetime, "Until when it can be decided."),
    ("carriedOutAt", datetime | None, "When the approved act was done."),
    ("version", int, "Counts the changes, from 1; for expectedVersion."),
)


def _of_viewer(
    name: str, returns: object, text: str, value: Callable[[Viewer, Document, datetime], object]
) -> tuple[str, None, Any]:
    """A field that follows from the record, from who asks and from the moment."""

    async def many(info: strawberry.Info, holders: Sequence[Document]) -> list[object]:
        moment = now()
        return [value(info.context.viewer, each, moment) for each in holders]

    return name, None, related(many, name, returns, text)


def _can_decide(viewer: Viewer, approval: Document, moment: datetime) -> bool:
    is_open = status_at(approval, moment) is ApprovalStatus.REQUESTED or is_left_unfinished(approval, moment)
    return is_open and may_decide(viewer, approval) is None


def _can_withdraw(viewer: Viewer, approval: Document, moment: datetime) -> bool:
    return status_at(approval, moment) is ApprovalStatus.REQUESTED and may_withdraw(viewer, approval) is None


def _outcome_errors(_viewer: Viewer, approval: Document, _moment: datetime) -> list[dict[str, Any]]:
    found = approval.get("outcomeErrors") or ()
    return [{**each, "code": ErrorCode(each["code"]), "path": each["path"] or None} for each in found]


_WORKED_OUT: Fields = (
    _of_viewer("status", ApprovalStatusEnum, "Where it stands now.", lambda _viewer, *of: status_at(*of)),
    _of_viewer(
        "outcomeErrors",
        list[UserError],
        "Why the approved act could not be carried out; empty if it was, or if nobody has approved it.",
        _outcome_errors,
    ),
    _of_viewer("viewerCanDecide", bool, "Whether you may decide about it now.", _can_decide),
    _of_viewer("viewerCanWithdraw", bool, "Whether you may take it back now.", _can_withdraw),
)

ApprovalType: Any = output_type(
    "Approval",
    "Something that one person proposes and another one decides; approved, it is carried out.",
    (*((name, annotation, plain(name, text)) for name, annotation, text in _FIELDS), *_WORKED_OUT),
    (Node,),
    is_type_of=classmethod(lambda cls, source, _info: has_prefix(source, ID_PREFIX)),
)
