"""Questions about jobs."""

from collections.abc import Sequence
from typing import Any

import strawberry

from acts.jobs import PATHS
from catalogue.filters import Compare, Filter, all_of
from catalogue.kinds import Operator
from policy.jobs import JOBS, JobState
from repositories.jobs import QUEUED_INDEX
from repositories.plan import Order, ReadPlan
from schema.connection import FORWARD_ARGUMENTS, connection_types, page_from
from schema.context import Context
from schema.enums import JobStateEnum
from schema.fields import Fields, described, resolved
from schema.jobs.types import JobType
from schema.pages import read_connection
from schema.planning.reads import Arguments, Read, Reading, by_id, page_reading, total_of
from schema.planning.selection import page_selection, selection_of

_CONNECTION: Any = connection_types("Job", JobType, "jobs").connection
_NEWEST_FIRST = (Order("queuedAt", is_descending=True),)


def job_queries() -> Fields:
    """The fields of Query about jobs."""

    async def one(info: strawberry.Info, id: str) -> Any:
        context: Context = info.context
        authorised = context.authorise(ReadPlan(JOBS, PATHS))
        return await context.look_up(lambda: context.repositories.jobs.load(authorised, id))

    async def many(
        info: strawberry.Info,
        first: int,
        state: Sequence[JobState] | None = None,
        kind: str | None = None,
        after: str | None = None,
    ) -> Any:
        context: Context = info.context
        selection = page_selection(selection_of(info._raw_info), "Job")
        page = page_from(context.page_limit, first, after)
        plan = ReadPlan(JOBS, PATHS, _wanted(state, kind), _NEWEST_FIRST, page)
        return await read_connection(context, plan, selection)

    text = "One job; null if there is none with this id that you may see. Finished ones are kept for some days."
    given = {"id": described(strawberry.ID, "The id.")}
    yield "job", None, resolved(one, "job", JobType | None, text, given, by_id(JOBS))
    text = "Jobs, the newest first: your own, and everybody's for those with the right MANAGE_JOBS."
    arguments = {
        "state": described(list[JobStateEnum] | None, "Only those that stand so; all of them, if left out."),
        "kind": described(str | None, "Only of this kind."),
        **FORWARD_ARGUMENTS,
    }
    yield "jobs", None, resolved(many, "jobs", _CONNECTION, text, arguments, _reads_many)


def _wanted(state: Sequence[JobState] | None, kind: str | None) -> Filter | None:
    return all_of(
        None if state is None else Compare("state", Operator.IN, tuple(str(each) for each in state)),
        None if kind is None else Compare("kind", Operator.EQ, kind),
    )


def _reads_many(given: Arguments, names: frozenset[str]) -> Reading:
    return page_reading(given, names, Read(JOBS, index=QUEUED_INDEX), total_of(JOBS))
