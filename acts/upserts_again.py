"""An upsert that comes again under its key: what it came to is told once more, and nothing is done."""

import json
from collections.abc import Sequence
from dataclasses import replace

from acts.upsert_rows import ClientRow, UpsertReport
from acts.upserts import upsert_clients
from catalogue.errors import ErrorCode, Problem
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.plan import Proof
from repositories.repositories import Repositories


def outcome_of(report: UpsertReport) -> str:
    """What is kept of a report: counts, and which rows were refused; what was wrong with them may quote values."""
    refused = sorted({each.row for each in report.problems if each.row is not None})
    counts = {"created": report.created, "changed": report.changed, "unchanged": report.unchanged}
    return json.dumps({**counts, "refused": refused})


async def report_again(
    viewer: Viewer,
    repositories: Repositories,
    rows: Sequence[ClientRow],
    proof: Proof,
    outcome: str,
    touched: Touched | None = None,
) -> UpsertReport:
    """The report of before; what is wrong with the rows that were refused is worked out anew, and none of them written.

    Cost: none where no row was refused; else as a dry run of those rows.
    """
    kept = json.loads(outcome)
    places: list[int] = kept.pop("refused")
    if not places:
        return UpsertReport(**kept)
    refused = [rows[place] for place in places]
    now = await upsert_clients(viewer, repositories, refused, proof, dry_run=True, touched=touched)
    problems = [replace(each, row=places[each.row]) for each in now.problems if each.row is not None]
    for place in sorted(set(places) - {each.row for each in problems}):
        message = (
            "This row was refused when the request was carried out, and would not be now; send it with another key."
        )
        problems.append(Problem(ErrorCode.STALE_VERSION, message, row=place))
    return UpsertReport(**kept, problems=tuple(sorted(problems, key=lambda each: each.row or 0)))
