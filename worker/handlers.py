"""Who does what: the handler of every kind of job."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from acts.approvals import expire_approvals
from acts.checks import now
from acts.exporting.asking import EXPORT
from acts.exporting.job import export_job
from acts.files import remove_expired
from acts.importing.asking import IMPORT
from acts.importing.job import import_job
from acts.jobs import JobHandler, JobRun
from acts.models.binding import SCORE
from acts.models.scoring import score_book, score_changed, score_timed
from acts.recomputing import RECOMPUTE, VERIFY, recompute_all, recompute_formula
from acts.retention import retain
from acts.rollups import ROLL, roll
from acts.segments_snapshots import take_snapshots
from policy.viewer import Viewer
from repositories.repositories import Repositories


async def _retention(viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    done = await retain(viewer, repositories, report=run.report, touched=run.touched)
    return {each.path: {"cleared": each.cleared, "forgotten": each.forgotten} for each in done}


async def _approvals(_viewer: Viewer, repositories: Repositories, _run: JobRun) -> Mapping[str, Any]:
    return {"expired": await expire_approvals(repositories)}


async def _jobs(_viewer: Viewer, repositories: Repositories, _run: JobRun) -> Mapping[str, Any]:
    before = now() - timedelta(days=repositories.jobs.kept_days)
    await repositories.requests.remove_before(before)
    return {"removed": await repositories.jobs.remove_finished(before)}


async def _files(_viewer: Viewer, repositories: Repositories, _run: JobRun) -> Mapping[str, Any]:
    return {"removed": await remove_expired(repositories)}


async def _segments(_viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    # The moment at which the job was asked for is the same in every attempt, so a day stays one snapshot.
    job = run.job
    done = await take_snapshots(repositories, report=run.report, checkpoint=job.checkpoint, moment=job.queued_at)
    return {"taken": done.taken, "joined": done.joined, "left": done.left, "broken": list(done.broken)}


async def _recompute(_viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    given = run.job.input
    return await recompute_formula(
        repositories, str(given["path"]), int(given["revision"]), run.report, run.job.checkpoint
    )


async def _verify(_viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    return await recompute_all(repositories, run.report, run.job.checkpoint, run.job.id)


async def _score(_viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    return await score_book(repositories, run, run.job.input["name"], run.job.input["version"])


async def _score_changed(_viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    return await score_changed(repositories, run)


async def _score_timed(_viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    return await score_timed(repositories, run)


async def _roll(_viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    return await roll(repositories, run.report, run.job.checkpoint)


HANDLERS: dict[str, JobHandler] = {
    "retention": _retention,
    "approvals": _approvals,
    "jobs": _jobs,
    "files": _files,
    IMPORT: import_job,
    EXPORT: export_job,
    "segments": _segments,
    RECOMPUTE: _recompute,
    VERIFY: _verify,
    SCORE: _score,
    "model.changed": _score_changed,
    "model.timed": _score_timed,
    ROLL: _roll,
}
"""By kind; a worker leaves jobs of kinds that it does not know to newer ones."""
